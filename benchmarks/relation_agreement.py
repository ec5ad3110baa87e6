"""Measure the agreement of a corpus with itself where two documents have the same passage.

White space aside, a passage of at least 60 characters that is in two documents was annotated twice. Each stretch of
a document is compared once, with the first document that has it too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from suwen.document import Document

SHORTEST = 60
VIEWS = ("entities", "relations_of_shared_entities", "relations")


@dataclass
class Agreement:
    """Counts over passages: by view what both annotations have, and what each has."""

    passages: int = 0
    characters: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {view: Counter() for view in VIEWS})

    def add(self, length: int, sides: dict[str, tuple[Collection[Any], Collection[Any]]]) -> None:
        """Count a passage."""
        self.passages += 1
        self.characters += length
        for view, (first, second) in sides.items():
            both = sum(key in second for key in first)
            self.counts[view].update(both=both, first=len(first), second=len(second))

    def to_dict(self) -> dict[str, Any]:
        """Return the size of the sample, and by view the F1 of one annotation against the other."""
        views = {
            view: {**found, "f1": 2 * found["both"] / max(found["first"] + found["second"], 1)}
            for view, found in self.counts.items()
        }
        return {"passages": self.passages, "characters": self.characters, **views}


class Squeezed:
    """A document without white space: its text, entities, and relations, at offsets of that text."""

    def __init__(self, document: Document) -> None:
        kept = [place for place, character in enumerate(document.text) if not character.isspace()]
        self.text = "".join(document.text[place] for place in kept)
        offsets = [0] * (len(document.text) + 1)
        for number, place in enumerate(kept):
            offsets[place + 1] = number + 1
        for place in range(1, len(offsets)):
            offsets[place] = max(offsets[place], offsets[place - 1])
        self.entities = {
            entity.id: (entity.label, offsets[entity.start], offsets[entity.end]) for entity in document.entities
        }
        self.relations = {
            (relation.label, self.entities[relation.head], self.entities[relation.tail])
            for relation in document.relations
            if relation.head in self.entities and relation.tail in self.entities
        }

    def within(self, start: int, end: int) -> tuple[set[Any], set[Any]]:
        """Return the entities and relations of a passage, at offsets in it."""
        moved = {
            key: (key[0], key[1] - start, key[2] - start)
            for key in self.entities.values()
            if start <= key[1] and key[2] <= end
        }
        relations = {
            (label, moved[head], moved[tail]) for label, head, tail in self.relations if head in moved and tail in moved
        }
        return set(moved.values()), relations


def agreement(documents: Sequence[Document], twins: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Count the agreement over all passages that stand in two documents, and over those of the `twins` alone."""
    squeezed = [Squeezed(document) for document in documents]
    found = {"all": Agreement(), "twins": Agreement(), "others": Agreement()}
    for first, start, second, begin, length in repeated_passages([one.text for one in squeezed]):
        ours, our_relations = squeezed[first].within(start, start + length)
        theirs, their_relations = squeezed[second].within(begin, begin + length)
        shared = ours & theirs
        of_shared = [
            {key for key in side if key[1] in shared and key[2] in shared} for side in (our_relations, their_relations)
        ]
        sides = {
            "entities": (ours, theirs),
            "relations_of_shared_entities": (of_shared[0], of_shared[1]),
            "relations": (our_relations, their_relations),
        }
        name = "twins" if {documents[first].id, documents[second].id} <= set(twins) else "others"
        for view in ("all", name):
            found[view].add(length, sides)
    return {name: one.to_dict() for name, one in found.items() if one.passages}


def repeated_passages(texts: Sequence[str], shortest: int = SHORTEST) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield (text, start, later text, start, length) of passages that two texts share, as long as they can be.

    A stretch of the later text is yielded once.
    """
    first_place: dict[str, tuple[int, int]] = {}
    for number, text in enumerate(texts):
        place = 0
        while place + shortest <= len(text):
            known = first_place.get(text[place : place + shortest])
            if known is None:
                place += 1
                continue
            other, start = known
            length = shortest
            while text[place + length : place + length + 1] == texts[other][start + length : start + length + 1] != "":
                length += 1
            yield other, start, number, place, length
            place += length
        for place in range(len(text) - shortest + 1):
            first_place.setdefault(text[place : place + shortest], (number, place))
