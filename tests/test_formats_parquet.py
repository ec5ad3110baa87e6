from __future__ import annotations

import io
import random as random_numbers
from contextlib import suppress
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet as table

from suwen.document import Attribute, Document, Entity, Page
from suwen.errors import SuwenError
from suwen.formats import format_of, parquet, read_corpus, write_corpus

TEXT = "第一页。\n口服二甲双胍(\n缓释)治疗。每日三次。"
DOCUMENTS = [
    Document(
        "a/b",
        TEXT,
        (Entity("Drug", 7, 16, ((7, 12), (13, 16)), "T1", 0.75), Entity("Frequency", 19, 23, (), "T2")),
        pages=(Page(1, 0, 5), Page(2, 5, len(TEXT))),
        meta={"model": "tiny 123"},
    ),
    Document("empty", ""),
]


def written(path: Path, **columns: list[object]) -> Path:
    table.write_table(pyarrow.table(columns), path)
    return path


def refusal(path: Path, **options: str) -> str:
    with pytest.raises(SuwenError) as caught:
        list(parquet.FORMAT.read(path, **options))
    return str(caught.value)


def test_parquet_writes_an_entity_a_row(tmp_path: Path) -> None:
    assert not parquet.FORMAT.write(DOCUMENTS, tmp_path / "out.parquet")
    first, second = table.read_table(tmp_path / "out.parquet").to_pylist()
    assert first == {
        "document": "a/b",
        "page": 2,
        "sentence": "口服二甲双胍(缓释)治疗。",
        "sentence_start": 5,
        "sentence_end": 19,
        "start": 7,
        "end": 16,
        "type": "Drug",
        "text": "二甲双胍(缓释)",
        "confidence": 0.75,
        "model": "tiny 123",
        "id": "T1",
        "fragments": "7 12;13 16",
        "assertion": None,
        "cue": None,
    }
    assert (second["sentence"], second["confidence"], second["fragments"]) == ("每日三次。", None, None)


def test_parquet_writes_the_texts_beside_the_entities_and_reads_them(tmp_path: Path) -> None:
    parquet.FORMAT.write(DOCUMENTS, tmp_path / "out.parquet")
    assert format_of(tmp_path / "out.texts.parquet") == "parquet"
    read = read_corpus(tmp_path / "out.texts.parquet")
    assert [(document.id, document.text) for document in read] == [("a/b", TEXT), ("empty", "")]


def test_parquet_writes_both_files_or_neither(tmp_path: Path) -> None:
    def failing():  # type: ignore[no-untyped-def]
        yield DOCUMENTS[0]
        raise SuwenError("S106", "b.txt")

    with pytest.raises(SuwenError, match="S106"):
        parquet.FORMAT.write(failing(), tmp_path / "out.parquet")
    assert not any(tmp_path.iterdir())
    (tmp_path / "out.texts.parquet").write_text("mine")
    with pytest.raises(SuwenError, match=r"S104 .*out\.texts\.parquet"):
        write_corpus(DOCUMENTS, tmp_path / "out.parquet", "parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["out.texts.parquet"]


def test_parquet_writes_few_rows_at_once_of_long_sentences(tmp_path: Path) -> None:
    from pyarrow import parquet as arrow_parquet

    text = "口服二甲双胍，" * 1400
    mentions = tuple(Entity("Drug", start, start + 4) for start in range(2, len(text), 7))
    parquet.FORMAT.write([Document("a", text, mentions)], tmp_path / "out.parquet")
    metadata = arrow_parquet.ParquetFile(tmp_path / "out.parquet").metadata
    # Each row has its sentence beside it, 9,800 characters.
    assert metadata.num_rows == 1400
    assert metadata.row_group(0).num_rows < 500


def test_parquet_counts_what_it_has_no_column_for(tmp_path: Path) -> None:
    document = Document("a", "糖", group="138", meta={"source": "x"})
    assert parquet.FORMAT.write([document], tmp_path / "out.parquet") == {"group": 1, "meta": 1}


def test_parquet_writes_assertions_of_entities_in_columns(tmp_path: Path) -> None:
    entities = Entity("SideEff", 1, 3, id="T1"), Entity("SideEff", 4, 6, id="T2"), Entity("SideEff", 4, 6)
    attributes = (
        Attribute("A1", "Assertion", "T1", "negated"),
        Attribute("A2", "Cue", "T1", "0-1"),
        Attribute("A3", "Assertion", "R1", "negated"),
        Attribute("A4", "ICD-10", "T1", "K52"),
    )
    document = Document("a", "无腹泻、恶心", entities, attributes=attributes)
    assert parquet.FORMAT.write([document], tmp_path / "out.parquet") == {"attribute": 2}
    rows = table.read_table(tmp_path / "out.parquet").to_pylist()
    assert [(row["assertion"], row["cue"]) for row in rows] == [("negated", "0-1"), (None, None), (None, None)]


def test_parquet_reads_named_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "in.parquet", body=["血糖", "血压"], key=[7, 8], other=[1.5, 2.5])
    read = [(document.id, document.text) for document in parquet.FORMAT.read(path, text_column="body", id_column="key")]
    assert read == [("7", "血糖"), ("8", "血压")]
    assert [document.id for document in parquet.FORMAT.read(path, text_column="body")] == ["in/1", "in/2"]


