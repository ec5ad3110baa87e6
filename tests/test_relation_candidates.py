"""Candidate pairs and structural features against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from relation_documents import DOCUMENT, related_documents

from suwen.document import Document, Entity
from suwen.inference.relations.candidates import Candidates, Mentions, candidate_pairs, read_mentions
from suwen.inference.relations.features import BUCKETS, EDGES, bucketed, feature_names, structural_features
from suwen.schema import LCDD, EntityType, RelationType, Schema

TYPES = len(LCDD.labels)


def of(document: Document, reach: int = 200) -> tuple[Mentions, Candidates]:
    mentions = read_mentions(document, LCDD)
    return mentions, candidate_pairs(mentions, LCDD, reach)


@given(related_documents(), st.integers(0, 30))
def test_relation_candidates_are_all_legal_pairs_within_reach(document: Document, reach: int) -> None:
    mentions, candidates = of(document, reach)
    keys = sorted({entity.key for entity in document.entities}, key=lambda key: (*key[1:], LCDD.labels.index(key[0])))
    assert [
        (LCDD.labels[k], s, e) for s, e, k in zip(mentions.starts, mentions.ends, mentions.types, strict=True)
    ] == keys
    expected = {
        (kind.name, head, tail)
        for kind in LCDD.relations
        for head in keys
        for tail in keys
        if (head[0], tail[0]) == (kind.head, kind.tail) and max(head[1], tail[1]) - min(head[2], tail[2]) <= reach
    }
    found = [
        (LCDD.relations[relation].name, keys[head], keys[tail])
        for relation, head, tail in zip(candidates.relations, candidates.heads, candidates.tails, strict=True)
    ]
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert list(candidates.heads) == sorted(candidates.heads)


def test_relation_candidates_of_one_type_go_both_ways() -> None:
    schema = Schema("s", (EntityType("A", "A", "A", "red"),), (RelationType("part", "part", "A", "A"),))
    mentions = read_mentions(Document("d", "甲乙", (Entity("A", 0, 1), Entity("A", 1, 2), Entity("B", 0, 2))), schema)
    found = candidate_pairs(mentions, schema, 9)
    assert sorted(zip(found.heads.tolist(), found.tails.tolist(), strict=True)) == [(0, 1), (1, 0)]


@given(related_documents())
def test_relation_features_are_counts_in_a_fixed_order(document: Document) -> None:
    mentions, candidates = of(document)
    found = structural_features(document.text, mentions, candidates, TYPES)
    assert tuple(found) == feature_names(TYPES)
    for name, counts in found.items():
        assert counts.shape == (len(candidates),), name
        assert counts.dtype == np.int32
        assert (counts >= 0).all(), name
        assert (bucketed(counts) < BUCKETS).all()


@given(related_documents())
def test_relation_features_agree_with_brute_force(document: Document) -> None:
    mentions, candidates = of(document)
    found = structural_features(document.text, mentions, candidates, TYPES)
    rows = list(zip(candidates.relations.tolist(), candidates.heads.tolist(), candidates.tails.tolist(), strict=True))

    def between(head: int, tail: int) -> tuple[int, int]:
        first = min(mentions.ends[head], mentions.ends[tail])
        return first, max(mentions.starts[head], mentions.starts[tail], first)

    for place, (relation, head, tail) in enumerate(rows):
        begin, end = between(head, tail)
        gap = end - begin
        assert found["gap"][place] == gap
        assert found["sentence ends"][place] == sum(document.text[begin:end].count(mark) for mark in "。！？!?")
        rivals = [between(head, other) for kind, row, other in rows if (kind, row) == (relation, head)]
        assert found["candidates of the head"][place] == len(rivals)
        assert found["farther than the nearest of the head"][place] == gap - min(b - a for a, b in rivals)
        nearer = sum(b - a < gap for a, b in rivals)
        assert nearer <= found["rank for the head"][place] <= nearer + sum(b - a == gap for a, b in rivals) - 1
        inside = [index for index in range(len(mentions)) if begin <= mentions.starts[index] < end]
        assert found["mentions"][place] == len(inside)


def test_relation_features_see_parallel_lists() -> None:
    text = "甲、乙和丙分别服子、丑、寅"
    entities = [Entity("Disease", place, place + 1) for place in (0, 2, 4)]
    entities += [Entity("Drug", place, place + 1) for place in (8, 10, 12)]
    mentions, candidates = of(Document("d", text, tuple(entities)))
    found = structural_features(text, mentions, candidates, TYPES)
    places = zip(candidates.heads.tolist(), candidates.tails.tolist(), found["parallel lists"].tolist(), strict=True)
    assert {(head, tail): flag for head, tail, flag in places if flag == 2} == {(3, 0): 2, (4, 1): 2, (5, 2): 2}
    assert set(found["respectively"].tolist()) == {1}
    assert set(found["list of the head"].tolist()) == {3}


def test_relation_features_are_read_as_intervals() -> None:
    counts = np.array([0, 1, 6, 7, 150, 151, 152, 10**9], np.int32)
    assert bucketed(counts).tolist() == [sum(count >= edge for edge in EDGES) for count in counts]


@pytest.mark.parametrize("entities", [(), DOCUMENT.entities[:1]])
def test_relation_candidates_of_too_few_mentions_are_none(entities: tuple[Entity, ...]) -> None:
    mentions, candidates = of(Document("d", DOCUMENT.text, entities))
    assert len(candidates) == 0
    assert all(len(counts) == 0 for counts in structural_features(DOCUMENT.text, mentions, candidates, TYPES).values())
