from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from suwen.concepts.abbreviations import is_short_form
from suwen.concepts.candidates import BigramIndex
from suwen.concepts.normalization import normalize
from suwen.concepts.terminologies import (
    ABBREVIATIONS,
    Term,
    listed_abbreviations,
    read_aliases,
    read_terminology,
)
from suwen.errors import SuwenError
from suwen.schema import LCDD

CODES = """code\tname\tsynonyms
E11.9\t2型糖尿病\tII型糖尿病人|成人糖尿病
E10.9\t1型糖尿病
# a comment

E14\t糖尿病\t成人糖尿病
"""


@pytest.fixture
def codes(tmp_path: Path) -> Path:
    path = tmp_path / "icd.tsv"
    path.write_text("\ufeff" + CODES, encoding="utf-8")
    return path


def test_terminologies_finds_names_and_synonyms(codes: Path) -> None:
    terminology = read_terminology(codes)
    assert terminology.name == "icd"
    assert len(terminology.terms) == 3
    type2 = Term("E11.9", "2型糖尿病", ("II型糖尿病人", "成人糖尿病"))
    assert terminology.find("Ⅱ 型糖尿病") == (type2, "exact")
    assert terminology.find("2型糖尿病人") == (type2, "alias")
    assert terminology.find("成人糖尿病") == (None, "none")  # two terms have it
    assert terminology.find("11型糖尿病") == (None, "none")


def test_terminologies_same_key_twice(tmp_path: Path) -> None:
    path = tmp_path / "icd.tsv"
    path.write_text("A1\t代谢综合征\nA2\t代谢综合症\n", encoding="utf-8")
    terminology = read_terminology(path)
    names = ("代谢综合征", "代谢综合症", "代谢 综合征")
    assert [terminology.find(name)[1] for name in names] == ["exact", "exact", "none"]


def test_terminologies_candidates_are_ranked(codes: Path) -> None:
    found = read_terminology(codes).candidates("妊娠糖尿病")
    assert [candidate.name for candidate in found] == ["糖尿病"]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("E11.9\n", 1, "1 columns"),
        ("E11.9\t2型糖尿病\tx\ty\n", 1, "4 columns"),
        ("E11.9\t2型糖尿病\n\t糖尿病\n", 2, "empty"),
        ("", None, "no term"),
        ("code\tname\n", None, "no term"),
    ],
)
def test_terminologies_refuses_other_files(tmp_path: Path, text: str, line: int | None, reason: str) -> None:
    path = tmp_path / "icd.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SuwenError, match=reason) as caught:
        read_terminology(path)
    assert (caught.value.code, caught.value.line) == ("S420", line)


def test_terminologies_alias_list(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    rows = ("HbAlc|糖化\t糖化血红蛋白", "DN\t糖尿病肾病\tDisease", "DN\t正常菌群\tAnatomy", "甲\t乙", "甲\t丙")
    path.write_text("\n".join(rows), encoding="utf-8")
    aliases = read_aliases(path)
    assert aliases.find(normalize("HBALC"), "Test") == "糖化血红蛋白"
    assert [aliases.find("dn", label) for label in ("Disease", "Anatomy", "Test")] == ["糖尿病肾病", "正常菌群", None]
    assert aliases.find("甲", "Disease") is None
    path.write_text("DN\n", encoding="utf-8")
    with pytest.raises(SuwenError, match="S420"):
        read_aliases(path)


def test_terminologies_listed_abbreviations_are_well_formed() -> None:
    rows = [line.split("\t") for line in ABBREVIATIONS.read_text(encoding="utf-8").splitlines()]
    assert rows[0] == ["short", "names", "english", "type"]
    assert len(rows) > 200
    preferred = [names.split("|")[0] for _, names, _, _ in rows[1:]]
    others = []
    for _, names, _, _ in rows[1:]:
        first, *more = map(normalize, names.split("|"))
        others += {*more} - {first}
    assert all(kind in LCDD for _, _, _, kind in rows[1:])
    assert len(others) == len(set(others)), "another name of two concepts"
    assert not {normalize(name) for name in preferred} & set(others), "a preferred name that is another's"


def test_terminologies_listed_meanings_need_their_type() -> None:
    listed = listed_abbreviations()
    assert listed.meaning("t2dm", "Reason") == "2型糖尿病"
    assert listed.meaning("ms", "Disease") is None
    assert listed.meaning("ms", "Test") == "质谱"
    assert listed.meaning("pa", "Symptom") == "原发性醛固酮增多症"
    assert listed.synonym_of(normalize("甲亢")) == "甲状腺功能亢进症"
    assert all(is_short_form(short.upper()) for short in listed.long_forms)


def test_terminologies_likely_misreadings_are_marked() -> None:
    counts = {"高密度脂蛋白": 40, "高密度脂旦白": 1, "低密度脂蛋白": 30, "2型糖尿病": 9, "1型糖尿病": 9}
    index = BigramIndex(Counter(counts))
    first = index.search("高密度脂旦白")[0]
    assert (first.name, first.reason) == ("高密度脂蛋白", "OCR variant")
    assert index.search("2 型糖尿病") == []
