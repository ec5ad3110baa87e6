from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from format_strategies import documents
from hypothesis import given, settings
from hypothesis import strategies as st
from test_formats_cmeee import VALUES, stored

from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.formats import format_of, label_studio, read_corpus, write_corpus
from suwen.formats.label_studio_config import label_config
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
    assert first["predictions"][0]["result"][0]["value"]["start"] == 3
    assert first["predictions"][0]["score"] == 0.75
    expected = [region("a1", 3, 7, "Drug", "二甲双胍"), region("b2", 9, 14, "Disease", "2型糖尿病"), RESULT[2]]
    assert second["annotations"][0]["result"] == expected
    assert third == {"data": {"text": "", "document": "c"}, "annotations": []}
    read = read_corpus(tmp_path / "out.json")
    assert read == [dataclasses.replace(scored, meta={"read_from": {"predicted": True}}), gold, Document("c", "")]
    assert not write_corpus(read, tmp_path / "again.json", "label_studio")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"data": 1}, "S213 {}:1: the field 'data' is not an object"),
        ({"data": {"html": "x", "title": "y"}}, "S213 {}:1: the field 'text' is missing"),
        ({"data": {"text": "a"}, "annotations": 1}, "S213 {}:1: the field 'annotations' is not a list"),
        ({"data": {"text": "a"}, "annotations": [{"result": [region("a", 0, 9, "x", "a")]}]}, "S201 {}:1"),
        ({"data": {"text": "a"}, "annotations": [{"result": [{"type": "labels"}]}]}, "S213 {}:1: the field 'value'"),
        ({"data": {"text": "a"}, "annotations": [{"result": [region("a", 0, 0, "x", "")]}]}, "S211 {}:1"),
        *(
            (
                {"data": {"text": "a"}, "annotations": [{"result": [row]}]},
                "S213 {}:1: the field 'labels' is not a list of strings",
            )
            for row in (
                {"type": "labels", "value": {"start": 0, "end": 1, "labels": "Drug"}},
                {"type": "labels", "value": {"start": 0, "end": 1, "labels": [None]}},
                {"type": "relation", "from_id": "a", "to_id": "b", "labels": "x"},
            )
        ),
    ],
)
def test_label_studio_reports_errors(tmp_path: Path, task: Any, message: str) -> None:
    path = stored(tmp_path / "a.json", [task])
    with pytest.raises(SuwenError) as caught:
        list(label_studio.FORMAT.read(path))
    assert str(caught.value).startswith(message.format(path))


def test_label_studio_continues_after_a_fault(tmp_path: Path) -> None:
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


def test_label_studio_writes_back_what_people_did_not_change(tmp_path: Path) -> None:
    path = stored(tmp_path / "in.json", [TASK])
    (document,) = read_corpus(path)
    write_corpus([document], tmp_path / "same.json", "label_studio")
    assert json.loads((tmp_path / "same.json").read_text("utf-8")) == [TASK]
    added = Entity("Method", 1, 3, id="a1")
    changed = replace(document, entities=(*document.entities[1:], added), relations=())
    write_corpus([changed], tmp_path / "changed.json", "label_studio")
    (task,) = json.loads((tmp_path / "changed.json").read_text("utf-8"))
    assert {key: task[key] for key in ("id", "data", "predictions")} == {
        key: TASK[key] for key in ("id", "data", "predictions")
    }
    assert task["annotations"][0] == TASK["annotations"][0]
    assert task["annotations"][1]["id"] == 2
    # The offsets are counted as in the rest of the task.
    assert task["annotations"][1]["result"] == [RESULT[1], region("a1", 2, 4, "Method", "口服")]
    (back,) = read_corpus(tmp_path / "changed.json")
    assert [entity.key for entity in back.entities] == [("Disease", 9, 14), ("Method", 1, 3)]


def test_label_studio_sends_line_feeds_and_puts_crlf_back(tmp_path: Path) -> None:
    text = "主诉\r\n口服二甲双胍\r\n。"
    document = Document("a", text, (Entity("Drug", 6, 10, id="T1"), Entity("Method", 4, 12, id="T2")))
    write_corpus([document], tmp_path / "out.json", "label_studio")
    (task,) = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert task["data"] == {"text": text.replace("\r\n", "\n"), "document": "a", "suwen_crlf": [2, 9]}
    assert [row["value"]["start"] for row in task["annotations"][0]["result"]] == [5, 3]
    assert read_corpus(tmp_path / "out.json") == [document]
    # What the tool adds is kept, and the line ends are too.
    task |= {"id": 7, "drafts": []}
    (back,) = read_corpus(stored(tmp_path / "exported.json", [task]))
    assert (back.text, back.entities) == (text, document.entities)
    write_corpus([back], tmp_path / "again.json", "label_studio")
    assert json.loads((tmp_path / "again.json").read_text("utf-8")) == [task]


def test_label_studio_reads_relations_in_their_direction(tmp_path: Path) -> None:
    left = {**RESULT[2], "from_id": "b2", "to_id": "a1", "direction": "left"}
    task = {"data": {"text": TEXT}, "annotations": [{"result": [*RESULT[:2], left]}]}
    (document,) = read_corpus(stored(tmp_path / "a.json", [task]))
    assert document.relations == (Relation("Drug_Disease", "a1", "b2"),)


