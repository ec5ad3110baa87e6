"""Entities as rows of a table: what one wants to know of an entity by itself, its page and its sentence above all."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property

from suwen.document import Document, Entity, join_pieces
from suwen.text.sentences import split_sentences
from suwen.text.view import make_view

__all__ = ["Places", "Sentence", "pieces_shown"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, or several: the text without the line breaks in it, and the offsets in the document."""

    text: str
    start: int
    end: int


class Places:
    """Tells where the entities of a document stand.

    Parameters
    ----------
    document
        The document. Its sentences are found by the ordinary rules, which are those of every model that suwen trains.
    """

    def __init__(self, document: Document) -> None:
        self._text = document.text
        self._pages = sorted(document.pages, key=lambda page: page.start)
        self._page_starts = [page.start for page in self._pages]

    @cached_property
    def _sentences(self) -> list[Sentence]:
        view = make_view(self._text)
        return [
            Sentence(view.text[start:end], int(view.source[start]), int(view.source[end - 1]) + 1)
            for start, end in split_sentences(view)
        ]

    @cached_property
    def _starts(self) -> list[int]:
        return [sentence.start for sentence in self._sentences]

    def page(self, entity: Entity) -> int | None:
        """The number of the page on which an entity begins; None where the document has no pages."""
        index = bisect_right(self._page_starts, entity.start) - 1
        return self._pages[index].number if index >= 0 and entity.start < self._pages[index].end else None

    def sentence(self, entity: Entity) -> Sentence:
        """The sentence of an entity; of one that goes over an end of a sentence, all that it touches, joined."""
        return self.sentences(entity.start, entity.end)

    def sentences(self, start: int, end: int) -> Sentence:
        """The sentences that a part of the text touches, joined."""
        first = max(bisect_right(self._starts, start) - 1, 0)
        touched = self._sentences[first : bisect_left(self._starts, end)]
        if not touched:
            # Before the first sentence there is but white space.
            return Sentence("", start, end)
        text = join_pieces([sentence.text for sentence in touched])
        return Sentence(text, touched[0].start, touched[-1].end)


def pieces_shown(entity: Entity) -> str | None:
    """The pieces of an entity as brat writes them (``0 2;3 5``); None when it has only one."""
    return ";".join(f"{start} {end}" for start, end in entity.fragments) or None
