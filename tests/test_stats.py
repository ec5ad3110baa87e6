from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.corpus.sentences import sentence_spans
from suwen.corpus.split import Selection, whole
from suwen.corpus.stats import statistics
from suwen.document import Document, Entity, Relation
from suwen.schema import LCDD

DOCUMENTS = [
    Document(
        "a",
        "口服二甲 双胍治疗2型糖尿病。糖尿病肾病。",
        (
            Entity("Drug", 2, 7, ((2, 4), (5, 7)), id="T1"),
            Entity("Disease", 9, 14, id="T2"),
            Entity("Disease", 15, 20, id="T3"),
            Entity("Disease", 15, 18, id="T4"),
            Entity("Anatomy", 18, 19, id="T5"),
        ),
        (Relation("Drug_Disease", "T1", "T2"), Relation("Anatomy_Disease", "T5", "T3")),
    ),
    Document("b", "复查血糖。", (Entity("Test", 2, 4),)),
]
FIRST, SECOND = sentence_spans(DOCUMENTS[0].text)
PARTS = {
    "train": [Selection(DOCUMENTS[0], (FIRST,)), *whole(DOCUMENTS[1:])],
    "test": [Selection(DOCUMENTS[0], (SECOND,))],
}


def test_stats_count_what_parts_and_corpus_hold() -> None:
    figures = statistics(DOCUMENTS, PARTS)
    train, test, total = figures.parts["train"], figures.parts["test"], figures.total
    assert train.labels == {"Drug": 1, "Disease": 1, "Test": 1}
    assert test.labels == {"Disease": 2, "Anatomy": 1}
    assert (train.documents, test.documents, total.documents) == (2, 1, 2)
    assert (train.sentences, test.sentences, total.sentences) == (2, 1, 3)
    assert (train.characters, test.characters, total.characters) == (20, 6, 26)
    assert (train.entities, test.entities, total.entities) == (3, 3, 6)
    assert (train.fragmented, test.fragmented) == (1, 0)
    assert (train.nested, test.nested) == (0, 2)
    assert (train.relations, test.relations, total.relations) == (1, 1, 2)
    assert train.mean_mention_length == pytest.approx((4 + 5 + 2) / 3)


def test_stats_shares_are_of_the_label_and_in_total_of_all_entities() -> None:
    values = statistics(DOCUMENTS, PARTS).to_dict()
    disease = next(row for row in values["labels"] if row["label"] == "Disease")
    assert disease == {
        "label": "Disease",
        "zh": "疾病",
        "en": "Disease",
        "group": "disease",
        "counts": {"train": 1, "test": 2, "total": 3},
        "shares": {"train": 0.333333, "test": 0.666667, "total": 0.5},
    }
    assert [row["label"] for row in values["labels"]] == ["Disease", "Test", "Drug", "Anatomy"]
    assert list(values["parts"]) == ["train", "test", "total"]
    assert json.loads(json.dumps(values)) == values


def test_stats_list_the_types_of_a_given_schema() -> None:
    values = statistics(DOCUMENTS, schema=LCDD).to_dict()
    assert [row["label"] for row in values["labels"]] == list(LCDD.labels)
    assert next(row for row in values["labels"] if row["label"] == "Level")["counts"] == {"total": 0}


def test_stats_name_the_largest_deviation_from_the_ratio() -> None:
    figures = statistics(DOCUMENTS, PARTS)
    deviation = figures.largest_deviation({"train": 8, "test": 2})
    assert deviation is not None
    assert (deviation.points, deviation.label, deviation.part) == (pytest.approx(-80), "Anatomy", "train")
    assert statistics(DOCUMENTS).largest_deviation({}) is None


def test_stats_of_a_corpus_without_entities_are_zero() -> None:
    figures = statistics([Document("a", "未见异常。"), Document("b", "")])
    assert figures.total.to_dict() == {
        "documents": 2,
        "characters": 5,
        "sentences": 1,
        "entities": 0,
        "fragmented": 0,
        "nested": 0,
        "mean_mention_length": 0.0,
        "relations": 0,
    }


hulls = st.tuples(st.integers(0, 12), st.integers(1, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(hulls, max_size=8))
def test_stats_nested_entities_are_those_inside_another_one(spans: list[tuple[int, int]]) -> None:
    document = Document("a", "糖" * 20, tuple(Entity("X", start, end) for start, end in spans))
    expected = sum(
        any(
            other[0] <= span[0] and span[1] <= other[1] and (other != span or j < i)
            for j, other in enumerate(spans)
            if j != i
        )
        for i, span in enumerate(spans)
    )
    assert statistics([document]).total.nested == expected


def test_stats_of_parts_add_up_to_the_total() -> None:
    # A relation without a known head must not get lost either.
    document = Document("c", "血糖升高。给予胰岛素。", (Entity("Test", 0, 2, id="T1"),), (Relation("X", "E1", "T1"),))
    spans = sentence_spans(document.text)
    figures = statistics([document], {str(i): [Selection(document, (span,))] for i, span in enumerate(spans)})
    parts = [part.to_dict() for part in figures.parts.values()]
    for key in ("characters", "sentences", "entities", "relations"):
        assert sum(part[key] for part in parts) == figures.total.to_dict()[key]