def test_parquet_reads_whole_numbers_of_data_frames_as_ids(tmp_path: Path) -> None:
    path = written(tmp_path / "in.parquet", text=["血糖"] * 4, id=[7.0, None, float("nan"), 7.5])
    found: list[SuwenError] = []
    assert [located.document.id for located in parquet.FORMAT.scan(path, found.append)] == ["7", "in/2", "in/3"]
    assert [(error.code, error.line) for error in found] == [("S213", 4)]


def test_parquet_reads_many_rows_a_few_at_a_time(tmp_path: Path) -> None:
    texts = [f"第{number}例" for number in range(1000)]
    ids = [f"d{number}" for number in range(1000)]
    read = parquet.FORMAT.read(written(tmp_path / "in.parquet", text=texts, id=ids))
    assert [(document.id, document.text) for document in read] == [(f"d{n}", text) for n, text in enumerate(texts)]


def test_parquet_reads_dictionaries_and_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    texts = pyarrow.array(["血糖", "血糖"]).dictionary_encode()
    table.write_table(pyarrow.table({"text": texts}), tmp_path / "deep/in.parquet")
    assert [document.id for document in read_corpus(tmp_path)] == ["deep/in/1", "deep/in/2"]


def test_parquet_reports_errors_in_a_table(tmp_path: Path) -> None:
    path = written(tmp_path / "in.parquet", body=["血糖", None], number=[1, 2])
    assert "S214" in refusal(path)
    assert "no column 'text'; columns: body, number; name" in refusal(path)
    assert refusal(path, text_column="number").startswith(f"S213 {path}: the field 'number' is not text but int64")
    assert refusal(path, text_column="body").startswith(f"S213 {path}:2: the field 'body' is empty (null)")
    assert "no column 'id'" in refusal(path, text_column="body", id_column="id")


def test_parquet_continues_after_a_bad_row(tmp_path: Path) -> None:
    path = written(tmp_path / "in.parquet", text=["血糖", None, "血压"])
    found: list[SuwenError] = []
    assert [located.document.id for located in parquet.FORMAT.scan(path, found.append)] == ["in/1", "in/3"]
    assert [error.line for error in found] == [2]


def test_parquet_bounds_texts_and_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "in.parquet", text=["血糖" * 100])
    monkeypatch.setattr(parquet, "LARGEST_CHUNK", 10)
    assert refusal(path).startswith(f"S115 {path}: the column 'text' of row group 0 is too large")


WHOLE = io.BytesIO()
table.write_table(pyarrow.table({"id": ["a", "b"], "text": ["血糖" * 20, "血压"]}), WHOLE)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=100),
    st.lists(st.tuples(st.integers(0, len(WHOLE.getvalue()) - 1), st.integers(0, 255)), max_size=5),
)
def test_parquet_reads_or_refuses_any_bytes(random: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(WHOLE.getvalue())
    for place, byte in changes:
        changed[place] = byte
    for data in (random, b"PAR1" + random + b"PAR1", bytes(changed)):
        found: list[SuwenError] = []
        try:
            list(parquet.scan_table(io.BytesIO(data), Path("a.parquet"), "a", found.append, None, None))
        except SuwenError:
            continue


def test_parquet_reads_or_refuses_a_byte_that_is_no_text_anywhere() -> None:
    for place in range(len(WHOLE.getvalue())):
        changed = bytearray(WHOLE.getvalue())
        changed[place] = 0x80
        with suppress(SuwenError):
            list(parquet.scan_table(io.BytesIO(bytes(changed)), Path("a.parquet"), "a", lambda _: None, None, None))


def test_parquet_survives_damage_that_ends_the_process_in_pyarrow() -> None:
    draws = random_numbers.Random(1)
    for _ in range(2000):
        data = bytearray(WHOLE.getvalue())
        for _ in range(draws.randint(1, 4)):
            data[draws.randrange(len(data))] = draws.randrange(256)
        with suppress(SuwenError):
            list(parquet.scan_table(io.BytesIO(data), Path("a.parquet"), "a", lambda error: None, None, None))
