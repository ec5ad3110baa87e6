from __future__ import annotations

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.schemes import BIO, BIOES, BMES, SCHEMES
from suwen.tagging import lattice
from suwen.tagging.decode import (
    ILLEGAL,
    Transitions,
    argmax_spans,
    decode_spans,
    legal_transitions,
    span_marginals,
    viterbi,
)


def random_transitions(rng, tags, scheme):
    legal = legal_transitions(tags, scheme)
    drawn = (
        np.where(scores > ILLEGAL, rng.normal(size=scores.shape), ILLEGAL).astype(np.float32)
        for scores in (legal.start, legal.end, legal.matrix)
    )
    return Transitions(*drawn)


def random_emissions(rng, *shape, scale=1.0):
    return (scale * rng.normal(size=shape)).astype(np.float32)


def all_paths(emissions, transitions):
    """Every legal path of one sequence [T, K] and its score in float64."""
    length, size = emissions.shape
    paths = np.array(list(product(range(size), repeat=length)))
    moves = transitions.matrix[paths[:, :-1], paths[:, 1:]]
    edges = np.stack((transitions.start[paths[:, 0]], transitions.end[paths[:, -1]]), axis=1)
    legal = (moves > ILLEGAL).all(axis=1) & (edges > ILLEGAL).all(axis=1)
    scores = emissions[np.arange(length), paths].sum(axis=1, dtype=np.float64)
    scores += moves.sum(axis=1, dtype=np.float64) + edges.sum(axis=1, dtype=np.float64)
    return paths[legal], scores[legal]


def all_marginals(emissions, transitions, tags, scheme):
    """The probability of every mention that some legal path holds."""
    paths, scores = all_paths(emissions, transitions)
    probabilities = np.exp(scores - np.logaddexp.reduce(scores))
    marginals = defaultdict(float)
    for path, probability in zip(paths, probabilities, strict=True):
        for span in scheme.decode([tags[tag] for tag in path], "error"):
            marginals[span] += probability
    return marginals


