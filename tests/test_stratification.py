from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from suwen.corpus import stratification
from suwen.corpus.stratification import stratify


def shares(counts: NDArray[np.int64], parts: NDArray[np.intp], number: int) -> NDArray[np.float64]:
    return np.array([counts[parts == part].sum(axis=0) for part in range(number)]) / counts.sum(axis=0)


def many_units() -> NDArray[np.int64]:
    """As many units as a corpus has sentences: labels from rare to common, most units with none."""
    chance = np.random.default_rng(0)
    return chance.poisson(np.geomspace(0.02, 0.6, 8), size=(5000, 8))


def test_stratification_of_many_units_keeps_every_label_within_half_a_point() -> None:
    counts = many_units()
    parts = stratify(counts, (6, 2, 2), 0)
    assert np.abs(shares(counts, parts, 3) - [[0.6], [0.2], [0.2]]).max() < 0.005
    empty = ~counts.any(axis=1)
    assert np.bincount(parts[empty]) / empty.sum() == pytest.approx([0.6, 0.2, 0.2], abs=0.005)


def test_stratification_gives_no_part_the_large_units() -> None:
    counts = many_units()
    parts = stratify(counts, (6, 2, 2), 0)
    large = counts.sum(axis=1) >= 4
    assert np.bincount(parts[large]) / large.sum() == pytest.approx([0.6, 0.2, 0.2], abs=0.03)


def test_stratification_exchanges_mend_the_deal_of_few_units(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.random.default_rng(1).poisson(30, size=(40, 6)) ** 2
    mended = stratify(counts, (6, 2, 2), 0)
    monkeypatch.setattr(stratification, "FEW", 0)
    assigned = stratify(counts, (6, 2, 2), 0)
    wanted = [[0.6], [0.2], [0.2]]
    after, before = (((shares(counts, parts, 3) - wanted) ** 2).sum() for parts in (mended, assigned))
    assert after < before / 4
    assert np.abs(shares(counts, mended, 3) - wanted).max() < 0.02


def test_stratification_finds_the_exact_split_where_there_is_one() -> None:
    counts = np.array([[5, 0], [1, 2], [4, 2], [3, 1], [2, 3], [5, 8]])
    parts = stratify(counts, (2, 1, 1), 0)
    assert shares(counts, parts, 3) == pytest.approx(np.array([[0.5, 0.5], [0.25, 0.25], [0.25, 0.25]]))


def test_stratification_depends_on_the_seed_alone() -> None:
    counts = np.random.default_rng(2).poisson(1.0, size=(20, 4))
    assert stratify(counts, (6, 2, 2), 3).tolist() == stratify(counts, (6, 2, 2), 3).tolist()
    assert stratify(counts, (6, 2, 2), 3).tolist() != stratify(counts, (6, 2, 2), 4).tolist()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=3, max_size=12),
    st.lists(st.integers(1, 9), min_size=2, max_size=3),
    st.booleans(),
)
def test_stratification_leaves_no_part_empty(counts: list[list[int]], ratio: list[int], few: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stratification, "FEW", 2000 if few else 0)
        patch.setattr(stratification, "ATTEMPTS", 3)
        parts = stratify(counts, ratio, 0)
    assert sorted(set(parts.tolist())) == list(range(len(ratio)))
    assert len(parts) == len(counts)
