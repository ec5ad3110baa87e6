"""The view: which breaks vanish, and the exact way back."""

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.text.view import LINE_ENDS, ViewRules, make_view

LINE_BREAKS = [chr(code) for low, high in LINE_ENDS for code in range(low, high + 1)]
PIECES = st.sampled_from(
    [
        *LINE_BREAKS,
        "\r\n",
        "\n\n",
        "\n\f",
        " ",
        "\t",
        "\u3000",
        "\ufeff",
        "\x00",
        "。",
        ",",
        "（",
        "1. 目",
        "e\u0301",
        "😀",
        *["二甲双胍片", "空腹血糖控制不佳的老年患者", "HbA1c", "0. 5", "mmol/L", "表 1  基线", "\ud800"],
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join))
RULES = st.builds(ViewRules, join_wrapped_lines=st.booleans())

WRAPPED = """糖尿病足患者的血糖管理
本组病人入院以后都停用了原来的口服药物,改用胰
岛素泵持续输注,剂量按照每天七次的指尖血糖调整,
连续一周达标以后才出院。
随访期间每个月复查一次糖化血红蛋白和肝肾功能指
标,结果用均数表示。
"""


def spans(text: str) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(*[st.integers(0, len(text))] * 2).map(lambda pair: (min(pair), max(pair)))


@given(TEXTS, RULES)
def test_view_every_character_is_its_source_character(text, rules):
    view = make_view(text, rules)
    assert view.source.dtype == np.int32
    assert len(view.text) == len(view.source)
    assert view.source_length == len(text)
    assert (np.diff(view.source) > 0).all()
    breaks = set(view.breaks.tolist())
    for offset, (character, source) in enumerate(zip(view.text, view.source.tolist(), strict=True)):
        if offset in breaks:
            assert character in "\n "
            assert text[source] in LINE_BREAKS
        else:
            assert character == text[source]
            assert character not in LINE_BREAKS


@given(TEXTS, RULES)
def test_view_drops_only_white_space_at_breaks_and_byte_order_marks(text, rules):
    view = make_view(text, rules)
    dropped = set(range(len(text))) - set(view.source.tolist())
    assert all(text[offset].isspace() or text[offset] == "\ufeff" for offset in dropped)
    if not any(character in LINE_BREAKS for character in text):
        assert view.text == text.replace("\ufeff", "")


@given(st.data(), TEXTS, RULES)
def test_view_pieces_are_the_span_without_breaks(data, text, rules):
    view = make_view(text, rules)
    start, end = data.draw(spans(view.text))
    pieces = view.to_source(start, end)
    breaks = set(view.breaks.tolist())
    shown = "".join(view.text[offset] for offset in range(start, end) if offset not in breaks)
    assert "".join(text[begin:finish] for begin, finish in pieces) == shown
    for (_, before), (after, _) in pairwise(pieces):
        assert before < after
    kept = set(view.source.tolist())
    assert all(offset in kept for begin, finish in pieces for offset in range(begin, finish))


@given(st.data(), TEXTS, RULES)
def test_view_spans_round_trip(data, text, rules):
    view = make_view(text, rules)
    start, end = data.draw(spans(view.text))
    pieces = view.to_source(start, end)
    breaks = set(view.breaks.tolist())
    solid = [offset for offset in range(start, end) if offset not in breaks]
    if not solid:
        assert pieces == ()
    else:
        assert view.to_view(pieces[0][0], pieces[-1][1]) == (solid[0], solid[-1] + 1)


@given(st.data(), TEXTS)
def test_view_of_a_source_span_lies_within_it(data, text):
    view = make_view(text)
    start, end = data.draw(spans(text))
    span = view.to_view(start, end)
    breaks = set(view.breaks.tolist())
    inside = [k for k, source in enumerate(view.source.tolist()) if start <= source < end and k not in breaks]
    assert span == ((inside[0], inside[-1] + 1) if inside else None)


def test_view_joins_wrapped_lines_and_keeps_paragraphs():
    assert make_view(WRAPPED).text.split("\n") == [
        "糖尿病足患者的血糖管理",
        "本组病人入院以后都停用了原来的口服药物,改用胰岛素泵持续输注,剂量按照每天七次的指尖血糖调整,连续一周达标以后才出院。",
        "随访期间每个月复查一次糖化血红蛋白和肝肾功能指标,结果用均数表示。",
        "",
    ]


@pytest.mark.parametrize(
    "line_break", ["\n", "\r\n", "\r", "\u2028", "\f", "\n\f", " \n", "\t\r\n\u3000\u3000", "\ufeff\n"]
)
def test_view_joins_lines_whatever_the_break(line_break):
    text = WRAPPED.replace("\n", line_break)
    view = make_view(text)
    assert view.text.rstrip("\n") == make_view(WRAPPED).text.rstrip("\n")
    start = view.text.index("胰岛素泵")
    pieces = view.to_source(start, start + 4)
    assert [text[begin:end] for begin, end in pieces] == ["胰", "岛素泵"]


