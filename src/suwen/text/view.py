"""The view: the text as a tagger reads it, with an exact way back.

Text taken from a PDF is wrapped at the width of a column, so that most line breaks mean nothing. The view leaves those
*soft* breaks out and keeps the others, *paragraph* breaks, as one newline. Everything else stays as it is: case, width
and spelling are the vocabulary's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import ascii_letters, ascii_lowercase, digits

import numpy as np
from numpy.typing import NDArray

from suwen.document import Span

__all__ = ["View", "ViewRules", "make_view"]

Codes = NDArray[np.uint32]
Flags = NDArray[np.bool_]
Offsets = NDArray[np.int64]

BYTE_ORDER_MARK = 0xFEFF
FIRST_WIDE = 0x1100
PARAGRAPH_SEPARATOR = 0x2029

LINE_ENDS = ((0x0A, 0x0D), (0x85, 0x85), (0x2028, PARAGRAPH_SEPARATOR))
BLANKS = (
    (0x09, 0x0D),
    (0x1C, 0x20),
    (0x85, 0x85),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, PARAGRAPH_SEPARATOR),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (BYTE_ORDER_MARK, BYTE_ORDER_MARK),
)
"""Ranges of code points: white space as `str.isspace` has it, and the byte order mark."""

NEIGHBORS = 5
"""Lines on either side that define the width of the column."""

FULL = 0.78
"""A line at least so full may continue in the next one.

With 0.78, 28 of the 9,920 line breaks inside LCDD's gold entities end a paragraph (0.28 %). With 0.70 it is 22 and with
0.84 it is 74, while of the breaks around its captions and headings 4 %, 3 % and 3 % pass for soft.
"""

LEAST_COLUMN = 36
"""Text is not wrapped to columns narrower than this (in Latin letters): such lines are cells, items or headings.

With 20, a quarter of the line breaks in lists of diagnoses, drugs and test results passed for soft ones. With 36, no
more of LCDD's gold entities are cut.
"""

WIDEST_COLUMN = 200
"""Nor to wider ones: such lines are whole paragraphs."""

GOES_ON_AFTER = "(（[［〔【《〈“‘,，、-‐–—~～/<>≤≥=±×+&"
GOES_ON_WITH = ",，.。、;；:：!！?？)）]］〕】》〉”’%％℃~～"
"""At the end of a line, or at the start of the next: the text cannot have ended here, however short the line is.

