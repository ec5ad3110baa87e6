from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from format_strategies import documents
from hypothesis import given, settings
from test_formats_cmeee import VALUES

from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.formats import doccano, format_of, read_corpus, write_corpus
from suwen.schema import LCDD

TEXT = "口服二甲双胍治疗2型糖尿病。"
LISTS = {"id": 3, "text": TEXT, "label": [[2, 6, "Drug"], [8, 13, "Disease"]], "Comments": [], "source": "x"}
OBJECTS = {
    "id": 4,
    "text": TEXT,
    "entities": [
        {"id": 11, "label": "Drug", "start_offset": 2, "end_offset": 6},
        {"id": 12, "label": "Disease", "start_offset": 8, "end_offset": 13},
    ],
    "relations": [{"id": 1, "from_id": 11, "to_id": 12, "type": "Drug_Disease"}],
    "Comments": [],
}


def stored(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_doccano_reads_both_forms(tmp_path: Path) -> None:
    path = stored(tmp_path / "all.jsonl", LISTS, OBJECTS)
    assert format_of(path) == format_of(tmp_path) == "doccano"
    first, second = read_corpus(path)
    assert (first.id, first.text, first.entities) == ("3", TEXT, (Entity("Drug", 2, 6), Entity("Disease", 8, 13)))
    assert first.meta["doccano"] == {"id": 3, "source": "x"}
    assert second.entities == (Entity("Drug", 2, 6, id="11"), Entity("Disease", 8, 13, id="12"))
    assert second.relations == (Relation("Drug_Disease", "11", "12", "1"),)


def test_doccano_does_not_claim_json_lines(tmp_path: Path) -> None:
    write_corpus([Document("a", '"label": [', (Entity("Drug", 0, 3),))], tmp_path / "a.jsonl", "jsonl")
    assert format_of(tmp_path / "a.jsonl") == "jsonl"


def test_doccano_goes_round(tmp_path: Path) -> None:
    document = Document("sub/a", TEXT, (Entity("Drug", 2, 6, id="T1"), Entity("Disease", 8, 13, id="T2")))
    lost = write_corpus([document], tmp_path / "out.jsonl", "doccano")
    assert lost == {"entity id": 2}
    assert format_of(tmp_path / "out.jsonl") == "doccano"
    (back,) = read_corpus(tmp_path / "out.jsonl")
    assert (back.id, back.text, [entity.key for entity in back.entities]) == (
        "sub/a",
        TEXT,
        [entity.key for entity in document.entities],
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"label": []}, "S213 {}:1: the field 'data' is missing"),
        ({"text": "a", "label": [[0, 9, "x"]]}, "S201 {}:1"),
        ({"text": "a", "label": [[0, 1]]}, "S213 {}:1"),
        ({"text": "a", "label": [[1, 0, "x"]]}, "S211 {}:1"),
        ({"text": "a", "label": [], "relations": [{"type": "x"}]}, "S213 {}:1: the field 'from_id'"),
        ({"text": "a", "label": [[0, 1, "x"]], "labels": [[0, 1, "y"]]}, "S213 {}:1: the field 'labels' holds"),
    ],
)
def test_doccano_reports_errors(tmp_path: Path, row: Any, message: str) -> None:
    path = stored(tmp_path / "a.jsonl", row)
    with pytest.raises(SuwenError) as caught:
        list(doccano.FORMAT.read(path))
    assert str(caught.value).startswith(message.format(path))


def test_doccano_reads_the_key_that_holds_entities(tmp_path: Path) -> None:
    rows = [{"id": [1], "text": "糖", "entities": [], "label": [[0, 1, "x"]], "relations": []}]
    (document,) = doccano.FORMAT.read(stored(tmp_path / "a.jsonl", *rows))
    assert [entity.key for entity in document.entities] == [("x", 0, 1)]
    # A list is no id.
    assert document.id == "a/1"


def test_doccano_continues_after_a_fault(tmp_path: Path) -> None:
    path = stored(tmp_path / "a.jsonl", LISTS | {"label": [[0, 2, "Odd"], [2, 6, "Drug"]]}, 3, OBJECTS)
    found: list[SuwenError] = []
    read = [located.document for located in doccano.FORMAT.scan(path, found.append, LCDD)]
    assert [len(document.entities) for document in read] == [2, 2]
    assert [(error.code, error.line) for error in found] == [("S202", 1), ("S204", 2)]


@given(documents())
@settings(max_examples=50, deadline=None)
def test_doccano_keeps_entities_and_relations(tmp_path_factory: pytest.TempPathFactory, document: Document) -> None:
    path = tmp_path_factory.mktemp("doccano") / "out.jsonl"
    lost = doccano.FORMAT.write([document], path)
    (back,) = doccano.FORMAT.read(path)
    assert back.text == document.text
    assert [entity.key for entity in back.entities] == [entity.key for entity in document.entities]
    assert len(back.relations) == len(document.relations) - lost["relation"]


@given(VALUES)
def test_doccano_gives_documents_or_one_clear_line(tmp_path_factory: pytest.TempPathFactory, values: Any) -> None:
    path = stored(tmp_path_factory.mktemp("doccano") / "a.jsonl", values, {"text": "a", "label": values})
    found: list[SuwenError] = []
    assert all(located.document for located in doccano.FORMAT.scan(path, found.append))


def test_doccano_keeps_confidences_as_metadata(tmp_path: Path) -> None:
    entities = (Entity("Drug", 2, 6, id="T1", score=0.5), Entity("Disease", 8, 13, id="T2"))
    document = Document("a", TEXT, entities, (Relation("Drug_Disease", "T1", "T2", score=0.25),))
    assert write_corpus([document], tmp_path / "out.jsonl", "doccano") == {"entity id": 2}
    (record,) = map(json.loads, (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert record["suwen_scores"] == [[2, 6, "Drug", 0.5]]
    # The tool gives other numbers, and a person adds an entity.
    for row in record["entities"]:
        row["id"] += 70
    record["relations"][0] |= {"from_id": 71, "to_id": 72}
    record["entities"].insert(0, {"id": 99, "label": "Method", "start_offset": 0, "end_offset": 2})
    (back,) = read_corpus(stored(tmp_path / "back.jsonl", record))
    assert [entity.score for entity in back.entities] == [None, 0.5, None]
    assert [relation.score for relation in back.relations] == [0.25]


def test_doccano_counts_entities_that_overlap(tmp_path: Path) -> None:
    entities = (Entity("Drug", 2, 6), Entity("Drug", 2, 6), Entity("Disease", 5, 8), Entity("Disease", 8, 9))
    lost = write_corpus([Document("a", TEXT, entities)], tmp_path / "out.jsonl", "doccano")
    assert lost == {doccano.OVERLAPPING: 2}


def test_doccano_writes_a_changed_record_anew(tmp_path: Path) -> None:
    (document,) = read_corpus(stored(tmp_path / "in.jsonl", LISTS))
    changed = replace(document, entities=document.entities[1:])
    write_corpus([changed], tmp_path / "out.jsonl", "doccano")
    (back,) = read_corpus(tmp_path / "out.jsonl")
    assert [entity.key for entity in back.entities] == [("Disease", 8, 13)]
    assert back.meta["doccano"] == {"id": 3, "source": "x"}
