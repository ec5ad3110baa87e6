from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_files import pdf_of
from test_formats_docx import docx_of

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.extraction.finding import find_inputs
from suwen.extraction.inputs import STANDARD_INPUT, Inputs, ReadingOptions, distinct, read_input
from suwen.formats import format_of, json_files, read_corpus, text, write_corpus
from suwen.formats.foreign import OLE
from suwen.formats.reading import Problem, refuse

PDF = pdf_of(lambda sheet: sheet.put(60, 780, "血糖"))
DOCX = docx_of("<w:p><w:r><w:t>血糖</w:t></w:r></w:p>")
HTML = "<!DOCTYPE html><p>血糖"
JATS = '<?xml version="1.0"?><article><body><p>血糖</p></body></article>'
CONTENTS = {
    "a.txt": "血糖".encode(),
    "deep/b.PDF": PDF,
    "c.html": HTML.encode(),
    "d.xml": JATS.encode(),
    "e.docx": DOCX,
    "f.jsonl": '{"id": "one", "text": "血糖"}\n{"text": "血糖"}\n'.encode(),
    "notes.png": b"",
    ".hidden/g.txt": b"",
}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for name, data in CONTENTS.items():
        path = tmp_path / "library" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "library"


def documents_from(inputs: Inputs, problem: Problem = refuse) -> Iterator[Document]:
    copies: dict[str, int] = {}
    for file in inputs.files:
        for document in read_input(file, inputs.options, problem):
            yield distinct(document, copies)


def read(*paths: Path, **options: str) -> list[tuple[str, str]]:
    found = documents_from(find_inputs(list(paths), ReadingOptions(**options)))
    return [(document.id, document.text) for document in found]


def ids(*paths: Path, **options: str) -> list[str]:
    return [name for name, _ in read(*paths, **options)]


def standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_inputs_read_a_folder_of_mixed_formats(library: Path) -> None:
    inputs = find_inputs([library])
    documents = list(documents_from(inputs))
    assert [document.id for document in documents] == ["a", "c", "d", "e", "one", "f/2", "deep/b"]
    assert {document.text for document in documents} == {"血糖"}
    assert inputs.left_out == {".png": 1}


def test_inputs_count_links_to_folders(library: Path) -> None:
    (library / "linked").symlink_to(library / "deep", target_is_directory=True)
    assert find_inputs([library]).left_out == {".png": 1, "link to a folder": 1}
    assert [file.name for file in find_inputs([library / "linked"]).files] == ["b"]


