import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from suwen.errors import SuwenError
from suwen.files import (
    adding_folder,
    folder_for,
    parse_toml,
    paths_of,
    read_json,
    read_text,
    replacing,
    replacing_folder,
    require_new,
    write_text,
)

WRITER = """
import sys
from pathlib import Path
from suwen.files import replacing, replacing_folder
way, path = sys.argv[1:]
with {"file": replacing, "folder": replacing_folder}[way](Path(path)) as temporary:
    (temporary if way == "file" else temporary / "part").write_text("half")
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_files_report_that_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(SuwenError, match=r"S109 .*folder: this is a folder, but a file is expected"):
        read_text(tmp_path / "folder")
    with pytest.raises(SuwenError, match=r"S109 .*folder: this is a folder, but a file is expected"):
        write_text(tmp_path / "folder", "")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("below", ["a", "a/b"])
def test_files_report_that_a_file_is_no_folder(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SuwenError, match=r"S109 .*file: this is a file, but a folder is expected"):
        write_text(tmp_path / "file" / below, "")


def test_files_require_new_refuses_what_exists(tmp_path: Path) -> None:
    require_new(tmp_path / "a")
    with pytest.raises(SuwenError, match="S104"):
        require_new(tmp_path)


def writer(way: str, path: Path) -> subprocess.Popen[str]:
    """A process in the middle of writing; it ends its work when its standard input is closed."""
    command = [sys.executable, "-c", WRITER, way, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


@pytest.mark.parametrize("way", ["file", "folder"])
def test_files_of_a_killed_process_are_removed_by_the_next_write(tmp_path: Path, way: str) -> None:
    target = tmp_path / "target"
    with writer(way, target) as killed:
        killed.kill()
        assert killed.wait() == -signal.SIGKILL
    assert len(list(tmp_path.glob(".target.*.part"))) == 1
    if way == "file":
        write_text(target, "whole")
    else:
        with replacing_folder(target) as temporary:
            (temporary / "part").write_text("whole")
    assert list(tmp_path.iterdir()) == [target]
    assert (target if way == "file" else target / "part").read_text() == "whole"


@pytest.mark.parametrize("way", ["file", "folder"])
def test_files_of_a_living_process_are_left_alone(tmp_path: Path, way: str) -> None:
    target = tmp_path / "target"
    with writer(way, target) as living:
        for _ in range(2):
            write_text(target, "first")
        assert len(list(tmp_path.glob(".target.*.part"))) == 1
        if way == "folder":
            target.unlink()
        living.communicate()
        assert living.returncode == 0
    assert (target if way == "file" else target / "part").read_text() == "half"
    assert list(tmp_path.iterdir()) == [target]


def test_files_get_the_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    (tmp_path / "plain folder").mkdir()
    write_text(tmp_path / "file", "")
    with replacing_folder(tmp_path / "folder"):
        pass
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert (tmp_path / "folder").stat().st_mode == (tmp_path / "plain folder").stat().st_mode


def test_files_may_be_private(tmp_path: Path) -> None:
    with replacing(tmp_path / "file", private=True) as temporary:
        temporary.touch(mode=0o644)
    with replacing_folder(tmp_path / "folder", private=True):
        pass
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "folder")]
    assert modes == [0o600, 0o700]


def test_files_remove_the_folders_that_they_made_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for writing in (replacing, replacing_folder):
        with pytest.raises(SuwenError, match="S106"), writing(tmp_path / "there/a/b/out"):
            raise SuwenError("S106")
        assert [*tmp_path.rglob("*")] == [tmp_path / "there"]
    with folder_for(tmp_path / "there/a/b/out"):
        write_text(tmp_path / "there/a/kept", "")
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "there", tmp_path / "there/a", tmp_path / "there/a/kept"]
    with pytest.raises(SuwenError, match="S109"), folder_for(tmp_path / "there/a/kept/b/out"):
        pass
    write_text(tmp_path / "there/x/y/out", "")
    assert (tmp_path / "there/x/y/out").exists()


def test_files_make_a_folder_anew_that_another_process_took_away(tmp_path: Path, monkeypatch) -> None:
    def late(*arguments: object, **options: str) -> str:
        monkeypatch.undo()
        (tmp_path / "a").rmdir()
        return tempfile.mkdtemp(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(tempfile, "mkdtemp", late)
    write_text(tmp_path / "a/out", "x")
    assert (tmp_path / "a/out").read_text() == "x"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("1" * 5000, "a number has too many digits"),
        ("[" * 100_000, "brackets are nested too deep"),
        ('{"a"', "Expecting ':' delimiter"),
    ],
)
def test_files_say_in_own_words_that_json_goes_beyond_pythons_bounds(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(SuwenError, match=f"^S204 .*: invalid JSON: {reason}; correct it"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a = " + "1" * 5000, "a number has too many digits"),
        ("a = " + "[" * 5000, "brackets are nested too deep"),
        ("a = ", r"Invalid value \(at end of document\)"),
    ],
)
def test_files_say_in_own_words_that_toml_goes_beyond_pythons_bounds(content: str, reason: str) -> None:
    with pytest.raises(SuwenError, match=f"^S403 a.toml: invalid TOML: {reason}; correct the file"):
        parse_toml(content, "a.toml")


def test_files_adding_keeps_the_folder_of_another_process(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "key"
    with adding_folder(path) as first, adding_folder(path) as second:
        (first / "a").write_text("1", encoding="utf-8")
        (second / "a").write_text("1", encoding="utf-8")
        kept = (second / "a").stat().st_ino
    assert (path / "a").stat().st_ino == kept
    assert [one.name for one in path.parent.iterdir()] == ["key"]


def test_files_take_one_path_or_several() -> None:
    class Named:
        def __fspath__(self) -> str:
            return "a.txt"

    one = Named()
    assert paths_of("a.txt") == ["a.txt"]
    assert paths_of(one) == [one]
    assert paths_of(["a.txt", one]) == ["a.txt", one]
