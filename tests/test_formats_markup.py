from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.formats.articles.markup import RunningText, Script, subscript, superscript


@pytest.mark.parametrize(
    ("before", "raised", "after", "expected"),
    [
        ("12×10", "9", "/L", "⁹"),
        ("1.73m", "2", "", "²"),
        ("cm", "3", "", "³"),
        ("平方米", "2", "", "²"),
        ("χ", "2", "=", "²"),
        ("10", "-9", "mol", "⁻⁹"),
        ("10", "−9", "mol", "⁻⁹"),
        ("5mg·kg", "-1", "·d", "-1"),
        ("kg", "-1", "0.5", "⁻¹"),
        ("Ca", "2+", "浓度", "²⁺"),
        ("CD4", "+", "T", "⁺"),
        ("SO4", "2-", "", "²⁻"),
        ("用", "131", "I治疗", "¹³¹"),
        ("用", "18", "F-FDG", "¹⁸"),
        ("", "99m", "Tc", "⁹⁹ᵐ"),
        ("12.3", "a", "", "ᵃ"),
        ("12.3", "a,b", "", "ᵃ,ᵇ"),
        ("12.3", "*", "", "*"),
        ("8.2", "3", "。", "³"),
        ("", "1", "中山大学", "¹"),
        ("二甲双胍", "1)", "", "¹⁾"),
        ("37", "o", "C", "°"),
        ("37", "0", "C", "°"),
        ("泰素", "TM", "", "™"),
        ("1", "st", "", "st"),
        ("e", "0.75", "", "^0.75"),
        ("x", "a+b", "", "^(a+b)"),
        ("糖尿病", "[1]", "", "[1]"),
        ("糖尿病", "［1-3］", "", "［1-3］"),
        ("糖尿病", "1", "。", "[1]"),
        ("糖尿病", "1-3", "", "[1-3]"),
        ("8.2", "1,2", "", "[1,2]"),
        ("metformin", "4", " is", "[4]"),
        ("有效。", "5", "", "[5]"),
        ("6.5%", "3", "。", "[3]"),
        ("血糖[", "1", "]", "¹"),
    ],
)
def test_markup_writes_superscripts_apart_from_their_base(before: str, raised: str, after: str, expected: str) -> None:
    assert superscript(raised, before, after) == expected


def test_markup_takes_links_to_references_for_citations() -> None:
    assert superscript("3", "6.5", "。", cites=True) == "[3]"
    assert superscript("3", "kg", cites=True) == "[3]"


@pytest.mark.parametrize(
    ("before", "lowered", "after", "expected"),
    [
        ("CO", "2", "升高", "2"),
        ("HbA", "1c", "6.5%", "1c"),
        ("SpO", "2", "95%", "₂"),
        ("10", "2", "", "₂"),
        ("VitB", "12", " 10mg", "12"),
        ("C", "max", "1", "max"),
    ],
)
def test_markup_writes_subscripts_apart_from_digits(before: str, lowered: str, after: str, expected: str) -> None:
    assert subscript(lowered, before, after) == expected


def line_of(*pieces: tuple[str, tuple[Script, ...]]) -> str:
    text = RunningText()
    for piece, scripts in pieces:
        for script in scripts:
            text.begin_script(script)
        text.add(piece)
        for _ in scripts:
            text.end_script()
    return str(text)


SUP: tuple[Script, ...] = ("superscript",)
CITE: tuple[Script, ...] = ("citation",)


def test_markup_joins_superscripts_side_by_side() -> None:
    assert line_of(("二甲双胍", ()), ("1", (*SUP, *CITE)), (",", SUP), ("2", (*CITE, *SUP)), ("治疗", ())) == (
        "二甲双胍[1,2]治疗"
    )
    assert line_of(("二甲双胍", ()), ("1", (*SUP, *CITE)), (",", ()), ("2", (*SUP, *CITE))) == "二甲双胍[1,2]"
    assert line_of(("Ca", ()), ("2", SUP), ("+", SUP), ("浓度", ())) == "Ca²⁺浓度"
    assert line_of(("SO", ()), ("4", ("subscript",)), ("2-", SUP)) == "SO4²⁻"


def test_markup_puts_brackets_around_links_that_would_melt() -> None:
    assert line_of(("降至6.5", ()), ("1", CITE), ("-", ()), ("3", CITE), ("。", ())) == "降至6.5[1-3]。"
    assert line_of(("血糖[", ()), ("1", CITE), (",", ()), ("2", CITE), ("]", ())) == "血糖[1,2]"
    assert line_of(("见 ", ()), ("Smith 2001", CITE)) == "见 Smith 2001"


def test_markup_keeps_brackets_that_are_there() -> None:
    assert line_of(("血糖", ()), ("[", SUP), ("1", (*SUP, *CITE)), ("]", SUP)) == "血糖[1]"
    assert line_of(("血糖[", ()), ("1", (*SUP, *CITE)), ("]", ())) == "血糖[¹]"


def test_markup_keeps_the_space_around_scripts() -> None:
    assert line_of(("a ", ()), ("2", SUP), (" b", ())) == "a ² b"
    assert line_of(("a", ()), (" ", SUP), ("b", ())) == "a b"


@given(st.text("0123456789+-−,abcz()", max_size=8), st.text(max_size=4), st.text(max_size=4), st.booleans())
def test_markup_changes_no_content_of_scripts(text: str, before: str, after: str, cites: bool) -> None:
    plain = unicodedata.normalize("NFKC", superscript(text, before, after, cites=cites)).replace("−", "-")
    wanted = text.strip().replace("−", "-")
    assert plain.strip() in (wanted, f"[{wanted}]", f"^{wanted}", f"^({wanted})", "°")
    assert unicodedata.normalize("NFKC", subscript(text, before, after)).replace("−", "-").strip() == wanted