def test_inputs_take_patterns(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(library)
    assert ids(Path("*.html"), Path("?.txt")) == ["c", "a"]
    assert ids(Path("**/*.PDF")) == ["b"]
    with pytest.raises(SuwenError, match=r"S101 \*\.doc"):
        ids(Path("*.doc"))
    (library / "deep" / "back").symlink_to(library, target_is_directory=True)
    found = find_inputs([Path("**/*.html")])
    assert ([file.name for file in found.files], found.left_out) == (["c"], {"link to a folder": 1})
    (library / "[1].txt").write_text("糖")
    assert ids(Path("[1].txt")) == ["[1]"]


def test_inputs_make_ids_distinct(library: Path, tmp_path: Path) -> None:
    (library / "a.html").write_text(HTML)
    write_corpus([Document("a", "1"), Document("a", "2"), Document("a~2", "3")], library / "a.jsonl", "jsonl")
    documents = list(documents_from(find_inputs([library / name for name in ("a.txt", "a.html", "a.jsonl")])))
    assert [document.id for document in documents] == ["a", "a~2", "a~3", "a~4", "a~2~2"]
    assert [document.meta.get("read_from", {}).get("id") for document in documents] == [None, "a", "a", "a", "a~2"]


def test_inputs_name_documents_below_the_folder_that_all_share(library: Path) -> None:
    assert ids(library / "a.txt", library / "deep") == ["a", "deep/b"]
    assert ids(library / "deep" / ".." / "a.txt") == ["a"]
    assert ids(library, library / "a.txt")[0] == "a"


@pytest.mark.parametrize("data", [*CONTENTS.values()][:5], ids=[*CONTENTS][:5])
def test_inputs_tell_the_format_of_standard_input_and_of_files_without_ending(
    data: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    standard_input(monkeypatch, data)
    assert read(STANDARD_INPUT) == [("stdin", "血糖")]
    (tmp_path / "article").write_bytes(data)
    assert read(tmp_path / "article") == [("article", "血糖")]


def test_inputs_stream_json_lines_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, CONTENTS["f.jsonl"] * 3000)
    found = ids(STANDARD_INPUT)
    assert found[:4] == ["one", "stdin/2", "one~2", "stdin/4"]
    assert len(found) == 6000
    standard_input(monkeypatch, b"{not json}")
    assert read(STANDARD_INPUT) == [("stdin", "{not json}")]


def test_inputs_read_parquet_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow
    from pyarrow import parquet

    data = io.BytesIO()
    parquet.write_table(pyarrow.table({"body": ["血糖"] * 2}), data)
    standard_input(monkeypatch, data.getvalue())
    assert read(STANDARD_INPUT, text_column="body") == [("stdin/1", "血糖"), ("stdin/2", "血糖")]


def test_inputs_read_records_of_other_programs(tmp_path: Path) -> None:
    records = [{"pmid": 12, "body": "血糖", "year": 2019}, {"pmid": "13", "body": "血压"}, {"pmid": None, "body": ""}]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert read(path, text_column="body", id_column="pmid") == [("12", "血糖"), ("13", "血压"), ("in/3", "")]
    assert ids(path, text_column="body") == ["in/1", "in/2", "in/3"]
    with pytest.raises(
        SuwenError, match=r"S205 .*in\.jsonl:1: .* 'text' is missing; .* --text-column.* 'pmid', 'body', 'year'"
    ):
        read(path)
    with pytest.raises(SuwenError, match=r"S214 .*in\.jsonl:1: no column 'txt'; columns: 'pmid', 'body', 'year'"):
        read(path, text_column="txt")
    with pytest.raises(SuwenError, match=r"S205 .*in\.jsonl:1: the field 'year' is not a string"):
        read(path, text_column="year")


@pytest.mark.parametrize("record", [{"id": 5, "text": "糖"}, {"text": "糖", "label": [[0, 1, "Drug"]]}])
def test_inputs_read_the_text_of_records_of_other_programs(tmp_path: Path, record: dict[str, object]) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps(record))
    expected = [(str(record.get("id", "in/1")), "糖")]
    assert read(tmp_path / "in.jsonl") == read(tmp_path / "in.jsonl", text_column="text") == expected


def test_inputs_keep_the_keys_of_other_programs(tmp_path: Path) -> None:
    own = {"pmid": "1", "year": 2020, "meta": {"journal": "x"}}
    records = [{"text": "糖", **own}, {"text": "糖", "label": [[0, 1, "Drug"]]}]
    records += [{"text": "糖", "journal": "y", **own}, {"text": "糖", "pmid": "1", "meta": "x"}]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, records)))
    first, second, twice, words = documents_from(find_inputs([tmp_path / "in.jsonl"]))
    assert first.meta == {"pmid": "1", "year": 2020, "journal": "x"}
    assert twice.meta == first.meta | {"journal~2": "y"}
    assert words.meta == {"pmid": "1", "meta": "x"}
    assert second.meta == {"read_from": {"dropped": {"annotation of a record": 1}}}


@pytest.mark.parametrize("encoding", ["gbk", "GB2312", "cp936", "gb18030"])
def test_inputs_obey_the_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.jsonl").write_bytes('{"text": "药名"}\n'.encode("gbk"))
    (tmp_path / "b.html").write_bytes("<p>药名".encode("gbk"))
    (tmp_path / "c.txt").write_bytes("药名".encode("gbk"))
    found = read(tmp_path, encoding=encoding)
    assert [text for _, text in found] == ["药名"] * 3


def test_inputs_name_unknown_encodings() -> None:
    assert ReadingOptions(encoding="big5-hkscs").encoding == "big5-hkscs"
    with pytest.raises(SuwenError, match=r"S404 unknown encoding 'rot13'"):
        ReadingOptions(encoding="rot13")


