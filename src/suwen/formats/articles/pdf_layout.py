"""Layout of the text on a page: rows, columns, reading order. Coordinates are in points, y upward.

A *run* is text that the file sets in one go. Runs side by side make a *row*. A *gutter* is an upright white strip with
text on both sides in several rows; what crosses it (a title, a wide table) cuts the columns into zones, which are read
one after the other, each column by column. A column may have gutters of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from suwen.formats.articles.markup import NEAR, Script, subscript, superscript

__all__ = ["Row", "Run", "is_wide", "joined_runs", "merged", "rows_in_order"]

Floats = NDArray[np.float64]

OVERLAP = 0.5
"""Minimum share of the lower run's height that runs side by side have in common."""

LEAST_GUTTER = 0.8
LEAST_SUPPORT = 3
LEAST_COLUMN = 6
LEAST_SHARE = 0.25
"""Limits of a gutter: minimum width, minimum number of rows, minimum width of the runs on both sides (cells of tables
are narrower), and minimum number of rows for each run that crosses it. Widths are in line heights."""

OVERHANG = 1.5
"""Runs that reach further over a gutter, in line heights, cross it."""

LARGEST_SCRIPT, LONGEST_SCRIPT = 0.85, 12
LEAST_RAISED, LEAST_LOWERED = 0.15, 0.05
"""Maximum size and maximum number of characters of a superscript or subscript, and its minimum shift up or down, in
heights of the run that it belongs to."""

CELL_GAP = 1.2
"""A wider white space within a row is between cells."""

DEEPEST = 3
MOST_RUNS = 2000
"""Maximum runs of a page in which gutters are searched; a page with more is a drawing of letters, or malicious."""

FIRST_WIDE = "\u2e80"


@dataclass(frozen=True, slots=True)
class Run:
    """Text set in one go, and its box.

    Parameters
    ----------
    base
        The height of the baseline.
    spaced
        Whether the file says that a space follows.
    pieces
        The parts of the text that differ in size and baseline, if there are several.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    base: float
    spaced: bool = False
    pieces: tuple[Run, ...] = ()

    @property
    def height(self) -> float:
        """The height of the box: about the size of the font."""
        return self.y1 - self.y0


@dataclass(slots=True)
class Row:
    """Runs side by side in a column, from left to right.

    Parameters
    ----------
    column
        Which column of the page: empty for its full width, then ``L`` and ``R`` for the sides of each gutter.
    """

    runs: list[Run]
    column: str = ""
    text: str = field(init=False)
    x0: float = field(init=False)
    y0: float = field(init=False)
    x1: float = field(init=False)
    y1: float = field(init=False)
    cells: int = field(init=False)

    def __post_init__(self) -> None:
        self.x0 = min(run.x0 for run in self.runs)
        self.x1 = max(run.x1 for run in self.runs)
        # Superscripts and subscripts do not make the row higher.
        main = max(self.runs, key=lambda run: (len(run.text), run.height))
        self.y0, self.y1 = main.y0, main.y1
        self.text, self.cells = joined_runs(self.runs)

    @property
    def height(self) -> float:
        """The height of the row's main run."""
        return self.y1 - self.y0


def merged(runs: Sequence[Run]) -> Run:
    """Return one run of what is set in one go, superscripts and subscripts included; they make it no higher."""
    if len(runs) == 1:
        return runs[0]
    main = max(runs, key=lambda run: len(run.text) * run.height)
    x0, x1 = min(run.x0 for run in runs), max(run.x1 for run in runs)
    return Run(_cell(runs), x0, main.y0, x1, main.y1, main.base, runs[-1].spaced, tuple(runs))


def joined_runs(runs: Sequence[Run]) -> tuple[str, int]:
    """Return the text of runs side by side, and how many cells they make: two spaces stand between cells."""
    cells = [list(_pieces(runs[0]))]
    for before, run in itertools.pairwise(runs):
        if _gap(before, run) > CELL_GAP:
            cells.append([])
        cells[-1] += _pieces(run)
    return "  ".join(map(_cell, cells)), len(cells)


