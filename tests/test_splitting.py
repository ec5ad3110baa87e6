from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.corpus.split import Split, Unit
from suwen.corpus.splitting import group_of, make_split
from suwen.document import Document, Entity
from suwen.errors import SuwenError

WORDS = {"Disease": ("糖尿病", "高血压", "肾病"), "Drug": ("二甲双胍", "胰岛素"), "Test": ("空腹血糖", "血压")}
OTHERS = ("患者", "治疗", "检查", "明显", "升高", "给予", "控制", "观察", "结果", "比较")


def document(name: str, sentences: int = 12, seed: int | None = None, **fields: object) -> Document:
    """A text of random words, some of them entities."""
    chance = random.Random(name if seed is None else seed)
    text, entities = "", []
    for _ in range(sentences):
        for _ in range(chance.randint(2, 8)):
            label = chance.choice(["Disease", "Drug", "Test", "", "", ""])
            word = chance.choice(WORDS.get(label, OTHERS))
            if label:
                entities.append(Entity(label, len(text), len(text) + len(word)))
            text += word
        text += chance.choice(["。", "。\n\n"])
    return Document(name, text, tuple(entities), **fields)  # type: ignore[arg-type]


CORPUS = [document(f"{issue}_{article}") for issue in range(1, 11) for article in range(1, 5)]
ISSUES = {name: name.split("_")[0] for name in (each.id for each in CORPUS)}


def names(split: Split, part: str) -> set[str]:
    return {name for name, _, _ in split.parts[part]}


@pytest.mark.parametrize("unit", ["sentence", "document", "group"])
def test_splitting_covers_every_character_once(unit: Unit) -> None:
    split = make_split(CORPUS, unit)
    for each in CORPUS:
        owned = sorted(row[1:] for rows in split.parts.values() for row in rows if row[0] == each.id)
        assert [start for start, _ in owned] == [0, *(end for _, end in owned[:-1])]
        assert owned[-1][1] == len(each.text)
    found = [entity for part in split.parts for selection in split.select(CORPUS, part) for entity in selection.gold]
    assert len(found) == sum(len(each.entities) for each in CORPUS)


@pytest.mark.parametrize(("unit", "tolerance"), [("sentence", 0.01), ("document", 0.02), ("group", 0.05)])
def test_splitting_gives_each_part_its_share_of_each_label(unit: Unit, tolerance: float) -> None:
    split = make_split(CORPUS, unit)
    for label in WORDS:
        counts = [
            sum(entity.label == label for selection in split.select(CORPUS, part) for entity in selection.gold)
            for part in ("train", "dev", "test")
        ]
        assert [count / sum(counts) for count in counts] == pytest.approx([0.6, 0.2, 0.2], abs=tolerance)


def test_splitting_by_document_keeps_documents_whole() -> None:
    split = make_split(CORPUS, "document")
    assert [row for rows in split.parts.values() for row in rows if row[1]] == []
    assert sum(split.units.values()) == sum(len(rows) for rows in split.parts.values()) == len(CORPUS)


def test_splitting_by_group_keeps_issues_whole() -> None:
    split = make_split(CORPUS, "group")
    issues = [{ISSUES[name] for name in names(split, part)} for part in split.parts]
    assert sum(len(part) for part in issues) == len(set().union(*issues)) == sum(split.units.values()) == 10


def test_splitting_by_sentence_merges_neighbors_and_starts_parts_at_sentences() -> None:
    split = make_split(CORPUS, "sentence")
    texts = {each.id: each.text for each in CORPUS}
    for rows in split.parts.values():
        for (name, _, end), (following, start, _) in pairwise(rows):
            assert name != following or end < start
        for name, start, _ in rows:
            assert start == 0 or texts[name][start - 1] in "。\n"


@settings(max_examples=6, deadline=None)
@given(st.permutations(CORPUS[:12]), st.sampled_from(["sentence", "document", "group"]), st.integers(0, 3))
def test_splitting_depends_on_the_seed_and_not_on_the_order(documents: list[Document], unit: Unit, seed: int) -> None:
    assert make_split(documents, unit, seed=seed) == make_split(CORPUS[:12], unit, seed=seed)


