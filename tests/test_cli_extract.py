import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from itertools import chain

import pytest
from typer.testing import CliRunner

import suwen.loading
from suwen.cli import app
from suwen.document import Entity
from suwen.errors import SuwenError
from suwen.formats import read_corpus
from suwen.inference.predictor import Extractor
from suwen.schema import Schema

TEXTS = {"a.txt": "\ufeff患者口服二甲双\r\n胍,每日三次。\r\n", "deep/b.txt": "停用二甲双胍。", "c.txt": ""}


class WordExtractor(Extractor):
    """Finds one word, also across a line break."""

    schema = Schema.of_labels(["Drug"])

    def predict_groups(self, groups):
        for selection in chain.from_iterable(groups):
            document = selection.document
            entities = []
            for word, cut in (("二甲双胍", None), ("二甲双\r\n胍", 3)):
                start = document.text.find(word)
                if start >= 0:
                    end = start + len(word)
                    fragments = ((start, start + cut), (start + cut + 2, end)) if cut else ()
                    entities.append(Entity("Drug", start, end, fragments, f"T{len(entities) + 1}", 0.75))
            yield dataclasses.replace(document, entities=tuple(entities))


@pytest.fixture
def notes(tmp_path):
    for name, text in TEXTS.items():
        file = tmp_path / "notes" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    return tmp_path / "notes"


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(suwen.loading, "load", lambda *_, **__: WordExtractor())

    def run_extract(*arguments, **options):
        arguments = ["extract", *map(str, arguments), "--model", "model"]
        return CliRunner().invoke(app, arguments, catch_exceptions=False, **options)

    return run_extract


def test_cli_extract_writes_json_lines_with_offsets_of_the_files(run, notes, tmp_path):
    result = run(notes, "-o", tmp_path / "out.jsonl")
    assert result.exit_code == 0
    documents = {document.id: document for document in read_corpus(tmp_path / "out.jsonl")}
    assert {name: document.text for name, document in documents.items()} == {
        name.removesuffix(".txt"): text for name, text in TEXTS.items()
    }
    assert documents["a"].entities == (Entity("Drug", 5, 11, ((5, 8), (10, 11)), "T1", 0.75),)
    assert documents["a"].mention(documents["a"].entities[0]) == "二甲双胍"
    assert "3 documents, 26 characters, 2 entities" in result.stderr
    assert result.stdout == ""


def test_cli_extract_counts_in_the_singular(run, tmp_path):
    (tmp_path / "a.txt").write_text("停二甲双胍")
    assert "1 document, 5 characters, 1 entity in " in run(tmp_path / "a.txt", "-o", tmp_path / "out.jsonl").stderr


def test_cli_extract_writes_brat(run, notes, tmp_path):
    result = run(notes, "-o", tmp_path / "out", "--to", "brat")
    annotations = (tmp_path / "out" / "a.ann").read_text(encoding="utf-8")
    assert annotations == "T1\tDrug 5 8;10 11\t二甲双 胍\n#1\tAnnotatorNotes T1\tconfidence 0.75\n"
    assert (tmp_path / "out" / "a.txt").read_bytes() == TEXTS["a.txt"].encode()
    assert "not held" not in result.stderr


def test_cli_extract_writes_conll(run, notes, tmp_path):
    result = run(notes / "deep", "-o", tmp_path / "out.conll")
    assert "not held by conll: 1 score" in result.stderr
    assert "B-Drug" in (tmp_path / "out.conll").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["out.txt", "out.json", "out.conll.gz", "out.v2"])
