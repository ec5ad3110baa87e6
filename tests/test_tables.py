"""CSV, TSV and Excel: texts in, entities out."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from format_strategies import documents, untimed
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from suwen.document import Attribute, Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.extraction.finding import find_inputs
from suwen.extraction.inputs import Input, ReadingOptions, parts_of, read_input
from suwen.formats import csv_table, excel, read_corpus, scan_corpus, write_corpus
from suwen.formats.entity_table import COLUMNS

openpyxl = pytest.importorskip("openpyxl")

HEADER = "编号,主诉,科室"
SENTENCE = "患者口服二甲双胍治疗，血糖控制较低，未见不良反应。"


def read(path: Path, **options: Any) -> list[Document]:
    return read_corpus(path, text_column="主诉", id_column="编号", **options)


def faults(path: Path, **options: Any) -> tuple[list[str], list[str]]:
    """The texts that can be read, and the faults as ``CODE:line``."""
    found: list[str] = []
    options = {"text_column": "主诉"} | options
    texts = [item.document.text for item in scan_corpus(path, lambda e: found.append(f"{e.code}:{e.line}"), **options)]
    return texts, found


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


# Reading CSV ----------------------------------------------------------------------------------------------------------


def test_csv_keeps_other_columns_as_metadata(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", f"{HEADER},年份\r\n7,头晕,内科,2020\r\n008,乏力,,\r\n")
    assert read(path) == [
        Document("7", "头晕", meta={"科室": "内科", "年份": "2020"}),
        Document("008", "乏力"),
    ]


def test_csv_keeps_line_breaks_quotes_and_separators_of_cells(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", f'{HEADER}\n1,"头晕，\r\n乏力, ""两天"" ;\t",内科\n')
    assert [document.text for document in read(path)] == ['头晕，\r\n乏力, "两天" ;\t']


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_finds_the_separator(tmp_path: Path, delimiter: str) -> None:
    path = table(tmp_path / "a.csv", delimiter.join(("编号", "主诉")) + f"\n1{delimiter}头晕\n")
    assert read(path) == [Document("1", "头晕")]


def test_csv_takes_the_separator_that_excel_states(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "\ufeffsep=;\r\n编号;主诉,今天,昨天\r\n1;头晕\r\n")
    assert read_corpus(path, text_column="主诉,今天,昨天", id_column="编号") == [Document("1", "头晕")]
    broken = table(tmp_path / "b.csv", 'sep=;\n编号;主诉\n1;"头"晕\n2;乏力\n')
    assert faults(broken) == (["乏力"], ["S222:3"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_finds_the_encoding(tmp_path: Path, encoding: str) -> None:
    path = table(tmp_path / "a.csv", f"{HEADER}\n1,{SENTENCE},内科\n", encoding)
    assert read(path) == [Document("1", SENTENCE, meta={"科室": "内科"})]


def test_csv_takes_the_encoding_that_is_named(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "id,text\n1,頭暈\n", "big5")
    assert read_corpus(path, text_column="text", encoding="big5") == [Document("1", "頭暈")]


def test_csv_reads_compressed_tables_and_folders(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(f"{HEADER}\n1,头晕,内科\n".encode()))
    table(tmp_path / "b.tsv", "编号\t主诉\n2\t乏力,两天\n")
    assert [(document.id, document.text) for document in read(tmp_path)] == [("1", "头晕"), ("2", "乏力,两天")]


def test_csv_numbers_rows_without_an_id_by_their_line(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", '主诉,id\n"头\n晕",\n乏力,x\n')
    assert [document.id for document in read_corpus(path, text_column="主诉")] == ["a/2", "x"]


def test_csv_names_the_columns_there_are(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", f"{HEADER},\n1,头晕,内科,\n")
    with pytest.raises(SuwenError, match=r"S221 .*a\.csv: .*columns: 编号, 主诉, 科室, column 4; name it with --text"):
        read_corpus(path)
    with pytest.raises(SuwenError, match=r"S214 .*a\.csv: no column '症状'; columns: 编号, 主诉, 科室"):
        read_corpus(path, text_column="症状")
    with pytest.raises(SuwenError, match=r"S214 .*'id'"):
        read_corpus(path, text_column="主诉", id_column="id")


def test_csv_keeps_columns_of_the_same_or_a_reserved_name(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "主诉,科室,科室,model,\n头晕,内科,外科,X,y\n")
    assert read_corpus(path, text_column="主诉")[0].meta == {
        "科室": "内科",
        "科室~2": "外科",
        "model~2": "X",
        "column 5": "y",
    }
    with pytest.raises(SuwenError, match=r"S213 .*occurs twice"):
        read_corpus(path, text_column="科室")


def test_csv_counts_empty_rows_and_keeps_empty_texts(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", f"\n{HEADER}\n,,\n1,头晕,\n\n , ,\n2,,内科\n\n")
    first, second = read(path)
    assert first.meta == {"read_from": {"dropped": {"empty row": 3}}}
    assert (second.text, second.meta) == ("", {"科室": "内科", "read_from": {"dropped": {"empty row": 1}}})


def test_csv_refuses_ids_that_stand_twice(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", f"{HEADER}\n1,头晕,\n1,乏力,\n")
    with pytest.raises(SuwenError, match=r"S110 .*'1'"):
        read(path)


@pytest.mark.parametrize(
    ("rows", "texts", "found"),
    [
        ('1,"头"晕,内科\n2,乏力,外科\n', ["乏力"], ["S222:2"]),
        ('1,"头\n晕"乏,内科\n2,乏力,外科\n', ["乏力"], ["S222:2"]),
        ('1,"头晕,内科\n2,"乏力",外科\n3,咳嗽,\n', ["咳嗽"], ["S222:2"]),
        ('1,头晕,内科\n2,"乏力,外科\n', ["头晕"], ["S222:3"]),
        ("1,头晕,两天,内科\n2,乏力,外科\n", ["乏力"], ["S222:2"]),
        ("1,头晕\n2,乏力,外科,,\n", ["头晕", "乏力"], []),
    ],
)
def test_csv_lists_broken_rows_and_reads_on(tmp_path: Path, rows: str, texts: list[str], found: list[str]) -> None:
    assert faults(table(tmp_path / "a.csv", f"{HEADER}\n{rows}")) == (texts, found)


def test_csv_takes_no_rest_of_a_broken_row_for_a_row(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", f'{HEADER}\n1,"头"晕\n两天",内科\n2,乏力,外科\n')
    texts, found = faults(path)
    assert texts == ["乏力"]
    assert found == ["S222:2", "S222:3"]


def test_csv_lists_rows_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"{HEADER}\n1,头晕,\n".encode() + "2,乏力,\n".encode("gbk") + "3,咳嗽,\n".encode())
    assert faults(path) == (["头晕", "咳嗽"], ["S116:3"])


def test_csv_refuses_what_is_no_table(tmp_path: Path) -> None:
    for content, code in ((b"PK\x03\x04", "S117"), (b"", "S106"), (HEADER.encode(), "S108")):
        (tmp_path / "a.csv").write_bytes(content)
        with pytest.raises(SuwenError, match=code):
            read(tmp_path / "a.csv")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(f"{HEADER}\n1,头晕,\n".encode())[:-9])
    with pytest.raises(SuwenError, match="S112"):
        read(tmp_path / "a.csv.gz")


def test_csv_needs_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", encoding="utf-8") as file:
        file.write(f"{HEADER}\n")
        file.writelines(f"{number},{SENTENCE * 20},内科\n" for number in range(4000))
    assert (tmp_path / "a.csv").stat().st_size > 5_000_000
    tracemalloc.start()
    count = sum(1 for _ in csv_table.FORMAT.read(tmp_path / "a.csv", text_column="主诉"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (count, peak < 6_000_000) == (4000, True)


cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@untimed
@given(rows=st.lists(st.tuples(cells.filter(str.strip), cells), min_size=1, max_size=4))
def test_csv_reads_what_python_writes(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("t") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("text", "other"), *rows])
    found = list(csv_table.FORMAT.read(path, text_column="text", encoding="utf-8"))
    assert [(document.text, document.meta.get("other", "")) for document in found] == rows


# Reading Excel --------------------------------------------------------------------------------------------------------


def test_excel_reads_cells_as_strings(tmp_path: Path) -> None:
    values = [7, "头晕_x000D_\n乏力", date(2020, 1, 2), datetime(2020, 1, 2, 3, 4), 1.5, True, None, "二"]
    path = workbook(tmp_path / "a.xlsx", 病历=[["编号", "主诉", *"ABCDEF"], values], 空=[])
    (document,) = read(path)
    assert (document.id, document.text) == ("7", "头晕\r\n乏力")
    assert document.meta == {"A": "2020-01-02", "B": "2020-01-02T03:04:00", "C": "1.5", "D": "TRUE", "F": "二"}


def test_excel_names_the_sheets(tmp_path: Path) -> None:
    rows = [["编号", "主诉"], [1, "头晕"]]
    path = workbook(tmp_path / "a.xlsx", 一=rows, 二=[["编号", "主诉"], [2, "乏力"]])
    with pytest.raises(SuwenError, match=r"S223 .*sheets: 一, 二; name one with --sheet"):
        read(path)
    assert [document.text for document in read(path, sheet="二")] == ["乏力"]
    with pytest.raises(SuwenError, match=r"S404 .*sheet '三'; known: 一, 二"):
        read(path, sheet="三")


@pytest.mark.parametrize("name", ["found.csv", "found.xlsx", "found.parquet"])
def test_tables_of_entities_are_no_texts(tmp_path: Path, name: str) -> None:
    entities = (Entity("Drug", 2, 6, id="T1"), Entity("Method", 0, 2, id="T2"))
    document = Document("a", "口服二甲双胍", entities, (Relation("Method_Drug", "T2", "T1", id="R1"),))
    write_corpus([document], tmp_path / name, name.removeprefix("found."))
    with pytest.raises(SuwenError, match=r"S130 .*this is a table of entities, without the texts"):
        read_corpus(tmp_path / name)
    beside = tmp_path / name.replace(".", ".relations.")
    if beside.exists():
        with pytest.raises(SuwenError, match=r"S130 .*this is a table of relations, without the texts"):
            read_corpus(beside)


def test_tables_of_entities_of_earlier_releases_are_recognized(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("document,label,text,start,end,score\na,Drug,二甲双胍,2,6,0.5\n", "utf-8")
    with pytest.raises(SuwenError, match="S130"):
        read_corpus(tmp_path / "old.csv")


def test_excel_numbers_rows_as_excel_does(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", 一=[[], ["主诉"], [], ["头晕"], [], ["乏力"]])
    found = read_corpus(path, text_column="主诉")
    assert [document.id for document in found] == ["a/4", "a/6"]
    assert found[0].meta == {"read_from": {"dropped": {"empty row": 2}}}


def test_excel_lists_formulas_without_a_result(tmp_path: Path) -> None:
    rows = [["编号", "主诉", "合计"], [1, "=B3", 1], [2, "乏力", "=1+1"], [3, "咳嗽", 2]]
    path = workbook(tmp_path / "a.xlsx", 一=rows)
    assert faults(path) == (["乏力", "咳嗽"], ["S222:2"])
    counted = [item.document.meta for item in scan_corpus(path, lambda _: None, text_column="主诉")]
    assert counted[0]["read_from"] == {"dropped": {"formula without a stored result": 1}}


def test_excel_reads_stored_results_of_formulas(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", 一=[["编号", "主诉"], [1, "=B9"]])
    stored = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(stored, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("sheet1.xml"):
                data = data.replace(
                    b'<c r="B2"><f>B9</f><v></v></c>', '<c r="B2" t="str"><f>B9</f><v>头晕</v></c>'.encode()
                )
            new.writestr(name, data)
    path.write_bytes(stored.getvalue())
    assert [document.text for document in read(path)] == ["头晕"]


def test_excel_believes_no_stated_size(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", 一=[["编号", "主诉"], [1, "头晕"]])
    small = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(small, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'ref="A1:B2"', b'ref="A1"'))
    path.write_bytes(small.getvalue())
    assert read(path) == [Document("1", "头晕")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "S106"),
        (b"PK\x03\x04 damaged", "S120"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le"), "S130.*old Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "S118"),
        ("编号,主诉\n".encode(), "S130.*not an Excel file"),
    ],
)
def test_excel_refuses_what_is_no_workbook(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(SuwenError, match=code):
        read(tmp_path / "a.xlsx", format="xlsx")


def test_excel_refuses_what_would_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path / "a.xlsx", 一=[["编号", "主诉"], [1, "头" * 2_000]])
    monkeypatch.setattr(excel, "MEGABYTE", 512)
    monkeypatch.setattr(excel, "LONGEST_VALUE", 1024)
    with pytest.raises(SuwenError, match="S115"):
        read(path)
    monkeypatch.setattr(excel, "LONGEST_VALUE", 1_000_000)
    assert len(read(path)[0].text) == 2_000
    monkeypatch.setattr(excel, "LARGEST_PARTS", 512)
    with pytest.raises(SuwenError, match="S115"):
        read(path)


# Writing --------------------------------------------------------------------------------------------------------------

DOCUMENT = Document(
    "a",
    "否认口服二甲双胍",
    (Entity("Drug", 4, 8, id="T1", score=0.5), Entity("Drug", 0, 2)),
    attributes=(
        Attribute("A1", "negated", "T1"),
        Attribute("A2", "code", "T1", "X"),
        Attribute("A3", "code", "T1", "Y"),
    ),
    meta={"title": "题", "year": 2020, "label": "own", "more": {"a": 1}},
)
ROWS = [
    [*COLUMNS, "negated", "code", "title", "year", "meta.label"],
    ["a", "Drug", "二甲双胍", "4", "8", "0.5", "T1", "true", "X; Y", "题", "2020", "own"],
    ["a", "Drug", "否认", "0", "2", "", "", "", "", "题", "2020", "own"],
]


def csv_rows(path: Path, delimiter: str = ",") -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def test_csv_writes_a_row_for_each_entity(tmp_path: Path) -> None:
    lost = write_corpus([DOCUMENT, Document("b", "无")], tmp_path / "a.csv", "csv")
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbfdocument,label,text,start,end,score,")
    assert csv_rows(tmp_path / "a.csv") == ROWS
    assert lost == {"meta": 1, "document without entities": 1}
    write_corpus([DOCUMENT], tmp_path / "a.tsv", "csv")
    assert csv_rows(tmp_path / "a.tsv", "\t") == ROWS


def test_csv_makes_formulas_harmless_unless_raw(tmp_path: Path) -> None:
    text = "=1+1 +2 -3 @x \tz \ry"
    spans = [(0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19)]
    document = Document("-a", text, tuple(Entity("T", *span) for span in spans), meta={"=k": "+v"})
    write_corpus([document], tmp_path / "a.csv", "csv")
    header, *rows = csv_rows(tmp_path / "a.csv")
    assert header[-1] == "'=k"
    assert [row[2] for row in rows] == [f"'{text[start:end]}" for start, end in spans]
    assert {(row[0], row[-1]) for row in rows} == {("'-a", "'+v")}
    write_corpus([document], tmp_path / "b.csv", "csv", raw=True)
    assert [row[2] for row in csv_rows(tmp_path / "b.csv")[1:]] == [text[start:end] for start, end in spans]


def test_excel_writes_texts_and_numbers(tmp_path: Path) -> None:
    document = Document("=a", "=1+1\x01_x0041_", (Entity("T", 0, 12, score=0.25),), meta={"n": 3})
    write_corpus([DOCUMENT, document], tmp_path / "a.xlsx", "xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["entities"]
    assert [cell.data_type for cell in sheet[4]][:6] == ["s", "s", "s", "n", "n", "n"]
    assert [cell.value for cell in sheet[2]][:6] == ["a", "Drug", "二甲双胍", 4, 8, 0.5]
    texts = [item.document.text for item in scan_corpus(tmp_path / "a.xlsx", lambda _: None, text_column="text")]
    assert texts[-1] == "=1+1\x01_x0041_"


def test_excel_refuses_more_than_a_sheet_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "MOST_ROWS", 3)
    write_corpus([DOCUMENT], tmp_path / "a.xlsx", "xlsx")
    with pytest.raises(SuwenError, match=r"S224 .*more than 2 entities.*--to csv"):
        write_corpus([DOCUMENT, DOCUMENT], tmp_path / "b.xlsx", "xlsx")
    long = Document("c", "热" * 32_768, (Entity("T", 0, 32_768),))
    with pytest.raises(SuwenError, match=r"S115 .*32,767 characters"):
        write_corpus([long], tmp_path / "c.xlsx", "xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]


@settings(max_examples=25, deadline=None)
@given(document=documents())
def test_tables_hold_every_mention(tmp_path_factory: pytest.TempPathFactory, document: Document) -> None:
    folder = tmp_path_factory.mktemp("t")
    expected = [document.mention(entity) for entity in document.entities]
    write_corpus([document], folder / "a.csv", "csv", raw=True)
    assert [row[2] for row in csv_rows(folder / "a.csv")[1:]] == expected
    write_corpus([document], folder / "a.xlsx", "xlsx")
    found = (
        [item.document.text for item in scan_corpus(folder / "a.xlsx", print, text_column="text", sheet="entities")]
        if expected
        else []
    )
    assert found == expected


# As users do it -------------------------------------------------------------------------------------------------------


def test_corpus_check_names_the_column_to_name(tmp_path: Path) -> None:
    from suwen.corpus.check import check_corpus

    path = table(tmp_path / "a.csv", f"{HEADER}\n1,头晕,\n")
    assert list(check_corpus(path).counts) == ["S221"]
    assert list(check_corpus(path, text_column="主诉", id_column="编号").counts) == []
    assert json.dumps(check_corpus(path).to_dict())


def test_tables_refuse_the_csv_of_label_studio(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "annotation_id,annotator,id,label,lead_time,text\n1,1,7,[],1.5,头晕\n")
    for options in ({}, {"text_column": "text"}):
        with pytest.raises(SuwenError, match=r"S130 .*Label Studio.*export it as JSON"):
            read_corpus(path, **options)


def test_corpus_convert_reads_sheets_and_writes_tables(tmp_path: Path) -> None:
    from suwen.cli import app

    path = workbook(tmp_path / "a.xlsx", 一=[["主诉"], ["头晕"]], 二=[["主诉"], ["乏力"]])

    def convert(*words: object) -> None:
        CliRunner().invoke(app, ["corpus", "convert", *map(str, words)], catch_exceptions=False)

    with pytest.raises(SuwenError, match="S223"):
        convert(path, "-o", tmp_path / "x", "--to", "text", "--text-column", "主诉")
    convert(path, "-o", tmp_path / "o.jsonl", "--to", "jsonl", "--text-column", "主诉", "--sheet", "二")
    assert read_corpus(tmp_path / "o.jsonl")[0].text == "乏力"
    write_corpus([DOCUMENT], tmp_path / "d.jsonl", "jsonl")
    convert(tmp_path / "d.jsonl", "-o", tmp_path / "d.csv", "--to", "csv")
    assert csv_rows(tmp_path / "d.csv") == ROWS


@pytest.mark.parametrize("spans", [[[2, 6, "Drug"]], [{"start": 2, "end": 6, "text": "二甲双胍", "labels": ["Drug"]}]])
def test_tables_count_annotations_of_other_programs(tmp_path: Path, spans: list[Any]) -> None:
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["id", "主诉", "label"], [1, "口服二甲双胍", json.dumps(spans)], [2, "乏力", "[药]"]]
        )
    left_out = {"read_from": {"dropped": {"annotation of a record": 1}}}
    assert [one.meta for one in read_corpus(tmp_path / "a.csv", text_column="主诉")] == [left_out, {"label": "[药]"}]


def test_excel_reads_hidden_rows_and_columns_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = workbook(tmp_path / "a.xlsx", 一=[["编号", "主诉", "备注"], ["1", "头晕", "甲"], ["2", "乏力", "乙"]])
    book = openpyxl.load_workbook(path)
    book["一"].row_dimensions[2].hidden = True
    book["一"].column_dimensions["C"].hidden = True
    book["一"].column_dimensions["F"].hidden = True  # without a cell
    book.save(path)
    assert [(one.text, one.meta) for one in read(path)] == [("头晕", {"备注": "甲"}), ("乏力", {"备注": "乙"})]
    assert caplog.messages == [f"{path}: read, too: 1 hidden row, 1 hidden column"]


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_excel_reads_hidden_sheets_if_named_or_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, state: str
) -> None:
    rows = [["编号", "主诉"], ["1", "头晕"]]
    path = workbook(tmp_path / "a.xlsx", 一=rows, 码=[["编号", "主诉"], ["2", "乏力"]], 空=[])
    book = openpyxl.load_workbook(path)
    book["码"].sheet_state = state
    book.save(path)
    assert [one.text for one in read(path)] == ["头晕"]
    assert caplog.messages == [f"{path}: hidden sheets are not read: 码; read one with --sheet"]
    assert [one.text for one in read(path, sheet="码")] == ["乏力"]
    del book["一"]
    book.save(path)
    assert [one.text for one in read(path)] == ["乏力"]


def test_excel_names_workbooks_of_charts_alone(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    book.create_chartsheet("图")
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(SuwenError, match=r"S108 .*charts alone"):
        read(tmp_path / "a.xlsx")


PAGE = "<table><tr><th>编号<th>主诉</tr><tr><td>1<td>头晕<br>乏力</tr><tr><td>2<td>血糖10<sup>-3</sup></tr></table>"
ARCHIVE = f"MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{PAGE}"


@pytest.mark.parametrize("name", ["a.xls", "a.et", "a.xlsx"])
@pytest.mark.parametrize("content", [PAGE, f"<html><meta charset=gbk>{PAGE}", ARCHIVE])
def test_excel_reads_the_column_of_a_page_that_is_named_so(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="gbk" if "gbk" in content else "utf-8")
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le"))
    found = find_inputs([tmp_path], ReadingOptions(text_column="主诉"))
    files = [part for file in found.files for part in parts_of(file, found.options)]
    texts = [(one.id.rpartition("/")[2], one.text, one.meta["编号"]) for one in files if isinstance(one, Document)]
    assert texts == [("2", "头晕\n乏力", "1"), ("3", "血糖10⁻³", "2")]
    assert ["S130 " in str(one) for one in files if isinstance(one, SuwenError)] == [True]
    (tmp_path / "a.txt").write_text("头晕", encoding="utf-8")
    assert find_inputs([tmp_path]).left_out.total() == 2


def test_excel_reads_each_table_of_a_page_that_has_the_column(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_text(
        "<table><tr><td>日志</td></tr></table>"
        "<table><tr><td>编号<td colspan=2>科室<td>主诉</tr><tr><td rowspan=2>1<td>内<td>一<td>头晕</tr>"
        "<tr><td>外<td>二<td>乏力<table><tr><td>甲</td></tr></table></tr></table>"
        "<table><tr><td>主诉<td>编号</tr><tr><td>恶心<td>3</tr></table>",
        encoding="utf-8",
    )
    found = [*read_input(Input(path, "a", None), ReadingOptions(text_column="主诉", id_column="编号"))]
    assert [(one.id, one.text.split()[0], one.meta.get("科室")) for one in found] == [
        ("1", "头晕", "内"),
        ("a/4", "乏力", "外"),
        ("3", "恶心", None),
    ]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (PAGE, {"text_column": "现病史"}, r"S214 .*columns: 编号, 主诉"),
        (
            PAGE,
            {"text_column": "主诉", "sheet": "一"},
            r"S404 .*sheet '一'; known: none, the file is a web page",
        ),
        ("<html><p>头晕", {"text_column": "主诉"}, r"S130 .*a web page without a table"),
        (PAGE, {"format": "xlsx"}, r"S221 .*columns: 编号, 主诉"),
    ],
)
def test_excel_names_the_faults_of_pages(tmp_path: Path, content: str, options: dict[str, str], message: str) -> None:
    path = tmp_path / "a.xls"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SuwenError, match=message):
        list(read_input(Input(path, "a", options.get("format")), ReadingOptions(**options)))


def test_excel_page_is_read_whole_without_a_column(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_text("<table><tr><td>主诉</td></tr><tr><td>头晕</td></tr></table>", encoding="utf-8")
    assert [one.text for one in read_input(Input(path, "a", None))] == ["主诉\n\n头晕"]
