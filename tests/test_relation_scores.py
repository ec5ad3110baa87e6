from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from relation_documents import DOCUMENT, ENTITIES, RELATIONS, related_documents

from suwen.corpus.split import Selection, whole_document
from suwen.document import Document, Entity, Relation
from suwen.evaluation.relations.analysis import RelationAnalysis, analyze_relations
from suwen.evaluation.relations.matching import match_overlapping_relations
from suwen.evaluation.relations.pairs import RelationPair, relation_counts
from suwen.evaluation.strict import Score
from suwen.schema import LCDD, RelationType, Schema

# A busy machine draws slowly.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def analyzed(gold: Document, predicted: Document, reach: int | None = None) -> RelationAnalysis:
    return analyze_relations([RelationPair(whole_document(gold), predicted)], LCDD, reach)


def related(*relations: Relation, entities: tuple[Entity, ...] = ENTITIES) -> Document:
    return replace(DOCUMENT, entities=entities, relations=relations)


def test_relation_scores_compare_type_and_spans_not_ids() -> None:
    renamed = {entity.id: f"E{number}" for number, entity in enumerate(ENTITIES)}
    predicted = related(
        *(Relation(one.label, renamed[one.head], renamed[one.tail]) for one in RELATIONS),
        entities=tuple(replace(entity, id=renamed[entity.id]) for entity in ENTITIES[::-1]),
    )
    scores = analyzed(DOCUMENT, predicted).scores
    assert scores.strict.micro == Score(4, 4, 4)
    assert scores.by_distance == {"0": Score(3, 3, 3), "1": Score(1, 1, 1), "2+": Score(0, 0, 0)}
    assert scores.strict.by_type["Drug_Disease"] == Score(2, 2, 2)
    assert scores.strict_f1_interval is None
    assert scores.reliability is None


@patient
@given(st.lists(st.tuples(related_documents(), related_documents()), min_size=1, max_size=3))
def test_relation_scores_are_those_of_plain_sets(drawn: list[tuple[Document, Document]]) -> None:
    pairs, sets = [], []
    for number, (gold, other) in enumerate(drawn):
        # The relations of the second document, as far as they fit the entities of the first.
        names = {entity.id for entity in gold.entities}
        relations = tuple(one for one in other.relations if {one.head, one.tail} <= names)
        predicted = replace(gold, relations=relations)
        pairs.append(RelationPair(whole_document(gold), predicted))
        hulls = {entity.id: (entity.start, entity.end) for entity in gold.entities}
        sets.append(
            [{(number, one.label, hulls[one.head], hulls[one.tail]) for one in d.relations} for d in (gold, predicted)]
        )
    gold_keys = set().union(*(ours for ours, _ in sets))
    predicted_keys = set().union(*(theirs for _, theirs in sets))
    wanted = Score(len(gold_keys & predicted_keys), len(gold_keys), len(predicted_keys))
    analysis = analyze_relations(pairs, LCDD, resamples=10)
    assert analysis.scores.strict.micro == wanted
    errors = analysis.errors
    assert errors["missed"] + errors["boundary"] + errors["type"] == wanted.gold - wanted.matched
    assert errors["spurious"] + errors["boundary"] + errors["type"] == wanted.predicted - wanted.matched
    assert sum(score.gold for score in analysis.scores.by_distance.values()) == wanted.gold


def test_relation_scores_keep_gold_that_cannot_be_found() -> None:
    gold = related(
        Relation("Drug_Disease", "T1", "T99"),
        Relation("Drug_Disease", "T1", "T1"),
        Relation("Cause", "T1", "T3"),
        Relation("Drug_Disease", "T2", "T3"),
        Relation("Drug_Disease", "T2", "T1"),
        Relation("Drug_Disease", "T1", "T6"),
        Relation("Drug_Disease", "T1", "T3"),
        Relation("Drug_Disease", "T1", "T3", "again"),
        Relation("Frequency_Drug", "T5", "T4"),
    )
    predicted = replace(gold, entities=ENTITIES[:4], relations=(Relation("Drug_Disease", "T1", "T3"),))
    scores = analyzed(gold, predicted, reach=10).scores
    assert scores.out_of_reach == {
        "missing_argument": 1,
        "self_relation": 1,
        "unknown_type": 1,
        "no_such_types": 1,
        "other_name": 1,
        "too_far": 1,
        "no_entity": 1,
    }
    assert scores.repeated == 1
    assert scores.strict.micro == Score(1, 8, 1)
    assert scores.entities == Score(4, 6, 4)
    assert scores.to_dict()["gold_out_of_reach"]["too_far"] == 1


