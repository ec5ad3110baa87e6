from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.document import Document
from suwen.formats import brat, write_corpus
from suwen.formats.writing import ALIKE, FileNames, file_key

PARTS = st.text(st.sampled_from("aAbß.~:?\\\0é\u0301e糖 "), max_size=4)
IDS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


@given(st.lists(IDS, max_size=12))
def test_writing_names_files_so_that_every_system_holds_them_all(ids: list[str]) -> None:
    names = FileNames(brat.FORMAT.suffixes)
    taken = [names.take(name) for name in ids]
    files = {file_key(name + suffix) for name in taken for suffix in brat.FORMAT.suffixes}
    assert len(files) == len(brat.FORMAT.suffixes) * len(ids)
    for name in taken:
        path = PurePosixPath(name)
        assert str(path) == name
        assert not path.is_absolute()
        assert not PureWindowsPath(name).drive
        assert not any(part.startswith(".") or part.endswith((".", " ")) for part in path.parts)
        assert not {file_key(str(folder)) for folder in path.parents} & files


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (["a/b", "a_b", "b/a"], ["a/b", "a_b", "b/a"]),
        (["a", "A", "a", "a~2"], ["a", "A~2", "a~3", "a~2~2"]),
        (["/etc/x", "../x", ".x", "C:\\x"], ["_/etc/x", "_._/x", "_.x", "C__x"]),
        (["a.txt/b", "a", "b", "b.ann/c"], ["a.txt/b", "a~2", "b", "b.ann_c"]),
        (["a?b", "a*b", '<a>|":', "a\nb"], ["a_b", "a_b~2", "_a____", "a_b~3"]),
        (["a.", "a ", "a./b", "a. ", "a b.c"], ["a_", "a_~2", "a_/b", "a._", "a b.c"]),
        (["CON", "nul.x/a", "com1 .x", "Lpt²", "CONE"], ["_CON", "_nul.x/a", "_com1 .x", "_Lpt²", "CONE"]),
    ],
)
def test_writing_keeps_ids_that_can_be_files(ids: list[str], names: list[str]) -> None:
    found = FileNames(brat.FORMAT.suffixes)
    assert [found.take(name) for name in ids] == names


def test_writing_shortens_names_that_no_file_system_takes(tmp_path: Path) -> None:
    names = FileNames(brat.FORMAT.suffixes)
    long = [names.take("糖" * 300 + end) for end in "xy"]
    assert brat.FORMAT.write([Document(name, "糖") for name in long], tmp_path / "out") == {}
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_writing_shortens_names_again_that_were_joined(tmp_path: Path) -> None:
    names = FileNames(brat.FORMAT.suffixes)
    joined = [names.take(name) for name in ("x", "x.txt/" + "糖" * 60 + "/" + "血" * 60)]
    assert brat.FORMAT.write([Document(name, "糖") for name in joined], tmp_path / "out") == {}
    assert len(list((tmp_path / "out").iterdir())) == 4


@pytest.mark.parametrize("form", ["brat", "text", "diakg"])
def test_writing_counts_names_that_case_alone_tells_apart(tmp_path: Path, form: str) -> None:
    documents = [Document(name, "糖") for name in ("a/b", "A/b", "a_b", "A/B")]
    assert write_corpus(documents, tmp_path / "out", form) == {ALIKE: 2}
