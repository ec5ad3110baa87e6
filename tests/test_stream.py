import io
import sys
from pathlib import Path

import pytest

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.formats import write_corpus
from suwen.inference.stream import STANDARD_INPUT, documents_from, find_inputs


@pytest.fixture
def notes(tmp_path):
    for name in ("b.txt", "a.txt", "deep/c.v2.txt", "deep/scan.pdf", "README", ".hidden.txt", ".git/d.txt"):
        file = tmp_path / "notes" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(f"\ufeff{name}\r\n".encode())
    return tmp_path / "notes"


def ids(*paths):
    return [document.id for document in documents_from(find_inputs(list(paths)))]


def test_stream_reads_a_folder_in_order_and_says_what_it_leaves_out(notes):
    inputs = find_inputs([notes])
    documents = list(documents_from(inputs))
    assert [document.id for document in documents] == ["a", "b", "deep/c.v2"]
    assert documents[0].text == "\ufeffa.txt\r\n"
    assert inputs.left_out == {".pdf": 1, "README": 1}
    assert inputs.bytes == sum(len(document.text.encode()) for document in documents)


def test_stream_names_documents_below_the_folder_that_all_inputs_share(notes):
    assert ids(notes / "a.txt") == ["a"]
    assert ids(notes / "deep" / "c.v2.txt") == ["c.v2"]
    assert ids(notes / "a.txt", notes / "deep" / "c.v2.txt") == ["a", "deep/c.v2"]
    assert ids(notes / "deep" / ".." / "a.txt", notes / "deep") == ["a", "deep/c.v2"]
    assert ids(notes / "README") == ["README"]


def test_stream_takes_relative_paths(notes, monkeypatch):
    monkeypatch.chdir(notes / "deep")
    assert ids(Path("../a.txt"), Path("c.v2.txt")) == ["a", "deep/c.v2"]


def test_stream_names_a_linked_file_by_its_link(notes, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "l.txt").symlink_to(notes / "a.txt")
    assert ids(tmp_path / "links") == ["l"]


def test_stream_reads_a_file_once(notes):
    assert ids(notes, notes / "a.txt") == ["a", "b", "deep/c.v2"]


def test_stream_reads_standard_input(notes, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("口服\r\n".encode())))
    inputs = find_inputs([STANDARD_INPUT, notes / "a.txt"])
    assert inputs.bytes is None
    assert [(document.id, document.text) for document in documents_from(inputs)] == [
        ("stdin", "口服\r\n"),
        ("a", "\ufeffa.txt\r\n"),
    ]


def test_stream_refuses_standard_input_that_is_not_utf8(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("口服".encode("gbk"))))
    with pytest.raises(SuwenError, match="S103 <stdin>:1"):
        ids(STANDARD_INPUT)


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_stream_reads_json_lines(tmp_path, ending):
    documents = [Document("x/1", "口服"), Document("x/2", "")]
    file = tmp_path / f"documents.{ending}"
    write_corpus(documents, file, "jsonl")
    assert list(documents_from(find_inputs([file]))) == documents


def test_stream_refuses_two_documents_of_one_id(tmp_path):
    write_corpus([Document("a", "口服"), Document("a", "")], tmp_path / "d.jsonl", "jsonl")
    with pytest.raises(SuwenError, match=r"S110.*'a'"):
        ids(tmp_path / "d.jsonl")
    (tmp_path / "a").write_text("")
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(SuwenError, match=r"S110.*'a'"):
        ids(tmp_path / "a", tmp_path / "a.txt")


def test_stream_refuses_inputs_that_hold_nothing(tmp_path):
    with pytest.raises(SuwenError, match="S101"):
        find_inputs([tmp_path / "nothing"])
    (tmp_path / "scan.pdf").write_text("")
    with pytest.raises(SuwenError, match=r"S108.*\.txt"):
        find_inputs([tmp_path])


def test_stream_reads_one_file_at_a_time(notes):
    documents = documents_from(find_inputs([notes]))
    assert next(documents).id == "a"
    (notes / "b.txt").write_text("changed")
    assert next(documents).text == "changed"