def test_relation_scores_never_match_arguments_that_do_not_exist() -> None:
    gold = related(Relation("Drug_Disease", "T1", "T99"))
    assert analyzed(gold, gold).scores.strict.micro == Score(0, 1, 1)


def test_relation_analysis_sorts_errors_by_kind() -> None:
    entities = (*ENTITIES[:2], replace(ENTITIES[2], start=14, fragments=()), *ENTITIES[3:])
    predicted = related(
        Relation("Drug_Disease", "T1", "T3", score=0.75),
        Relation("Method_Drug", "T2", "T1"),
        Relation("Drug_Disease", "T1", "T6"),
        entities=entities,
    )
    gold = related(*RELATIONS[:3])
    analysis = analyzed(gold, predicted)
    assert analysis.errors == {"missed": 1, "spurious": 1, "boundary": 1, "type": 1}
    assert analysis.scores.relaxed == Score(1, 3, 3)
    (boundary,) = (case for case in analysis.cases if case.kind == "boundary")
    assert (boundary.gold, boundary.predicted) == (
        ("Drug_Disease", (0, 4), (10, 17)),
        ("Drug_Disease", (0, 4), (14, 17)),
    )
    assert (boundary.score, boundary.reason) == (0.75, "no_entity")


KEYS = st.lists(
    st.builds(
        lambda label, a, b, n, m: (label, (a, a + n), (b, b + m)),
        st.sampled_from("xy"),
        st.integers(0, 4),
        st.integers(0, 4),
        st.integers(1, 3),
        st.integers(1, 3),
    ),
    max_size=5,
    unique=True,
)


@patient
@given(KEYS, KEYS)
def test_relation_matching_pairs_as_many_as_can_be(gold: list, predicted: list) -> None:
    def fit(one, other) -> bool:
        return one[0] == other[0] and all(a[0] < b[1] and b[0] < a[1] for a, b in zip(one[1:], other[1:], strict=True))

    found = list(match_overlapping_relations(gold, predicted))
    assert all(fit(one, other) for one, other in found)
    assert len({one for one, _ in found}) == len({other for _, other in found}) == len(found)
    short, long = sorted((gold, predicted), key=len)
    best = max(sum(map(fit, short, chosen)) for chosen in permutations(long, len(short)))
    assert len(found) == best


def test_relation_scores_give_a_relation_to_the_part_of_its_head() -> None:
    spans = ((0, 18),), ((18, 29),)
    counts = [relation_counts([RelationPair(Selection(DOCUMENT, part), DOCUMENT)]).scores().micro for part in spans]
    assert counts == [Score(2, 2, 2), Score(2, 2, 2)]


def test_relation_scores_calibrate_confidences() -> None:
    scored = [replace(one, score=score) for one, score in zip(RELATIONS, (0.9, 0.8, 0.7, 0.6), strict=True)]
    reliability = analyzed(related(*RELATIONS[:2]), related(*scored)).scores.reliability
    assert reliability is not None
    assert reliability.error == pytest.approx((0.1 + 0.2 + 0.7 + 0.6) / 4)


def test_schema_learns_relation_types_from_a_corpus() -> None:
    triples = [("Cause", "Drug", "SideEff")] * 2 + [("Cause", "Drug", "Disease"), ("Drug_Disease", "Test", "Test")]
    schema = LCDD.with_relations_of(triples)
    assert schema.relations == (*LCDD.relations, RelationType("Cause", "Cause", "Drug", "SideEff"))
    assert Schema.from_dict(schema.to_dict()) == schema
