from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest

from suwen.corpus.split import Selection
from suwen.document import Document, Entity
from suwen.evaluation.significance import _batches, bootstrap_interval, compare, compare_counts, compare_runs
from suwen.evaluation.strict import Pair, StrictCounts, strict_counts, strict_scores

TEXT = "血糖升高,口服二甲双胍。" * 4
LABELS = ("Drug", "Test")


def pairs(seed: int, keep: float, documents: int = 8) -> list[Pair]:
    """Gold is the same for every seed; of its mentions about the share `keep` is predicted, beside a little noise."""
    gold, noise = np.random.default_rng(0), np.random.default_rng(seed)
    made = []
    for number in range(documents):
        starts = gold.choice(len(TEXT) - 2, size=5, replace=False).tolist()
        entities = [Entity(LABELS[start % 2], start, start + 2) for start in starts]
        found = [entity for entity in entities if noise.random() < keep]
        found += [Entity("Drug", start, start + 1) for start in noise.integers(len(TEXT), size=2).tolist()]
        name, middle = str(number), len(TEXT) // 2
        selection = Selection(Document(name, TEXT, tuple(entities)), ((0, middle), (middle, len(TEXT))))
        made.append(Pair(selection, Document(name, TEXT, tuple(found))))
    return made


def counts_of(rows: list[tuple[int, int, int]]) -> StrictCounts:
    return StrictCounts(("Drug",), np.array(rows, np.int64)[:, None, :])


def f1(matched: float, gold: float, predicted: float) -> float:
    return 2 * matched / (gold + predicted)


def test_significance_interval_holds_the_score_and_repeats():
    rows = [(3, 5, 4), (5, 5, 6), (1, 4, 3), (4, 6, 5), (2, 2, 2), (0, 3, 1)]
    interval = bootstrap_interval(counts_of(rows))
    assert interval.low < f1(*np.sum(rows, axis=0)) < interval.high
    assert (interval.level, interval.resamples, interval.units) == (0.95, 1_000, 6)
    assert bootstrap_interval(counts_of(rows)) == interval
    assert bootstrap_interval(counts_of(rows), seed=1) != interval


def test_significance_interval_equals_all_resamples():
    rows = [(3, 5, 4), (5, 5, 6), (0, 4, 3), (4, 6, 5)]
    every = [f1(*np.sum([rows[i] for i in drawn], axis=0)) for drawn in product(range(4), repeat=4)]
    interval = bootstrap_interval(counts_of(rows), resamples=20_000)
    assert (interval.low, interval.high) == pytest.approx(np.quantile(every, [0.025, 0.975]), abs=0.02)


def test_significance_equal_units_leave_no_doubt():
    interval = bootstrap_interval(counts_of([(1, 2, 2)] * 7))
    assert interval.low == interval.high == 0.5


def counts(side: list[Pair]) -> list[list[int]]:
    """Matched, gold and predicted by owned span, counted the slow way."""
    rows = []
    for pair in side:
        for start, end in pair.gold.spans:
            ours = {e.key for e in pair.gold.document.entities if start <= e.start < end}
            theirs = {e.key for e in pair.predicted.entities if start <= e.start < end}
            rows.append([len(ours & theirs), len(ours), len(theirs)])
    return rows


def test_significance_p_value_equals_all_exchanges():
    first, second = pairs(1, 0.8, documents=4), pairs(2, 0.6, documents=4)
    rows = np.array([counts(first), counts(second)])

    def difference(coins: tuple[int, ...]) -> float:
        units = np.arange(len(coins))
        coin = np.array(coins)
        return abs(f1(*rows[coin, units].sum(axis=0)) - f1(*rows[1 - coin, units].sum(axis=0)))

    observed = difference((0,) * 8)
    p_value = np.mean([difference(coins) >= observed - 1e-12 for coins in product((0, 1), repeat=8)])
    assert 0.02 < p_value < 0.98
    assert compare(first, second).p_value == pytest.approx(p_value, abs=0.02)


