"""Turn the runs of pages into flowing text: keep running headers once, and join the lines of a paragraph."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median
from typing import Literal

from suwen.document import Page
from suwen.formats.articles.pdf_layout import Row, Run, is_wide, rows_in_order
from suwen.text.view import BEGINS_PARAGRAPH, GOES_ON_AFTER, GOES_ON_WITH

__all__ = ["PageRuns", "flowing_text"]

Link = Literal["joined", "line", "paragraph"]
NumberedRow = tuple[int, Row]
"""A row and the number of its page."""

Kept = tuple[str, int, Row]
"""A running header or footer: its edge, the number of its page, and what is kept of it."""

Edges = dict[tuple[int, str], tuple[float, float]]

EDGE_ROWS = 3
"""Number of rows at the top and bottom of a page that may be running headers, footers and page numbers."""

EDGE_SHARE = 0.2
"""They stand in this share of the page's height."""

LEAST_GROWING = 3
"""Minimum number of pages on which a number must grow with the page to belong to the running header."""

LONGEST_TITLE = 60
"""Maximum characters of text beside a running header; longer lines are body text."""

PAGE_WORDS = frozenset("第页共Page")

SAME_HEIGHT = 0.02
"""They stand as high on every page, to within this share of the page."""

OTHER_SIZE = 1.2
"""Rows whose heights differ by more are not of one paragraph; fonts of one size differ by less."""

WIDE_LEADING = 1.6
INDENT = 0.8
ROOM_FOR_HANZI = 2.2
LETTER_WIDTH = 0.5
"""In line heights, the leading in its usual value. Punctuation may take a hanzi or two along to the next line."""

LEAST_ROWS = 4
"""Minimum rows for finding the edges of a column."""

HYPHENS = "-\u2010\xad"
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile("[0-9]{1,5}")
_NUMBERED = re.compile(r"[\[［(（]?\d{1,3}[\]］)）.．、\s]")
_HYPHENATED = re.compile(r"[A-Za-z]+-[a-z]+")
_LETTERS_BEFORE = re.compile(r"[A-Za-z]+(?=[-\u2010\xad]$)")
_LETTERS_AFTER = re.compile(r"[a-z]+")

RADICALS = {
    chr(0x2EC5 + offset): hanzi
    for offset, hanzi in zip(
        (0, 4, 6, 14, 15, 19, 20, 21, 22, 23, 24, 29, 30, 31, 32, 33, 35, 36, 39, 41, 43),
        "见贝车长门青韦页风飞食马骨鬼鱼鸟麦黄齐齿龙",
        strict=True,
    )
}
"""Radicals that Unicode does not say the hanzi of; fonts on Windows give them for those."""


@dataclass(frozen=True, slots=True)
class PageRuns:
    """The runs of a page.

    Parameters
    ----------
    number
        The page's number in the file, from 1.
    height
        The height of the page, in points.
    """

    number: int
    height: float
    runs: list[Run]


def flowing_text(pages: Sequence[PageRuns], dropped: Counter[str]) -> tuple[str, tuple[Page, ...]]:
    """Return the text of pages, and which part of it each has; what is left out is counted in `dropped`."""
    running, kept = _running(pages, dropped)
    ordered = rows_in_order([[run for run in page.runs if id(run) not in running] for page in pages])
    rows = [(page.number, row) for page, rows in zip(pages, ordered, strict=True) for row in rows]
    hyphenated = {word for _, row in rows for word in _HYPHENATED.findall(row.text)}
    rows, links = _with_running(rows, _links(rows), kept)
    pieces: list[str] = []
    starts: dict[int, int] = {}
    length = 0
    for place, (number, row) in enumerate(rows):
        starts.setdefault(number, length)
        piece = _plain(row.text, dropped)
        if place < len(links):
            if links[place] == "joined":
                piece = _with_joint(piece, rows[place + 1][1].text, hyphenated, dropped)
            else:
                piece += "\n" if links[place] == "line" else "\n\n"
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces), _page_spans(pages, starts, length)


def _with_running(rows: list[NumberedRow], links: list[Link], kept: list[Kept]) -> tuple[list[NumberedRow], list[Link]]:
    """Put what is kept of headers before its page, of footers after it, but never into a paragraph."""
    breaks = [0, *(place + 1 for place, link in enumerate(links) if link == "paragraph"), len(rows)]
    waiting: defaultdict[int, list[NumberedRow]] = defaultdict(list)
    for edge, number, row in kept:
        first = number + (edge == "bottom")
        place = next(place for place in breaks if place == len(rows) or rows[place][0] >= first)
        before = rows[place - 1][0] if place else 0
        waiting[place].append((max(number, before), row))
    all_rows: list[NumberedRow] = []
    all_links: list[Link] = []
    for place in range(len(rows) + 1):
        added = sorted(waiting[place], key=lambda found: found[0])
        all_rows += added
        all_links += ["paragraph"] * len(added)
        if place < len(rows):
            all_rows.append(rows[place])
            all_links.append(links[place] if place < len(links) else "paragraph")
    return all_rows, all_links[:-1]