def test_splitting_with_another_seed_differs() -> None:
    assert make_split(CORPUS, "document", seed=1).parts != make_split(CORPUS, "document", seed=2).parts


@pytest.mark.parametrize("unit", ["document", "group"])
def test_splitting_keeps_near_copies_on_one_side(unit: Unit) -> None:
    original = document("11_1", 40, seed=5)
    copy = Document("12", "转载。" + original.text)
    for seed in range(2):
        split = make_split([*CORPUS, original, copy], unit, seed=seed)
        (pair,) = split.leakage["near_copies"]
        assert (pair["first"], pair["second"]) == ("11_1", "12")
        assert [part for part in split.parts if {"11_1", "12"} & names(split, part)] == pair["parts"]
        assert len(pair["parts"]) == 1
        assert sum(split.units.values()) == (41 if unit == "document" else 11)


@pytest.mark.parametrize(
    ("each", "group"),
    [
        (Document("138_5", ""), "138"),
        (Document("123_3_1", ""), "123"),
        (Document("journals/138_5", ""), "138"),
        (Document("30", ""), "30"),
        (Document("journals/30", ""), "30"),
        (Document("notes/case_1", ""), "notes/case_1"),
        (Document("138_5", "", group="endocrinology"), "endocrinology"),
    ],
    ids=lambda value: value.id if isinstance(value, Document) else "",
)
def test_splitting_takes_the_group_of_the_document_or_its_issue(each: Document, group: str) -> None:
    assert group_of(each) == group


def test_splitting_by_a_field_keeps_its_values_together() -> None:
    documents = [document(f"p{number}", meta={"hospital": number % 5}) for number in range(30)]
    split = make_split([*documents, document("q")], "group", group_field="hospital")
    assert sum(split.units.values()) == 6
    for number in range(5):
        same = {f"p{index}" for index in range(number, 30, 5)}
        assert [part for part in split.parts if same <= names(split, part)]


def message(documents: Sequence[Document], unit: Unit, field: str | None = None) -> str:
    with pytest.raises(SuwenError) as raised:
        make_split(documents, unit, group_field=field)
    return str(raised.value)


def test_splitting_by_a_field_that_no_document_has_is_refused() -> None:
    assert message([document("a", meta={"year": 2017}), document("b")], "group", "journal") == (
        "S305 no document has the field 'journal'; fields present: year"
    )
    assert message(CORPUS, "group", "journal") == "S305 no document has the field 'journal'; fields present: none"


@pytest.mark.parametrize(
    ("documents", "unit", "found"),
    [
        (CORPUS[:2], "document", "S304 too few documents to split: 2; at least 3 are needed"),
        (CORPUS[:8], "group", "S304 too few groups to split: 2; at least 3 are needed"),
        (
            [Document("a", "血糖升高。给予胰岛素。")],
            "sentence",
            "S304 too few sentences to split: 2; at least 3 are needed",
        ),
        (
            [Document(str(number), f"第{number}例患者口服二甲双胍治疗糖尿病。") for number in range(12)],
            "document",
            "S316 the 12 documents are near-copies of each other: they make 1 of the 3 units that are needed",
        ),
        ([], "document", "S304 too few documents to split: 0; at least 3 are needed"),
    ],
)
def test_splitting_too_few_units_is_refused(documents: list[Document], unit: Unit, found: str) -> None:
    assert message(documents, unit).startswith(found)


def test_splitting_leaves_out_a_part_of_no_size() -> None:
    split = make_split(CORPUS, "document", (8, 0, 2))
    assert list(split.parts) == list(split.ratio) == list(split.units) == ["train", "test"]
    assert list(split.leakage["parts"]) == ["test"]


def test_splitting_takes_texts_without_entities_or_characters() -> None:
    documents = [Document("a", ""), Document("b", "\n"), Document("c", "未见异常。"), Document("d", "")]
    for unit in ("sentence", "document", "group"):
        split = make_split(documents, unit)
        assert sorted(row for rows in split.parts.values() for row in rows) == [
            ("a", 0, 0),
            ("b", 0, 1),
            ("c", 0, 5),
            ("d", 0, 0),
        ]