def test_cli_extract_refuses_an_ending_that_names_no_format(run, notes, tmp_path, name):
    with pytest.raises(SuwenError, match=r"S404 .*; known: \.jsonl, .*--to FORMAT"):
        run(notes, "-o", tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
    assert run(notes, "-o", tmp_path / name, "--to", "conll").exit_code == 0


@pytest.mark.parametrize("name", ["out", "out.jsonl.gz", "OUT.JSONL"])
def test_cli_extract_takes_json_lines_for_names_that_say_so_or_nothing(run, notes, tmp_path, name):
    assert run(notes, "-o", tmp_path / name).exit_code == 0
    assert len(read_corpus(tmp_path / name, "jsonl")) == 3


def test_cli_extract_writes_a_page(run, notes, tmp_path):
    assert run(notes, "-o", tmp_path / "out.html").exit_code == 0
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "药品" in page
    assert "疾病" not in page


def test_cli_extract_reads_standard_input(run, tmp_path):
    assert run("-", "-o", tmp_path / "out.jsonl", input="停用二甲双胍。").exit_code == 0
    (document,) = read_corpus(tmp_path / "out.jsonl")
    assert (document.id, document.entities[0].start) == ("stdin", 2)


def test_cli_extract_writes_json_lines_to_standard_output(run, notes):
    result = run(notes, "-o", "-")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["id"] for line in lines] == ["a", "c", "deep/b"]
    assert "2 entities" in result.stderr


@pytest.mark.parametrize("option", ["--to=brat", "--to=html", "--json", "--resume", "--engine=ray"])
def test_cli_extract_keeps_standard_output_to_json_lines(run, notes, option):
    with pytest.raises(SuwenError, match="S406"):
        run(notes, "-o", "-", option)


def test_cli_extract_prints_counts_as_json_alone(run, notes, tmp_path):
    (notes / "scan.png").write_text("")
    result = run(notes, "-o", tmp_path / "out.jsonl", "--json")
    values = json.loads(result.stdout)
    assert values.pop("seconds") >= 0
    assert values == {
        "documents": 3,
        "empty": 1,
        "renamed": 0,
        "characters": 26,
        "entities": 2,
        "left_out": {".png": 1},
        "dropped": {},
        "not_held": {},
        "unmatched": 0,
        "problems": {},
        "report": None,
    }
    assert "not read: 1 .png" in result.stderr


def test_cli_extract_says_what_it_leaves_out(run, notes, tmp_path):
    (notes / "d.html").write_text("<!DOCTYPE html><p>停用二甲双胍")
    (notes / "e.jsonl").write_text('{"text": "停用二甲双胍"}')
    (notes / "scan.tiff").write_text("")
    assert "not read: 1 .tiff\n" in run(notes, "-o", tmp_path / "all.jsonl").stderr
    assert len(read_corpus(tmp_path / "all.jsonl")) == 5
    result = run(notes, "-o", tmp_path / "records.jsonl", "--format", "jsonl")
    assert "not read: 1 .html, 1 .tiff, 3 .txt\n" in result.stderr
    assert len(read_corpus(tmp_path / "records.jsonl")) == 1


def test_cli_extract_says_what_to_save_old_office_files_as(run, notes, tmp_path):
    for name in ("a.doc", "b.doc", "c.rtf"):
        (notes / name).write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    told = run(notes, "-o", tmp_path / "all.jsonl").stderr
    assert "2 .doc" in told
    assert "save .doc, .rtf as .docx in the program that made it, to read it\n" in told


def test_cli_extract_names_the_first_empty_texts(run, notes, tmp_path):
    assert run("-", "-o", tmp_path / "one.jsonl", input="").stderr.startswith("document stdin: the text is empty\n")
    for number in range(4):
        (notes / f"d{number}.txt").write_text(" \n")
    result = run(notes, "-o", tmp_path / "many.jsonl")
    assert result.exit_code == 0
    assert result.stderr.startswith("".join(f"document {name}: the text is empty\n" for name in ("c", "d0", "d1")))
    assert "and 2 more with an empty text\n" in result.stderr


def test_cli_extract_refuses_what_exists_before_it_loads_a_model(run, notes, tmp_path, monkeypatch):
    monkeypatch.setattr(suwen.loading, "load", lambda *_, **__: pytest.fail("loaded"))
    (tmp_path / "out.jsonl").write_text("precious")
    with pytest.raises(SuwenError, match="S104"):
        run(notes, "-o", tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == "precious"


@pytest.mark.parametrize("name", ["in", "in.jsonl"])
def test_cli_extract_says_that_the_output_is_an_input(run, notes, tmp_path, monkeypatch, name):
    (notes if name == "in" else notes / "a.txt").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SuwenError, match=f"^S127 {name}: the output is one of the inputs, or inside one"):
        run(tmp_path / name, "-o", name)


