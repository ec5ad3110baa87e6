from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suwen.concepts.abbreviations import (
    Definition,
    agreed,
    definitions_in,
    is_short_form,
    long_forms,
    within_one_edit,
    without_definition,
)
from suwen.document import Document, Entity


def marked(text: str, name: str = "a") -> Document:
    """A document of ``{Label:mention}`` within text."""
    plain, entities = "", []
    for piece in text.replace("}", "{").split("{"):
        label, colon, mention = piece.partition(":")
        if colon and label.isalpha() and label.isascii():
            entities.append(Entity(label, len(plain), len(plain) + len(mention)))
            plain += mention
        else:
            plain += piece
    return Document(name, plain, tuple(entities))


def pairs(text: str) -> list[tuple[str, str]]:
    return [(one.short, one.long) for one in definitions_in(marked(text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{Disease:糖尿病肾病}(DN)常见", [("DN", "糖尿病肾病")]),
        ("{Disease:糖尿病肾病}（diabetic nephropathy，DN）", [("DN", "糖尿病肾病")]),
        ("{Disease:糖尿病肾病}(diabetic\nnephropathy,\nDN)", [("DN", "糖尿病肾病")]),
        ("{Disease:糖尿病肾病}（以下简称DN）", [("DN", "糖尿病肾病")]),
        ("{Disease:糖尿病肾病}，简称DN，", [("DN", "糖尿病肾病")]),
        ("{Disease:DM}(糖尿病)", []),  # the bracket holds no entity
        ("{Disease:DM}({Disease:糖尿病})", [("DM", "糖尿病")]),
        ("{Disease:糖尿病肾病(DN)}", [("DN", "糖尿病肾病")]),
        ("{Test:25-羟维生素D}[25(OH)D]", []),
        ("{Test:25-羟维生素D}(25(OH)D)", [("25(OH)D", "25-羟维生素D")]),
        ("{Test:糖化血红蛋白}(HbA1 c)", [("HbA1c", "糖化血红蛋白")]),
        ("{Disease:糖尿病肾病}(hyperuricemia,DN)", []),  # the letters are not in the full form
        ("{Test:血清胎球蛋白A}(Fetuin-A)", [("Fetuin-A", "胎球蛋白A")]),
        ("{Test:血清铁}(SI)", [("SI", "血清铁")]),  # S is the serum
        ("{Test:外周血单个核细胞}(PBMC)", [("PBMC", "外周血单个核细胞")]),
        ("{Test:血清 总胆固醇(TC)}", [("TC", "总胆固醇")]),
        ("{Test:空腹血糖}(mmol/L)", []),
        ("{Test:血压}(mmHg)", []),
        ("{Test:胰岛素}(mU/L)", []),
        ("{Test:空腹血糖}(P<0.05)", []),
        ("{Test:空腹血糖}(n=30)", []),
        ("{Disease:糖尿病}(1)", []),
        ("{Disease:糖尿病}[1,2]", []),
        ("{Drug:胰岛素}(Novo Nordisk)", []),
        ("{Drug:胰岛素}(Lilly)", []),
        ("{Drug:二甲双胍}(格华止)", []),
        ("{Disease:心功能不全}(II)", []),
        ("{Test:空腹血糖}(FPG、2hPG)", []),
        ("{Test:比值比}(OR)", []),
        ("{Disease:乳头状癌}(T1N0M0)", []),
        ("{Drug:胰升糖素样肽}(GLP)-1", []),
        ("{Anatomy:p38-丝裂原活化蛋白激酶}(MAPK)", []),
        ("{Test:C-反应蛋白}(CRP)", [("CRP", "C-反应蛋白")]),
    ],
)
def test_abbreviations_finds_definitions(text: str, found: list[tuple[str, str]]) -> None:
    assert pairs(text) == found


def test_abbreviations_takes_the_longest_entity() -> None:
    text = "早期糖尿病肾病(DN)"
    document = Document("a", text, (Entity("Disease", 5, 7), Entity("Disease", 2, 7)))
    assert definitions_in(document) == (Definition("DN", "糖尿病肾病", "Disease"),)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text("DNmolLgPI12/%<(αβ) ,", max_size=8))
def test_abbreviations_short_forms_have_a_capital(text: str) -> None:
    if is_short_form(text):
        assert any(character.isupper() for character in text)


def test_abbreviations_are_taken_out_of_a_mention() -> None:
    assert without_definition("糖尿病肾病（DN）") == "糖尿病肾病"
    assert without_definition("载脂蛋白A(I)") == "载脂蛋白A(I)"


def test_abbreviations_with_two_meanings_have_none() -> None:
    both = [Definition("MS", "代谢综合征", "Disease"), Definition("MS", "质谱", "Test")]
    assert long_forms(both) == {"ms": {"Disease": "代谢综合征", "Test": "质谱"}}
    assert long_forms([both[0], Definition("MS", "多发性硬化", "Disease")]) == {}
    assert long_forms([both[0], Definition("MS", "多发性硬化", "Disease")], {"ms": ["代谢综合征"]}) == {
        "ms": {"Disease": "代谢综合征", "": "代谢综合征"}
    }


@pytest.mark.parametrize("defined", ["血糖", "空腹血糖", "血清空腹血糖", "空膜血糖浓度"])
def test_abbreviations_listed_name_completes_a_long_form(defined: str) -> None:
    expected = defined if defined == "空膜血糖浓度" else "空腹血糖"
    assert long_forms([Definition("FPG", defined, "Test")], {"fpg": ["空腹血糖"]})["fpg"]["Test"] == expected


def test_abbreviations_short_ones_may_mean_more() -> None:
    assert long_forms([Definition("DM", "2型糖尿病", "Disease")], {"dm": ["糖尿病"]})["dm"]["Disease"] == "2型糖尿病"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(["代谢综合征", "代谢综合症", "多发性硬化", ""]), max_size=12), st.randoms())
def test_abbreviations_agreement_needs_three_documents_and_no_order(longs: list[str], shuffled: random.Random) -> None:
    documents = [{"ms": {"": long}} if long else {"ms": {"Test": "质谱"}} for long in longs]
    found = agreed(documents)
    mixed = list(documents)
    shuffled.shuffle(mixed)
    assert agreed(mixed) == found
    same = sum(long.startswith("代谢") for long in longs)
    hard = longs.count("多发性硬化")
    enough = [count for count in (same, hard) if count >= 3 and count >= 0.9 * len(longs)]
    assert bool(found) == bool(enough)


def test_abbreviations_edit_distance() -> None:
    assert all(within_one_edit("胆固醇", other) for other in ("胆固醇", "胆同醇", "胆醇", "总胆固醇", "胆固醇类"))
    assert not any(within_one_edit("胆固醇", other) for other in ("固胆醇", "醇", "胆红素", "总胆固醇类"))
