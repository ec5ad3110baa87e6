"""Link mentions to concepts one document at a time (`suwen.concepts`), and read their polarity.

What a mention means depends on its document (which may define abbreviations) and on tables that hold for all documents:
those of the user, the abbreviations that the whole library defines with one voice, and suwen's list. A graph keeps what
the document says and follows the tables after every change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from suwen.concepts.abbreviations import definitions_in, without_definition
from suwen.concepts.cues import DEGREES
from suwen.concepts.linking import ABBREVIATION, DOCUMENT, Code, ConceptLinker, Library, Meanings
from suwen.concepts.normalization import normalize
from suwen.concepts.terminologies import AliasList, Terminology
from suwen.document import Document, Entity, Span, join_pieces
from suwen.graph.tables import POLARITIES

__all__ = ["AFFIRMED", "Assertion", "Form", "Linker", "Resolution", "assertions_in", "forms_of"]

CACHED = 2**16
_CUE = re.compile("([0-9]+)-([0-9]+)")


class Form(NamedTuple):
    """A surface as an entity type, and the name that its document defines for it: the surface itself, mostly."""

    type: str
    surface: str
    name: str


class Resolution(NamedTuple):
    """The key of a form's concept, the name that led to it, why it is not the surface's own key, and codes."""

    key: str
    given: str
    reason: str
    source: str
    codes: tuple[Code, ...]


class Linker:
    """Links the mentions of documents to concepts.

    Parameters
    ----------
    terminologies, aliases
        Tables of the user, the more important first.
    """

    def __init__(self, terminologies: Sequence[Terminology] = (), aliases: Sequence[AliasList] = ()) -> None:
        self._linker = ConceptLinker(terminologies, aliases)

    def meanings(self, document: Document) -> Meanings:
        """Return the meanings of the short forms that a document defines, by key and label."""
        return self._linker.meanings(definitions_in(document))

    def agreed_forms(self, documents: Sequence[Meanings]) -> Library:
        """Return the short forms that a library defines with one voice."""
        return self._linker.agreed_forms(documents)

    def resolve(self, form: Form, library: Library) -> Resolution:
        """Follow the tables from the name of a form to its concept."""
        text = Document("", form.name, (Entity(form.type, 0, len(form.name)),))
        (link,) = self._linker.link_document(text, library, {})
        own = normalize(form.surface)
        if link.key == own:
            reason, source = "", ""
        elif normalize(form.name) != own:
            reason, source = ABBREVIATION, DOCUMENT
        else:
            reason, source = link.reason, link.source
        return Resolution(link.key, link.name, reason, source, link.codes)


def forms_of(document: Document, meanings: Meanings, asserted: Mapping[str, Assertion]) -> list[Form]:
    """Return the form of each entity, in the order of the entities.

    A mention that holds the cue of its negation (无胸闷) has the form of what is negated.
    """
    forms = []
    for entity in document.entities:
        surface = ""
        cue = asserted.get(entity.id or "", AFFIRMED).cue
        if cue and entity.start <= cue[0] and cue[1] < entity.end:
            before = _text_within(document, entity, entity.start, cue[0])
            behind = _text_within(document, entity, cue[1], entity.end).lstrip()
            degree = DEGREES.match(behind)
            surface = before + (behind[degree.end() :] if degree and degree.end() < len(behind) else behind)
        surface = surface or document.mention(entity)
        if meanings and normalize(surface) in meanings:
            forms.append(Form(entity.label, surface, _defined(surface, entity.label, meanings)))
        else:
            forms.append(_plain_form(entity.label, surface))
    return forms


def _text_within(document: Document, entity: Entity, begin: int, end: int) -> str:
    """Return the part of a mention that lies between two offsets, its pieces joined."""
    pieces = [(max(first, begin), min(last, end)) for first, last in entity.pieces]
    return join_pieces([document.text[first:last] for first, last in pieces if first < last])


@lru_cache(CACHED)
def _plain_form(kind: str, surface: str) -> Form:
    return Form(kind, surface, without_definition(surface))


def _defined(name: str, kind: str, meanings: Meanings) -> str:
    """Follow the definitions of a document from a name to one that it does not define."""
    seen: set[str] = set()
    while (key := normalize(name)) not in seen:
        seen.add(key)
        defined: Mapping[str, str] = meanings.get(key, {})
        name = defined.get(kind) or defined.get("") or without_definition(name)
    return name


class Assertion(NamedTuple):
    """The polarity of a mention or relation: a number in `POLARITIES`, and the span of the cue."""

    polarity: int
    cue: Span | None = None


AFFIRMED = Assertion(0)


def assertions_in(document: Document) -> dict[str, Assertion]:
    """Return the polarity of entities and relations from their attributes, by id (see `suwen.concepts.assertion`)."""
    found: dict[str, Assertion] = {}
    cues: dict[str, Span] = {}
    for attribute in document.attributes:
        label, value = attribute.label.casefold(), attribute.value or ""
        if label == "assertion" and value in POLARITIES:
            found[attribute.target] = Assertion(POLARITIES.index(value))
        elif label in POLARITIES and not value:
            found[attribute.target] = Assertion(POLARITIES.index(label))
        elif label == "cue" and (span := _CUE.fullmatch(value)):
            cues[attribute.target] = (int(span[1]), int(span[2]))
    return {target: assertion._replace(cue=cues.get(target)) for target, assertion in found.items()}
