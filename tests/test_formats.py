from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from suwen.bundled import model_path
from suwen.corpus.check import check_corpus
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import FORMATS, WRITABLE, format_of, read_corpus, stream_corpus, write_corpus
from suwen.schema import LCDD

CORPUS = [Document("a", "口服二甲双胍。", (Entity("Drug", 2, 6, id="T1"),)), Document("b", "无")]
PATHS = {"brat": "out", "conll": "out.conll", "jsonl": "out.jsonl", "text": "out"}


@pytest.mark.parametrize("name", PATHS)
def test_formats_find_their_own_output(tmp_path: Path, name: str) -> None:
    write_corpus(CORPUS, tmp_path / PATHS[name], name)
    assert format_of(tmp_path / PATHS[name]) == name
    read = read_corpus(tmp_path / PATHS[name])
    assert [(document.id, document.text) for document in read] == [("a", "口服二甲双胍。"), ("b", "无")]
    assert read == list(stream_corpus(tmp_path / PATHS[name], name))
    if name in ("brat", "jsonl"):
        assert read == CORPUS


def test_formats_have_one_interface() -> None:
    package = resources.files("suwen.formats")
    modules = [file for folder in (package, package / "articles") for file in folder.iterdir() if file.suffix == ".py"]
    assert len(FORMATS) == sum("\nFORMAT = " in file.read_text(encoding="utf-8") for file in modules)
    for name, format in FORMATS.items():  # noqa: A001
        assert name == format.name
        assert format.suffixes
        assert all(suffix == suffix.lower() for suffix in format.suffixes)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_refuse_options_that_they_do_not_know(tmp_path: Path, name: str) -> None:
    path = tmp_path / "in"
    with pytest.raises(SuwenError, match=f"S404 unknown option of {name} 'typo'; known: "):
        read_corpus(path, name, typo=1)
    with pytest.raises(SuwenError, match="S404"):
        FORMATS[name].read(path, typo=1)
    if name in WRITABLE:
        with pytest.raises(SuwenError, match="S404"):
            write_corpus(CORPUS, path, name, typo=1)
    assert not path.exists()


def test_formats_name_the_options_that_they_know(tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match=r"known: scheme, columns, illegal, encoding$"):
        read_corpus(tmp_path, "conll", ends="inclusive")
    with pytest.raises(SuwenError, match=r"known: none$"):
        write_corpus(CORPUS, tmp_path / "out", "brat", places=True)