def _page_spans(pages: Sequence[PageRuns], starts: dict[int, int], length: int) -> tuple[Page, ...]:
    """Return every page with its part of the text; one without text has an empty part."""
    spans: list[Page] = []
    end = length
    for page in reversed(pages):
        start = starts.get(page.number, end)
        spans.append(Page(page.number, start, end))
        end = start
    return tuple(reversed(spans))


def _running(pages: Sequence[PageRuns], dropped: Counter[str]) -> tuple[set[int], list[Kept]]:
    """Return the ids of the runs that are running headers, footers and page numbers, and which of them are kept."""
    if len(pages) < 2:
        return set(), []
    found: defaultdict[tuple[str, str], list[tuple[int, float, Run]]] = defaultdict(list)
    for index, page in enumerate(pages):
        for (edge, _), run in _at_edges(page):
            found[edge, _pattern(run)].append((index, run.y1 / max(page.height, 1), run))
    needed = max(2, min(5, math.ceil(len(pages) / 4)))
    running: set[int] = set()
    numbers: set[int] = set()
    beside: set[int] = set()
    for (_, pattern), places in found.items():
        usual = median(height for _, height, _ in places)
        level = [(index, run) for index, height, run in places if abs(height - usual) <= SAME_HEIGHT]
        level = _agreeing(level, needed)
        words = any(character.isalpha() and character not in PAGE_WORDS for character in pattern)
        same = len({"".join(run.text.split()) for _, run in level}) == 1
        least = max(needed, LEAST_GROWING) if words and not same else needed
        if len({index for index, _ in level}) >= least:
            running |= {id(run) for _, run in level}
            if not words and not same:
                numbers |= {id(run) for _, run in level}
    # The title of the issue may stand on one page alone, but beside a page number.
    for page in pages:
        for _, row in groupby(_at_edges(page), key=lambda found: found[0]):
            runs = [run for _, run in row]
            if any(id(run) in running for run in runs):
                beside |= {id(run) for run in runs if len(run.text) <= LONGEST_TITLE} - running
    numbers |= _numbers_beside(pages, beside)
    return running | beside, _kept_once(pages, running, beside, numbers, dropped)