def _pieces(run: Run) -> tuple[Run, ...]:
    return run.pieces or (run,)


def _cell(runs: Sequence[Run]) -> str:
    """Return the text of runs without a cell's gap between them."""
    text = ""
    last: Run | None = None
    scripts = _scripts(runs)
    for script, places in itertools.groupby(range(len(runs)), key=scripts.__getitem__):
        first, *rest = places
        end = (rest or [first])[-1]
        content = runs[first].text
        for place in rest:
            content = _joint(content, runs[place - 1], runs[place]) + runs[place].text
        if last is not None and (script is None or last.spaced):
            text = _joint(text, last, runs[first])
        after = runs[end + 1].text if end + 1 < len(runs) else ""
        if script == "superscript":
            content = superscript(content, text[-NEAR:], after)
        elif script == "subscript":
            content = subscript(content, text[-NEAR:], after)
        text += content
        last = runs[end]
    return text


def _scripts(runs: Sequence[Run]) -> list[Script | None]:
    """Return which runs are superscripts and subscripts of the run before them, or else of the one after them."""
    scripts: list[Script | None] = [None] * len(runs)
    base: Run | None = None
    for place, run in enumerate(runs):
        beside = base or next((other for other in runs[place + 1 :] if other.height > run.height), None)
        if beside is not None and run.height < LARGEST_SCRIPT * beside.height and len(run.text) <= LONGEST_SCRIPT:
            shift = (run.base - beside.base) / beside.height
            scripts[place] = "superscript" if shift > LEAST_RAISED else "subscript" if shift < -LEAST_LOWERED else None
        if scripts[place] is None:
            base = run
    return scripts


def _joint(text: str, before: Run, after: Run) -> str:
    """Return text with a space at its end, if there is one before the next run."""
    return f"{text} " if before.spaced or _needs_space(text[-1], after.text[0], _gap(before, after)) else text


def _gap(before: Run, after: Run) -> float:
    return (after.x0 - before.x1) / max(before.height, after.height, 1e-6)


def is_wide(character: str) -> bool:
    """Return whether a character is a hanzi, kana or full-width form."""
    return character >= FIRST_WIDE


def _needs_space(before: str, after: str, gap: float) -> bool:
    """Return whether white space of this width (in line heights) between two characters is a space."""
    if is_wide(before) or is_wide(after):
        # Justified lines are stretched, and a quarter of the height is put between hanzi and Latin letters.
        return gap > (0.6 if is_wide(before) and is_wide(after) else 0.5)
    return gap > 0.1


def rows_in_order(pages: Sequence[Sequence[Run]]) -> list[list[Row]]:
    """Return the rows of each page, in the order in which they are read.

    If too few rows have two columns (for example on the last page), the gutters of other pages are tried.
    """
    gutters = [_gutter(runs, ()) for runs in pages]
    known = sorted({float(round(gutter)) for gutter in gutters if gutter is not None})
    return [
        list(_ordered(list(runs), "", gutter if gutter is not None else _gutter(runs, known)))
        for runs, gutter in zip(pages, gutters, strict=True)
    ]


def _ordered(runs: list[Run], column: str, gutter: float | None) -> Iterator[Row]:
    if gutter is None:
        yield from (Row(row, column) for row in _rows(runs))
        return
    crossing: list[Run] = []
    waiting: list[Run] = []
    for run in runs:
        (crossing if _crosses(run, gutter) else waiting).append(run)
    for row in _rows(crossing):
        above: list[Run] = []
        beside: list[Run] = []
        below: list[Run] = []
        for run in waiting:
            if _overlaps(run, row[0]):
                beside.append(run)
            else:
                (above if run.y0 > row[0].y0 else below).append(run)
        yield from _zone(above, gutter, column)
        yield Row(sorted([*row, *beside], key=lambda run: run.x0), column)
        waiting = below
    yield from _zone(waiting, gutter, column)


