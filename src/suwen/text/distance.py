"""The distance between two mentions: the characters and the ends of sentences between them."""

from __future__ import annotations

from bisect import bisect_left

from suwen.document import Span

__all__ = ["SENTENCE_ENDS", "SentenceEnds", "gap"]

SENTENCE_ENDS = "。！？"


def gap(first: Span, second: Span) -> Span:
    """Return the part of the text between two hulls, empty where they touch or overlap.

    Examples
    --------
    >>> gap((5, 8), (0, 2)), gap((0, 4), (2, 6))
    ((2, 5), (4, 4))
    """
    end, start = (first[1], second[0]) if first <= second else (second[1], first[0])
    return end, max(start, end)


class SentenceEnds:
    """Count the ends of sentences (``。！？``) in parts of a text.

    It is the measure of distance between the arguments of a relation. It counts marks alone: unlike
    `suwen.text.sentences`, a line end ends no sentence here, because annotated texts are full of wrapped lines.

    Parameters
    ----------
    text
        The text of a document.
    """

    def __init__(self, text: str) -> None:
        self._places = [place for place, character in enumerate(text) if character in SENTENCE_ENDS]

    def between(self, first: Span, second: Span) -> int:
        """Return how many ends of sentences stand between two hulls."""
        start, end = gap(first, second)
        return bisect_left(self._places, end) - bisect_left(self._places, start)