def _numbers_beside(pages: Sequence[PageRuns], beside: set[int]) -> set[int]:
    """Return the ids of the runs beside running headers that are numbers growing with the page."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for index, page in enumerate(pages):
        for run in page.runs:
            if id(run) in beside and _PAGE_NUMBER.fullmatch(run.text):
                found[int(run.text) - index].append(id(run))
    return {run for runs in found.values() if len(runs) > 1 for run in runs}


def _kept_once(
    pages: Sequence[PageRuns], running: set[int], beside: set[int], numbers: set[int], dropped: Counter[str]
) -> list[Kept]:
    """Return the first of each of the running headers and footers; the others and page numbers are counted."""
    seen: set[tuple[str, str]] = set()
    kept: list[Kept] = []
    for page in pages:
        for (edge, _), row in groupby(_at_edges(page), key=lambda found: found[0]):
            first: list[Run] = []
            for _, run in row:
                key = (edge, run.text if id(run) in beside else _pattern(run))
                if id(run) in numbers:
                    dropped["page number"] += 1
                elif id(run) in running or id(run) in beside:
                    if key in seen:
                        dropped["running header or footer"] += 1
                    else:
                        first.append(run)
                    seen.add(key)
            if first:
                kept.append((edge, page.number, Row(sorted(first, key=lambda run: run.x0))))
    return kept


def _pattern(run: Run) -> str:
    """Return the text of a run without white space, with a sign in the place of each number."""
    return _DIGITS.sub("#", "".join(run.text.split()))


def _at_edges(page: PageRuns) -> Iterator[tuple[tuple[str, int], Run]]:
    """Yield the runs in the first and last rows of a page, each with its edge and the number of its row from there."""
    zone = EDGE_SHARE * page.height
    zones = (("top", 1, lambda run: run.y1 > page.height - zone), ("bottom", -1, lambda run: run.y1 < zone))
    for edge, sign, is_inside in zones:
        runs = sorted(filter(is_inside, page.runs), key=lambda run: -sign * run.y1)
        level, rows = math.inf, 0
        for run in runs:
            if abs(level - run.y1) > run.height / 2:
                level, rows = run.y1, rows + 1
            if rows > EDGE_ROWS:
                break
            yield (edge, rows), run


def _agreeing(places: list[tuple[int, Run]], needed: int) -> list[tuple[int, Run]]:
    """Return those runs in which every number is that of the others, or grows with the page."""
    numbers = [[int(digits[:9]) for digits in _DIGITS.findall("".join(run.text.split()))] for _, run in places]
    agreeing = [True] * len(places)
    for column in zip(*numbers, strict=True):
        offsets = [number - index for number, (index, _) in zip(column, places, strict=True)]
        usual = [{value for value, count in Counter(values).items() if count >= needed} for values in (column, offsets)]
        for place, pair in enumerate(zip(column, offsets, strict=True)):
            agreeing[place] &= any(value in known for value, known in zip(pair, usual, strict=True))
    return [place for place, agrees in zip(places, agreeing, strict=True) if agrees]


def _links(rows: Sequence[tuple[int, Row]]) -> list[Link]:
    """Return how each row continues in the next."""
    edges = _column_edges(rows)
    same = [(a, b) for (page, a), (other, b) in pairwise(rows) if page == other and a.column == b.column]
    leadings = sorted(a.y0 - b.y0 for a, b in same if a.y0 > b.y0)
    leading = leadings[len(leadings) // 2] if leadings else math.inf
    return [
        _link(a, b, edges[page, a.column], edges[other, b.column], leading, page == other and a.column == b.column)
        for (page, a), (other, b) in pairwise(rows)
    ]


def _column_edges(rows: Sequence[tuple[int, Row]]) -> Edges:
    """Return the column edges of each page; a column of few rows gets them from other pages."""
    columns: defaultdict[tuple[int, str], list[Row]] = defaultdict(list)
    for page, row in rows:
        columns[page, row.column].append(row)
    edges: Edges = {}
    likes: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for (page, column), members in columns.items():
        x0, x1 = sorted(row.x0 for row in members), sorted(row.x1 for row in members)
        edges[page, column] = x0[len(x0) // 10], x1[len(x1) - 1 - len(x1) // 10]
        if len(members) >= LEAST_ROWS:
            likes[column].append(edges[page, column])
    for (page, column), members in columns.items():
        if len(members) < LEAST_ROWS and likes[column]:
            left, right = (median(values) for values in zip(*likes[column], strict=True))
            # The edges of another layout are not comparable.
            if (
                left <= min(row.x0 for row in members) + members[0].height
                and right >= max(row.x1 for row in members) - 1
            ):
                edges[page, column] = left, right
    return edges


def _link(
    a: Row, b: Row, a_edges: tuple[float, float], b_edges: tuple[float, float], leading: float, below: bool
) -> Link:
    """Return how row `a` continues in row `b`; `below` says that `b` is below it in the same column."""
    small, large = sorted((max(a.height, 0.1), max(b.height, 0.1)))
    if large > OTHER_SIZE * small or a.cells > 1 or b.cells > 1 or BEGINS_PARAGRAPH.match(b.text):
        return "paragraph"
    goes_on = a.text[-1] in GOES_ON_AFTER or b.text[0] in GOES_ON_WITH
    if below and a.y0 - b.y0 > WIDE_LEADING * leading and not goes_on:
        return "paragraph"
    if goes_on:
        return "joined"
    a_indent, b_indent = a.x0 - a_edges[0], b.x0 - b_edges[0]
    if b_indent > INDENT * small and a_indent <= INDENT * small and not _NUMBERED.match(a.text):
        return "paragraph"
    room = a_edges[1] - a.x1
    first_word = b.text.split(maxsplit=1)[0][:40]
    needed = ROOM_FOR_HANZI if is_wide(b.text[0]) else 1 + LETTER_WIDTH * len(first_word)
    if room > needed * small:
        return "paragraph"
    # Both are indented alike: the middle of a quotation, or two paragraphs of one line each.
    return "line" if b_indent > INDENT * small and not _NUMBERED.match(a.text) else "joined"


def _with_joint(text: str, following: str, hyphenated: set[str], dropped: Counter[str]) -> str:
    """Return a row and what is between it and the next of its paragraph."""
    before, after = _LETTERS_BEFORE.search(text), _LETTERS_AFTER.match(following)
    if before and after:
        if f"{before[0]}-{after[0]}" in hyphenated:
            return text
        dropped["hyphen at the end of a line"] += 1
        return text[:-1]
    latin = text[-1].isascii() and text[-1] not in HYPHENS and following[0].isascii()
    return f"{text} " if latin else text


def _plain(text: str, dropped: Counter[str]) -> str:
    """Return the text with hanzi instead of radicals and compatibility forms, and letters instead of ligatures."""
    return _FORMS.sub(lambda match: _written(match[0], dropped), text)


_FORMS = re.compile("[\u2e80-\u2fd5\uf900-\ufaff\ufb00-\ufb06]")


def _written(character: str, dropped: Counter[str]) -> str:
    plain = RADICALS.get(character) or unicodedata.normalize("NFKC", character)
    if plain != character:
        dropped["radical or ligature (written as its letters)"] += 1
    return plain