Nor can it between a Latin letter or a number and a word in small letters or a unit.
"""

BEGINS_PARAGRAPH = re.compile(
    r"""
      [一二三四五六七八九十]{1,3}、(?![一二三四五六七八九十])   # 一、 but not 二、三尖瓣
    | 第[一二三四五六七八九十\d]{1,3}[章节]
    | \d{1,2}[.．]\s*[\u4E00-\u9FFF]          # 1. and a word, not a decimal fraction
    | (?:[(（]|(?<![A-Za-z(（,，~～/<>≤≥=±×+–-]\n))\d{1,2}[)）]\s*[\u4E00-\u9FFF]   # （1） …, not (EST-1)
    | [①-⒛❶-❿•●○◆◇■□▪★☆]
    | (?:表|图|Tab\.?|Table|Fig\.?|Figure)\s?\d{1,2}(?:\s{2}|[:：])   # captions
    | 注[:：]
    | [\[【［〔](?:摘\s*要|提\s*要|关键词|Abstract|Summary|Key\s?words)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class ViewRules:
    """Settings of the view of a text.

    Parameters
    ----------
    join_wrapped_lines
        Whether breaks inside running text vanish; otherwise every line break is a paragraph break.
    """

    join_wrapped_lines: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A text without the line breaks that mean nothing, and where each of its characters comes from.

    Parameters
    ----------
    text
        The characters of the view; a newline is a paragraph break.
    source
        For each of them its offset in the source, int32 ``[len(text)]``, strictly increasing.
    breaks
        The offsets in the view, ascending, of the characters that stand for a line break: the newlines, and the spaces
        that a soft break leaves between Latin letters or digits.
    source_length
        The length of the source.
    """

    text: str
    source: NDArray[np.int32]
    breaks: NDArray[np.int32]
    source_length: int

    def to_source(self, start: int, end: int) -> tuple[Span, ...]:
        """Return the pieces of the source behind ``[start, end)`` of the view, in order.

        Line breaks and dropped characters lie between the pieces, never in one. Empty when nothing else is left.
        """
        first, last = np.searchsorted(self.breaks, (start, end))
        offsets = self.source[start:end]
        if first < last:
            offsets = np.delete(offsets, self.breaks[first:last] - start)
        if not offsets.size:
            return ()
        if offsets[-1] - offsets[0] == offsets.size - 1:
            return ((int(offsets[0]), int(offsets[-1]) + 1),)
        cuts = np.flatnonzero(np.diff(offsets) > 1)
        starts = offsets[np.concatenate(([0], cuts + 1))]
        ends = offsets[np.concatenate((cuts, [-1]))] + 1
        return tuple(zip(starts.tolist(), ends.tolist(), strict=True))

    def to_view(self, start: int, end: int) -> Span | None:
        """Return the span of the view that shows ``[start, end)`` of the source, without line breaks at its ends.

        None when the view shows nothing of it.
        """
        first, last = (int(offset) for offset in np.searchsorted(self.source, (start, end)))
        # Two breaks never stand side by side, so one step is enough.
        if first < last and self._is_break(first):
            first += 1
        if first < last and self._is_break(last - 1):
            last -= 1
        return (first, last) if first < last else None

    def _is_break(self, offset: int) -> bool:
        place = int(np.searchsorted(self.breaks, offset))
        return place < self.breaks.size and int(self.breaks[place]) == offset


@dataclass(frozen=True, slots=True)
class Gaps:
    """The runs of white space that hold a line break, ``[start, end)`` each, and the offset of their first break."""

    start: Offsets
    end: Offsets
    line_end: Offsets
    blank_line: Flags


def make_view(text: str, rules: ViewRules = ViewRules()) -> View:
    r"""Return the view of a text.

    White space around a line break goes with the break; byte order marks are left out.

    Examples
    --------
    >>> view = make_view("口服盐酸二甲双胍片，阿卡\n波糖片，每日三次。")
    >>> view.text, view.to_source(10, 13)
    ('口服盐酸二甲双胍片，阿卡波糖片，每日三次。', ((10, 12), (13, 14)))
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    gaps = find_gaps(codes)
    if rules.join_wrapped_lines and gaps.start.size:
        soft = soft_breaks(text, codes, gaps)
        # A gap at an end of the text is never soft, so that these offsets exist where they matter.
        latin = np.isin(codes[[gaps.start - 1, np.minimum(gaps.end, codes.size - 1)]], _codes(ascii_letters + digits))
        spaced = soft & latin.all(axis=0)
    else:
        soft = spaced = np.zeros(gaps.start.size, dtype=bool)

    edges = np.zeros(codes.size + 1, dtype=np.int8)
    edges[gaps.start] = 1
    edges[gaps.end] = -1
    kept = (np.cumsum(edges[:-1], dtype=np.int8) == 0) & (codes != BYTE_ORDER_MARK)
    shown = ~soft | spaced
    kept[gaps.line_end[shown]] = True
    source = np.flatnonzero(kept).astype(np.int32)
    breaks = np.searchsorted(source, gaps.line_end[shown]).astype(np.int32)
    characters = codes[kept]
    characters[breaks] = np.where(spaced[shown], ord(" "), ord("\n"))
    return View(characters.tobytes().decode("utf-32-le", "surrogatepass"), source, breaks, len(text))


def find_gaps(codes: Codes) -> Gaps:
    """Return the maximal runs of white space that hold a line break."""
    line_ends = np.flatnonzero(_in_ranges(codes, LINE_ENDS))
    blank = np.zeros(codes.size + 2, dtype=bool)
    blank[1:-1] = _in_ranges(codes, BLANKS)
    edges = np.flatnonzero(blank[1:] != blank[:-1])
    starts, ends = edges[::2], edges[1::2]
    first = np.searchsorted(line_ends, starts)
    holds = np.searchsorted(line_ends, ends) > first
    starts, ends, first = starts[holds], ends[holds], first[holds]

    # CR LF is one break, and so is the form feed that a new page puts after one.
    before = codes[np.maximum(line_ends - 1, 0)]
    here = codes[line_ends]
    follows = np.diff(line_ends, prepend=-2) == 1
    single = ~(follows & (((here == 0x0A) & (before == 0x0D)) | (here == 0x0C)))
    count = np.concatenate(([0], np.cumsum(single)))
    breaks = count[np.searchsorted(line_ends, ends)] - count[first]
    separators = np.concatenate(([0], np.cumsum(here == PARAGRAPH_SEPARATOR)))
    separated = separators[np.searchsorted(line_ends, ends)] > separators[first]
    return Gaps(starts, ends, line_ends[first], (breaks > 1) | separated)


def soft_breaks(text: str, codes: Codes, gaps: Gaps) -> Flags:
    """Return which gaps (at least one) are line breaks inside running text.

    A break is soft when the line before it is full, measured by its neighbors, and the next does not begin a heading,
    an item or a caption; or when the punctuation around it shows that the sentence continues. Rows of a table are also
    full, but mostly digits. A line without hanzi before one that begins with a hanzi is the end of a foreign title,
    caption or reference.
    """
    inner = (gaps.start > 0) & (gaps.end < codes.size) & ~gaps.blank_line
    last = codes[gaps.start - 1]
    first = codes[np.minimum(gaps.end, codes.size - 1)]
    goes_on = np.isin(last, _codes(GOES_ON_AFTER)) | np.isin(first, _codes(GOES_ON_WITH))
    goes_on |= np.isin(last, _codes(ascii_letters + digits)) & np.isin(first, _codes(ascii_lowercase + "μµ"))

    # Hanzi are two letters wide; a space is half a letter, because justified lines are stretched by spaces.
    halves = np.full(codes.size, 2, dtype=np.uint8)
    halves[codes >= FIRST_WIDE] = 4
    halves[codes == ord(" ")] = 1
    foreign = (line_sums(codes >= FIRST_WIDE, gaps)[:-1] == 0) & (first >= FIRST_WIDE)
    numbers = line_sums(codes - np.uint32(ord("0")) <= 9, gaps) >= line_sums(codes != ord(" "), gaps) / 2
    running = full_lines(line_sums(halves, gaps) / 2) & ~(numbers[:-1] & numbers[1:]) & ~foreign

    soft: Flags = inner & (goes_on | running)
    for gap, start in zip(np.flatnonzero(soft).tolist(), gaps.end[soft].tolist(), strict=True):
        if BEGINS_PARAGRAPH.match(text, start):
            soft[gap] = False
    return soft


def line_sums(weights: NDArray[np.uint8] | Flags, gaps: Gaps) -> Offsets:
    """Return the sum of the characters' weights for each line; there is one line more than gaps."""
    starts = np.concatenate(([0], gaps.end))
    ends = np.concatenate((gaps.start, [weights.size]))
    # A line may be empty at either end of the text only; `reduceat` wants neither that nor an offset past the end.
    sums = np.zeros(starts.size, dtype=np.int64)
    filled = starts < ends
    bounds = np.column_stack((starts[filled], ends[filled])).ravel()
    if bounds.size and bounds[-1] == weights.size:
        bounds = bounds[:-1]
    if bounds.size:
        sums[filled] = np.add.reduceat(weights, bounds, dtype=np.int64)[::2]
    return sums


def full_lines(widths: NDArray[np.float64]) -> Flags:
    """Return which lines, except the last one, are about as wide as their column.

    The width of the column is the second largest among the lines before or after, whichever is less (so that a change
    from one column to two is no obstacle), but no less than the next line and half of the document's typical line.
    """
    before = _second_largest([_shift(widths, -step) for step in range(1, NEIGHBORS + 1)])
    after = _second_largest([_shift(widths, step) for step in range(1, NEIGHBORS + 1)])
    column = np.minimum(before, after)[:-1]
    ordered = np.sort(widths)
    mass = np.cumsum(ordered)
    typical = ordered[np.searchsorted(mass, mass[-1] / 2)]
    column = np.maximum(column, np.maximum(widths[1:], max(LEAST_COLUMN, typical / 2)))
    return (widths[:-1] >= FULL * column) & (widths[:-1] <= WIDEST_COLUMN)


def _shift(widths: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    shifted = np.full_like(widths, -1.0)
    if step > 0:
        shifted[:-step] = widths[step:]
    else:
        shifted[-step:] = widths[:step]
    return shifted


def _second_largest(columns: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the second largest per element; with one value (−1 is none) that value, with none infinity."""
    largest = np.full_like(columns[0], -1.0)
    second = largest.copy()
    for column in columns:
        second = np.maximum(second, np.minimum(largest, column))
        largest = np.maximum(largest, column)
    return np.where(second >= 0, second, np.where(largest >= 0, largest, np.inf))


def _in_ranges(codes: Codes, ranges: tuple[Span, ...]) -> Flags:
    found = np.zeros(codes.size, dtype=bool)
    for low, high in ranges:
        # Unsigned: what lies below `low` wraps round to a large number.
        found |= codes == low if low == high else codes - np.uint32(low) <= high - low
    return found


def _codes(characters: str) -> Codes:
    return np.array([ord(character) for character in characters], dtype=np.uint32)
