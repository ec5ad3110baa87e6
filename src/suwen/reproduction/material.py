"""Data of all runs of an experiment: the documents, their splits, and the generated documents."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from suwen.corpus.leakage import leakage_report
from suwen.corpus.near_copies import near_copies
from suwen.corpus.sentences import sentence_spans
from suwen.corpus.split import PARTS, OwnedSpan, Split, corpus_hash
from suwen.corpus.splitting import RATIO, group_of, make_split
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import write_text
from suwen.formats import jsonl, read_corpus, write_corpus
from suwen.formats.writing import FileNames
from suwen.reproduction.profile import Profile, Unit
from suwen.schema import LCDD

__all__ = ["Material", "assign_entities", "check_documents", "entity_split", "write_material"]

CORPUS = "corpus.jsonl"
TEXT = "text"
DRAWS = 50
"""Maximum number of draws of documents, if a small fraction lacks a type."""


def check_documents(documents: Sequence[Document], path: Path) -> None:
    """Check that there is something of every type, and something for every part.

    Raises
    ------
    SuwenError
        S313 when a type of the paper is missing, S304 when there are too few documents.
    """
    present = {entity.label for document in documents for entity in document.entities}
    missing = [label for label in LCDD.labels if label not in present]
    if missing:
        raise SuwenError("S313", path, labels=", ".join(missing))
    if len(documents) < len(PARTS):
        raise SuwenError("S304", path, unit="document", count=len(documents), least=len(PARTS))


def write_material(folder: Path, documents: Sequence[Document], profile: Profile, path: Path) -> None:
    """Choose the documents, split them in each way, and write it all.

    With a fraction, that share of each part of the group split is drawn: what an encoder was kept from reading is then
    out of sight in the smaller experiment too. The group split, on which claims are judged, may be tested on a larger
    share of its test part.

    Parameters
    ----------
    path
        Where the documents come from, for messages.

    Raises
    ------
    SuwenError
        S304 and S313 as `check_documents`, for the chosen documents too; S304 when there are too few groups.
    """
    check_documents(documents, path)
    try:
        everything = make_split(documents, "group", RATIO, profile.split_seed)
        chosen = _chosen(documents, everything, profile)
        check_documents(chosen, path)
        judged = _judged(documents, chosen, everything, profile)
        splits = {
            "sentence": make_split(chosen, "sentence", RATIO, profile.split_seed),
            "document": make_split(chosen, "document", RATIO, profile.split_seed),
            "group": _restricted(everything, [*chosen, *judged]),
        }
    except SuwenError as error:
        raise error.at(path) from None
    write_corpus([*chosen, *judged], folder / CORPUS, "jsonl")
    for unit, split in splits.items():
        split.write(folder / "splits" / f"{unit}.json")
    # An encoder may read every document of the train part: it sees no annotation.
    readable = {name for name, _, _ in everything.parts["train"]}
    names = FileNames((".txt",))
    for document in documents:
        if document.id in readable:
            write_text(folder / TEXT / f"{names.take(document.id)}.txt", document.text)


def _chosen(documents: Sequence[Document], split: Split, profile: Profile) -> list[Document]:
    """Return the documents that are used: the first draw that has every type, or the last one."""
    if profile.fraction == 1:
        return list(documents)
    random = np.random.default_rng(profile.split_seed)
    chosen: list[Document] = []
    for _ in range(DRAWS):
        kept: set[str] = set()
        for part in PARTS:
            names = sorted({name for name, _, _ in split.parts[part]})
            count = max(1, round(profile.fraction * len(names)))
            kept |= {names[index] for index in random.choice(len(names), count, replace=False)}
        chosen = [document for document in documents if document.id in kept]
        if len({entity.label for document in chosen for entity in document.entities}) == len(LCDD.labels):
            break
    return chosen


def _judged(
    documents: Sequence[Document], chosen: Sequence[Document], split: Split, profile: Profile
) -> list[Document]:
    """Return the test documents that are added to the chosen ones, until the wanted share of the test part is there."""
    names = sorted({name for name, _, _ in split.parts["test"]})
    used = {document.id for document in chosen}
    spare = [name for name in names if name not in used]
    count = max(0, round(profile.test_fraction * len(names)) - (len(names) - len(spare)))
    added = set(np.random.default_rng(profile.split_seed).permutation(spare)[:count])
    return [document for document in documents if document.id in added]


def _restricted(split: Split, documents: Sequence[Document]) -> Split:
    """Return the split of the documents that are left."""
    if corpus_hash(documents) == split.data_hash:
        return split
    left = {document.id: group_of(document) for document in documents}
    parts = {part: tuple(row for row in rows if row[0] in left) for part, rows in split.parts.items()}
    units = {part: len({left[name] for name, _, _ in rows}) for part, rows in parts.items()}
    smaller = replace(split, data_hash=corpus_hash(documents), parts=parts, units=units)
    selections = {part: smaller.select(documents, part) for part in parts}
    return replace(smaller, leakage=leakage_report(selections, near_copies(documents)))


def assign_entities(documents: Sequence[Document], seed: int) -> dict[str, list[tuple[int, int]]]:
    """Assign the entities of each type 6 : 2 : 2 to the parts, wherever they are, in random order.

    Returns
    -------
    dict[str, list[tuple[int, int]]]
        For each part ``(document index, entity index)`` of its entities: the counts of Table 2 come out so, to within
        one entity.
    """
    random = np.random.default_rng(seed)
    places: dict[str, list[tuple[int, int]]] = {label: [] for label in LCDD.labels}
    for i in sorted(range(len(documents)), key=lambda index: documents[index].id):
        for j, entity in enumerate(documents[i].entities):
            places[entity.label].append((i, j))
    assigned: dict[str, list[tuple[int, int]]] = {part: [] for part in PARTS}
    shares = np.cumsum(RATIO) / sum(RATIO)
    for found in places.values():
        order = random.permutation(len(found))
        bounds = [0, *(round(share * len(found)) for share in shares)]
        for part, start, end in zip(PARTS, bounds, bounds[1:], strict=False):
            assigned[part] += [found[index] for index in order[start:end]]
    return assigned


def entity_split(documents: Sequence[Document], seed: int) -> Split:
    """Return the sentences that each part needs to show its entities.

    A sentence with entities of several parts is in all of them, with all its entities: the parts overlap, which no
    split file may.
    """
    parts: dict[str, tuple[OwnedSpan, ...]] = {}
    for part, places in assign_entities(documents, seed).items():
        owned: set[OwnedSpan] = set()
        for i, j in places:
            document = documents[i]
            spans = sentence_spans(document.text)
            place = bisect_right(spans, document.entities[j].start, key=lambda span: span[0]) - 1
            owned.add((document.id, *spans[place]))
        parts[part] = tuple(sorted(owned))
    ratio = dict(zip(PARTS, RATIO, strict=True))
    units = {part: len(rows) for part, rows in parts.items()}
    shared = {part: len(set(parts["train"]) & set(rows)) / max(len(rows), 1) for part, rows in parts.items()}
    leakage = {"sentences_in_train": {part: shared[part] for part in PARTS[1:]}}
    return Split(corpus_hash(documents), seed, "sentence", ratio, parts, units, leakage)


class Material:
    """The documents and splits that `write_material` wrote into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._splits: dict[Unit, Split] = {}
        self._all = read_corpus(folder / CORPUS, jsonl.NAME)
        assigned = {name for rows in self.split("document").parts.values() for name, _, _ in rows}
        self.documents = [document for document in self._all if document.id in assigned]

    def documents_of(self, unit: Unit) -> list[Document]:
        """Return the documents of a split: the one by group may have more in test."""
        return self._all if unit == "group" else self.documents

    def split(self, unit: Unit) -> Split:
        """Return the split into parts of this unit."""
        if unit not in self._splits:
            self._splits[unit] = (
                entity_split(self.documents, self.split("group").seed)
                if unit == "entity"
                else Split.read(self.folder / "splits" / f"{unit}.json")
            )
        return self._splits[unit]

    def generated_file(self, unit: Unit) -> Path:
        """Return the file of the documents that were generated from the train part of a split."""
        return self.folder / "augmented" / f"{unit}.jsonl"

    @property
    def text(self) -> Path:
        """The text of all train documents of the group split, which encoders may read."""
        return self.folder / TEXT


@lru_cache(maxsize=1)
def material_of(folder: Path) -> Material:
    """Return the material in a folder, read once by each process."""
    return Material(folder)
