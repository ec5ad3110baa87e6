from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suwen.concepts.normalization import STEPS, difference, normalize

CHARACTERS = st.sampled_from("ⅡⅢIVXivx一二三十型期级度 -—\n一GLPDab1２ßαβаА'“²9½①°Ca综合症糖尿病、~")


@pytest.mark.parametrize(
    "surfaces",
    [
        ("2型糖尿病", "２型糖尿病", "Ⅱ型糖尿病", "II 型糖尿病", "二型糖尿病"),
        ("2型糖尿病", "2 型糖尿\r\n病", "ⅠⅠ型糖尿病", "ii型糖尿病"),
        ("DPP-4", "DPP一4", "DPP4", "DPP－4", "DPP — 4", "dpp-4"),
        ("HbA1c", "HbA1C", "HBA1C", "HbA₁c", "Ｈ bA1c"),
        ("TNF-α", "TNFα", "TNF-ɑ", "ＴＮＦ－α"),
        ("胰岛β细胞", "胰岛ß细胞"),
        ("25-羟维生素D", "25羟维生素D"),
        ("血管紧张素Ⅱ", "血管紧张素II", "血管紧张素 II"),
        ("AngⅡ", "Ang II", "AngII"),
        ("心功能II~III级", "心功能Ⅱ～Ⅲ级", "心功能2~3级"),
        ("Ⅱ°房室传导阻滞", "二度房室传导阻滞"),
        ("Graves病", "Graves’病", "Grave's病"),
        ("代谢综合征", "代谢综合症"),
        ("十二期", "12期"),
        ("BMI（kg/m２）", "bmi(kg/m2)"),
    ],
)
def test_normalization_equates(surfaces: tuple[str, ...]) -> None:
    assert len({normalize(surface) for surface in surfaces}) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1型糖尿病", "11型糖尿病"),
        ("1型糖尿病", "2型糖尿病"),
        ("Ca", "CA"),
        ("Mg", "mg"),
        ("pH", "PH"),
        ("10⁹/L", "109/L"),
        ("3-5", "35"),
        ("10 20", "1020"),
        ("①", "1"),
        ("X线", "10线"),
        ("HIV", "H4"),
        ("β细胞", "B细胞"),
        ("胆固醇", "胆同醇"),
        ("二甲双胍", "2甲双胍"),
        ("剩余碱-2", "剩余碱2"),
        ("GLP-1", "GLP-l"),
    ],
)
def test_normalization_keeps_apart(first: str, second: str) -> None:
    assert normalize(first) != normalize(second)
    assert difference(first, second) is None


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("2型", "2型", "same"),
        ("2型", "２型", "width"),
        ("2型", "Ⅱ型", "width"),
        ("2型", "2 型", "space"),
        ("2型", "II 型", "space"),
        ("2型", "二型", "numeral"),
        ("GLP-1", "GLP1", "hyphen"),
        ("HbA1c", "HbA1C", "case"),
        ("TNFα", "TNFɑ", "look-alike"),
        ("Graves'病", "Graves病", "punctuation"),
        ("综合症", "综合征", "spelling"),
    ],
)
def test_normalization_names_the_difference(first: str, second: str, reason: str) -> None:
    assert difference(first, second) == difference(second, first) == reason


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=12) | st.text(CHARACTERS, max_size=12))
def test_normalization_is_idempotent_and_never_empty(surface: str) -> None:
    key = normalize(surface)
    assert normalize(key) == key
    assert bool(key) == bool(surface)
    assert difference(surface, key) in {"same", *(name for name, _ in STEPS)}
