"""Blocks and windows: every character decided once, where it is most central."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.errors import SuwenError
from suwen.text.windows import Block, Window, WindowRules, make_blocks


@st.composite
def rules(draw: st.DrawFn) -> WindowRules:
    length = draw(st.integers(1, 60))
    context = draw(st.integers(0, (length - 1) // 2))
    pack = draw(st.integers(0, length - 2 * context))
    return WindowRules(length, draw(st.integers(0, length - 1)), context, pack)


@st.composite
def documents(draw: st.DrawFn) -> tuple[list[tuple[int, int]], int]:
    """Sentences with a paragraph break or nothing between them, some of them left out, and the view's length."""
    parts = draw(st.lists(st.tuples(st.booleans(), st.integers(2, 200), st.booleans()), max_size=12))
    sentences, place = [], 0
    for passed, length, paragraph in parts:
        if passed:
            sentences.append((place, place + length))
        place += length + paragraph
    return sentences, place


@given(documents(), rules())
def test_windows_cores_partition_their_block(document, rules):
    sentences, view_length = document
    for block in make_blocks(sentences, view_length, rules):
        decided = [offset for window in block.windows for offset in range(window.core_start, window.core_end)]
        assert decided == list(range(block.start, block.end))


@given(documents(), rules())
def test_windows_stay_within_length_and_text(document, rules):
    sentences, view_length = document
    for block in make_blocks(sentences, view_length, rules):
        for window in block.windows:
            assert window.end - window.start <= rules.length
            assert 0 <= window.start <= window.core_start < window.core_end <= window.end <= view_length
            assert window.start >= block.start - rules.context
            assert window.end <= block.end + rules.context


@given(documents(), rules())
def test_windows_decide_where_a_character_is_most_central(document, rules):
    sentences, view_length = document
    for block in make_blocks(sentences, view_length, rules):
        for window in block.windows:
            for offset in range(window.core_start, window.core_end):
                nearest = min(abs(2 * offset + 1 - other.start - other.end) for other in block.windows)
                assert abs(2 * offset + 1 - window.start - window.end) == nearest


@given(documents(), rules())
def test_windows_of_a_block_are_alike_and_overlap_enough(document, rules):
    sentences, view_length = document
    for block in make_blocks(sentences, view_length, rules):
        assert len({window.end - window.start for window in block.windows}) == 1
        for left, right in pairwise(block.windows):
            assert left.end - right.start >= rules.overlap


@given(documents(), rules())
def test_windows_blocks_hold_whole_sentences_and_no_other(document, rules):
    sentences, view_length = document
    blocks = make_blocks(sentences, view_length, rules)
    inside = [[span for span in sentences if block.start <= span[0] < block.end] for block in blocks]
    assert [span for spans in inside for span in spans] == sentences
    for block, spans in zip(blocks, inside, strict=True):
        assert (block.start, block.end) == (spans[0][0], spans[-1][1])
        assert all(begin - end <= 1 for (_, end), (begin, _) in pairwise(spans))
        assert len(spans) == 1 or block.end - block.start <= rules.pack


def test_windows_leave_each_sentence_alone_by_default():
    assert make_blocks([(0, 4), (4, 9)], 9, WindowRules()) == [
        Block(0, 4, (Window(0, 4, 0, 4),), ((0, 4),)),
        Block(4, 9, (Window(4, 9, 4, 9),), ((4, 9),)),
    ]


def test_windows_read_neighbors_as_context():
    blocks = make_blocks([(0, 4), (5, 9), (9, 20)], 20, WindowRules(length=20, overlap=4, context=3))
    assert [block.windows for block in blocks] == [
        (Window(0, 7, 0, 4),),
        (Window(2, 12, 5, 9),),
        (Window(6, 20, 9, 20),),
    ]


def test_windows_shrink_context_rather_than_cut_a_sentence():
    (block,) = make_blocks([(10, 18)], 40, WindowRules(length=11, overlap=2, context=4))
    assert block.windows == (Window(9, 20, 10, 18),)
    (block,) = make_blocks([(1, 9)], 40, WindowRules(length=12, overlap=2, context=4))
    assert block.windows == (Window(0, 12, 1, 9),)


def test_windows_pack_consecutive_sentences_only():
    rules = WindowRules(length=30, overlap=4, pack=12)
    blocks = make_blocks([(0, 4), (5, 9), (9, 12), (12, 16), (20, 24)], 24, rules)
    assert [(block.start, block.end) for block in blocks] == [(0, 12), (12, 16), (20, 24)]


def test_windows_blocks_know_their_paragraphs():
    rules = WindowRules(length=30, overlap=4, pack=12)
    blocks = make_blocks([(0, 4), (5, 9), (9, 12), (12, 16), (20, 24)], 24, rules)
    assert [block.paragraphs for block in blocks] == [((0, 4), (5, 12)), ((12, 16),), ((20, 24),)]
    # Tokens leave no gap.
    (block,) = make_blocks([(0, 4), (4, 8), (8, 12)], 12, rules, paragraph_ends={8})
    assert block.paragraphs == ((0, 8), (8, 12))


@given(documents(), rules())
def test_windows_paragraphs_hold_all_sentences_of_a_block_and_no_break(document, rules):
    sentences, view_length = document
    for block in make_blocks(sentences, view_length, rules):
        inside = [span for span in sentences if block.start <= span[0] < block.end]
        decoded = {offset for start, end in block.paragraphs for offset in range(start, end)}
        assert decoded == {offset for start, end in inside for offset in range(start, end)}
        assert all(end < begin for (_, end), (begin, _) in pairwise(block.paragraphs))


def test_windows_spread_evenly_over_a_long_sentence():
    (block,) = make_blocks([(0, 5000)], 5000, WindowRules())
    assert len(block.windows) == 13
    assert block.windows[0] == Window(0, 503, 0, 439)
    assert block.windows[-1].end == 5000
    steps = {right.start - left.start for left, right in pairwise(block.windows)}
    assert max(steps) - min(steps) <= 1


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"length": 0}, "length"),
        ({"overlap": -1}, "overlap"),
        ({"context": -1}, "context"),
        ({"pack": -1}, "pack"),
        ({"length": 100, "overlap": 100}, "overlap"),
        ({"length": 510, "context": 255}, "length"),
        ({"length": 510, "context": 64, "pack": 383}, "length"),
    ],
)
def test_windows_refuse_rules_that_do_not_fit(values, key):
    with pytest.raises(SuwenError, match=f"S402 invalid value for '{key}'"):
        WindowRules(**values)
