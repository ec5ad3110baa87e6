"""Find strings that are annotated in some places of a corpus and not in others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from suwen.document import Document

__all__ = ["Inconsistency", "Place", "inconsistencies"]

LEAST_LENGTH = 2
"""Single characters stand in too many words."""

FIRST = 2
"""Number of characters by which the strings that may begin at a place are looked up."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place where a string stands without an annotation."""

    document: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """A string that is annotated here and not there.

    Parameters
    ----------
    text
        The string.
    labels
        Its labels, with the number of places that have each.
    places
        The places where it is outside every entity.
    """

    text: str
    labels: Counter[str]
    places: tuple[Place, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        places = [{"document": place.document, "start": place.start, "end": place.end} for place in self.places]
        annotated = {"annotated": self.labels.total(), "labels": dict(self.labels.most_common())}
        return {"text": self.text, **annotated, "not_annotated": len(self.places), "places": places}


def inconsistencies(documents: Sequence[Document]) -> list[Inconsistency]:
    """Return the strings that are annotated in some places and not in others, most places first.

    A place counts if it shares no character with an entity and is not a part of a longer Latin word or number. At each
    place the longest string counts.
    """
    labels: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for document in documents:
        for entity in document.entities:
            mention = document.text[entity.start : entity.end]
            if len(mention) >= LEAST_LENGTH and not entity.fragments:
                labels[mention][entity.label] += 1
    strings = _by_beginning(labels)
    places: defaultdict[str, list[Place]] = defaultdict(list)
    for document in documents:
        for mention, start in _unannotated(document, strings):
            places[mention].append(Place(document.id, start, start + len(mention)))
    found = [Inconsistency(text, labels[text], tuple(where)) for text, where in places.items()]
    return sorted(found, key=lambda item: (-len(item.places), item.text))


def _by_beginning(strings: Iterable[str]) -> dict[str, list[str]]:
    """Return the strings by their first characters, long ones first."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for string in sorted(strings, key=len, reverse=True):
        found[string[:FIRST]].append(string)
    return found


def _unannotated(document: Document, strings: dict[str, list[str]]) -> Iterator[tuple[str, int]]:
    """Yield the strings that stand outside all entities, with their places."""
    text = document.text
    taken = bytearray(len(text))
    for entity in document.entities:
        taken[entity.start : entity.end] = b"\1" * (entity.end - entity.start)
    start = 0
    while start < len(text):
        candidates = strings.get(text[start : start + FIRST], ())
        fits = (one for one in candidates if text.startswith(one, start) and _is_whole(text, start, start + len(one)))
        mention = next((one for one in fits if not any(taken[start : start + len(one)])), None)
        if mention is not None:
            yield mention, start
        start += 1 if mention is None else len(mention)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Return whether a span neither begins nor ends inside a Latin word or a number."""
    return not (_goes_on(text, start) or _goes_on(text, end))


def _goes_on(text: str, place: int) -> bool:
    around = text[max(place - 1, 0) : place + 1]
    return 0 < place < len(text) and around.isascii() and (around.isalpha() or around.isdigit())