@pytest.mark.parametrize("line_break", ["\n\n", "\r\n\r\n", "\n \n", "\u2029"])
def test_view_ends_a_paragraph_at_a_blank_line(line_break):
    text = WRAPPED.replace("胰\n", f"胰{line_break}")
    assert "改用胰\n岛素泵" in make_view(text).text


def test_view_ends_every_line_when_told_so():
    assert make_view(WRAPPED, ViewRules(join_wrapped_lines=False)).text == WRAPPED


def test_view_puts_a_space_between_latin_words_only():
    lines = [
        "Patients with a long history of diabetes",
        "mellitus were given insulin glargine at 2",
        "4 units,",
        "每天",
    ]
    view = make_view("\n".join(lines))
    assert (
        view.text == "Patients with a long history of diabetes mellitus were given insulin glargine at 2 4 units,每天"
    )
    start = view.text.index("diabetes")
    assert len(view.to_source(start, start + len("diabetes mellitus"))) == 2


@pytest.mark.parametrize(
    "heading",
    [
        "一、研究对象与方法以及全部的入组标准和排除标准",
        "2. 血糖监测和胰岛素剂量调整的方法和标准",
        "表 2  两组患者治疗前后血糖与血脂的比较",
        "注:两组均为入院后第二天清晨空腹采血",
        "(2) 血糖监测和胰岛素剂量调整",
        "2）血糖监测和胰岛素剂量调整",
        "②血糖监测和胰岛素剂量调整",
        "• 血糖监测和胰岛素剂量调整",
    ],
)
def test_view_begins_a_paragraph_at_headings_and_captions(heading):
    text = f"本组病人入院以后都停用了原来的口服药物改用胰\n{heading}\n本组病人入院以后都停用了原来的口服药物改用胰"
    assert f"改用胰\n{heading}" in make_view(text).text


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("本组病人入院以后都停用了口服药物改用", "2. 5 mg/d,以后每周加倍"),
        ("本组病人入院以后都停用了口服药物改用", "二、三尖瓣轻度反流,余无"),
        ("本组病人入院以后都停用了口服药物 (PAI-", "1)水平和血压"),
        ("本组病人入院以后平均年龄为 (56. 3 ±", "12)岁,体重正常"),
    ],
)
def test_view_does_not_take_a_wrapped_number_for_an_item(line, value):
    assert "\n" not in make_view(f"{line}\n{value}").text


def test_view_keeps_lists_and_cells_apart():
    for lines in (
        ["二甲双胍", "格列美脲", "阿卡波糖", "利格列汀"],
        ["A 组 12.5 13.6 14.7 15.8", "B 组 22.5 23.6 24.7 25.8"],
    ):
        assert make_view("\n".join(lines)).text.split("\n") == lines


def test_view_ends_a_foreign_title():
    lines = ["Glycemic control of patients with diabetic foot", "糖尿病足患者入院以后都停用了原来的口服药物"]
    assert make_view("\n".join(lines)).text.split("\n") == lines


def test_view_continues_where_punctuation_requires_it():
    assert make_view("用药(\n二甲双胍").text == "用药(二甲双胍"
    assert make_view("本组病人入院以后都停用了口服药物,餐后血糖 5. 6\nmmol/L").text.endswith("5. 6 mmol/L")


def test_view_follows_a_change_of_column_width():
    narrow = [
        "本组病人入院以后都停用了原来的口服药",
        "物改用胰岛素泵持续输注剂量按照每天的",
        "指尖血糖调整连续达标以后出院随访一年",
    ]
    wide = [a + b for a, b in zip(narrow, reversed(narrow), strict=True)]
    assert "\n" not in make_view("\n".join(wide + narrow)).text


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", " ", "\ufeff\n\ufeff", "二", "\x00"])
def test_view_of_almost_no_text(text):
    view = make_view(text)
    assert view.text == ("\n" if "\n" in text else text.replace("\ufeff", ""))
    assert view.to_source(0, 0) == ()
    assert view.to_view(0, 0) is None


@pytest.mark.parametrize(
    "text", ["二甲双胍" * 500_000, "双胍\n" * 300_000, " " * 1_000_000, "\n" * 1_000_000, "(" * 1_000_000]
)
def test_view_time_is_linear(text):
    start = time.perf_counter()
    make_view(text)
    assert time.perf_counter() - start < 10  # seconds; a quadratic pass would take hours
