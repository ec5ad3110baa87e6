"""Link mentions to concepts, each with the reason and the source of the merge.

A concept is an entity type and a key. The link of a mention depends on its own document and on tables that hold for
all documents, so that documents can be linked one by one, in any order:

1. what the document defines (糖尿病肾病(DN));
2. alias lists of the user;
3. names and synonyms of terminologies;
4. what the library defines with one voice (`suwen.concepts.abbreviations.agreed`);
5. the list of common abbreviations.

Only these merge. Names that are merely alike are candidates (`Linking.candidates`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from suwen.concepts.abbreviations import (
    Definition,
    agreed,
    definitions_in,
    is_short_form,
    long_forms,
    without_definition,
)
from suwen.concepts.candidates import BigramIndex, Candidate
from suwen.concepts.normalization import difference, normalize
from suwen.concepts.terminologies import AliasList, Terminology, listed_abbreviations
from suwen.document import Document, Entity

__all__ = ["Alias", "Code", "Concept", "ConceptLinker", "Link", "Linking"]

_WORD = re.compile("[A-Z][a-z]{2,}")
"""Ras is a protein, whatever RAS stands for in other documents."""

ABBREVIATION, ALIAS_LIST, TERMINOLOGY = "abbreviation", "alias list", "terminology"
DOCUMENT, LIBRARY, SUWEN = "document", "library", "suwen"
"""Sources of a merge; the others are names of files."""

Meanings = Mapping[str, Mapping[str, str]]
Library = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Code:
    """A code, its name in the terminology, and the terminology."""

    code: str
    name: str
    terminology: str


@dataclass(frozen=True, slots=True)
class Link:
    """A mention and the concept that it means.

    Parameters
    ----------
    entity
        The mention.
    surface
        Its text, pieces joined.
    key
        With the entity's label: the concept.
    name
        How the concept is called where it was merged; the surface itself without a merge.
    reason, source
        Why the mention has this key and not that of its surface, and who says so; both empty if it has that one.
    codes
        At most one code of each terminology, by name or synonym.
    """

    entity: Entity
    surface: str
    key: str
    name: str
    reason: str = ""
    source: str = ""
    codes: tuple[Code, ...] = ()

    @property
    def concept(self) -> tuple[str, str]:
        """The entity type and the key."""
        return self.entity.label, self.key


@dataclass(frozen=True, slots=True)
class Alias:
    """A surface of a concept, why it belongs to it, who says so, and the number of its mentions."""

    surface: str
    reason: str
    source: str
    count: int


@dataclass(frozen=True, slots=True)
class Concept:
    """The meaning of mentions.

    Parameters
    ----------
    label, key
        Its identity.
    name
        The most frequent surface that has the key; where no text has it, the name of a table.
    aliases
        Its surfaces, the most frequent first; the reason of one with the key of the name is the step of normalization.
    codes
        One of each terminology.
    """

    label: str
    key: str
    name: str
    aliases: tuple[Alias, ...]
    codes: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    """A name, and the table that leads to it; a lower rank is a more important table."""

    name: str
    reason: str
    source: str
    rank: int

    @property
    def key(self) -> str:
        return normalize(self.name)


class ConceptLinker:
    """Links mentions to concepts.

    Parameters
    ----------
    terminologies, aliases
        Tables of the user, the more important first.
    """

    def __init__(self, terminologies: Sequence[Terminology] = (), aliases: Sequence[AliasList] = ()) -> None:
        self.terminologies = tuple(terminologies)
        self.aliases = tuple(aliases)
        self._listed = listed_abbreviations()

    def meanings(self, definitions: Iterable[Definition]) -> dict[str, dict[str, str]]:
        """Return the meanings of a document's short forms, from its definitions (see `long_forms`)."""
        return long_forms(definitions, self._listed.long_forms)

    def agreed_forms(self, documents: Iterable[Meanings]) -> dict[str, str]:
        """Return the short forms that a library defines with one voice, from the `meanings` of its documents."""
        return agreed(documents)

    def link_document(
        self, document: Document, library: Library | None = None, meanings: Meanings | None = None
    ) -> tuple[Link, ...]:
        """Link the mentions of a document, in the order of its entities.

        Parameters
        ----------
        library
            What `agreed_forms` returned.
        meanings
            What `meanings` returned for the document, if it is known.
        """
        if meanings is None:
            meanings = self.meanings(definitions_in(document))
        known: dict[tuple[str, str], Link] = {}
        links = []
        for entity in document.entities:
            surface = document.mention(entity)
            if (entity.label, surface) not in known:
                known[entity.label, surface] = self._link(entity, surface, meanings, library or {})
            first = known[entity.label, surface]
            links.append(Link(entity, surface, first.key, first.name, first.reason, first.source, first.codes))
        return tuple(links)

    def link(self, documents: Iterable[Document]) -> Linking:
        """Link all mentions of a library; ids of documents must be distinct."""
        documents = list(documents)
        meanings = {document.id: self.meanings(definitions_in(document)) for document in documents}
        library = self.agreed_forms(meanings.values())
        links = {document.id: self.link_document(document, library, meanings[document.id]) for document in documents}
        return Linking(links, library)

    def _link(self, entity: Entity, surface: str, meanings: Meanings, library: Library) -> Link:
        """Follow the tables from a surface to the name that none of them replaces."""
        steps = [_Step(surface, "", "", 0)]
        while step := self._step(steps[-1].name, entity.label, meanings, library):
            steps.append(step)
            start = next(index for index, one in enumerate(steps) if one.key == step.key)
            if start < len(steps) - 1:
                # The tables form a circle: every entry into it ends at the same name.
                steps.append(min(steps[start + 1 :], key=lambda one: (one.rank, one.key)))
                break
        key, name = steps[-1].key, steps[-1].name
        reason, source = ("", "") if key == steps[0].key else (steps[1].reason, steps[1].source)
        return Link(entity, surface, key, name, reason, source, self.codes(name))

    def _step(self, name: str, label: str, meanings: Meanings, library: Library) -> _Step | None:
        """Return the name that the most important table has for another."""
        key = normalize(name)
        if (defined := meanings.get(key)) and (long := defined.get(label) or defined.get("")):
            return _Step(long, ABBREVIATION, DOCUMENT, 0)
        if (short := without_definition(name)) != name:
            return _Step(short, ABBREVIATION, DOCUMENT, 0)
        for aliases in self.aliases:
            if alias := aliases.find(key, label):
                return _Step(alias, ALIAS_LIST, aliases.name, 1)
        for terminology in self.terminologies:
            term, match = terminology.find(name)
            if term and match == "alias":
                return _Step(term.name, TERMINOLOGY, terminology.name, 2)
        if key in library and not _WORD.fullmatch(name):
            return _Step(library[key], ABBREVIATION, LIBRARY, 3)
        if long := self._listed.meaning(key, label) or self._listed.synonym_of(key):
            return _Step(long, ABBREVIATION if is_short_form(name) else ALIAS_LIST, SUWEN, 4)
        return None

    def codes(self, name: str) -> tuple[Code, ...]:
        """Return the code of a concept in each terminology that has its name, or another that suwen knows for it."""
        found = []
        for terminology in self.terminologies:
            terms = (terminology.find(one)[0] for one in (name, *self._listed.other_names(name)))
            if term := next(filter(None, terms), None):
                found.append(Code(term.code, term.name, terminology.name))
        return tuple(found)