def test_label_studio_ignores_white_space_in_mentions(tmp_path: Path) -> None:
    task = {"data": {"text": "2型  糖尿病"}, "annotations": [{"result": [region("a", 0, 7, "Disease", "2型 糖尿病")]}]}
    (document,) = read_corpus(stored(tmp_path / "a.json", [task]))
    assert document.entities[0].annotated is None


def test_label_studio_names_the_model_of_predictions(tmp_path: Path) -> None:
    document = Document("a", TEXT, (Entity("Drug", 3, 7, id="T1"),), meta={"model": "m 1"})
    assert not write_corpus([document], tmp_path / "out.json", "label_studio")
    (task,) = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert task["predictions"][0]["model_version"] == "m 1"


def test_label_studio_has_a_configuration_for_a_label_set() -> None:
    view = ElementTree.fromstring(label_config(LCDD, ["Drug_Disease", "a<b"]))
    assert [item.get("value") for item in view.iter("Label")] == list(LCDD.labels)
    assert [item.get("value") for item in view.iter("Relation")][-1] == "a<b"
    assert {item.get("granularity") for item in view.iter("Text")} == {"symbol"}


def test_label_studio_reads_each_annotator(tmp_path: Path) -> None:
    by_anna = {"completed_by": {"id": 1, "email": "anna@example.org"}, "result": RESULT}
    by_bo = {"completed_by": 2, "result": RESULT[:1]}
    cancelled = {"completed_by": 3, "was_cancelled": True, "result": RESULT}
    first = {"id": 1, "data": {"text": TEXT}, "annotations": [by_anna, cancelled, by_bo]}
    second = {"id": 2, "data": {"text": TEXT}, "annotations": [by_bo], "predictions": [{"result": RESULT}]}
    path = stored(tmp_path / "export.json", [first, second])
    assert label_studio.FORMAT.annotators(path) == ["anna@example.org", "2"]
    found = {
        name: [(document.id, document.entities) for document in read_corpus(path, annotator=name)]
        for name in label_studio.FORMAT.annotators(path)
    }
    assert found == {"anna@example.org": [("1", ENTITIES)], "2": [("1", ENTITIES[:1]), ("2", ENTITIES[:1])]}


def rows_of_json_min() -> list[dict[str, Any]]:
    """Two people have annotated the first text, one the second."""
    about = {"created_at": "2026-11-29T07:00:00Z", "updated_at": "2026-11-29T07:00:00Z", "lead_time": 1.5}
    spans = [(0, 2, "Drug"), (2, 4, "Disease")]
    rows = [(7, 1, spans), (7, 2, spans[:1]), (8, 2, [])]
    return [
        {
            "id": task,
            "text": f"药物疾病{task}",
            "source": "b",
            "ner": [{"start": start, "end": end, "text": "?", "labels": [label]} for start, end, label in found],
            "annotator": annotator,
            "annotation_id": number,
            **about,
        }
        for number, (task, annotator, found) in enumerate(rows)
    ]


def test_label_studio_joins_rows_of_json_min(tmp_path: Path) -> None:
    path, back = tmp_path / "min.json", tmp_path / "back.json"
    path.write_text(json.dumps(rows_of_json_min(), ensure_ascii=False), "utf-8")
    first, second = read_corpus(path)
    assert (first.id, len(first.entities), second.id, len(second.entities)) == ("7", 2, "8", 0)
    assert first.meta["read_from"]["dropped"] == {"annotation of another annotator": 1}
    assert label_studio.FORMAT.annotators(path) == ["1", "2"]
    theirs = [read_corpus(path, annotator=name) for name in ("1", "2")]
    assert [[(document.id, len(document.entities)) for document in documents] for documents in theirs] == [
        [("7", 2)],
        [("7", 1), ("8", 0)],
    ]
    write_corpus([first, second], back, "label_studio")
    task, row = json.loads(back.read_text("utf-8"))
    assert task["data"] == {"text": "药物疾病7", "source": "b"}
    assert [(one["completed_by"], len(one["result"]), one["lead_time"]) for one in task["annotations"]] == [
        (1, 2, 1.5),
        (2, 1, 1.5),
    ]
    assert row == rows_of_json_min()[2]


def test_label_studio_does_not_join_rows_of_other_texts(tmp_path: Path) -> None:
    rows = rows_of_json_min()
    rows[1]["text"] = "别的"
    path = tmp_path / "min.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    with pytest.raises(SuwenError, match="S110"):
        read_corpus(path)


@pytest.mark.parametrize("key", ["annotations", "completions"])
def test_label_studio_reads_no_prediction_of_a_cancelled_task(tmp_path: Path, key: str) -> None:
    region = {"type": "labels", "value": {"start": 0, "end": 1, "labels": ["Drug"]}}
    task = {"id": 1, "data": {"text": "药"}, "predictions": [{"result": [region]}]}
    path, back = tmp_path / "a.json", tmp_path / "b.json"
    path.write_text(json.dumps([{**task, key: [{"was_cancelled": True, "result": [region]}]}]), "utf-8")
    (document,) = read_corpus(path)
    assert not document.entities
    assert not document.is_annotated
    assert document.meta["read_from"]["dropped"] == {
        "annotation that was cancelled": 1,
        "prediction of a task that was cancelled": 1,
    }
    assert write_corpus([document], back, "label_studio") == {}
    assert json.loads(back.read_text("utf-8")) == json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps([task]), "utf-8")
    (document,) = read_corpus(path)
    assert document.is_annotated
    assert len(document.entities) == 1
