"""The Document: the one value that travels through suwen.

Offsets are code points into `Document.text`, which is exactly the decoded content of the source: no newline is
translated, no byte order mark removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from importlib import import_module
from typing import Any

from suwen.errors import SuwenError

__all__ = [
    "UNANNOTATED",
    "Attribute",
    "Document",
    "Entity",
    "Note",
    "Page",
    "Relation",
    "join_pieces",
    "lone_surrogates",
]

Span = tuple[int, int]

UNANNOTATED = "unannotated"
"""The key of ``meta["read_from"]`` for a document whose annotation was cancelled or rejected."""

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Entity:
    """A typed mention.

    Parameters
    ----------
    label
        The entity type, for example ``"Disease"``.
    start, end
        The hull ``[start, end)`` in code points.
    fragments
        The pieces, in order, when the mention has several (a line break inside it, say); empty for one piece.
    id
        The identifier in the source (``"T7"``).
    score
        The confidence in [0, 1]: the span's exact marginal probability where a CRF predicted it.
    annotated
        The mention as the source has it, where that differs from the text at these offsets.

    Raises
    ------
    SuwenError
        S211, when the offsets are not ``0 <= start < end`` or the fragments do not make up the hull.

    Examples
    --------
    >>> entity = Entity("Drug", 2, 6, score=0.9)
    >>> entity.label, entity.pieces
    ('Drug', ((2, 6),))
    """

    label: str
    start: int
    end: int
    fragments: tuple[Span, ...] = ()
    id: str | None = None
    score: float | None = None
    annotated: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise SuwenError("S211", reason=f"{self.label} at [{self.start}, {self.end})")
        if self.fragments:
            ends = 0
            for begin, end in self.fragments:
                if not ends <= begin < end:
                    raise SuwenError("S211", reason=f"{self.label} has fragments out of order: {self.fragments}")
                ends = end
            if (self.fragments[0][0], ends) != (self.start, self.end):
                raise SuwenError("S211", reason=f"{self.label}: fragments {self.fragments} do not make up the hull")

    @property
    def pieces(self) -> tuple[Span, ...]:
        """The fragments, or the hull as the only one."""
        return self.fragments or ((self.start, self.end),)

    @property
    def key(self) -> tuple[str, int, int]:
        """Return the key of a strict match: label and hull."""
        return self.label, self.start, self.end

    def moved(self, by: int) -> Entity:
        """Return the entity with offsets that are larger by this number of characters (smaller if it is negative)."""
        fragments = tuple((start + by, end + by) for start, end in self.fragments)
        return replace(self, start=self.start + by, end=self.end + by, fragments=fragments)


@dataclass(frozen=True, slots=True)
class Relation:
    """A typed, directed relation between two entities.

    Parameters
    ----------
    label
        The relation type, for example ``"Drug_Disease"``.
    head, tail
        The ids of the first and the second argument, in the order of the relation type (brat's ``Arg1``, ``Arg2``).
    id
        The identifier in the source (``"R3"``).
    score
        The confidence in [0, 1], where a model predicted it.

    Examples
    --------
    >>> Relation("Drug_Disease", head="T1", tail="T2").tail
    'T2'
    """

    label: str
    head: str
    tail: str
    id: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of an entity or relation (brat ``A`` and ``M`` lines); `value` is None for a binary one."""

    id: str
    label: str
    target: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A free-text note on an annotation (brat ``#`` lines)."""

    id: str
    label: str
    target: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """The part ``[start, end)`` of the text that is on page `number` (1-based)."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its annotations and metadata.

    Parameters
    ----------
    id
        The name, unique in its corpus: for files the path without its extension, relative to the corpus, with ``/``.
    text
        The exact decoded characters.
    entities, relations, attributes, notes
        The annotations, in the order of the source.
    group
        The group that stays together in a split, for example the journal issue.
    pages
        The spans of the source's pages in the text.
    meta
        Anything else, JSON values only; ``meta["brat"]`` keeps the lines of an ``.ann`` file that suwen does not know.

    Raises
    ------
    SuwenError
        S201 when an entity lies outside the text, S210 when the text holds a lone surrogate.

    Examples
    --------
    >>> document = Document("note", "口服二甲双胍", (Entity("Drug", 2, 6),))
    >>> [document.mention(entity) for entity in document.entities]
    ['二甲双胍']
    """

    id: str
    text: str
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    group: str | None = None
    pages: tuple[Page, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    notes: tuple[Note, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("entities", "relations", "pages", "attributes", "notes"):
            if not isinstance(given := getattr(self, name), tuple):
                # A list could change later, and would not equal a tuple.
                object.__setattr__(self, name, tuple(given))
        for where, point, offset in lone_surrogates(self.text, "text"):
            raise SuwenError("S210", self.id, where=where, point=point, offset=offset)
        for entity in self.entities:
            if entity.end > len(self.text):
                raise SuwenError("S201", self.id, start=entity.start, end=entity.end, length=len(self.text))

    @property
    def is_annotated(self) -> bool:
        """False if the source marks the annotation as cancelled or rejected, whether or not there are entities."""
        source = self.meta.get("read_from")
        return not (isinstance(source, Mapping) and source.get(UNANNOTATED) is True)

    def entity(self, id: str) -> Entity:  # noqa: A002 (it is the word for it)
        """Return the entity with this id, for example the head or tail of a relation.

        Raises
        ------
        KeyError
            When there is none.

        Examples
        --------
        >>> Document("note", "口服二甲双胍", (Entity("Drug", 2, 6, id="T1"),)).entity("T1").label
        'Drug'
        """
        for entity in self.entities:
            if entity.id == id:
                return entity
        raise KeyError(f"the document {self.id!r} has no entity {id!r}")

    def mention(self, entity: Entity | str) -> str:
        """Return the text of an entity, or of the one with this id.

        Several pieces are joined as running text (see `join_pieces`).
        """
        if isinstance(entity, str):
            entity = self.entity(entity)
        if not entity.fragments:
            return self.text[entity.start : entity.end]
        return join_pieces([self.text[start:end] for start, end in entity.fragments])

    def _repr_html_(self) -> str:
        """Return the text with its mentions, as Jupyter shows it."""
        # Imported here: pages depend on documents, and most callers show none.
        return str(import_module("suwen.pages.notebook").document_html(self))


def lone_surrogates(value: Any, where: str) -> Iterator[tuple[str, int, int]]:
    """Yield the strings in a value (a document, JSON values) that are not valid Unicode.

    Yields
    ------
    tuple[str, int, int]
        The field that holds the string (``where.key``), its first lone surrogate and the offset of that in the string.
    """
    if isinstance(value, str):
        if found := _SURROGATE.search(value):
            yield where, ord(found[0]), found.start()
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from lone_surrogates(key, where)
            yield from lone_surrogates(item, f"{where}.{key}" if where else key)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from lone_surrogates(item, where)
    elif is_dataclass(value):
        named = {field.name: getattr(value, field.name) for field in fields(value)}
        yield from lone_surrogates(named, where)


def join_pieces(pieces: list[str]) -> str:
    """Join the pieces of a mention that a line break cut.

    Between Latin letters or digits a break stands for a space; elsewhere in Chinese text it stands for nothing.

    Examples
    --------
    >>> join_pieces(["二甲", "双胍"]), join_pieces(["diabetes", "mellitus"])
    ('二甲双胍', 'diabetes mellitus')
    """
    joined = ""
    for piece in pieces:
        if joined and is_latin(joined[-1]) and is_latin(piece[:1]):
            joined += " "
        joined += piece
    return joined


def is_latin(character: str) -> bool:
    """Return whether the character is an ASCII letter or digit: between two of them a line break stands for a space."""
    return character.isascii() and character.isalnum()