class Named:
    """A path of another library."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


@pytest.mark.parametrize("kind", [str, Named])
@pytest.mark.parametrize("name", WRITABLE)
def test_formats_take_paths_of_any_kind(tmp_path: Path, name: str, kind: type) -> None:
    endings = [suffix for suffix in FORMATS[name].suffixes if name not in ("brat", "text", "diakg")]
    path = kind(tmp_path / f"out{''.join(endings[:1])}")
    write_corpus(CORPUS, path, name)
    with pytest.raises(SuwenError, match="S104"):
        write_corpus(CORPUS, path, name)
    assert FORMATS[name].sniff(path)
    if name == "parquet":  # a table of entities is no corpus
        path = kind(tmp_path / "out.texts.parquet")
    assert format_of(path) == name
    options = {"text_column": "text"} if name in ("csv", "xlsx") else {}
    documents = read_corpus(path, **options)
    assert [document.id for document in FORMATS[name].read(path, **options)] == [document.id for document in documents]
    (tmp_path / "new").mkdir()
    WRITABLE[name].write(CORPUS, kind(tmp_path / "new" / Path(path).name))


def test_formats_of_articles_take_strings(tmp_path: Path) -> None:
    for name in ("jats", "docx", "pdf"):
        path = tmp_path / f"a{FORMATS[name].suffixes[0]}"
        path.write_bytes(b"?")
        assert FORMATS[name].sniff(str(path))
        with pytest.raises(SuwenError, match=r"S1\d\d .*a\."):
            list(FORMATS[name].read(str(path)))


def test_formats_are_not_alone_in_taking_strings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import suwen
    from suwen.corpus.check import check_corpus
    from suwen.corpus.split import Split
    from suwen.corpus.splitting import make_split
    from suwen.extraction.finding import find_inputs
    from suwen.inference.overrides import read_overrides
    from suwen.model_folder import read_stored_model
    from suwen.schema import Schema

    monkeypatch.chdir(tmp_path)
    documents = [Document(str(number), f"第{number}次服用二甲双胍。" * number) for number in range(20)]
    make_split(documents, "document", (8.0, 1.0, 1.0), 0).write("split.json")
    assert Split.read("split.json").select(documents, "train")
    write_corpus(documents, "a.jsonl", "jsonl")
    assert len(find_inputs(["*.jsonl"]).files) == 1
    check_corpus("a.jsonl")
    Path("never.txt").write_text("别的", encoding="utf-8")
    assert read_overrides(never="never.txt") is not None
    for refused in (Schema.from_toml, read_stored_model, suwen.load):
        with pytest.raises(SuwenError, match="S101 none"):
            refused("none")


def refusal(path: Path, name: str | None = None) -> str:
    with pytest.raises(SuwenError) as caught:
        read_corpus(path, name)
    return str(caught.value)


def test_formats_refuse_paths_without_a_corpus(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none").startswith(f"S101 {tmp_path}")
    assert refusal(tmp_path / "none", "brat").startswith("S101")
    assert refusal(tmp_path).startswith("S108")
    assert refusal(tmp_path, "conll").startswith("S108")
    (tmp_path / "a.png").write_bytes(b"PNG")
    assert refusal(tmp_path).startswith("S108")
    assert refusal(tmp_path / "a.png").startswith("S107")
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert refusal(tmp_path / "empty.jsonl").startswith("S108")


def test_formats_refuse_to_guess(tmp_path: Path) -> None:
    write_corpus(CORPUS, tmp_path / "in", "brat")
    (tmp_path / "in/x.jsonl").write_text('{"text": "x"}\n')
    assert refusal(tmp_path / "in").endswith("name it, one of: brat, jsonl")
    assert len(read_corpus(tmp_path / "in", "jsonl")) == 1


def test_formats_pass_over_pages_beside_annotated_files(tmp_path: Path) -> None:
    write_corpus(CORPUS, tmp_path / "in", "brat")
    (tmp_path / "in/README.html").write_text("<p>About this corpus.")
    assert format_of(tmp_path / "in") == "brat"


def test_formats_refuse_unknown_and_read_only_names(tmp_path: Path) -> None:
    assert refusal(tmp_path, "bart").startswith("S404")
    with pytest.raises(SuwenError, match="S404"):
        write_corpus(CORPUS, tmp_path / "out", "docx")


def test_formats_refuse_an_id_that_stands_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "x", "text": "1"}\n{"id": "x", "text": "2"}\n')
    assert refusal(path).startswith(f"S110 {path}:2: two documents have the id 'x': {path}:1 and {path}:2")


def test_formats_check_labels_against_a_schema(tmp_path: Path) -> None:
    write_corpus([Document("a", "糖", (Entity("Gene", 0, 1),))], tmp_path / "a.jsonl", "jsonl")
    assert len(read_corpus(tmp_path / "a.jsonl")) == 1
    with pytest.raises(SuwenError, match=r"S202 .*a\.jsonl:1: unknown label 'Gene'"):
        read_corpus(tmp_path / "a.jsonl", schema=LCDD)


@pytest.mark.parametrize("name", WRITABLE)
def test_formats_never_write_over_anything(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "keep").write_text("mine")
    with pytest.raises(SuwenError, match="S104"):
        write_corpus(CORPUS, path, name)
    with pytest.raises(SuwenError, match="S104"):
        write_corpus(CORPUS, path / "keep", name)
    assert (path / "keep").read_text() == "mine"
    assert len(list(tmp_path.rglob("*"))) == 2


@pytest.mark.parametrize("name", WRITABLE)
def test_formats_leave_nothing_half_written(tmp_path: Path, name: str) -> None:
    def failing():  # type: ignore[no-untyped-def]
        yield CORPUS[0]
        raise SuwenError("S106", "b.txt")

    with pytest.raises(SuwenError, match="S106"):
        write_corpus(failing(), tmp_path / "out", name)
    assert not any(tmp_path.iterdir())


def test_formats_report_which_files_of_a_folder_are_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.txt", "b.PDF", "c.docx", "d.docx", "e.xls", "f.caj"):
        (tmp_path / name).write_text("头晕", encoding="utf-8")
    assert [document.id for document in read_corpus(tmp_path)] == ["a"]
    unread = "1 .caj, 2 .docx, 1 .pdf, 1 .xls"
    assert f"not read: {unread}; a corpus has one format, suwen extract reads several" in caplog.text
    assert ("W217", unread) in [(found.code, found.text) for found in check_corpus(tmp_path).findings]
    caplog.clear()
    assert len(read_corpus(tmp_path, "text")) == 1
    assert caplog.text == ""


def test_formats_refuse_a_file_among_texts_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("头晕", encoding="utf-8")
    (tmp_path / "b.txt").write_text("口 O\n服 O\n药 B-Drug\n", encoding="utf-8")
    with pytest.raises(SuwenError, match=r"S130 .*b\.txt: this is a file of CoNLL columns"):
        read_corpus(tmp_path)
    # Whoever names the format knows better.
    assert [document.id for document in read_corpus(tmp_path, "text")] == ["a", "b"]


def test_formats_name_a_model_that_is_passed_as_a_corpus() -> None:
    with pytest.raises(SuwenError, match=r"S109 .*this is a model folder, but a corpus is expected"):
        read_corpus(model_path(None))