def _zone(runs: list[Run], gutter: float, column: str) -> Iterator[Row]:
    left: list[Run] = []
    right: list[Run] = []
    for run in runs:
        (left if run.x0 + run.x1 <= 2 * gutter else right).append(run)
    for side, members in (("L", left), ("R", right)):
        inner = _gutter(members, ()) if len(column) + 1 < DEEPEST else None
        yield from _ordered(members, column + side, inner)


def _crosses(run: Run, gutter: float) -> bool:
    """Return whether a run reaches well into both sides; punctuation at the end of a line may hang over its edge."""
    return run.x0 < gutter - OVERHANG * run.height and run.x1 > gutter + OVERHANG * run.height


def _overlaps(run: Run, other: Run) -> bool:
    shared = min(run.y1, other.y1) - max(run.y0, other.y0)
    return shared >= OVERLAP * min(run.height, other.height)


def _rows(runs: Sequence[Run]) -> list[list[Run]]:
    """Return runs side by side, rows from top to bottom."""
    rows: list[list[Run]] = []
    cores: list[Run] = []
    for run in sorted(runs, key=lambda run: -(run.y0 + run.y1)):
        # A raised index comes before its row, a lowered one after it: the row before the last may be meant too.
        last = range(len(rows) - 1, max(-1, len(rows) - 3), -1)
        place = next((place for place in last if _overlaps(run, cores[place])), None)
        if place is None:
            rows.append([run])
            cores.append(run)
        else:
            rows[place].append(run)
            cores[place] = max(cores[place], run, key=lambda run: (run.height, len(run.text)))
    return [sorted(row, key=lambda run: run.x0) for row in rows]


def _gutter(runs: Sequence[Run], known: Sequence[float]) -> float | None:
    """Return the position of the best gutter; None if there is none.

    Parameters
    ----------
    known
        Where gutters may be that are seen in fewer rows.
    """
    if not 1 < len(runs) <= MOST_RUNS:
        return None
    x0, y0, x1, y1 = np.array([(run.x0, run.y0, run.x1, run.y1) for run in runs]).T
    height = y1 - y0
    em = float(np.median(height))
    shared = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    beside = shared >= OVERLAP * np.minimum(height[:, None], height)
    gap = np.where(beside, x0 - x1[:, None], -np.inf)
    gap[gap < 0] = np.inf
    right = gap.argmin(axis=1)
    left = np.flatnonzero(gap[np.arange(len(runs)), right] < np.inf)
    right = right[left]
    fits = x0[right] - x1[left] >= LEAST_GUTTER * em
    left, right = left[fits], right[fits]
    if not left.size:
        return None
    if known:
        supports = [int(np.count_nonzero((x1[left] <= place) & (place <= x0[right]))) for place in known]
        place, support, least = known[int(np.argmax(supports))], max(supports), 1
    else:
        (place, support), least = _most_covered(x1[left], x0[right]), LEAST_SUPPORT
    around = (x1[left] <= place) & (place <= x0[right])
    crossing = np.count_nonzero((x0 < place - OVERHANG * height) & (x1 > place + OVERHANG * height))
    if support < max(least, LEAST_SHARE * crossing):
        return None
    narrowest = min(np.median((x1 - x0)[left[around]]), np.median((x1 - x0)[right[around]]))
    return place if known or narrowest >= LEAST_COLUMN * em else None


def _most_covered(starts: Floats, ends: Floats) -> tuple[float, int]:
    """Return the middle of the stretch that most of the intervals cover, and how many do."""
    places = np.concatenate((starts, ends))
    steps = np.concatenate((np.ones(starts.size, np.int64), -np.ones(ends.size, np.int64)))
    order = np.lexsort((-steps, places))
    covered = np.cumsum(steps[order])
    best = int(covered.argmax())
    return float(places[order[best]] + places[order[best + 1]]) / 2, int(covered[best])
