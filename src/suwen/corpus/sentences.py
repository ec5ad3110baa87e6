"""Sentences as spans of the source text, the smallest unit of a split and of a report."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from suwen.document import Span
from suwen.text.sentences import split_sentences
from suwen.text.view import make_view

__all__ = ["sentence_spans"]


# Splitting, looking for leakage and counting need the same sentences several times.
@lru_cache(maxsize=1024)
def sentence_spans(text: str) -> tuple[Span, ...]:
    """Return the sentences of a text as spans in code points that partition it.

    Each sentence owns up to the start of the next, so that dropped characters and breaks belong to what they follow;
    the first owns the beginning. A text without a sentence is one span.
    """
    view = make_view(text)
    starts = [start for start, _ in split_sentences(view)]
    return tuple(pairwise([0, *view.source[starts[1:]].tolist(), len(text)]))
