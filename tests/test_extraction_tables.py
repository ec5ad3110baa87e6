"""Extraction from tables and to tables, and with metadata of the user."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from test_extraction_extract import Marker

import suwen
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.extraction import extract as run
from suwen.extraction import stream
from suwen.extraction.extract import Finish, LocalEngine, Result, extract_files
from suwen.extraction.finding import find_inputs
from suwen.extraction.inputs import Input, ReadingOptions, parts_of
from suwen.extraction.metadata import read_metadata
from suwen.extraction.stream import ShardOptions
from suwen.formats import excel, read_corpus

openpyxl = pytest.importorskip("openpyxl")

OPTIONS = ReadingOptions(text_column="主诉", id_column="编号")
TABLE = "编号,主诉,科室\n1,血糖高,内科\n2,头晕,\n\n1,糖尿病,外科\n3,多一,个,格\n4,,内科\n"


def extract(
    path: Path,
    output: Path,
    options: ReadingOptions = OPTIONS,
    finish: Finish = run.PLAIN,
    resume: bool = False,
    **failing: object,
) -> Result:
    form = {".jsonl": "jsonl", ".csv": "csv", ".xlsx": "xlsx"}.get(output.suffix, "brat")
    shard_options = ShardOptions(options, "tiny 0123", form == "jsonl")
    engine = nullcontext(LocalEngine(Marker(**failing)))  # type: ignore[arg-type]
    inputs = find_inputs([path], options)
    return extract_files(inputs, output, form, shard_options, lambda: engine, {}, resume, finish=finish)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "notes" / "a.csv"
    path.parent.mkdir()
    path.write_text(TABLE, encoding="utf-8")
    return path


def command(*arguments: object, code: int = 0, **options: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "suwen", "extract", *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == code, done.stderr
    return done


def test_extraction_reads_a_row_as_a_document(table: Path, tmp_path: Path) -> None:
    result = extract(table, tmp_path / "out.jsonl")
    documents = read_corpus(tmp_path / "out.jsonl")
    assert [(document.id, document.text) for document in documents] == [
        ("1", "血糖高"),
        ("2", "头晕"),
        ("1~2", "糖尿病"),
        ("4", ""),
    ]
    assert documents[0].meta == {"科室": "内科", "model": "tiny 0123"}
    assert result.tally.faults == {"S222": 1}
    assert result.problems[0]["line"] == 6
    assert result.tally.dropped == {"empty row": 1}
    assert (result.tally.counts["empty"], result.tally.counts["renamed"]) == (1, 1)


def test_extraction_reads_compressed_tables_and_other_endings(table: Path, tmp_path: Path) -> None:
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(table.read_bytes()))
    shutil.copy(table, tmp_path / "c.data")
    for path in (tmp_path / "b.csv.gz", tmp_path / "c.data"):
        output = tmp_path / f"{path.name}.jsonl"
        extract(path, output)
        assert [document.id for document in read_corpus(output)] == ["1", "2", "1~2", "4"]


def test_extraction_searches_folders_for_tables_where_the_column_is_named(table: Path, tmp_path: Path) -> None:
    (table.parent / "b.txt").write_text("糖", encoding="utf-8")
    assert [file.name for file in find_inputs([table.parent]).files] == ["b"]
    assert find_inputs([table.parent]).left_out == {".csv": 1}
    found = find_inputs([table.parent], OPTIONS).files
    assert [(file.name, file.format) for file in found] == [("a", "csv"), ("b", "text")]


def test_extraction_resumes_within_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 10_000)
    monkeypatch.setattr(run, "CHUNK_BYTES", 10_000)
    path = tmp_path / "a.csv"
    rows = (f"{number},{'血糖' * number},内科\n" for number in range(60))
    path.write_text("编号,主诉,科室\n" + "".join(rows) + " ,\n" * 5000, encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        extract(path, tmp_path / "out.csv", fail_at="40", error=KeyboardInterrupt())
    assert (tmp_path / "out.csv.extraction").is_dir()
    extract(path, tmp_path / "out.csv", resume=True)
    extract(path, tmp_path / "whole.csv")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_extraction_keeps_what_no_sheet_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "MOST_ROWS", 10)
    monkeypatch.setattr(run, "CHUNK_BYTES", 1)
    path = tmp_path / "a.csv"
    path.write_text(f"编号,主诉\n1,{'血糖。' * 10}\n", encoding="utf-8")
    with pytest.raises(SuwenError, match=r"S224 .*more than 9 entities"):
        suwen.extract(path, tmp_path / "out.xlsx", text_column="主诉", model=dictionary(tmp_path))
    assert (tmp_path / "out.xlsx.extraction").is_dir()
    options = {"text_column": "主诉", "model": tmp_path / "words", "to": "csv", "resume": True}
    suwen.extract(path, tmp_path / "out.xlsx", **options)  # type: ignore[arg-type]
    assert (tmp_path / "out.xlsx").read_text("utf-8-sig").count("\n") == 11


def dictionary(folder: Path) -> Path:
    """A model that calls 血糖 a drug."""
    entity = {"label": "Drug", "start": 0, "end": 2}
    lines = [json.dumps({"id": f"{n}", "text": "血糖。", "entities": [entity]}) + "\n" for n in range(2)]
    (folder / "corpus.jsonl").write_text("".join(lines), encoding="utf-8")
    return suwen.train(folder / "corpus.jsonl", folder / "words", encoder="dictionary").model


# Metadata of the user -------------------------------------------------------------------------------------------------


def test_metadata_replaces_what_readers_found(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "meta.csv"
    path.write_text("id,year,科室,title\n1,2020,急诊,\n2,约2020,,题\n9,2021,,\n8,,,\n", encoding="utf-8-sig")
    result = extract(table, tmp_path / "out.jsonl", finish=Finish(read_metadata(path)))
    found = {document.id: document.meta for document in read_corpus(tmp_path / "out.jsonl")}
    assert found["1"] == {"科室": "急诊", "year": 2020, "model": "tiny 0123"}
    assert found["1~2"] == {**found["1"], "read_from": {"id": "1"}}
    assert (found["2"]["year"], found["2"]["title"]) == ("约2020", "题")
    assert result.unmatched == ["9", "8"]


def test_metadata_finds_documents_that_brat_renames(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,主诉\na?b,糖\n", encoding="utf-8")
    (tmp_path / "meta.tsv").write_text("名\ttitle\na?b\t题\n", encoding="utf-8")
    finish = Finish(read_metadata(tmp_path / "meta.tsv"))
    assert extract(tmp_path / "in.csv", tmp_path / "out", ReadingOptions(text_column="主诉"), finish).unmatched == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,year\n1,2020\n\n1,2021\n", r"S225 .*meta\.csv:4: the id '1' occurs twice, in lines 2 and 4"),
        ("id,year\n,2020\n", r"S222 .*meta\.csv:2: .*it has no id in the column 'id'"),
        ("", "S106"),
    ],
)
def test_metadata_is_refused_when_it_is_not_clear(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "meta.csv").write_text(content, encoding="utf-8")
    with pytest.raises(SuwenError, match=message):
        read_metadata(tmp_path / "meta.csv")
    with pytest.raises(SuwenError, match="S101"):
        read_metadata(tmp_path / "nowhere.csv")


# As users do it -------------------------------------------------------------------------------------------------------


def test_extract_command_reads_and_writes_tables(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("编号,主诉,科室\n1,口服二甲双胍。,=1+1\n", encoding="utf-8-sig")
    (tmp_path / "m.csv").write_text("编号,year\n1,2020\nx,1\n", encoding="utf-8")
    named = command("a.csv", "-o", "o.csv", code=2, cwd=tmp_path).stderr
    assert "S221 a.csv: the text column is not named; columns: 编号, 主诉, 科室; name it with --text-column" in named
    columns = ("--text-column", "主诉", "--id-column", "编号", "--metadata", "m.csv")
    told = command("a.csv", "-o", "o.csv", *columns, "--json", cwd=tmp_path)
    assert json.loads(told.stdout)["unmatched"] == 1
    assert "x: no document has this id of the metadata" in told.stderr
    with (tmp_path / "o.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    drug = next(row for row in rows if row["label"] == "Drug")
    assert (drug["document"], drug["text"], drug["科室"], drug["year"]) == ("1", "二甲双胍", "'=1+1", "2020")
    command("a.csv", "-o", "o.xlsx", *columns, cwd=tmp_path)
    first, *others = openpyxl.load_workbook(tmp_path / "o.xlsx")["entities"].values
    assert len(others) == len(rows)
    assert first[:7] == ("document", "label", "text", "start", "end", "score", "id")
    again = command("o.xlsx", "-o", "-", "--text-column", "text", "--sheet", "entities", cwd=tmp_path)
    assert [json.loads(line)["text"] for line in again.stdout.splitlines()] == [row["text"] for row in rows]
    piped = command("-", "-o", "-", *columns, cwd=tmp_path, input=(tmp_path / "a.csv").read_text("utf-8"))
    assert json.loads(piped.stdout)["meta"]["year"] == 2020
    assert "S406" in command("a.csv", "-o", "o.jsonl", "--raw", code=2, cwd=tmp_path).stderr


def test_extract_command_says_how_tables_of_a_folder_are_read(table: Path, tmp_path: Path) -> None:
    (table.parent / "b.txt").write_text("口服二甲双胍。", encoding="utf-8")
    told = command("notes", "-o", "o.jsonl", cwd=tmp_path).stderr
    assert "not read: 1 .csv\nname the column of the texts with --text-column to read tables\n" in told


def test_extraction_names_the_file_that_needs_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    parts = list(parts_of(Input(tmp_path / "a.xlsx", "a", "xlsx"), ReadingOptions(text_column="text")))
    assert [str(part) for part in parts] == [
        f"S405 {tmp_path / 'a.xlsx'}: not installed: openpyxl; pip install 'suwen[excel]'"
    ]


def test_extract_function_takes_metadata_and_sheets(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("口服二甲双胍。", encoding="utf-8")
    (tmp_path / "m.csv").write_text("id,journal\na,刊\n", encoding="utf-8")
    found = suwen.extract(tmp_path / "a.txt", tmp_path / "o.jsonl", metadata=tmp_path / "m.csv")
    assert repr(found) == "<Result, documents: 1, entities: 2, relations: 0, problems: 0>"
    (document,) = suwen.read_corpus(tmp_path / "o.jsonl")
    assert isinstance(document, Document)
    assert document.meta["journal"] == "刊"