def test_inputs_keep_apart_what_records_say_of_themselves(tmp_path: Path) -> None:
    told = {"model": "other 99", "overrides": {"added": 7}, "read_from": {"dropped": {"footnote": 9}}}
    entity = {"label": "Drug", "start": 0, "end": 1, "id": "T1", "score": 0.5}
    note = {"id": "#1", "label": "AnnotatorNotes", "target": "T1", "text": "?"}
    records = [
        {"id": "a", "text": "血糖", "group": "g", "entities": [entity], "notes": [note], "meta": {"year": 1, **told}},
        {"id": "b", "text": "血糖", "meta": {"earlier": 1}},
        {"id": "c", "text": "血糖", "meta": {"year": 1}},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    first, *others = documents_from(find_inputs([tmp_path / "in.jsonl"]))
    assert (first.entities, first.notes, first.group) == ((), (), "g")
    assert first.meta == {"year": 1, "earlier": told, "read_from": {"dropped": {"annotation of a record": 2}}}
    assert [document.meta for document in others] == [{"earlier": {"earlier": 1}}, {"year": 1}]


def test_inputs_leave_out_what_extractions_keep_beside_their_outputs(library: Path, monkeypatch) -> None:
    for name in ("x.jsonl.extraction/shards.jsonl", "deep/x.problems.jsonl", "y.jsonl", "out/a.txt", "out/a.ann"):
        (library / name).parent.mkdir(exist_ok=True)
        (library / name).write_text('{"text": "血糖"}\n')
    inputs = find_inputs([library], output=library / "y.jsonl")
    assert [file.name for file in inputs.files] == ["a", "c", "d", "e", "f", "deep/b", "out/a"]
    assert inputs.left_out == {".png": 1, ".ann": 1, "working folder": 1, ".problems.jsonl": 1}
    assert "out/a" not in {file.name for file in find_inputs([library], output=library / "out").files}
    monkeypatch.chdir(library)
    assert [file.name for file in find_inputs([Path("**/*.jsonl")], output=Path("y.jsonl")).files] == ["f"]
    with pytest.raises(SuwenError, match="S101"):
        find_inputs([Path("x.*")])
    # What is named itself is read.
    assert len(find_inputs([Path("deep/x.problems.jsonl")]).files) == 1


def test_inputs_take_a_format_and_an_encoding(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_bytes(HTML.encode())
    assert read(tmp_path / "page.txt", format="html") == [("page", "血糖")]
    (tmp_path / "short.txt").write_bytes("血糖".encode("gb18030"))
    assert read(tmp_path / "short.txt", encoding="GB18030") == [("short", "血糖")]
    with pytest.raises(SuwenError, match="S116"):
        read(tmp_path / "short.txt")
    with pytest.raises(SuwenError, match="S404 unknown format 'brat'"):
        ReadingOptions(format="brat")
    with pytest.raises(SuwenError, match="S404 unknown encoding 'latin-1'"):
        ReadingOptions(encoding="latin-1")


def test_inputs_go_on_after_a_fault(library: Path) -> None:
    (library / "b.txt").write_bytes(b"\xff\x00\xff")
    (library / "deep/b.PDF").write_bytes(b"%PDF")
    (library / "f.jsonl").write_text('{"text": "1"}\n{"text": 2}\n')
    (library / "gone.txt").symlink_to(library / "nowhere.txt")
    found: list[SuwenError] = []
    documents = list(documents_from(find_inputs([library]), found.append))
    assert [document.id for document in documents] == ["a", "c", "d", "e", "f/1"]
    assert [(error.code, error.path.name) for error in found] == [
        ("S117", "b.txt"),
        ("S205", "f.jsonl"),
        ("S101", "gone.txt"),
        ("S120", "b.PDF"),
    ]


def test_inputs_refuse_what_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text.Text, "largest", 2**20)
    monkeypatch.setattr(json_files, "LONGEST_LINE", 2**20)
    long = "糖" * 2**20
    (tmp_path / "long.txt").write_text(long)
    with pytest.raises(SuwenError, match=r"S115 .*long\.txt: the file is too large: more than 1 MB"):
        read(tmp_path / "long.txt")
    for name, opened in (("long.jsonl", open), ("long.jsonl.gz", gzip.open)):
        with opened(tmp_path / name, "wb") as file:
            file.write(b'{"text": "1"}\n' + long.encode() + b'\n{"text": "2"}\n')
        found: list[SuwenError] = []
        read_on = documents_from(find_inputs([tmp_path / name]), found.append)
        assert [document.text for document in read_on] == ["1", "2"]
        assert [(error.code, error.line) for error in found] == [("S115", 2)]


def test_inputs_refuse_a_text_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suwen.formats.contents.LONGEST_TEXT", 10)
    monkeypatch.setattr("suwen.extraction.inputs.LONGEST_TEXT", 10)
    for name, content in (("a.txt", "糖" * 11), ("b.html", "糖" * 11), ("c.jsonl", '{"text": "01234567890"}')):
        (tmp_path / name).write_text(content)
        with pytest.raises(SuwenError, match="S115"):
            read(tmp_path / name)


def test_inputs_say_that_a_file_may_not_be_read(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", denied)  # root may read everything
    for name in ("a.txt", "deep/b.PDF", "f.jsonl"):
        with pytest.raises(SuwenError, match=rf"S102 .*{name}: permission denied"):
            read(library / name)


def test_inputs_say_that_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match="S101"):
        find_inputs([tmp_path / "nothing"])
    (tmp_path / "picture.png").write_text("")
    with pytest.raises(SuwenError, match=r"S108.*\.docx.*\.txt"):
        find_inputs([tmp_path])


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_inputs_say_that_records_are_missing(tmp_path: Path, content: bytes) -> None:
    for name, data in (("a.jsonl", content), ("b.jsonl.gz", gzip.compress(content))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SuwenError, match=f"S106 .*{name}: the file is empty"):
            read(tmp_path / name)
    for name in ("c.docx", "d.pdf", "e.xml"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(SuwenError, match=f"S106 .*{name}: the file is empty"):
            read(tmp_path / name)
    (tmp_path / "f.json").write_text("[ ]\n")
    with pytest.raises(SuwenError, match=r"S106 .*f.json: the file is empty"):
        read(tmp_path / "f.json")


def test_inputs_keep_other_keys_where_the_text_is_named(tmp_path: Path) -> None:
    record = {
        "id": 1,
        "content": "血糖",
        "科室": "内科",
        "model": "x",
        "spans": [[0, 2, "Test"]],
        "meta": {"year": 2020},
    }
    for name, content in (("a.jsonl", json.dumps(record)), ("a.json", json.dumps([record]))):
        (tmp_path / name).write_text(content + "\n", encoding="utf-8")
        (document,) = documents_from(find_inputs([tmp_path / name], ReadingOptions(text_column="content")))
        dropped = {"dropped": {"annotation of a record": 1}}
        assert document.meta == {"科室": "内科", "model~2": "x", "year": 2020, "read_from": dropped}


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_inputs_read_lists_and_objects_of_several_lines(tmp_path: Path, name: str) -> None:
    record = {"id": 7.0, "text": "血糖"}
    for indent in (None, 1):
        for content in ([record], record):
            (tmp_path / name).write_text(json.dumps(content, indent=indent), encoding="utf-8")
            assert read(tmp_path / name) == [("7", "血糖")]


def test_inputs_report_broken_records_of_lists(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id": 1, "text": None}]')
    with pytest.raises(SuwenError, match=r"S204 .*a\.json:1"):
        read(tmp_path / "a.json")
    (tmp_path / "b.json").write_text('[{"text": "a", "meta": {"x": 1e999}}, {"text": "b"}]')
    faults: list[SuwenError] = []
    texts = [one.text for one in documents_from(find_inputs([tmp_path / "b.json"]), faults.append)]
    assert (texts, [(fault.code, fault.line) for fault in faults]) == (["b"], [("S204", 1)])


OLD_WORD = OLE + b"\0" * 64 + "WordDocument".encode("utf-16-le")


@pytest.mark.parametrize(
    "page",
    [HTML, f"<!-- saved -->\n{HTML}", "<table><tr><td>血糖</td></tr></table>", "<META charset=utf-8><p>血糖</p>"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_inputs_read_pages_that_are_named_doc(tmp_path: Path, page: str, encoding: str) -> None:
    (tmp_path / "a.doc").write_bytes(page.encode(encoding))
    (tmp_path / "b.DOC").write_bytes(DOCX)
    (tmp_path / "c.doc").write_bytes(OLD_WORD)
    (tmp_path / "d.doc").write_bytes(rb"{\rtf1}")
    found = find_inputs([tmp_path])
    assert found.left_out == {".doc": 2}
    assert [(one.id, one.text) for one in documents_from(found)] == [("a.doc", "血糖"), ("b.DOC", "血糖")]
    assert [format_of(tmp_path / name) for name in ("a.doc", "b.DOC")] == ["html", "docx"]
    assert [one.text for one in read_corpus(tmp_path / "a.doc")] == ["血糖"]


def test_inputs_say_what_to_do_with_old_word_files(tmp_path: Path) -> None:
    (tmp_path / "a.doc").write_bytes(OLD_WORD)
    (tmp_path / "b.DOC").write_bytes(OLD_WORD)
    for look in (lambda: find_inputs([tmp_path]), lambda: format_of(tmp_path)):
        with pytest.raises(SuwenError, match=r"S108 .*found: 2 \.doc; save old Word files as \.docx \(soffice"):
            look()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"{", b"<html>", b"<?xml", b"%PDF-1.4", b"PAR1", b"\x1f\x8b"]))
def test_inputs_give_documents_or_one_clear_line(data: bytes, head: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        standard_input(patch, head + data)
        (file,) = find_inputs([STANDARD_INPUT]).files
        try:
            assert all(isinstance(document, Document) for document in read_input(file))
        except SuwenError:
            return
