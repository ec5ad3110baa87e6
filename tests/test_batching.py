import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from suwen.inference.batching import batches, pad

LENGTHS = st.lists(st.integers(0, 50), max_size=60)


@given(LENGTHS, st.integers(1, 200))
def test_batching_takes_every_item_once_and_keeps_to_the_budget(lengths, budget):
    groups = list(batches(lengths, budget))
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    for group in groups:
        assert group
        assert len(group) == 1 or len(group) * max(lengths[i] for i in group) <= budget


@given(LENGTHS, st.integers(1, 200))
def test_batching_goes_from_long_to_short_and_keeps_the_order_of_equals(lengths, budget):
    order = [i for group in batches(lengths, budget) for i in group]
    assert order == sorted(order, key=lambda i: (-lengths[i], i))


def test_batching_fills_up_to_the_budget():
    assert list(batches([3, 9, 3, 4], 12)) == [[1], [3, 0, 2]]


def test_batching_makes_batches_of_like_size():
    assert list(batches([5] * 4, 16)) == [[0, 1], [2, 3]]
    assert [len(group) for group in batches([5] * 10, 20)] == [4, 3, 3]


def test_batching_pads_at_the_right_and_reports_where():
    rows = [
        {"input_ids": np.array([7, 8, 9], np.int32), "bigram_ids": np.array([4, 5, 1], np.int32)},
        {"input_ids": np.array([6], np.int32), "bigram_ids": np.array([1], np.int32)},
    ]
    padded = pad(rows, {"input_ids": 2, "bigram_ids": 0})
    assert padded["input_ids"].tolist() == [[7, 8, 9], [6, 2, 2]]
    assert padded["bigram_ids"].tolist() == [[4, 5, 1], [1, 0, 0]]
    assert padded["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert {array.dtype for array in padded.values()} == {np.dtype(np.int32)}