def test_cli_extract_reports_what_cannot_be_read_and_goes_on(run, notes, tmp_path):
    (notes / "b.txt").write_bytes(b"\xff\x00")
    (notes / "d.jsonl").write_text('{"text": "停用二甲双胍"}\n{"text": 5}\n')
    result = run(notes, "-o", tmp_path / "out.jsonl", "--json")
    assert result.exit_code == 1
    assert [document.id for document in read_corpus(tmp_path / "out.jsonl")] == ["a", "c", "d/1", "deep/b"]
    values = json.loads(result.stdout)
    assert (values["documents"], values["problems"]) == (4, {"S117": 1, "S205": 1})
    report = tmp_path / "out.jsonl.problems.jsonl"
    assert values["report"] == str(report)
    rows = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    assert [(row["code"], row["path"], row["line"]) for row in rows] == [
        ("S117", str(notes / "b.txt"), None),
        ("S205", str(notes / "d.jsonl"), 2),
    ]
    assert rows[1]["reason"] == "the field 'text' is not a string"
    assert f"\nS205 {notes / 'd.jsonl'}:2: the field 'text' is not a string; see the JSON Lines" in result.stderr
    assert f"listed in {report}: 1 S117, 1 S205\n" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes", "out.jsonl", "out.jsonl.problems.jsonl"]