@dataclass(frozen=True)
class Linking:
    """The links of a library.

    Parameters
    ----------
    links
        By id of the document, in the order of its entities.
    agreed
        By key the short forms that the library defines with one voice.
    """

    links: Mapping[str, tuple[Link, ...]]
    agreed: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def concepts(self) -> dict[tuple[str, str], Concept]:
        """The concepts by type and key, sorted; they do not depend on the order of the documents."""
        members: defaultdict[tuple[str, str], Counter[tuple[str, str, str]]] = defaultdict(Counter)
        given: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        codes: defaultdict[tuple[str, str], Counter[tuple[Code, ...]]] = defaultdict(Counter)
        for links in self.links.values():
            for link in links:
                members[link.concept][link.surface, link.reason, link.source] += 1
                if link.reason:
                    given[link.concept][link.name] += 1
                codes[link.concept][link.codes] += 1
        return {
            concept: _concept(concept, members[concept], given[concept], codes[concept]) for concept in sorted(members)
        }

    def candidates(self, label: str, limit: int = 5) -> dict[str, list[Candidate]]:
        """Rank, for each concept of a type, the names of others that are like it; by key."""
        concepts = [concept for concept in self.concepts.values() if concept.label == label]
        counts = Counter({concept.name: sum(alias.count for alias in concept.aliases) for concept in concepts})
        index = BigramIndex(counts)
        found = {concept.key: index.search(concept.name, limit) for concept in concepts}
        return {key: candidates for key, candidates in found.items() if candidates}


def _concept(
    concept: tuple[str, str],
    members: Counter[tuple[str, str, str]],
    given: Counter[str],
    codes: Counter[tuple[Code, ...]],
) -> Concept:
    label, key = concept
    surfaces: Counter[str] = Counter()
    for (surface, reason, _), count in members.items():
        if not reason:
            surfaces[surface] += count
    name = max(surfaces or given, key=lambda one: ((surfaces or given)[one], one))
    aliases = []
    for (surface, reason, source), count in members.items():
        if reason:
            aliases.append(Alias(surface, reason, source, count))
        else:
            aliases.append(Alias(surface, difference(name, surface) or "same", "", count))
    aliases.sort(key=lambda alias: (-alias.count, alias.surface, alias.reason, alias.source))
    chosen = max(codes, key=lambda one: (codes[one], [code.code for code in one]))
    return Concept(label, key, name, tuple(aliases), chosen)
