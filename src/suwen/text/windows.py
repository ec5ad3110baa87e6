"""Blocks and windows: the text that a model reads at once, and the characters that each window decides."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from suwen.document import Span
from suwen.errors import SuwenError

__all__ = ["Block", "Window", "WindowRules", "make_blocks"]


@dataclass(frozen=True, slots=True)
class WindowRules:
    """Settings of blocks and windows; all lengths are in characters.

    Parameters
    ----------
    length
        The most a window may hold.
    overlap
        The least that neighboring windows of a longer block share.
    context
        Characters of context on either side of a block, which are read but not tagged.
    pack
        Consecutive sentences make one block up to this length; 0 leaves each alone.

    Raises
    ------
    SuwenError
        S402, when a value is out of range or `length` has no room for the others.
    """

    length: int = 510
    overlap: int = 128
    context: int = 0
    pack: int = 0

    def __post_init__(self) -> None:
        least = {"length": 1, "overlap": 0, "context": 0, "pack": 0}
        for key, bound in least.items():
            if getattr(self, key) < bound:
                raise SuwenError("S402", key=key, reason=f"{getattr(self, key)} is less than {bound}")
        if self.overlap >= self.length:
            raise SuwenError("S402", key="overlap", reason=f"{self.overlap} is not less than length = {self.length}")
        needed = 2 * self.context + max(self.pack, 1)
        if needed > self.length:
            reason = f"{self.length} has no room for context = {self.context} on both sides and pack = {self.pack}"
            raise SuwenError("S402", key="length", reason=f"{reason}; at least {needed} is needed")


@dataclass(frozen=True, slots=True)
class Window:
    """``[start, end)`` of the view is read; its core ``[core_start, core_end)`` is decided."""

    start: int
    end: int
    core_start: int
    core_end: int


@dataclass(frozen=True, slots=True)
class Block:
    """``[start, end)`` of the view, scored together; the cores of its windows partition it in order."""

    start: int
    end: int
    windows: tuple[Window, ...]
    paragraphs: tuple[Span, ...]
    """The parts of paragraphs in it, sorted and disjoint. Each is decoded separately: no mention crosses its ends."""


def make_blocks(
    sentences: Sequence[Span], view_length: int, rules: WindowRules, paragraph_ends: Collection[int] = ()
) -> list[Block]:
    """Return the blocks of some or all sentences of a view.

    A block of up to `rules.length` characters has one window, whose context shrinks where it would make the window too
    long. A longer one has the least number of windows, equal in length and evenly spread, and each character belongs to
    the core of the window in which it is most central (the earlier one if two are equal).

    Parameters
    ----------
    sentences
        Spans of the view, sorted and disjoint; they need not be all of its sentences.
    view_length
        The length of the view: where context ends.
    rules
        The lengths.
    paragraph_ends
        Where paragraphs end without a gap before the next sentence: a paragraph break is a character, but no token.

    Examples
    --------
    >>> make_blocks([(0, 4), (5, 14)], 14, WindowRules(length=6, overlap=2, context=1))[1].windows
    (Window(start=4, end=10, core_start=5, core_end=9), Window(start=8, end=14, core_start=9, core_end=14))
    """
    return [
        Block(start, end, tuple(_windows(start, end, view_length, rules)), paragraphs)
        for start, end, paragraphs in _pack(sentences, rules.pack, paragraph_ends)
    ]


def _pack(
    sentences: Sequence[Span], most: int, paragraph_ends: Collection[int]
) -> Iterator[tuple[int, int, tuple[Span, ...]]]:
    """Join consecutive sentences greedily to blocks of at most `most` characters, each with its paragraphs."""
    if not sentences:
        return
    start, end = sentences[0]
    paragraphs: list[Span] = [sentences[0]]
    for begin, finish in sentences[1:]:
        # Between sentences that follow each other lies a paragraph break or nothing. One that was left out leaves a
        # wider gap: `split_sentences` puts a sentence of a single character only before a paragraph break.
        if begin - end > 1 or finish - start > most:
            yield start, end, tuple(paragraphs)
            start, paragraphs = begin, [(begin, finish)]
        elif begin > end or end in paragraph_ends:
            paragraphs.append((begin, finish))
        else:
            paragraphs[-1] = paragraphs[-1][0], finish
        end = finish
    yield start, end, tuple(paragraphs)


def _windows(start: int, end: int, view_length: int, rules: WindowRules) -> Iterator[Window]:
    left = min(rules.context, start)
    right = min(rules.context, view_length - end)
    room = rules.length - (end - start)
    if room >= 0:
        left = min(left, max(room // 2, room - right))
        right = min(right, room - left)
        yield Window(start - left, end + right, start, end)
        return

    first, extent = start - left, left + end - start + right
    count = -(-(extent - rules.overlap) // (rules.length - rules.overlap))
    length = -(-(extent + (count - 1) * rules.overlap) // count)
    starts = [first + (extent - length) * k // (count - 1) for k in range(count)]
    core_start = start
    for here, following in zip(starts, [*starts[1:], None], strict=True):
        # A character as far from both centers goes to the earlier window.
        core_end = end if following is None else (here + following + length + 1) // 2
        yield Window(here, here + length, core_start, core_end)
        core_start = core_end