def test_cli_extract_writes_nothing_when_nothing_can_be_read(run, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\x00")
    result = run(tmp_path / "a.txt", "-o", tmp_path / "out.jsonl")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(f"S117 {tmp_path / 'a.txt'}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    (tmp_path / "b.pdf").write_bytes(b"")
    assert run(tmp_path / "*.*", "-o", tmp_path / "out.jsonl").exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.pdf", "out.jsonl.problems.jsonl"]


def test_cli_extract_replaces_the_report_of_a_run_without_an_output(run, tmp_path):
    report = tmp_path / "out.jsonl.problems.jsonl"
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes(b"\xff\x00")
    arguments = (tmp_path / "?.txt", "-o", tmp_path / "out.jsonl")
    assert run(*arguments).exit_code == 2
    assert len(report.read_bytes().splitlines()) == 2
    (tmp_path / "a.txt").write_text("停用二甲双胍。")
    (tmp_path / "c.txt").write_text("停用二甲双胍。")
    assert run(*arguments).exit_code == 1
    assert [json.loads(line)["path"] for line in report.read_bytes().splitlines()] == [str(tmp_path / "b.txt")]
    (tmp_path / "out.jsonl").unlink()
    (tmp_path / "b.txt").unlink()
    assert run(*arguments).exit_code == 0
    assert not report.exists()


@pytest.mark.parametrize("name", ["a.txt", "b.pdf"])
def test_cli_extract_leaves_no_empty_folders_behind(run, tmp_path, name):
    (tmp_path / name).write_bytes(b"\xff\x00")
    assert run(tmp_path / name, "-o", tmp_path / "new/deep/out.jsonl").exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_cli_extract_tells_of_each_fault_beside_standard_output(run, notes):
    (notes / "b.txt").write_bytes(b"\xff\x00")
    result = run(notes, "-o", "-")
    assert result.exit_code == 1
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["a", "c", "deep/b"]
    assert f"S117 {notes / 'b.txt'}: " in result.stderr
    assert run("-", "-o", "-", input=b"\xff\x00").exit_code == 2


def test_cli_extract_reports_a_folder_that_cannot_be_listed(run, notes, tmp_path, monkeypatch):
    scandir = os.scandir

    def denied(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)  # root may read everything
    result = run(notes, "-o", tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert [document.id for document in read_corpus(tmp_path / "out.jsonl")] == ["a", "c"]
    assert f"S102 {notes / 'deep'}: permission denied" in result.stderr


@pytest.fixture
def closed(monkeypatch):
    """Close files and folders as the system does for users; root, whom it lets through, is asked like one."""
    is_accessible = os.access

    def close(shut):
        def guarded(call):
            def guarded_call(path, *arguments, **options):
                if str(path) == str(shut):
                    raise PermissionError(13, "Permission denied", str(path))
                return call(path, *arguments, **options)

            return guarded_call

        monkeypatch.setattr(os, "access", lambda path, *how, **__: str(path) != str(shut) and is_accessible(path, *how))
        monkeypatch.setattr(os, "scandir", guarded(os.scandir))
        monkeypatch.setattr(pathlib.Path, "open", guarded(pathlib.Path.open))

    return close


@pytest.mark.parametrize("name", ["closed.txt", "closed"])
def test_cli_extract_goes_on_without_a_named_input_that_is_closed(run, notes, tmp_path, closed, name):
    shut = tmp_path / name
    shut.mkdir() if name == "closed" else shut.write_text("停用二甲双胍。")
    closed(shut)
    line = f"S102 {shut}: permission denied; make it readable and, for outputs, its folder writable\n"
    result = run(shut, notes, "-o", tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert line in result.stderr
    assert "a" in {document.id.rpartition("/")[2] for document in read_corpus(tmp_path / "out.jsonl")}
    report = (tmp_path / "out.jsonl.problems.jsonl").read_text(encoding="utf-8")
    assert [json.loads(row)["code"] for row in report.splitlines()] == ["S102"]
    alone = run(shut, "-o", tmp_path / "alone.jsonl")
    assert (alone.exit_code, alone.stderr) == (2, line)
    assert not list(tmp_path.glob("alone*"))


def test_cli_extract_goes_on_without_what_lies_below_a_closed_folder(run, notes, tmp_path, monkeypatch):
    stat = pathlib.Path.stat

    def denied(path, **options):
        if path.name == "hidden.txt":
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(pathlib.Path, "stat", denied)
    result = run(tmp_path / "closed" / "hidden.txt", notes, "-o", tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert f"S102 {tmp_path / 'closed' / 'hidden.txt'}: permission denied" in result.stderr
    assert len(read_corpus(tmp_path / "out.jsonl")) == 3


@pytest.mark.parametrize("option", ["--always", "--never"])
def test_cli_extract_gives_a_term_list_that_is_closed_its_own_code(run, notes, tmp_path, closed, option):
    (tmp_path / "terms.txt").write_text("二甲双胍\tDrug\n")
    closed(tmp_path / "terms.txt")
    with pytest.raises(SuwenError, match=rf"^S102 {tmp_path}/terms.txt: permission denied"):
        run(notes, "-o", tmp_path / "out.jsonl", option, tmp_path / "terms.txt")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_cli_extract_refuses_pipes_that_are_not_standard_input(run, notes, tmp_path):
    line = "not a regular file but a pipe; save its content to a file, or pass the text on standard input (-)"
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    alone = run(pipe, "-o", tmp_path / "alone.jsonl")
    assert (alone.exit_code, alone.stderr) == (2, f"S126 {pipe}: {line}\n")
    os.mkfifo(notes / "b.txt")
    os.mkfifo(notes / "records.jsonl")
    result = run(notes, pipe, "-o", tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert result.stderr.count(line) == 3
    assert len(read_corpus(tmp_path / "out.jsonl")) == 3
    with pytest.raises(SuwenError, match=f"^S126 {pipe}: "):
        run(notes / "a.txt", "-o", tmp_path / "new.jsonl", "--always", pipe)


@pytest.mark.skipif(not pathlib.Path("/dev/fd").exists(), reason="the system does not name open files")
@pytest.mark.parametrize("form", [[], ["--format", "text"]])
def test_cli_extract_reads_what_a_shell_makes_of_a_command(run, tmp_path, form):
    reading, writing = os.pipe()
    os.write(writing, "停用二甲双胍。".encode())
    os.close(writing)
    output = tmp_path / "out.jsonl"
    with pytest.raises(SuwenError, match=rf"S406 --resume cannot be combined with /dev/fd/{reading}"):
        run(f"/dev/fd/{reading}", "-o", output, "--resume")
    assert run(f"/dev/fd/{reading}", "-o", output, *form).exit_code == 0
    os.close(reading)
    assert [document.text for document in read_corpus(output)] == ["停用二甲双胍。"]


def test_cli_extract_renames_what_has_one_name(run, notes, tmp_path):
    (notes / "a.html").write_text("<!DOCTYPE html><p>停用二甲双胍")
    result = run(notes / "a.txt", notes / "a.html", "-o", tmp_path / "out.jsonl")
    documents = list(read_corpus(tmp_path / "out.jsonl"))
    assert [document.id for document in documents] == ["a", "a~2"]
    assert documents[1].meta["read_from"]["id"] == "a"
    assert "document a: renamed to a~2, because its id is taken\n" in result.stderr


@pytest.mark.parametrize("form", ["brat", "html"])
def test_cli_extract_gives_each_document_a_file_of_its_own(run, tmp_path, form):
    ids = ["a/b", "a_b", "A/B", "../x", "/x", "a/b.txt/c", ".x", "糖" * 100]
    records = (json.dumps({"id": name, "text": f"{name}用二甲双胍"}) for name in ids)
    (tmp_path / "in.jsonl").write_text("\n".join(records))
    result = run(tmp_path / "in.jsonl", "-o", tmp_path / "out", "--to", form, "--json")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len({str(path).casefold() for path in files}) == len(files) == (16 if form == "brat" else 9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out"]
    if form == "brat":
        texts = {document.text.removesuffix("用二甲双胍") for document in read_corpus(tmp_path / "out")}
        assert texts == set(ids)
        assert "document A/B: renamed to A/B~2, because its id is taken or cannot be a file name\n" in result.stderr
        assert "and 3 more renamed\n" in result.stderr
        assert json.loads(result.stdout)["renamed"] == 6


def test_cli_extract_counts_what_this_run_did_alone(run, tmp_path):
    (tmp_path / "never.txt").write_text("别的")
    told = {"model": "other 99", "overrides": {"added": 7}, "read_from": {"dropped": {"footnote": 9}}}
    entity = {"label": "Gene", "start": 0, "end": 1, "score": 0.5}
    (tmp_path / "in.jsonl").write_text(json.dumps({"text": "停用二甲双胍", "entities": [entity], "meta": told}))
    result = run(tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl", "--never", tmp_path / "never.txt")
    assert "overrides" not in result.stderr
    assert "left out of the texts: 1 annotation of a record\n" in result.stderr
    (document,) = read_corpus(tmp_path / "out.jsonl")
    assert [entity.label for entity in document.entities] == ["Drug"]
    assert document.meta["earlier"] == told
    assert document.meta.get("model") != "other 99"


def test_cli_extract_refuses_an_output_in_the_folder_that_it_reads(run, notes, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    for inside in (notes / "out.jsonl", notes / "deep" / "out"):
        with pytest.raises(SuwenError, match=r"S127 .*the next run would read it; choose a path outside the inputs"):
            run(notes, "-o", inside)
    assert sorted(tmp_path.rglob("*")) == before


def suwen_command(*arguments):
    command = [sys.executable, "-m", "suwen", "extract", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_cli_extract_runs_a_model(notes, tmp_path):
    from tiny_tagger import write_tiny_tagger

    write_tiny_tagger(tmp_path / "model")
    result = suwen_command(notes, "-o", tmp_path / "out.jsonl", "--model", tmp_path / "model")
    assert result.returncode == 0, result.stderr
    documents = read_corpus(tmp_path / "out.jsonl")
    assert [document.id for document in documents] == ["a", "c", "deep/b"]
    assert all(0 <= entity.score <= 1 for document in documents for entity in document.entities)
    assert f"{sum(len(document.entities) for document in documents)} entities" in result.stderr


def test_cli_extract_says_in_one_line_what_is_wrong(notes, tmp_path):
    result = suwen_command(notes, "-o", tmp_path / "out.jsonl", "--model", notes)
    assert result.returncode == 2
    assert result.stderr.startswith("S501 ")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("manifest", ['{"files": {"su', "[]", '{"files": [1]}', '{"seed": 1}'])
def test_cli_extract_says_that_a_manifest_is_damaged(notes, tmp_path, manifest):
    write_dictionary(tmp_path / "model")
    (tmp_path / "model" / "manifest.json").write_text(manifest)
    result = suwen_command(notes, "-o", tmp_path / "out.jsonl", "--model", tmp_path / "model")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(f"S501 {tmp_path / 'model' / 'manifest.json'}")


def write_dictionary(model):
    from suwen.inference.dictionary import Dictionary, Entry
    from suwen.inference.sentence_extractor import SentenceSettings
    from suwen.model_folder import write_stored_model
    from suwen.text.view import ViewRules

    dictionary = Dictionary({"二甲双胍": Entry("Drug", 3, 4), "糖尿病": Entry("Disease", 1, 1)})
    settings = SentenceSettings(Schema.of_labels(["Drug", "Disease"]), ViewRules())
    write_stored_model(
        model, "dictionary", settings.to_dict(), lambda folder: dictionary.write(folder / "dictionary.json"), {}, "#"
    )


def test_cli_extract_ends_quietly_when_nobody_reads_on(tmp_path):
    write_dictionary(tmp_path / "model")
    records = (json.dumps({"id": str(number), "text": "口服二甲双胍。" * 100}) for number in range(200))
    (tmp_path / "in.jsonl").write_text("\n".join(records))
    command = [
        sys.executable,
        "-m",
        "suwen",
        "extract",
        tmp_path / "in.jsonl",
        "-o",
        "-",
        "--model",
        tmp_path / "model",
    ]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert json.loads(process.stdout.readline())["id"] == "0"
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141


@pytest.mark.slow
def test_cli_extract_goes_on_after_ctrl_c_and_kill(tmp_path):
    model = tmp_path / "model"
    write_dictionary(model)
    library = tmp_path / "library"
    library.mkdir()
    for number in range(4):
        (library / f"{number}.txt").write_text(f"糖尿病患者{number}口服二甲双胍。\n\n" * 13_000, encoding="utf-8")
    assert suwen_command(library, "-o", tmp_path / "whole.jsonl", "--model", model).returncode == 0
    output, journal = tmp_path / "out.jsonl", tmp_path / "out.jsonl.extraction" / "journal.jsonl"
    arguments = [sys.executable, "-m", "suwen", "extract", library, "-o", output, "--model", model]
    for lines, number in ((1, signal.SIGINT), (2, signal.SIGKILL)):
        resume = ["--resume"] if journal.exists() else []
        process = subprocess.Popen(
            [*map(str, arguments), *resume],
            stderr=subprocess.PIPE,
            text=True,
            # Background jobs of a shell ignore SIGINT, and so do their children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") >= lines):
            time.sleep(0.005)
        process.send_signal(number)
        said = process.communicate()[1]
        assert process.returncode == (130 if number == signal.SIGINT else -number), said
        assert number == signal.SIGKILL or said == "interrupted; continue with --resume\n"
        assert not output.exists()
    refused = suwen_command(library / "0.txt", "-o", output, "--model", model, "--resume")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "S508" in refused.stderr
    assert suwen_command(library, "-o", output, "--model", model, "--resume").returncode == 0
    assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert not journal.parent.exists()


def test_cli_extract_misses_pyarrow_before_the_work(run, notes, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SuwenError, match=r"S405 .*pyarrow"):
        run(notes, "-o", tmp_path / "out.parquet")
    assert [place.name for place in tmp_path.iterdir()] == ["notes"]
