from __future__ import annotations

import json
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.corpus.split import Selection, whole
from suwen.document import Document, Entity
from suwen.evaluation.analysis import Case, Pair, analyze
from suwen.evaluation.scores import training_mentions

TEXT = "口服二甲双胍0.5g\n每日三次,血糖下降。"
LABELS = ("Drug", "Amount", "Test")


def pair(gold: list[Entity], predicted: list[Entity], spans: tuple[tuple[int, int], ...] = ((0, len(TEXT)),)) -> Pair:
    return Pair(Selection(Document("a", TEXT, tuple(gold)), spans), Document("a", TEXT, tuple(predicted)))


def kinds(gold: list[Entity], predicted: list[Entity]) -> list[str]:
    return [case.kind for case in analyze([pair(gold, predicted)]).cases]


drug = Entity("Drug", 2, 6)


def test_analysis_names_the_kind_of_each_error():
    assert kinds([drug], [drug]) == []
    assert kinds([drug], []) == ["missed"]
    assert kinds([], [drug]) == ["spurious"]
    assert kinds([drug], [Entity("Drug", 3, 6)]) == ["boundary"]
    assert kinds([drug], [Entity("Test", 2, 6)]) == ["type"]
    assert kinds([drug], [Entity("Test", 3, 7)]) == ["boundary_and_type"]
    assert kinds([drug], [Entity("Drug", 6, 8)]) == ["missed", "spurious"]


def test_analysis_keeps_both_entities_as_they_are():
    gold, predicted = Entity("Drug", 2, 6, id="T7"), Entity("Drug", 3, 6, score=0.7)
    assert analyze([pair([gold], [predicted])]).cases == (Case("boundary", "a", gold, predicted, None),)


def test_analysis_explains_an_error_by_the_nearest_mention():
    # The same hull is nearer than the same label, and that is nearer than a mere overlap.
    gold = [drug, Entity("Test", 4, 8)]
    cases = analyze([pair(gold, [Entity("Test", 2, 6), Entity("Amount", 5, 9)])]).cases
    assert [(case.kind, case.gold, case.predicted) for case in cases] == [
        ("type", drug, Entity("Test", 2, 6)),
        ("boundary_and_type", gold[1], Entity("Amount", 5, 9)),
    ]
    assert kinds([drug], [Entity("Test", 3, 6), Entity("Drug", 1, 3)]) == ["boundary", "spurious"]


def test_analysis_splits_a_mention_into_one_boundary_error_and_the_rest():
    assert sorted(kinds([drug], [Entity("Drug", 2, 4), Entity("Drug", 4, 6)])) == ["boundary", "spurious"]


def test_analysis_orders_cases_by_document_and_position():
    errors = [Entity("Test", 16, 18), drug]
    cases = analyze([pair(errors, []), pair([], errors)]).cases
    assert [case.kind for case in cases] == ["missed", "missed", "spurious", "spurious"]
    assert [(case.gold or case.predicted).start for case in cases] == [2, 16, 2, 16]


def test_analysis_reports_whether_training_has_the_mention():
    training = training_mentions(whole([Document("t", "二甲双胍", (Entity("Drug", 0, 4),))]))
    gold, predicted = [drug, Entity("Amount", 6, 10)], [Entity("Test", 2, 6), Entity("Test", 16, 18)]
    cases = analyze([pair(gold, predicted)], training).cases
    assert [(case.kind, case.seen) for case in cases] == [("type", True), ("missed", False), ("spurious", False)]
    assert all(case.seen is None for case in analyze([pair(gold, predicted)]).cases)


def test_analysis_leaves_out_what_the_part_does_not_own():
    assert analyze([pair([drug], [Entity("Test", 2, 6)], spans=((10, 20),))]).cases == ()


def test_analysis_counts_duplicates_once():
    assert kinds([drug, drug], []) == ["missed"]
    assert analyze([pair([drug, drug], [drug, drug])]).confusion == {("Drug", "Drug"): 1}


def test_analysis_confusion_has_an_empty_label_for_none():
    gold = [drug, Entity("Amount", 6, 10), Entity("Test", 16, 18)]
    predicted = [Entity("Drug", 2, 5), Entity("Test", 6, 10), Entity("Test", 19, 20)]
    assert analyze([pair(gold, predicted)]).confusion == {
        ("Drug", "Drug"): 1,
        ("Amount", "Test"): 1,
        ("Test", ""): 1,
        ("", "Test"): 1,
    }


spans = st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 6)).map(lambda s: (s[0], min(sum(s), len(TEXT))))
mentions = st.lists(st.builds(lambda label, span: Entity(label, *span), st.sampled_from(LABELS), spans), max_size=9)


@settings(deadline=None)
@given(mentions, mentions)
def test_analysis_accounts_for_every_mention_once(gold, predicted):
    one = pair(gold, predicted)
    analysis = analyze([one])
    right = one.gold_keys & one.predicted_keys
    ours = Counter(case.gold.key for case in analysis.cases if case.gold)
    theirs = Counter(case.predicted.key for case in analysis.cases if case.predicted)
    assert ours == Counter(one.gold_keys - right)
    assert theirs == Counter(one.predicted_keys - right)
    for case in analysis.cases:
        if case.gold and case.predicted:
            assert case.gold.start < case.predicted.end
            assert case.predicted.start < case.gold.end
    for label, score in analysis.scores.strict.by_type.items():
        assert sum(count for (row, _), count in analysis.confusion.items() if row == label) == score.gold
        assert sum(count for (_, column), count in analysis.confusion.items() if column == label) == score.predicted
    assert sum(analysis.errors.values()) == len(analysis.cases)


def test_analysis_is_json():
    values = analyze([pair([drug], [Entity("Test", 2, 6)])]).to_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["errors"] == {"missed": 0, "spurious": 0, "boundary": 0, "type": 1, "boundary_and_type": 0}
    assert values["confusion"] == [{"gold": "Drug", "predicted": "Test", "count": 1}]
