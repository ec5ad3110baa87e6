from pathlib import Path

import pytest

from suwen.errors import SuwenError
from suwen.files import read_json, read_text, require_new, write_text


@pytest.mark.parametrize("content", ["[" * 100_000, "9" * 5000, "{"])
def test_files_refuse_json_that_python_cannot_hold(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(SuwenError, match=r"S204 .*a\.json"):
        read_json(tmp_path / "a.json")


def test_files_say_that_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(SuwenError, match=r"S109 .*folder: this is a folder, a file was expected"):
        read_text(tmp_path / "folder")
    with pytest.raises(SuwenError, match=r"S109 .*folder: this is a folder, a file was expected"):
        write_text(tmp_path / "folder", "")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("below", ["a", "a/b"])
def test_files_say_that_a_file_is_no_folder(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SuwenError, match=r"S109 .*file: this is a file, a folder was expected"):
        write_text(tmp_path / "file" / below, "")


def test_files_require_new_refuses_what_exists(tmp_path: Path) -> None:
    require_new(tmp_path / "a")
    with pytest.raises(SuwenError, match="S104"):
        require_new(tmp_path)