@st.composite
def small_cases(draw):
    """A scheme, its tags, random transitions and one random sequence, mild or extreme."""
    scheme = draw(st.sampled_from(list(SCHEMES.values())))
    labels = draw(st.sampled_from(["A", "AB"]))
    length = draw(st.integers(1, 4 if scheme is BIO or labels == "A" else 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tags = scheme.tags(labels)
    scale = draw(st.sampled_from([1.0, 30.0, 1000.0]))
    return scheme, tags, random_transitions(rng, tags, scheme), random_emissions(rng, length, len(tags), scale=scale)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda scheme: scheme.name)
def test_decode_legal_transitions_are_what_the_scheme_allows(scheme):
    tags = scheme.tags(["甲", "乙"])
    transitions = legal_transitions(tags, scheme)
    for (i, before), (j, after) in product(enumerate(tags), repeat=2):
        assert transitions.matrix[i, j] == (0 if scheme.allows(before, after) else ILLEGAL)
    assert [score == 0 for score in transitions.start] == [scheme.allows(None, tag) for tag in tags]
    assert [score == 0 for score in transitions.end] == [scheme.allows(tag, None) for tag in tags]
    assert transitions.matrix.dtype == transitions.start.dtype == transitions.end.dtype == np.float32


def test_decode_mixing_counts_the_moves_between_any_two_tags():
    assert legal_transitions(("O",), BIO).mixing == 1
    assert legal_transitions(BIO.tags("AB"), BIO).mixing == 2
    assert legal_transitions(BIOES.tags("AB"), BIOES).mixing == 3
    assert legal_transitions(("O", "I-A"), BIO).mixing == 0


@settings(max_examples=60, deadline=None)
@given(small_cases())
def test_decode_viterbi_finds_the_best_of_all_paths(case):
    _, _, transitions, emissions = case
    paths, scores = all_paths(emissions, transitions)
    found = viterbi(emissions[None], [len(emissions)], transitions)[0]
    assert found.tolist() == paths[scores.argmax()].tolist()


@settings(max_examples=60, deadline=None)
@given(small_cases())
def test_decode_marginals_are_the_sums_over_all_paths(case):
    scheme, tags, transitions, emissions = case
    expected = all_marginals(emissions, transitions, tags, scheme)
    (found,) = span_marginals(emissions[None], [len(emissions)], transitions, tags, scheme, [list(expected)])
    np.testing.assert_allclose(found, list(expected.values()), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("scheme", [BIO, BIOES], ids=lambda scheme: scheme.name)
def test_decode_linear_space_equals_log_space(scheme, monkeypatch):
    rng = np.random.default_rng(1)
    tags = scheme.tags("ABCD")
    transitions = random_transitions(rng, tags, scheme)
    lengths = np.array([300, 1, 170])
    for scale in (0.1, 3.0, 15.0):
        emissions = random_emissions(rng, 3, 300, len(tags), scale=scale)
        spans = [[("B", 0, 1), ("A", 0, n), ("C", n // 2, n // 2 + 1), ("D", n - 1, n)] for n in lengths]
        linear = span_marginals(emissions, lengths, transitions, tags, scheme, spans)
        with monkeypatch.context() as patch:
            patch.setattr(lattice, "linear_steps", lambda *_: 0)
            logarithmic = span_marginals(emissions, lengths, transitions, tags, scheme, spans)
        np.testing.assert_allclose(np.concatenate(linear), np.concatenate(logarithmic), rtol=1e-9)


def test_decode_marginals_keep_a_path_that_looks_hopeless_for_long():
    # B is 4,900 nats behind A before it wins, and no tag lets one become the other in between.
    tags = BIO.tags("AB")
    emissions = np.full((1, 300, 5), -9000, dtype=np.float32)
    emissions[0, 0, [1, 3]] = 0
    emissions[0, 1:, [2, 4]] = 0
    emissions[0, 1:99, 2] = 50
    emissions[0, 99:, 4] = 50
    transitions = legal_transitions(tags, BIO)
    (spans,) = decode_spans(emissions, [300], transitions, tags, BIO)
    assert spans == [("B", 0, 300, pytest.approx(1.0))]


@pytest.mark.parametrize(
    ("drop", "steps"),
    [(0.0, 333), (10.0, 32), (200.0, 1), (222.0, 1), (223.0, 0), (np.inf, 0), (np.nan, 0)],
)
def test_decode_linear_space_is_left_before_it_underflows(drop, steps):
    tiny = float(np.finfo(np.float64).tiny)
    assert lattice.linear_steps(drop, 2, tiny) == steps
    assert lattice.linear_steps(drop, 0, tiny) == 0


def test_decode_never_takes_an_illegal_move_however_much_it_scores():
    tags = BIOES.tags("AB")
    transitions = legal_transitions(tags, BIOES)
    for scale in (1.0, 1e3, 1e7):
        emissions = random_emissions(np.random.default_rng(2), 8, 40, len(tags), scale=scale)
        emissions[:, :, tags.index("I-A")] += 10 * scale
        for path in viterbi(emissions, np.full(8, 40), transitions):
            BIOES.decode([tags[tag] for tag in path], "error")


def test_decode_ties_go_to_the_lowest_tag():
    tags = BIO.tags("AB")
    transitions = legal_transitions(tags, BIO)
    assert viterbi(np.zeros((2, 9, 5), np.float32), [9, 4], transitions).tolist() == [[0] * 9] * 2
    emissions = np.zeros((1, 3, 5), np.float32)
    emissions[0, 1, [1, 3]] = 1
    assert viterbi(emissions, [3], transitions).tolist() == [[0, 1, 0]]


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda scheme: scheme.name)
def test_decode_does_not_depend_on_batch_and_padding(scheme):
    rng = np.random.default_rng(3)
    tags = scheme.tags("ABC")
    transitions = random_transitions(rng, tags, scheme)
    lengths = np.array([50, 1, 33, 2, 50, 17])
    emissions = random_emissions(rng, 6, 50, len(tags), scale=2)
    emissions[np.arange(50) >= lengths[:, None]] = np.nan
    before = emissions.copy()
    paths = viterbi(emissions, lengths, transitions)
    together = decode_spans(emissions, lengths, transitions, tags, scheme)
    for i, length in enumerate(lengths):
        alone = emissions[i : i + 1, :length]
        assert np.array_equal(viterbi(alone, [length], transitions)[0], paths[i, :length])
        assert not paths[i, length:].any()
        (spans,) = decode_spans(alone, [length], transitions, tags, scheme)
        assert [span[:3] for span in spans] == [span[:3] for span in together[i]]
        np.testing.assert_allclose([span[3] for span in spans], [span[3] for span in together[i]], rtol=1e-9)
    np.testing.assert_array_equal(emissions, before)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(list(SCHEMES.values())), st.integers(0, 2**32 - 1))
def test_decode_spans_are_those_of_the_best_path_with_their_marginals(scheme, seed):
    rng = np.random.default_rng(seed)
    tags = scheme.tags(["病", "药"])
    transitions = random_transitions(rng, tags, scheme)
    lengths = rng.integers(1, 12, size=5)
    emissions = random_emissions(rng, 5, 12, len(tags), scale=2)
    found = decode_spans(emissions, lengths, transitions, tags, scheme)
    paths = viterbi(emissions, lengths, transitions)
    spans = [[span[:3] for span in row] for row in found]
    assert spans == [
        scheme.decode([tags[tag] for tag in path[:n]], "error") for path, n in zip(paths, lengths, strict=True)
    ]
    marginals = span_marginals(emissions, lengths, transitions, tags, scheme, spans)
    for row, expected in zip(found, marginals, strict=True):
        assert [span[3] for span in row] == pytest.approx(expected.tolist(), abs=1e-12)
        assert all(0 < span[3] <= 1 for span in row)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(list(SCHEMES.values())), st.integers(0, 2**32 - 1))
def test_decode_argmax_reads_illegal_sequences_as_conlleval_does(scheme, seed):
    rng = np.random.default_rng(seed)
    tags = scheme.tags("AB")
    lengths = rng.integers(1, 15, size=4)
    emissions = random_emissions(rng, 4, 15, len(tags))
    probabilities = np.exp(emissions) / np.exp(emissions).sum(axis=2, keepdims=True)
    for i, row in enumerate(argmax_spans(emissions, lengths, tags, scheme)):
        best = emissions[i, : lengths[i]].argmax(axis=1)
        assert [span[:3] for span in row] == scheme.decode([tags[tag] for tag in best])
        for _, start, end, confidence in row:
            assert confidence == pytest.approx(probabilities[i, start:end].max(axis=1).min(), rel=1e-5)


def test_decode_legally_is_the_same_for_logits_and_log_probabilities():
    rng = np.random.default_rng(4)
    tags = BMES.tags("AB")
    logits = random_emissions(rng, 3, 20, len(tags), scale=2)
    logs = logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)
    transitions = legal_transitions(tags, BMES)
    of_logits = decode_spans(logits, [20, 9, 1], transitions, tags, BMES)
    of_logs = decode_spans(logs, [20, 9, 1], transitions, tags, BMES)
    assert [[span[:3] for span in row] for row in of_logits] == [[span[:3] for span in row] for row in of_logs]
    assert [span[3] for row in of_logits for span in row] == pytest.approx([span[3] for row in of_logs for span in row])


def test_decode_long_texts_stay_exact():
    rng = np.random.default_rng(5)
    tags = BIO.tags("ABC")
    transitions = random_transitions(rng, tags, BIO)
    emissions = random_emissions(rng, 1, 5000, len(tags), scale=5)
    (path,) = viterbi(emissions, [5000], transitions)
    # Past some positions the far end has no say, so the beginning is decoded as it is alone.
    assert np.array_equal(path[:400], viterbi(emissions[:, :600], [600], transitions)[0, :400])
    (spans,) = decode_spans(emissions, [5000], transitions, tags, BIO)
    (short,) = decode_spans(emissions[:, :600], [600], transitions, tags, BIO)
    near = [span for span in short if span[2] <= 400]
    assert [span[:3] for span in spans[: len(near)]] == [span[:3] for span in near]
    assert [span[3] for span in spans[: len(near)]] == pytest.approx([span[3] for span in near], abs=1e-9)


def test_decode_finds_nothing_in_empty_input():
    tags = BIO.tags("A")
    transitions = legal_transitions(tags, BIO)
    favoring_outside = np.tile(np.array([1, 0, 0], np.float32), (2, 4, 1))
    assert decode_spans(favoring_outside, [4, 0], transitions, tags, BIO) == [[], []]
    assert argmax_spans(favoring_outside, [4, 0], tags, BIO) == [[], []]
    assert decode_spans(np.zeros((0, 4, 3), np.float32), [], transitions, tags, BIO) == []
    assert span_marginals(favoring_outside, [4, 0], transitions, tags, BIO, [[], []])[1].tolist() == []
    assert decode_spans(np.zeros((1, 4, 1), np.float32), [4], legal_transitions(("O",), BIO), ("O",), BIO) == [[]]


def test_decode_a_nan_stays_in_its_sequence():
    tags = BIO.tags("A")
    transitions = legal_transitions(tags, BIO)
    emissions = np.tile(np.array([0, 1, 0.5], np.float32), (2, 4, 1))
    emissions[0, 2] = np.nan
    _, spans = decode_spans(emissions, [4, 4], transitions, tags, BIO)
    (alone,) = decode_spans(emissions[1:], [4], transitions, tags, BIO)
    assert [span[:3] for span in spans] == [span[:3] for span in alone]
    assert [span[3] for span in spans] == pytest.approx([span[3] for span in alone])
