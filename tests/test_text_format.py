from __future__ import annotations

from pathlib import Path

import pytest

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import text


def test_text_format_reads_and_writes_every_byte(tmp_path: Path) -> None:
    corpus = [Document("a", "\ufeff糖\r\n尿\r病\n"), Document("b", ""), Document("sub/c.d", "😀")]
    assert not text.FORMAT.write(corpus, tmp_path / "out")
    assert (tmp_path / "out/a.txt").read_bytes() == "\ufeff糖\r\n尿\r病\n".encode()
    assert list(text.FORMAT.read(tmp_path / "out")) == corpus


def test_text_format_counts_what_is_not_text(tmp_path: Path) -> None:
    document = Document("a", "糖", (Entity("Test", 0, 1, id="T1"),), group="138")
    assert text.FORMAT.write([document], tmp_path / "out") == {"entity": 1, "entity id": 1, "group": 1}


def test_text_format_reads_one_file_with_any_ending(tmp_path: Path) -> None:
    (tmp_path / "article.md").write_text("糖", "utf-8")
    (tmp_path / "b.txt").write_text("尿", "utf-8")
    assert list(text.FORMAT.read(tmp_path / "article.md")) == [Document("article.md", "糖")]
    assert list(text.FORMAT.read(tmp_path / "b.txt")) == [Document("b", "尿")]


def test_text_format_leaves_annotated_files_to_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("糖", "utf-8")
    assert text.FORMAT.sniff(tmp_path / "a.txt")
    assert text.FORMAT.sniff(tmp_path)
    (tmp_path / "a.ann").write_text("")
    assert not text.FORMAT.sniff(tmp_path / "a.txt")
    assert not text.FORMAT.sniff(tmp_path)
    (tmp_path / "b.txt").write_text("糖 O\n", "utf-8")
    assert not text.FORMAT.sniff(tmp_path / "b.txt")


def test_text_format_refuses_an_encoding_that_is_not_certain(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("糖\n尿".encode("gb18030"))
    with pytest.raises(SuwenError, match=r"S116 .*a\.txt:1"):
        list(text.FORMAT.read(tmp_path))
