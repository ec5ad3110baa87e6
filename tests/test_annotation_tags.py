"""Inline tags: only mentions whose place is certain are taken."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.annotation.tags import TagReader, shown, tagged

LABELS = ["Drug", "Disease", "SideEff-Drug"]
READER = TagReader(LABELS)


@pytest.mark.parametrize(
    ("sentence", "answer", "spans"),
    [
        ("口服二甲双胍，每日", "口服<Drug>二甲双胍</Drug>,每日", [("Drug", 2, 6)]),
        ("P<0.05（n=3）", "P<0.05(n=<Drug>３</Drug>)", [("Drug", 9, 10)]),
        ("a b\u200bc d\ufeff", "<Drug>a bc</Drug> d", [("Drug", 0, 5)]),
        ("“甲”—乙", '"<Disease>甲</Disease>"-乙', [("Disease", 1, 2)]),
        ("糖尿病糖尿病", "糖尿病<Disease>糖尿病</Disease>", [("Disease", 3, 6)]),
        ("糖尿病肾病", "<Disease><Disease>糖尿病</Disease>肾病</Disease>", [("Disease", 0, 5), ("Disease", 0, 3)]),
        ("x<p>y", "<Drug>x<p></Drug>y", [("Drug", 0, 4)]),
        ("ab", "<SideEff-Drug> ab </SideEff-Drug>", [("SideEff-Drug", 0, 2)]),
    ],
)
def test_tags_are_aligned_character_by_character(sentence: str, answer: str, spans: list[tuple[str, int, int]]) -> None:
    found = READER.align(sentence, answer)
    assert (list(found.spans), found.refused, found.is_altered) == (spans, Counter(), False)


@pytest.mark.parametrize(
    ("sentence", "answer", "refused", "altered"),
    [
        ("血糖升高。", "血糖<Disease>增高</Disease>。", {"invented": 1}, True),
        ("血糖升高。", "<Disease>血糖</Disease>增高。", {"in an altered sentence": 1}, True),
        ("血糖升高。", "血糖升高。<Disease>升高</Disease>", {"in an altered sentence": 1}, True),
        ("血糖升高。", "<Disease>血糖</Disease>升", {"in an altered sentence": 1}, True),
        ("HbA1c", "<Drug>HBA1C</Drug>", {"invented": 1}, True),
        ("Ⅱ型", "<Drug>II型</Drug>", {"invented": 1}, True),
        ("……", "<Drug>......</Drug>", {"invented": 1}, True),
        ("甲乙丙", "<Drug>甲<Disease>乙</Drug>丙</Disease>", {"crossing": 2}, False),
        ("甲乙丙", "<Drug>甲</Disease>乙丙", {"tag without its other half": 2}, False),
        ("甲乙丙", "<Drug>甲</Drug><Drug></Drug>乙<Food>丙</Food>", {"empty": 1, "unknown label": 1}, False),
        ("甲乙丙", "<Drug><Drug>甲</Drug></Drug>乙丙", {"repeated": 1}, False),
    ],
)
def test_tags_refuse_what_would_be_a_guess(sentence: str, answer: str, refused: dict[str, int], altered: bool) -> None:
    found = READER.align(sentence, answer)
    assert (dict(found.refused), found.is_altered) == (refused, altered)


sentences = st.text(st.sampled_from("糖尿病口服二甲双胍，,。<>/ a１1\n\u200b😀"), min_size=1, max_size=30)


@st.composite
def annotated(draw: st.DrawFn) -> tuple[str, list[tuple[str, int, int]]]:
    """A sentence with mentions that nest."""
    text = draw(sentences)
    ends = draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))), max_size=4))
    kept: list[tuple[str, int, int]] = []
    for first, second in ends:
        start, end = sorted((first, second))
        visible = [i for i in range(start, end) if shown(text[i])]
        if not visible:
            continue
        span = (draw(st.sampled_from(LABELS)), visible[0], visible[-1] + 1)
        crosses = any(a < span[1] < b < span[2] or span[1] < a < span[2] < b for _, a, b in kept)
        if not crosses and span not in kept:
            kept.append(span)
    return text, kept


@given(annotated())
def test_tags_come_back_to_the_same_offsets(case: tuple[str, list[tuple[str, int, int]]]) -> None:
    text, spans = case
    for answer in (tagged(text, spans), shown(tagged(text, spans))):
        found = READER.align(text, answer)
        assert sorted(found.spans) == sorted(spans)
        assert not found.refused


@given(sentences, st.text(max_size=40))
def test_tags_take_nothing_from_another_text(sentence: str, answer: str) -> None:
    found = READER.align(sentence, answer)
    assert all(0 <= start < end <= len(sentence) for _, start, end in found.spans)
    if found.is_altered:
        assert not found.spans


def test_tags_leave_out_mentions_that_cross() -> None:
    assert tagged("abcdef", [("Drug", 0, 3), ("Drug", 2, 4), ("Disease", 1, 2)]) == (
        "<Drug>a<Disease>b</Disease>c</Drug>def"
    )