def test_significance_tells_a_better_system():
    comparison = compare(pairs(1, 0.95), pairs(2, 0.3))
    assert comparison.p_value < 0.01
    assert 0 < comparison.interval.low < comparison.difference < comparison.interval.high
    assert comparison.interval.units == 16


def test_significance_alike_systems_do_not_differ():
    comparison = compare(pairs(1, 0.7), pairs(2, 0.7))
    assert comparison.p_value > 0.05
    assert comparison.interval.low < 0 < comparison.interval.high


def test_significance_the_same_predictions_have_p_one():
    comparison = compare(pairs(1, 0.7), pairs(1, 0.7))
    assert (comparison.p_value, comparison.difference) == (1.0, 0.0)
    assert comparison.interval.low == comparison.interval.high == 0.0


def test_significance_p_value_is_never_zero():
    perfect, nothing = pairs(1, 1.0, documents=40), pairs(1, 0.0, documents=40)
    assert compare(perfect, nothing, shuffles=99).p_value == 1 / 100


def test_significance_sides_can_be_exchanged():
    first, second = pairs(1, 0.8), pairs(2, 0.6)
    one, other = compare(first, second), compare(second, first)
    assert (one.p_value, one.difference) == (other.p_value, -other.difference)
    assert (one.interval.low, one.interval.high) == pytest.approx((-other.interval.high, -other.interval.low))


def test_significance_compares_type_by_type():
    first, second = pairs(1, 0.8), pairs(2, 0.6)
    comparison = compare(first, second)
    for label in LABELS:
        assert comparison.by_type[label] == (strict_scores(first).by_type[label], strict_scores(second).by_type[label])
    values = comparison.to_dict()
    assert json.loads(json.dumps(values)) == values
    assert (
        values["f1_difference"]
        == values["strict_entity_micro"]["first"]["f1"] - values["strict_entity_micro"]["second"]["f1"]
    )


def test_significance_batches_bound_the_memory():
    assert list(_batches(10_000, 15_000)) == [266] * 37 + [158]
    assert list(_batches(3, 100_000_000)) == [1, 1, 1]
    assert list(_batches(5, 0)) == [5]


def test_significance_one_unit_has_no_interval():
    assert bootstrap_interval(counts_of([(1, 2, 2)])) is None
    document = Document("a", TEXT, (Entity("Test", 0, 2),))
    right = [Pair(Selection(document, ((0, len(TEXT)),)), document)]
    wrong = [Pair(right[0].gold, Document("a", TEXT))]
    assert compare(right, wrong).interval is None
    assert compare(right, wrong).p_value == 1.0
    assert compare(right, wrong).to_dict()["f1_difference_interval"] is None


def test_significance_runs_of_a_document_are_exchanged_together() -> None:
    better, worse = pairs(1, 0.9), pairs(2, 0.5)
    once, thrice = compare(better, worse), compare_runs([better] * 3, [worse] * 3)
    assert thrice.difference == pytest.approx(once.difference)
    assert (thrice.first.gold, thrice.first.matched) == (3 * once.first.gold, 3 * once.first.matched)
    assert thrice.p_value == once.p_value
    assert thrice.interval.units == once.interval.units


def test_significance_runs_may_differ_in_number() -> None:
    comparison = compare_runs([pairs(1, 0.9), pairs(3, 0.9)], [pairs(2, 0.5)])
    assert comparison.difference > 0.2


def test_significance_needs_no_more_than_the_counts_of_each_document() -> None:
    ours, theirs = [pairs(1, 0.9), pairs(3, 0.9)], [pairs(2, 0.5)]
    whole = compare_runs(ours, theirs)
    summed = [
        StrictCounts(("all",), sum(strict_counts(run).counts.sum(axis=1, keepdims=True) for run in runs))
        for runs in (ours, theirs)
    ]
    counted = compare_counts(*summed)
    assert (counted.first, counted.second) == (whole.first, whole.second)
    assert (counted.p_value, counted.interval) == (whole.p_value, whole.interval)
