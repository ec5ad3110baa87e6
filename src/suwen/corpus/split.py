"""Splits: which part of a corpus owns which characters, and their file."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

from suwen.document import Document, Entity, Span
from suwen.errors import SuwenError
from suwen.files import StrPath, read_json, write_text

__all__ = ["PARTS", "OwnedSpan", "Selection", "Split", "Unit", "corpus_hash", "whole", "whole_document"]

PARTS = ("train", "dev", "test")
FORMAT = 1
FIELDS = {"data_hash": str, "seed": int, "unit": str, "ratio": dict, "units": dict, "leakage": dict, "parts": dict}
OwnedSpan = tuple[str, int, int]
Unit = Literal["sentence", "document", "group"]


@dataclass(frozen=True)
class Selection:
    """The characters of a document that one part of a split owns.

    Parameters
    ----------
    document
        The whole document: what lies around the spans can be read as context, but is not learned from or scored.
    spans
        What is owned, as ``[start, end)`` in code points of the text, sorted and disjoint.
    """

    document: Document
    spans: tuple[Span, ...]

    def owns(self, position: int) -> bool:
        """Return whether the character at this position is owned."""
        index = bisect_right(self.spans, position, key=lambda span: span[0]) - 1
        return index >= 0 and position < self.spans[index][1]

    @cached_property
    def gold(self) -> tuple[Entity, ...]:
        """The document's entities that begin in an owned span, in the document's order."""
        return tuple(entity for entity in self.document.entities if self.owns(entity.start))


def whole(documents: Iterable[Document]) -> list[Selection]:
    """Return every document that is annotated, in full."""
    return [whole_document(document) for document in documents if document.is_annotated]


def whole_document(document: Document) -> Selection:
    """Return a document in full."""
    return Selection(document, ((0, len(document.text)),))


def corpus_hash(documents: Iterable[Document]) -> str:
    """Return the SHA-256 of ids, texts and entity keys: the same in any order and in any format."""
    rows = sorted(
        [
            document.id,
            hashlib.sha256(document.text.encode()).hexdigest(),
            sorted(entity.key for entity in document.entities),
        ]
        for document in documents
    )
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True)
class Split:
    """The characters of each document that each part owns.

    Parameters
    ----------
    data_hash
        The `corpus_hash` of the documents that were split.
    seed
        The seed it was made with.
    unit
        The unit that was kept whole: ``sentence``, ``document`` or ``group``.
    ratio
        The wanted size of each part, in any scale.
    parts
        For each part the ``(document, start, end)`` it owns, sorted.
    units
        The number of units in each part; near-copies that were kept together are one.
    leakage
        The report on what the parts share (see `suwen.corpus.leakage`), as JSON values.
    path
        The file it was read from, for error messages.
    """

    data_hash: str
    seed: int
    unit: Unit
    ratio: Mapping[str, float]
    parts: Mapping[str, Sequence[OwnedSpan]]
    units: Mapping[str, int] = field(default_factory=dict)
    leakage: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        units = ", ".join(f"{part}: {count:,}" for part, count in self.units.items())
        return f"<Split by {self.unit}, seed: {self.seed}, {units}>"

    @property
    def hash(self) -> str:
        """The SHA-256 of the parts: equal where two splits give every part the same characters."""
        return hashlib.sha256(json.dumps({part: list(rows) for part, rows in self.parts.items()}).encode()).hexdigest()

    def select(self, documents: Sequence[Document], part: str) -> list[Selection]:
        """Return the part of the documents, in their order, without those that are not annotated.

        Raises
        ------
        SuwenError
            S303 when there is no such part, S301 when the documents are not those that were split, S306 when the part
            is empty, S302 when it names what the documents do not have.
        """
        if part not in self.parts:
            raise SuwenError("S303", self.path, part=part, parts=", ".join(self.parts))
        found = corpus_hash(documents)
        if found != self.data_hash:
            raise SuwenError("S301", self.path, expected=self.data_hash[:12], found=found[:12])
        if not self.parts[part]:
            raise SuwenError("S306", self.path, part=part)
        lengths = {document.id: len(document.text) for document in documents}
        spans: dict[str, list[Span]] = {}
        for name, start, end in self.parts[part]:
            if end > lengths.get(name, -1):
                reason = f"{part} owns [{start}, {end}) of the document {name!r}, which the corpus does not have"
                raise SuwenError("S302", self.path, reason=reason)
            spans.setdefault(name, []).append((start, end))
        return [
            Selection(document, tuple(spans[document.id]))
            for document in documents
            if document.id in spans and document.is_annotated
        ]

    def write(self, path: StrPath) -> None:
        """Write the split as JSON, one owned span a line, completely or not at all."""
        path = Path(path)
        head = {
            "format": FORMAT,
            "data_hash": self.data_hash,
            "seed": self.seed,
            "unit": self.unit,
            "ratio": dict(self.ratio),
            "units": dict(self.units),
            "leakage": dict(self.leakage),
        }
        parts = ",\n".join(
            f"    {json.dumps(part)}: [\n"
            + ",\n".join(f"      {json.dumps(row, ensure_ascii=False)}" for row in rows)
            + "\n    ]"
            for part, rows in self.parts.items()
        )
        opening = json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}")
        write_text(path, f'{opening},\n  "parts": {{\n{parts}\n  }}\n}}\n')

    @classmethod
    def read(cls, path: StrPath) -> Split:
        """Read a split file.

        Raises
        ------
        SuwenError
            S101 when it is missing, S204 when it is not JSON, S302 when it is not a split or of another format version.
        """
        path = Path(path)
        values = read_json(path)
        if not isinstance(values, dict) or "format" not in values:
            raise SuwenError("S302", path, reason="it has no 'format'")
        if values["format"] != FORMAT:
            raise SuwenError("S302", path, reason=f"format version {values['format']!r}, this release reads {FORMAT}")
        for key, kind in FIELDS.items():
            if not isinstance(values.get(key), kind):
                raise SuwenError("S302", path, reason=f"the field {key!r} is missing or not of the right kind")
        if values["unit"] not in get_args(Unit):
            raise SuwenError("S302", path, reason=f"unknown unit {values['unit']!r}")
        parts = {part: _owned_spans(rows, part, path) for part, rows in values["parts"].items()}
        _refuse_overlaps(parts, path)
        return cls(
            data_hash=values["data_hash"],
            seed=values["seed"],
            unit=values["unit"],
            ratio=values["ratio"],
            parts=parts,
            units=values["units"],
            leakage=values["leakage"],
            path=path,
        )


def _owned_spans(rows: Any, part: str, path: Path) -> tuple[OwnedSpan, ...]:
    if not isinstance(rows, list):
        raise SuwenError("S302", path, reason=f"the part {part!r} is not a list")
    for row in rows:
        match row:
            case [str(), int(start), int(end)] if 0 <= start <= end:
                pass
            case _:
                raise SuwenError("S302", path, reason=f"{part} holds {row!r}, which is not [document, start, end]")
    return tuple(sorted((name, start, end) for name, start, end in rows))


def _refuse_overlaps(parts: Mapping[str, Sequence[OwnedSpan]], path: Path) -> None:
    rows = sorted(row for owned in parts.values() for row in owned)
    for (name, _, end), (following, start, _) in pairwise(rows):
        if name == following and start < end:
            raise SuwenError("S302", path, reason=f"character {start} of the document {name!r} is owned twice")
