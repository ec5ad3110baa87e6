"""How a contrast and a claim are judged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.reproduction.paper import CLAIMS, Contrast, System
from suwen.reproduction.verdicts import Judged, Verdict, _holm, judge_contrast

HIGHER, LOWER = System("roberta", "crf"), System("roberta")


def judged(difference: float, low: float, high: float, p: float, **bounds: float) -> Judged:
    return Judged(Contrast(HIGHER, LOWER, **bounds), "group", 3, difference, low, high, p)


@pytest.mark.parametrize(
    ("one", "ruling"),
    [
        (judged(1.0, 0.4, 1.6, 0.001), "holds"),
        (judged(-1.0, -1.6, -0.4, 0.001), "does not hold"),
        (judged(0.3, -0.2, 0.8, 0.2), "not significant"),
        (judged(5.0, 4.0, 6.0, 0.001, least=3.0), "holds"),
        (judged(4.0, 3.1, 5.0, 0.06, least=3.0), "not significant"),
        (judged(2.0, 1.5, 2.5, 0.06, least=3.0), "does not hold"),
        (judged(3.5, 2.5, 4.5, 0.001, least=3.0), "not significant"),
        (judged(2.0, 1.5, 2.5, 0.001, least=3.0), "does not hold"),
        (judged(0.4, 0.2, 0.6, 0.001, most=1.0), "holds"),
        (judged(4.0, 3.0, 5.0, 0.001, most=1.0), "does not hold"),
        (judged(0.9, 0.5, 1.3, 0.001, most=1.0), "not significant"),
        (judged(-0.9, -1.3, -0.5, 0.001, most=1.0), "does not hold"),
        (Judged(Contrast(HIGHER, LOWER), "group", 0), "not run"),
    ],
)
def test_reproduction_verdicts_judge_a_contrast(one: Judged, ruling: str) -> None:
    assert judge_contrast(one) == ruling


@pytest.mark.parametrize(
    ("rulings", "whole"),
    [
        (["holds", "holds"], "holds"),
        (["holds", "not significant"], "not significant"),
        (["not significant", "does not hold"], "does not hold"),
        (["holds", "not run"], "not run"),
    ],
)
def test_reproduction_verdicts_judge_a_claim(rulings: list[str], whole: str) -> None:
    contrast = Contrast(HIGHER, LOWER)
    rows = tuple(Judged(contrast, "group", 1, ruling=ruling) for ruling in rulings)
    assert Verdict(CLAIMS[0], "group", rows).ruling == whole


@given(st.lists(st.one_of(st.none(), st.floats(0.0001, 1)), max_size=6))
def test_reproduction_verdicts_correct_for_several_tests(values: list) -> None:
    corrected = _holm(values)
    given_values = [value for value in values if value is not None]
    assert [value is None for value in corrected] == [value is None for value in values]
    for before, after in zip(values, corrected, strict=True):
        if before is not None:
            assert before <= after <= min(1, before * len(given_values)) + 1e-12
    assert _holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
