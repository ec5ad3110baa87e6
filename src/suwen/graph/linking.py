"""What a document alone says of its mentions: the concept that each names, and whether the text affirms it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from suwen.concepts.normalization import normalize
from suwen.document import Document
from suwen.graph.tables import POLARITIES

__all__ = ["Form", "forms_of", "polarities_of"]


CACHED = 2**16


class Form(NamedTuple):
    """A surface as an entity type, the key of its concept, and why it has that key.

    Parameters
    ----------
    reason, source
        Empty where the key is that of the surface; otherwise the reason and where it was found.
    """

    type: str
    surface: str
    key: str
    reason: str = ""
    source: str = ""


def forms_of(document: Document) -> list[Form]:
    """Return the form of each entity, in the order of the entities."""
    return [_own_form(entity.label, document.mention(entity)) for entity in document.entities]


@lru_cache(CACHED)
def _own_form(kind: str, surface: str) -> Form:
    return Form(kind, surface, normalize(surface))


def polarities_of(document: Document) -> dict[str, int]:
    """Return the polarity of the entities and relations that an attribute says something of, by their id."""
    found: dict[str, int] = {}
    for attribute in document.attributes:
        value = (attribute.value or attribute.label).casefold()
        if value in POLARITIES:
            found[attribute.target] = POLARITIES.index(value)
    return found
