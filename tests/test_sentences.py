"""Sentences: where they end, and that they hold every character."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.text.sentences import split_sentences
from suwen.text.view import make_view

TEXTS = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            ["血糖", "HbA1c", "5", "。", "！", "？", "；", ";", ".", " ", "\n\n", "（", "）", "(", ")", "”", "Results"]
        ),
        max_size=30,
    ).map("".join),
)


def sentences(text: str) -> list[str]:
    view = make_view(text)
    return [view.text[start:end] for start, end in split_sentences(view)]


@given(TEXTS)
def test_sentences_hold_each_character_but_paragraph_breaks_once(text):
    view = make_view(text)
    spans = split_sentences(view)
    covered = [offset for start, end in spans for offset in range(start, end)]
    assert covered == [offset for offset, character in enumerate(view.text) if character != "\n"]
    assert all(start < end for start, end in spans)


@given(TEXTS)
def test_sentences_left_out_never_look_like_a_paragraph_break(text):
    spans = split_sentences(make_view(text))
    assert all(after[0] - before[1] != 1 for before, after in zip(spans, spans[2:], strict=False))


@given(
    st.lists(st.sampled_from(["糖", "尿病，", "、。", "HbA1c ", "（", "\n\n"]), min_size=20, max_size=80).map("".join),
    st.integers(6, 12),
    st.integers(1, 2),
)
def test_sentences_are_bounded(text, longest, near):
    with pytest.MonkeyPatch.context() as patch:
        whole = split_sentences(make_view(text))
        patch.setattr("suwen.text.sentences.LONGEST_SENTENCE", longest)
        patch.setattr("suwen.text.sentences.NEAR", near)
        spans = split_sentences(make_view(text))
    assert max((end - start for start, end in spans), default=0) <= longest
    # Nothing is lost, only what is too long is cut, and no piece is a single character.
    assert {span for span in whole if span[1] - span[0] <= longest} <= set(spans)
    assert {edge for span in whole for edge in span} <= {edge for span in spans for edge in span}
    assert all(end - start > 1 for start, end in set(spans) - set(whole))
    assert sum(end - start for start, end in spans) == sum(end - start for start, end in whole)


def test_sentences_without_an_end_are_cut_after_a_comma():
    text = "口服二甲双胍，" * 3000
    assert [len(sentence) for sentence in sentences(text)] == [7000] * 3


@pytest.mark.parametrize(
    "expected",
    [
        ["血糖升高。", "给予胰岛素！", "是否停药？", "继续随访"],
        ["血糖升高;", "血脂正常；", "肝功能正常。"],
        ["血糖升高（空腹；餐后）。", "随访"],
        ["他说：“血糖高。”", "于是停药。"],
        ["血糖升高[1]。 ", "随访"],
        ["血糖升高。。。", "随访"],
        ["怎么办?! ", "停药"],
        ["TSH was normal (P<0. 05) . ", "Results were similar. ", "Liver et al. Diabetes"],
    ],
)
def test_sentences_end_here(expected):
    assert sentences("".join(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "HbA1c  。控制在 7% 以下",
        "控制 HbA1c。<7%",
        "血糖 10。/L",
        "肌酐 178 p。mol/L",
        "用于 3。5 期",
        "0. 5 g,每日 3 次",
        "1. 治疗目标",
    ],
)
def test_sentences_do_not_end_at_misread_superscripts_and_decimals(text):
    assert sentences(text) == [text]


def test_sentences_end_with_the_paragraph():
    assert sentences("研究对象\n\n本组病人均停药") == ["研究对象", "本组病人均停药"]


def test_sentences_of_a_long_run_take_linear_time_and_little_memory():
    assert len(sentences("。" * 300_000)) == 30
    assert len(sentences("(血糖" * 100_000)) == 30
    assert len(sentences("血糖升高。" * 100_000)) == 100_000


def test_sentences_do_not_cross_a_wrapped_line():
    text = "本组病人入院以后都停用了原来的口服药物,改用胰\n岛素泵持续输注。剂量按照每天七次的指尖血糖调整"
    assert [len(re.findall("。", sentence)) for sentence in sentences(text)] == [1, 0]
