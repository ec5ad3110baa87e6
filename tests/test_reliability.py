from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from suwen.corpus.split import Selection
from suwen.document import Document, Entity
from suwen.evaluation.reliability import Bin, Reliability, confidences_and_hits, reliability
from suwen.evaluation.strict import Pair
from suwen.pages.reliability_plot import reliability_plot

TEXT = "糖" * 40


def pair(scores: list[float | None], right: set[int]) -> Pair:
    found = tuple(Entity("Drug", i, i + 1, score=score) for i, score in enumerate(scores))
    gold = Document("a", TEXT, tuple(Entity("Drug", i, i + 1) for i in right))
    return Pair(Selection(gold, ((0, len(TEXT)),)), replace(gold, entities=found))


def test_reliability_is_the_mean_distance_of_confidence_and_precision() -> None:
    found = reliability([pair([0.9, 0.8, 0.3, 0.2], {0, 1, 2})], bins=2)
    assert found is not None
    assert [one.mentions for one in found.bins] == [2, 2]
    assert [one.confidence for one in found.bins] == pytest.approx([0.25, 0.85])
    assert [one.precision for one in found.bins] == pytest.approx([0.5, 1.0])
    assert found.error == pytest.approx((0.25 + 0.15) / 2)


def test_reliability_has_bins_of_equal_size() -> None:
    found = reliability([pair([i / 40 for i in range(33)], set(range(0, 33, 2)))])
    assert found is not None
    assert len(found.bins) == 15
    assert {one.mentions for one in found.bins} == {2, 3}


def test_reliability_counts_mentions_with_a_confidence_in_the_part_alone() -> None:
    one = pair([0.9, None, 0.5], {0})
    part = Pair(Selection(one.gold.document, ((0, 2),)), one.predicted)
    assert confidences_and_hits([part]) == ([0.9], [True])
    assert reliability([pair([None, None], {0})]) is None


def test_reliability_plot_is_one_well_formed_picture() -> None:
    found = Reliability((Bin(5, 0.25, 0.5), Bin(5, 1.0, 1.0)))
    root = ElementTree.fromstring(reliability_plot(found.bins, found.error))
    dots = root.findall("{http://www.w3.org/2000/svg}circle")
    assert [(dot.get("cx"), dot.get("cy")) for dot in dots] == [("121.0", "160.0"), ("346.0", "10.0")]
