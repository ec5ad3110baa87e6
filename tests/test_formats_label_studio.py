from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from format_strategies import documents
from hypothesis import given, settings
from hypothesis import strategies as st
from test_formats_cmeee import VALUES, stored

from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.formats import format_of, label_studio, read_corpus, write_corpus
from suwen.schema import LCDD

TEXT = "😀口服二甲双胍治疗2型糖尿病。"


def region(name: str, start: int, end: int, label: str, mention: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": mention, "labels": [label]}
    return {"id": name, "from_name": "label", "to_name": "text", "type": "labels", "value": value}


RESULT = [
    region("a1", 4, 8, "Drug", "二甲双胍"),
    region("b2", 10, 15, "Disease", "2型糖尿病"),
    {"from_id": "a1", "to_id": "b2", "type": "relation", "direction": "right", "labels": ["Drug_Disease"]},
]
TASK = {
    "id": 5,
    "data": {"text": TEXT, "source": "x"},
    "annotations": [{"id": 1, "was_cancelled": True, "result": []}, {"id": 2, "result": RESULT}],
    "predictions": [{"result": []}],
}
ENTITIES = (Entity("Drug", 3, 7, id="a1"), Entity("Disease", 9, 14, id="b2"))


def test_label_studio_reads_the_annotation_that_counts(tmp_path: Path) -> None:
    path = stored(tmp_path / "export.json", [TASK])
    assert format_of(path) == format_of(tmp_path) == "label_studio"
    (document,) = read_corpus(path)
    # Label Studio counts the smiling face as two.
    assert (document.id, document.text, document.entities) == ("5", TEXT, ENTITIES)
    assert document.relations == (Relation("Drug_Disease", "a1", "b2"),)
    assert document.meta["label_studio"] == {"data": {"source": "x"}, "others": 1}


def test_label_studio_takes_code_points_where_the_mention_fits_them(tmp_path: Path) -> None:
    task = {
        "data": {"text": TEXT},
        "predictions": [{"result": [region("a", 3, 7, "Drug", "二甲双胍") | {"score": 0.5}]}],
    }
    (document,) = label_studio.FORMAT.read(stored(tmp_path / "a.json", [task]))
    assert document.entities == (Entity("Drug", 3, 7, id="a", score=0.5),)
    assert document.id == "a/1"


def test_label_studio_writes_predictions_where_there_are_confidences(tmp_path: Path) -> None:
    scored = Document("sub/a", TEXT, (Entity("Drug", 3, 7, (), "T1", 0.75),))
    gold = Document("b", TEXT, ENTITIES, (Relation("Drug_Disease", "a1", "b2"),))
    assert not write_corpus([scored, gold, Document("c", "")], tmp_path / "out.json", "label_studio")
    first, second, third = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert first["predictions"][0]["result"][0]["value"]["start"] == 4
    assert second["annotations"][0]["result"] == RESULT
    assert third == {"data": {"text": "", "document": "c"}, "annotations": []}
    assert read_corpus(tmp_path / "out.json") == [scored, gold, Document("c", "")]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"data": 1}, "S213 {}:1: the field 'data' is not an object"),
        ({"data": {"html": "x", "title": "y"}}, "S213 {}:1: the field 'text' is missing"),
        ({"data": {"text": "a"}, "annotations": 1}, "S213 {}:1: the field 'annotations' is not a list"),
        ({"data": {"text": "a"}, "annotations": [{"result": [region("a", 0, 9, "x", "a")]}]}, "S201 {}:1"),
        ({"data": {"text": "a"}, "annotations": [{"result": [{"type": "labels"}]}]}, "S213 {}:1: the field 'value'"),
    ],
)
def test_label_studio_says_what_is_wrong(tmp_path: Path, task: Any, message: str) -> None:
    path = stored(tmp_path / "a.json", [task])
    with pytest.raises(SuwenError) as caught:
        list(label_studio.FORMAT.read(path))
    assert str(caught.value).startswith(message.format(path))


def test_label_studio_goes_on_after_a_fault(tmp_path: Path) -> None:
    found: list[SuwenError] = []
    path = stored(tmp_path / "a.json", [{"data": {}}, TASK])
    (located,) = label_studio.FORMAT.scan(path, found.append, LCDD)
    assert located.document.entities == ENTITIES
    assert [(error.code, error.line) for error in found] == [("S213", 1)]


@given(documents())
@settings(max_examples=50, deadline=None)
def test_label_studio_keeps_entities_and_relations(
    tmp_path_factory: pytest.TempPathFactory, document: Document
) -> None:
    path = tmp_path_factory.mktemp("label_studio") / "out.json"
    lost = label_studio.FORMAT.write([document], path)
    (back,) = label_studio.FORMAT.read(path)
    assert back.text == document.text
    assert [entity.key for entity in back.entities] == [entity.key for entity in document.entities]
    assert len(back.relations) == len(document.relations) - lost["relation"]


@given(VALUES, st.booleans())
def test_label_studio_gives_documents_or_one_clear_line(
    tmp_path_factory: pytest.TempPathFactory, values: Any, inside: bool
) -> None:
    if inside:
        values = [
            {"data": {"text": "a😀"}, "annotations": [{"result": values}]},
            {"data": {"text": "a😀"}, "annotations": values},
        ]
    path = stored(tmp_path_factory.mktemp("label_studio") / "a.json", values)
    found: list[SuwenError] = []
    assert all(located.document for located in label_studio.FORMAT.scan(path, found.append))
