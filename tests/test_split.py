from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.corpus.split import Selection, Split, corpus_hash, whole
from suwen.document import Document, Entity
from suwen.errors import SuwenError

DOCUMENTS = [
    Document("a", "口服二甲双胍。血糖下降。", (Entity("Drug", 2, 6), Entity("Test", 7, 9))),
    Document("b", "胰岛素治疗。", (Entity("Drug", 0, 3),)),
    Document("c", ""),
]
PARTS = {"train": [("a", 0, 7), ("c", 0, 0)], "dev": [("b", 0, 6)], "test": [("a", 7, 12)]}


def split_of(documents: Sequence[Document], parts: Mapping[str, Sequence[tuple[str, int, int]]] = PARTS) -> Split:
    return Split(corpus_hash(documents), 0, "sentence", {"train": 6, "dev": 2, "test": 2}, parts)


def test_split_selection_has_the_entities_that_begin_in_it() -> None:
    document = Document("a", "一二三四五六", (Entity("X", 1, 4), Entity("X", 3, 4), Entity("Y", 4, 6)))
    selection = Selection(document, ((0, 2), (4, 6)))
    assert [selection.owns(position) for position in range(-1, 7)] == [
        False,
        True,
        True,
        False,
        False,
        True,
        True,
        False,
    ]
    assert [entity.key for entity in selection.gold] == [("X", 1, 4), ("Y", 4, 6)]


def test_split_whole_selects_everything() -> None:
    selections = whole(DOCUMENTS)
    assert [selection.document for selection in selections] == DOCUMENTS
    assert [selection.gold for selection in selections] == [document.entities for document in DOCUMENTS]


def test_split_select_returns_parts_in_the_order_of_the_documents() -> None:
    split = split_of(DOCUMENTS)
    assert split.select(DOCUMENTS, "train") == [
        Selection(DOCUMENTS[0], ((0, 7),)),
        Selection(DOCUMENTS[2], ((0, 0),)),
    ]
    assert [selection.document.id for selection in split.select(DOCUMENTS[::-1], "train")] == ["c", "a"]
    assert split.select(DOCUMENTS, "test")[0].gold == (Entity("Test", 7, 9),)


def test_split_file_reads_back_unchanged(tmp_path: Path) -> None:
    split = replace(split_of(DOCUMENTS), units={"train": 2, "dev": 1, "test": 1}, leakage={"near_copies": []})
    split.write(tmp_path / "split.json")
    assert Split.read(tmp_path / "split.json") == replace(
        split, parts={part: tuple(sorted(rows)) for part, rows in PARTS.items()}
    )


def test_split_file_with_an_empty_part_reads_back(tmp_path: Path) -> None:
    split_of(DOCUMENTS, {"train": [], "test": []}).write(tmp_path / "split.json")
    assert Split.read(tmp_path / "split.json").parts == {"train": (), "test": ()}


@given(st.permutations(DOCUMENTS), st.permutations(DOCUMENTS[0].entities))
def test_split_hash_does_not_depend_on_order(documents: list[Document], entities: list[Entity]) -> None:
    reordered = [
        replace(document, entities=tuple(entities)) if document.id == "a" else document for document in documents
    ]
    assert corpus_hash(reordered) == corpus_hash(DOCUMENTS)


@pytest.mark.parametrize(
    "changed",
    [
        replace(DOCUMENTS[0], id="d"),
        replace(DOCUMENTS[0], text="口服二甲双胍。血糖下降!"),
        replace(DOCUMENTS[0], entities=DOCUMENTS[0].entities[:1]),
        replace(DOCUMENTS[0], entities=(Entity("Drug", 2, 6), Entity("Test", 7, 10))),
        replace(DOCUMENTS[0], entities=(Entity("Drug", 2, 6), Entity("Disease", 7, 9))),
    ],
    ids=["id", "text", "fewer entities", "hull", "label"],
)
def test_split_hash_depends_on_id_text_and_entity_keys(changed: Document) -> None:
    assert corpus_hash([changed, *DOCUMENTS[1:]]) != corpus_hash(DOCUMENTS)


