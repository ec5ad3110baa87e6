"""Line breaks inside mentions: formats of one line per annotation or character cut a mention there."""

from __future__ import annotations

import re

from suwen.document import Span

__all__ = ["BREAK", "pieces_between_breaks"]

# All characters at which str.splitlines, and many readers of brat and CoNLL files, end a line.
BREAK = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNBROKEN = re.compile("[^\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")


def pieces_between_breaks(text: str, start: int, end: int) -> list[Span]:
    r"""Return the pieces of ``text[start:end]`` around its line breaks.

    Breaks at the edges stay with the first and the last piece, so that the hull is the same.

    Examples
    --------
    >>> pieces_between_breaks("二甲\n双胍", 0, 5)
    [(0, 2), (3, 5)]
    """
    if BREAK.search(text, start, end) is None:
        return [(start, end)]
    pieces = [match.span() for match in _UNBROKEN.finditer(text, start, end)]
    if len(pieces) < 2:
        return [(start, end)]
    pieces[0] = (start, pieces[0][1])
    pieces[-1] = (pieces[-1][0], end)
    return pieces
