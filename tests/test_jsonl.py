from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from format_strategies import documents, untimed
from hypothesis import given
from hypothesis import strategies as st

from suwen.document import Attribute, Document, Entity, Note, Page, Relation
from suwen.errors import SuwenError
from suwen.formats import jsonl
from suwen.schema import LCDD

FULL = Document(
    "138/5",
    "口服二甲\r\n双胍😀",
    (Entity("Drug", 2, 8, ((2, 4), (6, 8)), "T1", 0.25, "二甲双瓜"), Entity("Method", 0, 2)),
    (Relation("Method_Drug", "T2", "T1", "R1"), Relation("Method_Drug", "T3", "T1")),
    "138",
    (Page(1, 0, 4), Page(2, 4, 9)),
    (Attribute("A1", "Negation", "T1"), Attribute("A2", "Certainty", "T1", "low")),
    (Note("#1", "AnnotatorNotes", "T1", "two\nlines"),),
    {"brat": ["E1\tX:T1\n"], "year": 2016},
)


def file_with(folder: Path, *lines: Any) -> Path:
    path = folder / "a.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), "utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(SuwenError) as caught:
        list(jsonl.FORMAT.read(path))
    return str(caught.value)


@pytest.mark.parametrize("ending", jsonl.FORMAT.suffixes)
def test_jsonl_holds_every_field(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    assert jsonl.FORMAT.write([FULL, Document("empty", "")], path) == {}
    assert list(jsonl.FORMAT.read(path)) == [FULL, Document("empty", "")]


def test_jsonl_leaves_out_empty_fields(tmp_path: Path) -> None:
    jsonl.FORMAT.write([Document("a", "糖", (Entity("Test", 0, 1),))], tmp_path / "a.jsonl")
    line = '{"version": 1, "id": "a", "text": "糖", "entities": [{"label": "Test", "start": 0, "end": 1}]}\n'
    assert (tmp_path / "a.jsonl").read_text("utf-8") == line


def test_jsonl_compresses_to_the_same_bytes(tmp_path: Path) -> None:
    jsonl.FORMAT.write([FULL], tmp_path / "a.jsonl.gz")
    jsonl.FORMAT.write([FULL], tmp_path / "b.jsonl.gz")
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).count(b"\n") == 1
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_jsonl_reads_the_simple_form(tmp_path: Path) -> None:
    path = file_with(
        tmp_path, {"text": "空腹血糖", "entities": [[2, 4, "test", "血糖"], [0, 2, "time", "空服"], [0, 4, "x"]]}, ""
    )
    (document,) = jsonl.FORMAT.read(path)
    assert document.id == "a/1"
    assert document.entities == (
        Entity("test", 2, 4), Entity("time", 0, 2, annotated="空服"), Entity("x", 0, 4)
    )  # fmt: skip


def test_jsonl_names_documents_by_file_and_line(tmp_path: Path) -> None:
    for name in ("b/train.jsonl", "a.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('\ufeff{"text": "一"}\n\n{"text": "二", "id": "own"}\n{"text": "三"}', "utf-8")
    names = [document.id for document in jsonl.FORMAT.read(tmp_path)]
    assert names == ["a/1", "own", "a/4", "b/train/1", "own", "b/train/4"]


def test_jsonl_reads_line_by_line(tmp_path: Path) -> None:
    documents = jsonl.FORMAT.read(file_with(tmp_path, {"text": "一"}, "broken"))
    assert next(documents).text == "一"
    with pytest.raises(SuwenError, match=r"S204 .*a\.jsonl:2"):
        next(documents)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "S204"),
        ("[]", "S204"),
        ("9" * 5000, "S204"),
        ("[" * 100_000, "S204"),
        ({}, "S205 'text' is missing"),
        ({"text": 1}, "S205 'text' is not a string"),
        ({"text": "", "labels": []}, "S205 'labels' is unknown"),
        ({"text": "", "version": 2}, "S205 'version' is 2"),
        ({"text": "", "id": 5.5}, "S205 'id' is not a string"),
        ({"text": "", "meta": []}, "S205 'meta' is not an object"),
        ({"text": "", "entities": {}}, "S205 'entities' is not a list"),
        ({"text": "糖", "entities": [0]}, "S205 'entities' holds 0"),
        ({"text": "糖", "entities": [[0, 1]]}, "S205 'entities' holds a list of 2"),
        ({"text": "糖", "entities": [["0", 1, "x"]]}, "S205 'entities.start' is not an integer"),
        ({"text": "糖", "entities": [[0, 1, "x", 5]]}, "S205 'entities.annotated' is not a string"),
        ({"text": "糖", "entities": [{"label": "x", "start": 0}]}, "S205 'entities.end' is missing"),
        ({"text": "糖", "entities": [{"label": "x", "start": 0, "end": True}]}, "S205 'entities.end' is not"),
        ({"text": "糖", "entities": [{"label": "x", "start": 0, "end": 1, "type": 1}]}, "S205 'entities.type'"),
        ({"text": "糖", "entities": [{"label": "x", "start": 0, "end": 1, "fragments": [[0]]}]}, "S205 fragments"),
        ({"text": "糖", "entities": [{"label": "x", "start": 0, "end": 1, "fragments": [[0, 2]]}]}, "S211"),
        ({"text": "糖", "entities": [[1, 0, "x"]]}, "S211"),
        ({"text": "糖", "entities": [[0, 2, "x"]]}, "S201"),
        ({"text": "", "relations": [{"label": "x", "head": "T1"}]}, "S205 'relations.tail' is missing"),
        (r'{"text": "糖\ud83d"}', r"S210 the field 'text' has .*U\+D83D\) at character 1;"),
        (r'{"text": "", "group": "\udc00"}', "S210 the field 'group'"),
        (r'{"text": "", "meta": {"x": ["", "\udc00"]}}', "S210 the field 'meta.x'"),
        (r'{"text": "", "entities": [{"label": "\udc00"}]}', "S210 the field 'entities.label'"),
        ('{"text": "糖", "entities": [{"start": 0, "end": 1, "label": "x", "score": NaN}]}', "S204 it holds NaN"),
        ('{"text": "糖", "entities": [{"start": 0, "end": 1, "label": "x", "score": 1.5}]}', "S205 'entities.score'"),
    ],
)
def test_jsonl_refuses_broken_lines_with_their_place(tmp_path: Path, line: Any, message: str) -> None:
    code, _, about = message.partition(" ")
    with pytest.raises(SuwenError, match=rf"{code} .*a\.jsonl:2: .*{about}"):
        list(jsonl.FORMAT.read(file_with(tmp_path, {"text": "糖"}, line)))


