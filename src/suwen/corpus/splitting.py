"""Make a split: assign sentences, documents or groups of documents to train, dev and test."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from suwen.corpus.generated import original_id
from suwen.corpus.leakage import leakage_report
from suwen.corpus.near_copies import NearCopy, near_copies
from suwen.corpus.sentences import sentence_spans
from suwen.corpus.split import PARTS, OwnedSpan, Split, Unit, corpus_hash
from suwen.corpus.stratification import stratify
from suwen.document import Document
from suwen.errors import SplitError, SuwenError

__all__ = ["RATIO", "group_of", "groups_of", "make_folds", "make_split", "without_generated"]

RATIO = (6.0, 2.0, 2.0)
UNITS: tuple[str, ...] = get_args(Unit)
ARTICLE_OF_ISSUE = re.compile(r"(\d+)(?:_\d+)+")

Pieces = Mapping[str, Sequence[tuple[int, int, int]]]
"""For each document the ``(start, end, unit)`` that partition it, sorted."""


def make_split(
    documents: Sequence[Document],
    unit: Unit = "document",
    ratio: Sequence[float] = RATIO,
    seed: int = 0,
    group_field: str | None = None,
) -> Split:
    """Assign a corpus to train, dev and test so that each part gets its share of every label.

    Documents of `suwen augment` are not assigned: they follow an original that is wholly in train, and are left out
    otherwise, so that nothing is ever scored on it. The report's ``generated`` counts both.

    Parameters
    ----------
    documents
        In any order; the split does not depend on it.
    unit
        The unit that is kept whole. Near-copies of a document stay with it, except for sentences.
    ratio
        The wanted sizes of train, dev and test in any scale; a part of size 0 is left out, train must not be.
    seed
        The same seed and documents give the same split.
    group_field
        The key of `Document.meta` that names the group, with the unit ``group`` (see `group_of`).

    Returns
    -------
    Split
        With its leakage report.

    Raises
    ------
    SuwenError
        S304 when there are fewer units than parts, S305 when no document has `group_field`, S316 when near-copies are
        why there are too few units, S402 for sizes that make no parts, S404 for an unknown unit.
    """
    if unit not in UNITS:
        raise SuwenError("S404", what="unit", name=unit, known=", ".join(UNITS))
    if len(ratio) != len(PARTS) or not all(type(size) in (int, float) and 0 <= size < inf for size in ratio):
        raise SuwenError("S402", key="ratio", reason="three numbers are expected, as in 6:2:2")
    if not ratio[0] or not sum(ratio[1:]):
        raise SuwenError("S402", key="ratio", reason="train and one other part must be larger than 0")
    everything = sorted(documents, key=lambda document: document.id)
    ordered, generated = without_generated(everything)
    wanted = {part: size for part, size in zip(PARTS, ratio, strict=True) if size}
    copies = near_copies(ordered)
    if unit == "sentence":
        pieces = _sentence_pieces(ordered)
    else:
        keys = groups_of(ordered, group_field) if unit == "group" else [document.id for document in ordered]
        pieces = _whole_pieces(ordered, _together(ordered, keys, copies))
    units = 1 + max((number for spans in pieces.values() for _, _, number in spans), default=-1)
    if units < len(wanted):
        if len(ordered) >= len(wanted) and copies and unit == "document":
            raise SplitError("S316", documents=len(ordered), count=units, least=len(wanted))
        raise SplitError("S304", unit=unit, count=units, least=len(wanted))
    assigned = stratify(_counts(ordered, pieces, units, unit), tuple(wanted.values()), seed)
    parts = {part: _owned(pieces, assigned == index) for index, part in enumerate(wanted)}
    sizes = {part: int((assigned == index).sum()) for index, part in enumerate(wanted)}
    following = [] if unit == "sentence" else _following(generated, parts["train"])
    parts["train"] = tuple(sorted([*parts["train"], *following]))
    split = Split(corpus_hash(everything), seed, unit, wanted, parts, sizes)
    selections = {part: split.select(everything, part) for part in parts}
    leakage = leakage_report(selections, copies)
    if generated:
        leakage["generated"] = {"train": len(following), "left_out": len(generated) - len(following)}
    return replace(split, leakage=leakage)


def make_folds(documents: Sequence[Document], count: int, unit: Unit, seed: int = 0) -> list[int]:
    """Assign documents to folds of like size and like shares of every label.

    Parameters
    ----------
    documents
        In any order; the folds do not depend on it.
    count
        The number of folds.
    unit
        The unit that is kept whole: ``group`` keeps documents of a group together (see `group_of`).
        Near-copies, and what was generated from a document, stay with it in any case.

    Returns
    -------
    list[int]
        For each document the index of its fold.

    Raises
    ------
    SuwenError
        S304 when there are fewer units than folds.
    """
    ordered = sorted(documents, key=lambda document: document.id)
    keys = [group_of(document) if unit == "group" else original_id(document.id) for document in ordered]
    numbers = _together(ordered, keys, near_copies(ordered))
    units = 1 + max(numbers, default=-1)
    if units < count:
        raise SplitError("S304", unit=unit, count=units, least=count)
    counts = _counts(ordered, _whole_pieces(ordered, numbers), units, "document")
    assigned = stratify(counts, [1.0] * count, seed)
    folds = {document.id: int(assigned[number]) for document, number in zip(ordered, numbers, strict=True)}
    return [folds[document.id] for document in documents]


def without_generated(documents: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """Return the originals, and the documents that were generated from one of them."""
    names = {document.id for document in documents}
    generated = [one for one in documents if original_id(one.id) != one.id and original_id(one.id) in names]
    made = {document.id for document in generated}
    return [document for document in documents if document.id not in made], generated


def _following(generated: Sequence[Document], train: Sequence[OwnedSpan]) -> list[OwnedSpan]:
    """Return the spans of generated documents in train: all of those whose original is there."""
    originals = {name for name, _, _ in train}
    return [(one.id, 0, len(one.text)) for one in generated if original_id(one.id) in originals]


def group_of(document: Document, group_field: str | None = None) -> str:
    """Return the name of the group that a document belongs to.

    It is the value of `group_field` in the document's meta where a field is given, else the document's own group, else
    the journal issue in its file name (``138`` for ``138_5`` and ``123`` for ``123_3_1``). A document that has none of
    these is a group of its own, together with what was generated from it.
    """
    if group_field is not None:
        value = document.meta.get(group_field)
        return document.id if value is None else str(value)
    if document.group is not None:
        return document.group
    original = original_id(document.id)
    name = original.rpartition("/")[2]
    article = ARTICLE_OF_ISSUE.fullmatch(name)
    return article[1] if article else name if name.isdecimal() else original


def groups_of(documents: Sequence[Document], group_field: str | None = None) -> list[str]:
    """Return the group of each document (see `group_of`).

    Raises
    ------
    SuwenError
        S305 when no document has `group_field`.
    """
    known = sorted({key for document in documents for key in document.meta})
    if group_field is not None and group_field not in known:
        raise SuwenError("S305", field=group_field, known=", ".join(known) or "none")
    return [group_of(document, group_field) for document in documents]


def _sentence_pieces(documents: Sequence[Document]) -> Pieces:
    pieces: dict[str, list[tuple[int, int, int]]] = {}
    number = 0
    for document in documents:
        spans = sentence_spans(document.text)
        pieces[document.id] = [(start, end, number + index) for index, (start, end) in enumerate(spans)]
        number += len(spans)
    return pieces


def _whole_pieces(documents: Sequence[Document], units: Sequence[int]) -> Pieces:
    return {document.id: [(0, len(document.text), number)] for document, number in zip(documents, units, strict=True)}


def _together(documents: Sequence[Document], keys: Sequence[str], copies: Sequence[NearCopy]) -> list[int]:
    """Return the unit of each document: documents with one key, and the near-copies of any of them, are one unit."""
    unit_of_key = {key: key for key in keys}
    key_of = {document.id: key for document, key in zip(documents, keys, strict=True)}

    def root(key: str) -> str:
        while unit_of_key[key] != key:
            key = unit_of_key[key]
        return key

    for pair in copies:
        first, second = sorted((root(key_of[pair.first]), root(key_of[pair.second])))
        unit_of_key[second] = first
    numbers: dict[str, int] = {}
    return [numbers.setdefault(root(key), len(numbers)) for key in keys]


def _counts(documents: Sequence[Document], pieces: Pieces, units: int, unit: Unit) -> NDArray[np.float64]:
    """Count how often each label begins in each unit, [units, labels]; documents have their length as last label."""
    labels = sorted({entity.label for document in documents for entity in document.entities})
    column = {label: index for index, label in enumerate(labels)}
    counts = np.zeros((units, len(labels) + 1))
    for document in documents:
        spans = pieces[document.id]
        starts = [start for start, _, _ in spans]
        for entity in document.entities:
            counts[spans[bisect_right(starts, entity.start) - 1][2], column[entity.label]] += 1
        if unit != "sentence":
            counts[spans[0][2], -1] += len(document.text)
    return counts


def _owned(pieces: Pieces, mine: NDArray[np.bool_]) -> tuple[OwnedSpan, ...]:
    """Return the spans of these units, adjacent ones merged."""
    owned: list[OwnedSpan] = []
    for name, spans in sorted(pieces.items()):
        for start, end, number in spans:
            if not mine[number]:
                continue
            if owned and owned[-1][0] == name and owned[-1][2] == start:
                owned[-1] = (name, owned[-1][1], end)
            else:
                owned.append((name, start, end))
    return tuple(owned)
