from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.corpus.near_copies import NearCopy, held_out_copy, near_copies
from suwen.document import Document

CHARACTERS = "糖尿病患者血胰岛素治疗空腹高低控制水平明显药物用检查结果显示组"


def text(seed: int, length: int = 3000) -> str:
    return "".join(random.Random(seed).choices(CHARACTERS, k=length))


def resemblance(first: str, second: str) -> float:
    sets = [{s[i : i + 8] for i in range(max(len(s) - 7, 1))} for s in ("".join(t.split()) for t in (first, second))]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def test_near_copies_are_found_with_their_exact_resemblance() -> None:
    original = text(0)
    copy = original[:1000] + text(1, 200) + original[1000:2800]
    documents = [Document(str(number), text(number)) for number in range(2, 30)]
    documents += [Document("copy", copy), Document("original", original)]
    assert near_copies(documents) == [NearCopy("copy", "original", pytest.approx(resemblance(copy, original)))]


def test_near_copies_do_not_depend_on_order_or_line_breaks() -> None:
    original = text(0)
    wrapped = "\r\n".join(original[start : start + 40] for start in range(0, len(original), 40))
    documents = [Document("b", original), Document("a", wrapped), Document("c", text(1))]
    assert near_copies(documents) == near_copies(documents[::-1]) == [NearCopy("a", "b", 1.0)]


def test_near_copies_come_with_the_closest_first_and_only_above_the_threshold() -> None:
    original = text(0)
    documents = [
        Document("a", original),
        Document("b", original[:2700] + text(1, 300)),
        Document("c", text(2, 700) + original[700:]),
    ]
    assert [(pair.first, pair.second) for pair in near_copies(documents)] == [("a", "b"), ("a", "c")]
    assert [(pair.first, pair.second) for pair in near_copies(documents, least=0.7)] == [("a", "b")]


@pytest.mark.parametrize("content", ["无", "血糖升高", "空腹血糖升高两年余"])
def test_near_copies_of_short_texts_are_found(content: str) -> None:
    documents = [Document("a", content), Document("b", content), Document("c", "未见异常")]
    assert near_copies(documents) == [NearCopy("a", "b", 1.0)]


def test_near_copies_of_empty_texts_are_none() -> None:
    assert near_copies([Document("a", ""), Document("b", " \n"), Document("c", "")]) == []


def test_near_copies_in_great_number_hang_together() -> None:
    names = [f"{number:03}" for number in range(200)]
    pairs = near_copies([Document(name, text(0, 200)) for name in names])
    assert {(pair.first, pair.second) for pair in pairs} == set(pairwise(names))


@given(st.text(alphabet="血糖 \n升", max_size=30), st.text(alphabet="血糖 \n升", max_size=30))
def test_near_copies_report_the_resemblance_by_definition(first: str, second: str) -> None:
    pairs = near_copies([Document("a", first), Document("b", second)])
    if not (first.split() and second.split()):
        assert pairs == []
    elif pairs:
        assert pairs[0].resemblance == pytest.approx(resemblance(first, second))
    else:
        assert resemblance(first, second) < 0.5


def test_near_copies_find_held_out_documents_in_longer_and_shorter_texts() -> None:
    held_out = [Document(str(number), text(number)) for number in range(5)]
    others = [Document("other", text(10)), Document("short", "短文"), Document("empty", "")]
    joined = Document("joined", text(11) + "".join(document.text for document in held_out[1:3]))
    part = Document("part", held_out[3].text[:1000])
    assert held_out_copy(others, held_out) is None
    assert held_out_copy([*others, joined], held_out) == NearCopy("joined", "1", 1.0)
    assert held_out_copy([*others, part], held_out) == NearCopy("part", "3", 1.0)
    assert held_out_copy([joined], []) is None
    half = Document("half", held_out[0].text[:1500] + text(12, 1500))
    assert held_out_copy([half], held_out) is None
    assert held_out_copy([half], held_out, least=0.4) == NearCopy("half", "0", pytest.approx(0.5, abs=0.01))