def test_jsonl_reads_escaped_surrogate_pairs(tmp_path: Path) -> None:
    (document,) = jsonl.FORMAT.read(file_with(tmp_path, r'{"text": "\ud83d\ude00"}'))
    assert document.text == "😀"


def test_jsonl_refuses_bad_encoding_and_damaged_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n{"text": "\xff"}\n')
    assert refusal(tmp_path / "a.jsonl").startswith(f"S103 {tmp_path / 'a.jsonl'}:2")
    jsonl.FORMAT.write([FULL], tmp_path / "b.jsonl.gz")
    (tmp_path / "c.jsonl.gz").write_bytes((tmp_path / "b.jsonl.gz").read_bytes()[:-9])
    (tmp_path / "d.jsonl.gz").write_bytes(b"{}")
    (tmp_path / "e.jsonl.xz").write_bytes(b"{}")
    assert {refusal(tmp_path / name)[:4] for name in ("c.jsonl.gz", "d.jsonl.gz", "e.jsonl.xz")} == {"S112"}


def test_jsonl_refuses_a_label_outside_the_schema(tmp_path: Path) -> None:
    path = file_with(tmp_path, {"text": "糖", "entities": [[0, 1, "Gene"]]})
    with pytest.raises(SuwenError, match=r"S202 .*a\.jsonl:1"):
        list(jsonl.FORMAT.read(path, LCDD))


@pytest.mark.parametrize("meta", [{"x": float("nan")}, {"x": object()}, {"x": b""}])
def test_jsonl_refuses_values_without_json_form(tmp_path: Path, meta: dict[str, Any]) -> None:
    with pytest.raises(SuwenError, match="S205"):
        jsonl.FORMAT.write([Document("a", "", meta=meta)], tmp_path / "a.jsonl")
    with pytest.raises(SuwenError, match=r"S210 a: the field 'group' .* at character 0"):
        jsonl.FORMAT.write([Document("a", "", group="\ud800")], tmp_path / "a.jsonl")
    assert not any(tmp_path.iterdir())


@untimed
@given(st.lists(documents(), max_size=3))
def test_jsonl_round_trip_is_exact(written: list[Document]) -> None:
    with TemporaryDirectory() as folder:
        assert jsonl.FORMAT.write(written, Path(folder, "a.jsonl")) == {}
        read = list(jsonl.FORMAT.read(Path(folder, "a.jsonl")))
    assert read == written
    for document in read:
        for entity in document.entities:
            assert 0 <= entity.start < entity.end <= len(document.text)
            if not entity.fragments:
                assert document.mention(entity) == document.text[entity.start : entity.end]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*jsonl.KEYS, "label", "start", "end", "fragments"]), inner, max_size=5)
    ),
    max_leaves=20,
)


@untimed
@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()), st.sampled_from(jsonl.FORMAT.suffixes))
def test_jsonl_reads_or_refuses_any_bytes(content: bytes, ending: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, f"a{ending}")
        path.write_bytes(content)
        try:
            list(jsonl.FORMAT.read(path))
        except SuwenError as error:
            assert str(error).startswith(f"{error.code} {path}")  # noqa: PT017


def test_jsonl_writes_a_line_without_the_objects_of_all_mentions() -> None:
    count = 20_000
    mentions = tuple(Entity("Drug", 3 * number, 3 * number + 2, id=f"T{number}", score=0.5) for number in range(count))
    document = Document("a", "糖尿。" * count, mentions)
    tracemalloc.start()
    written = jsonl.line(document, places=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(json.loads(written)["entities"]) == count
    # The line, its parts, and the sentences; the objects alone would take ten times a line.
    assert peak < 7 * len(written)


def test_jsonl_names_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(gzip.compress(b'{"text": "a"}\n'))
    problems: list[SuwenError] = []
    assert not list(jsonl.FORMAT.scan(path, problems.append))
    assert [str(error).partition(";")[0] for error in problems] == [f"S117 {path}: not text: the content is gzip"]
