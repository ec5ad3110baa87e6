"""Read offsets that count other units than the characters of the text."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from suwen.document import Entity

__all__ = ["COUNTED", "UNCONFIRMED", "Offsets", "are_unconfirmed", "moved", "place_of", "places_of", "way_that_fits"]

Offsets = Literal["text", "crlf", "lf", "utf-16", "utf-8", "no-bom"]

COUNTED = {
    "crlf": "line ends count as two characters (CRLF)",
    "lf": "line ends count as one character (LF)",
    "utf-16": "emoji and rare hanzi count as two (UTF-16)",
    "utf-8": "bytes are counted (UTF-8)",
    "no-bom": "the byte order mark does not count",
}
"""Units of offsets other than the characters of the text."""

UNCONFIRMED = (
    "emoji or rare hanzi before mentions, counted as one character; if they count as two, add --offsets utf-16"
)
"""The remark about offsets for which it matters whether they count UTF-16, and which no mention confirms."""

LARGEST_BASIC = "\uffff"
_BEYOND = re.compile("[\U00010000-\U0010ffff]")


@functools.lru_cache(maxsize=16)  # asked for again with each mention of a document
def places_of(text: str, *ways: str) -> Sequence[int] | None:
    """Return the place in the text for each offset, and one for the end; None if offsets count its characters.

    Parameters
    ----------
    ways
        Keys of `COUNTED`, which hold together, or ``text``.
    """
    if set(ways) <= {"text"}:
        return None
    places: list[int] = []
    before = ""
    for place, character in enumerate(text):
        count = 1
        if character == "\n" and "crlf" in ways and before != "\r":
            count = 2
        if character == "\n" and "lf" in ways and before == "\r":
            count = 0
        if character > LARGEST_BASIC and "utf-16" in ways:
            count = 2
        if "utf-8" in ways:
            count = len(character.encode("utf-8", "surrogatepass"))
        if not place and character == "\ufeff" and "no-bom" in ways:
            count = 0
        places += [place] * count
        before = character
    return [*places, len(text)]


def place_of(offset: int, places: Sequence[int] | None) -> int:
    """Return the place in the text of an offset; of one behind the text, it itself."""
    if places is None:
        return offset
    return places[offset] if offset < len(places) else offset + places[-1]


def moved(entity: Entity, places: Sequence[int] | None) -> Entity:
    """Return the entity at the places of its offsets."""
    if places is None:
        return entity
    return replace(entity, start=place_of(entity.start, places), end=place_of(entity.end, places))


def are_unconfirmed(text: str, entities: Iterable[Entity]) -> bool:
    """Return whether offsets without mentions would be others in UTF-16: an emoji or rare hanzi is before their end."""
    first = _BEYOND.search(text)
    return first is not None and any(entity.end > first.start() for entity in entities)


def way_that_fits(entity: Entity, text: str) -> str | None:
    """Return the key of `COUNTED` by which a mention that differs from its text fits."""
    mention = entity.annotated
    if mention is None:
        return None
    for way in COUNTED:
        place = place_of(entity.start, places_of(text, way))
        if place != entity.start and text[place : place + len(mention)] == mention:
            return way
    return None