def message(call: Any, *arguments: Any) -> str:
    with pytest.raises(SuwenError) as raised:
        call(*arguments)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_split_refuses_other_data(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    split_of(DOCUMENTS).write(path)
    other = [replace(DOCUMENTS[0], entities=()), *DOCUMENTS[1:]]
    assert message(Split.read(path).select, other, "train") == (
        f"S301 {path}: the split was made for other data (hash {corpus_hash(DOCUMENTS)[:12]}, "
        f"found {corpus_hash(other)[:12]}); make a new split"
    )


def test_split_refuses_data_without_one_of_its_documents(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    split_of(DOCUMENTS).write(path)
    assert message(Split.read(path).select, DOCUMENTS[:2], "dev") == (
        f"S301 {path}: the split was made for other data (hash {corpus_hash(DOCUMENTS)[:12]}, "
        f"found {corpus_hash(DOCUMENTS[:2])[:12]}); make a new split"
    )


def test_split_refuses_a_part_that_it_does_not_have() -> None:
    assert message(split_of(DOCUMENTS).select, DOCUMENTS, "held-out") == (
        "S303 the split has no part 'held-out'; parts: train, dev, test"
    )


def test_split_refuses_an_empty_part() -> None:
    assert message(split_of(DOCUMENTS, {"train": PARTS["train"], "test": []}).select, DOCUMENTS, "test") == (
        "S306 the part 'test' of the corpus is empty; check the split file and the corpus"
    )


@pytest.mark.parametrize(
    ("row", "found"),
    [(("d", 0, 1), "[0, 1) of the document 'd'"), (("b", 0, 7), "[0, 7) of the document 'b'")],
    ids=["document", "offset"],
)
def test_split_refuses_spans_that_the_corpus_does_not_have(row: tuple[str, int, int], found: str) -> None:
    assert message(split_of(DOCUMENTS, {"train": [row]}).select, DOCUMENTS, "train") == (
        f"S302 not a split file: train owns {found}, which the corpus does not have; make one with 'suwen corpus split'"
    )


def test_split_file_missing(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    assert message(Split.read, path) == f"S101 {path}: no such file or folder; check the path"


def test_split_file_that_is_no_json_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    path.write_text('{\n  "format": 1,\n  "seed"\n}')
    assert message(Split.read, path).startswith(f"S204 {path}:4: invalid JSON: Expecting ':' delimiter; ")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 9}, "format version 9, this release reads 1"),
        ({"format": None}, "format version None, this release reads 1"),
        ({"data_hash": 5}, "the field 'data_hash' is missing or not of the right kind"),
        ({"seed": "0"}, "the field 'seed' is missing or not of the right kind"),
        ({"parts": []}, "the field 'parts' is missing or not of the right kind"),
        ({"leakage": []}, "the field 'leakage' is missing or not of the right kind"),
        ({"unit": "page"}, "unknown unit 'page'"),
        ({"parts": {"train": {}}}, "the part 'train' is not a list"),
        ({"parts": {"train": [["a", 0]]}}, "train holds ['a', 0], which is not [document, start, end]"),
        ({"parts": {"train": [["a", 5, 2]]}}, "train holds ['a', 5, 2], which is not [document, start, end]"),
        ({"parts": {"train": [["a", 0, 5]], "dev": [["a", 4, 6]]}}, "character 4 of the document 'a' is owned twice"),
    ],
)
def test_split_file_with_a_fault_is_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    path = tmp_path / "split.json"
    split_of(DOCUMENTS).write(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert message(Split.read, path) == f"S302 {path}: not a split file: {reason}; make one with 'suwen corpus split'"


@pytest.mark.parametrize("content", ["[]", "{}", "3"])
def test_split_file_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(content)
    assert message(Split.read, path) == (
        f"S302 {path}: not a split file: it has no 'format'; make one with 'suwen corpus split'"
    )


def test_split_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    split_of(DOCUMENTS).write(path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        replace(split_of(DOCUMENTS), leakage={"broken": object()}).write(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_split_selects_no_document_whose_annotation_was_cancelled() -> None:
    cancelled = replace(DOCUMENTS[0], meta={"read_from": {"unannotated": True}})
    documents = [cancelled, *DOCUMENTS[1:]]
    assert [selection.document.id for selection in whole(documents)] == ["b", "c"]
    assert [selection.document.id for selection in split_of(documents).select(documents, "train")] == ["c"]
    assert split_of(documents).select(documents, "test") == []
