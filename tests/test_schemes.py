"""Tagging schemes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, IOBES, Entities

from suwen.errors import SuwenError
from suwen.schemes import BIO, BIOES, BMES, SCHEMES, Scheme, flatten, scheme_named

LABELS = ("Drug", "Test")
schemes = st.sampled_from(list(SCHEMES.values()))
sequences = schemes.flatmap(
    lambda scheme: st.tuples(st.just(scheme), st.lists(st.sampled_from(scheme.tags(LABELS)), max_size=9))
)
spans = st.tuples(st.sampled_from(LABELS), st.integers(0, 30), st.integers(1, 6)).map(
    lambda span: (span[0], span[1], span[1] + span[2])
)


def as_seqeval(tags: list[str]) -> list[str]:
    """Seqeval has no BMES: its I is our M."""
    return [tag.replace("M-", "I-") for tag in tags]


def test_schemes_have_two_or_four_tags_for_each_label() -> None:
    assert BIO.tags(LABELS) == ("O", "B-Drug", "I-Drug", "B-Test", "I-Test")
    fifteen = [f"L{i}" for i in range(15)]
    assert (len(BIO.tags(fifteen)), len(BIOES.tags(fifteen))) == (31, 61)


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        (BIO, ["B-Drug", "I-Drug", "I-Drug", "O", "B-Test"]),
        (BIOES, ["B-Drug", "I-Drug", "E-Drug", "O", "S-Test"]),
        (BMES, ["B-Drug", "M-Drug", "E-Drug", "O", "S-Test"]),
    ],
)
def test_schemes_write_mentions_as_they_are_known_for(scheme: Scheme, tags: list[str]) -> None:
    assert scheme.encode(5, [("Drug", 0, 3), ("Test", 4, 5)]) == tags


@given(sequences)
def test_schemes_decode_leniently_as_seqeval_does(given_sequence: tuple[Scheme, list[str]]) -> None:
    scheme, tags = given_sequence
    expected = [(label, start, end + 1) for label, start, end in get_entities(as_seqeval(tags))]
    assert scheme.decode(tags, "conlleval") == expected


@given(sequences)
def test_schemes_decode_strictly_as_seqeval_does(given_sequence: tuple[Scheme, list[str]]) -> None:
    scheme, tags = given_sequence
    found = Entities([as_seqeval(tags)], IOB2 if scheme is BIO else IOBES).entities[0]
    assert scheme.decode(tags, "strict") == sorted(
        ((entity.tag, entity.start, entity.end) for entity in found), key=lambda span: span[1]
    )


@given(schemes, st.lists(spans))
def test_schemes_decode_what_they_encode(scheme: Scheme, given_spans: list[tuple[str, int, int]]) -> None:
    kept, _ = flatten(given_spans)
    tags = scheme.encode(40, kept)
    assert all(scheme.decode(tags, policy) == kept for policy in ("conlleval", "strict", "error"))
    assert all(scheme.allows(*pair) for pair in pairwise([None, *tags, None]))


@given(sequences)
def test_schemes_name_the_first_illegal_tag(given_sequence: tuple[Scheme, list[str]]) -> None:
    scheme, tags = given_sequence
    if all(scheme.allows(*pair) for pair in pairwise([None, *tags, None])):
        assert scheme.decode(tags, "error") == scheme.decode(tags, "strict")
    else:
        with pytest.raises(SuwenError, match="S207 illegal tag sequence"):
            scheme.decode(tags, "error")


def test_schemes_are_found_in_any_case() -> None:
    assert scheme_named("bioes") is BIOES
    with pytest.raises(SuwenError, match="S404 unknown tagging scheme 'IOB1'; known: BIO, BIOES, BMES"):
        scheme_named("IOB1")


@given(st.lists(spans))
def test_flatten_keeps_disjoint_spans_and_names_the_rest(given_spans: list[tuple[str, int, int]]) -> None:
    kept, dropped = flatten(given_spans, LABELS)
    assert set(kept) | set(dropped) == set(given_spans)
    assert len(kept) + len(dropped) == len(set(given_spans))
    assert all(first[2] <= second[1] for first, second in pairwise(kept))
    for _, start, end in dropped:
        rivals = [other for other in kept if other[1] < end and other[2] > start]
        assert any(other[2] - other[1] >= end - start for other in rivals)


def test_flatten_prefers_the_longest_then_the_earlier_then_the_label() -> None:
    assert flatten([("Drug", 2, 5), ("Test", 4, 9)]) == ([("Test", 4, 9)], [("Drug", 2, 5)])
    assert flatten([("Drug", 4, 7), ("Test", 2, 5)])[0] == [("Test", 2, 5)]
    assert flatten([("Test", 2, 5), ("Drug", 2, 5)])[0] == [("Drug", 2, 5)]
    assert flatten([("Test", 2, 5), ("Drug", 2, 5)], ["Test", "Drug"])[0] == [("Test", 2, 5)]
