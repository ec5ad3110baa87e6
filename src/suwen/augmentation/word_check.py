"""Undo replacements that are not words, or that form a mention without annotation."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from suwen.augmentation.config import CheckConfig
from suwen.augmentation.words import Reading
from suwen.corpus.split import Selection
from suwen.document import Document, Entity, Span
from suwen.inference.dictionary import Dictionary, Entry, fold
from suwen.text.view import View, make_view
from suwen.text.words import Segmenter, cut_all

__all__ = ["WordCheck"]

SHORTEST_MENTION = 2
"""Mentions of one character occur everywhere as parts of words."""

KEPT_DICTIONARIES = 64


class WordCheck:
    """Checks the words that were put into a sentence.

    Parameters
    ----------
    config
        What is checked: that the segmenter takes them for words, that they make up no known mention.
    segment
        The segmenter.
    training
        The training part, for ``mentions = "training"``.
    """

    def __init__(self, config: CheckConfig, segment: Segmenter, training: Sequence[Selection]) -> None:
        self._words = config.words
        self._segment = segment
        self._cut: dict[str, list[str]] = {}
        self._mentions = config.mentions
        self._training = Dictionary({})
        if config.mentions == "training":
            self._training = _dictionary(
                surface
                for selection in training
                for surface in _surfaces(make_view(selection.document.text), selection.gold)
            )
        self._known: dict[str, tuple[Document, Dictionary]] = {}

    @property
    def wanted(self) -> bool:
        """Return whether anything is checked."""
        return self._words or self._mentions != "any"

    def segment_ahead(self, inputs: Iterable[tuple[Span, Sequence[str], Sequence[Span]]]) -> None:
        """Segment several inputs for `rejected` in one batch: their spans, characters and words."""
        if not self._words:
            return
        clauses: dict[str, None] = {}
        for span, characters, words in inputs:
            text, places = _joined(characters)
            for start, end in words:
                clause = _clause(text, places[start - span[0]], places[end - span[0]])
                clauses[text[slice(*clause)]] = None
        self._cut = dict(zip(clauses, cut_all(self._segment, list(clauses)), strict=True))

    def rejected(self, reading: Reading, span: Span, characters: Sequence[str], words: Sequence[Span]) -> list[Span]:
        """Return the words that are taken back, in order.

        Parameters
        ----------
        span
            The sentence, or a piece of one, in the view.
        characters
            What is at each of its positions now; one may stand for several characters or none.
        words
            What was put in, as spans of the view.
        """
        bad: set[Span] = set()
        if self._words and words:
            bad |= self._broken(reading, span, characters, words)
        if self._mentions != "any" and words:
            bad |= self._mentioning(reading, span, characters, words, bad)
        return [word for word in words if word in bad]

    def _broken(self, reading: Reading, span: Span, characters: Sequence[str], words: Sequence[Span]) -> set[Span]:
        """Return the words that the segmenter cuts or joins to neighbors; entity boundaries are word boundaries."""
        text, places = _joined(characters)
        edges = {places[edge - span[0]] for edge in reading.edges(span)}
        bad = set()
        cuts: dict[Span, list[int]] = {}
        for start, end in words:
            first, last = places[start - span[0]], places[end - span[0]]
            clause = _clause(text, first, last)
            if clause not in cuts:
                words_of = self._cut.get(text[slice(*clause)]) or self._segment(text[slice(*clause)])
                found = {clause[0], *(clause[0] + n for n in accumulate(map(len, words_of)))}
                cuts[clause] = sorted(found | {edge for edge in edges if clause[0] < edge < clause[1]})
            index = bisect_left(cuts[clause], first)
            if cuts[clause][index : index + 2] != [first, last]:
                bad.add((start, end))
        return bad

    def _mentioning(
        self,
        reading: Reading,
        span: Span,
        characters: Sequence[str],
        words: Sequence[Span],
        bad: set[Span],
    ) -> set[Span]:
        """Return the words that a known mention touches in the text as it would be, without the bad ones."""
        dictionary = self._training if self._mentions == "training" else self._of_document(reading)
        current = list(characters)
        bad = set(bad)
        for word in bad:
            current[word[0] - span[0] : word[1] - span[0]] = reading.text(word)
        while True:
            places = [0, *accumulate(map(len, current))]
            found = [(start, end) for start, end, _ in dictionary.matches("".join(current))]
            touched = {
                word
                for word in words
                if word not in bad
                and any(start < places[word[1] - span[0]] and places[word[0] - span[0]] < end for start, end in found)
            }
            if not touched:
                return bad
            bad |= touched
            for word in touched:
                current[word[0] - span[0] : word[1] - span[0]] = reading.text(word)

    def _of_document(self, reading: Reading) -> Dictionary:
        document = reading.document
        known = self._known.get(document.id)
        if known is None or known[0] is not document:
            if len(self._known) >= KEPT_DICTIONARIES:
                self._known.clear()
            known = self._known[document.id] = document, _dictionary(_surfaces(reading.view, document.entities))
        return known[1]


def _joined(characters: Sequence[str]) -> tuple[str, list[int]]:
    """Return the text that characters make up, and where each begins and the last ends."""
    return "".join(characters), [0, *accumulate(map(len, characters))]


def _clause(text: str, start: int, end: int) -> Span:
    """Return the part around ``[start, end)`` without punctuation and white space, which is faster to cut."""
    while start and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    return start, end


def _surfaces(view: View, entities: Iterable[Entity]) -> Iterable[str]:
    for entity in entities:
        span = view.to_view(entity.start, entity.end)
        if span is not None and span[1] - span[0] >= SHORTEST_MENTION:
            yield view.text[slice(*span)]


def _dictionary(surfaces: Iterable[str]) -> Dictionary:
    return Dictionary({fold(surface): Entry("mention", 1, 1) for surface in surfaces})
