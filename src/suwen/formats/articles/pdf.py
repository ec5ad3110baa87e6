"""PDF: the text of articles as it is read. This format is only read.

- Columns are read one after the other (`suwen.formats.articles.pdf_layout`).
- Headers and footers that run through the pages, and page numbers, are left out and counted. They are known by their
  repetition at the same height of several pages, so those of a single page stay.
- Lines of a paragraph are joined: Latin words with a space, hanzi without. A hyphen at the end of a line goes when a
  word goes on in small letters, unless the same word has its hyphen elsewhere. A blank line ends each paragraph. Where
  the page does not tell whether a text goes on, a line break is left, and the view decides.
- Radicals and ligatures that fonts give for hanzi and letters are written as those, and counted.
- Text that stands across the page's main direction is left out and counted.

``Document.pages`` says which part of the text stands on which page. Offsets count the characters of the text that was
taken; every output holds it or has it beside it.

A file that opens with a password only is refused (S118), and so is one whose pages are pictures (S119).
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.formats.articles.files import LONGEST_TEXT, MEGABYTE, article
from suwen.formats.articles.pdf_layout import CELL_GAP, Run, is_wide
from suwen.formats.articles.pdf_text import PageRuns, flowing_text
from suwen.formats.base import ArticleFormat

__all__ = ["FORMAT", "NAME", "Pdf"]

NAME = "pdf"
KIND = "PDF"

MOST_PAGES = 10_000
MOST_SECONDS = 300
"""For one file: a thick book takes a tenth."""

NEEDS_PASSWORD = 4  # FPDF_ERR_PASSWORD
UNTOLD_SHARE = 0.5
"""With a larger share of characters of which the fonts do not tell which they are, the text means nothing."""

QUARTER = 1.5708
ASLANT = 4
LEVEL = 0.15
"""So far from a quarter, as a share of one, text may lean and count as turned by it."""

LEAST_SHARED, WIDEST_STEP_BACK = 0.3, 0.6
"""Within a run, characters share so much of their heights, and none begins so far left of the end of the last one."""

LINE_ENDS = frozenset((0x0D, 0x0A))
BLANKS = frozenset((0x0D, 0x0A, 0x09, 0x20, 0xA0))
HYPHEN = 0x02
"""What PDFium writes for a hyphen at which it has joined two lines."""

UNTOLD = "\ufffd"
UNTOLD_KIND = "character that its font does not tell"
_LOCK = threading.Lock()
"""PDFium can do one thing at a time."""

Boxes = NDArray[np.float64]


class Pdf(ArticleFormat):
    """Read PDF files: a folder, or one file.

    Faults are S101, S102, S114, and what `parse` raises.
    """

    name = NAME
    suffixes = (".pdf",)
    largest = 256 * MEGABYTE
    yields = True

    def parse(self, data: bytes, path: Path, name: str) -> list[Document]:
        """Return the one document of a file, with its pages; ``meta["read_from"]`` counts what was left out.

        Raises
        ------
        SuwenError
            S115 when it has too many pages or too long a text, S118 when it is encrypted, S119 when it is a scan, S120
            when it is damaged or its fonts do not tell their characters, S121 when it takes too long.
        """
        with _LOCK:
            pages, dropped = _read_pages(data, path)
        text, spans = flowing_text(pages, dropped)
        return [article(name, text, path, {"format": NAME, "dropped": dropped}, spans)]


FORMAT = Pdf()


def _read_pages(data: bytes, path: Path) -> tuple[list[PageRuns], Counter[str]]:
    """The runs of every page, and what was left out."""
    import pypdfium2

    deadline = time.monotonic() + MOST_SECONDS
    dropped: Counter[str] = Counter()
    pages: list[PageRuns] = []
    characters = pictures = 0
    try:
        file = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code == NEEDS_PASSWORD:
            raise SuwenError("S118", path, kind="the PDF") from None
        raise SuwenError("S120", path, kind=KIND, reason=_reason(error)) from None
    try:
        if len(file) > MOST_PAGES:
            raise SuwenError("S115", path, what="the PDF", limit=f"{MOST_PAGES:,} pages")
        for index in range(len(file)):
            if time.monotonic() > deadline:
                raise SuwenError("S121", path, seconds=MOST_SECONDS)
            runs, height, is_picture = _read_page(file, index, dropped)
            characters += sum(len(run.text) for run in runs)
            pictures += is_picture
            if characters > LONGEST_TEXT:
                raise SuwenError("S115", path, what="the text", limit=f"{LONGEST_TEXT:,} characters")
            pages.append(PageRuns(index + 1, height, runs))
    except pypdfium2.PdfiumError as error:
        raise SuwenError("S120", path, kind=KIND, reason=_reason(error)) from None
    finally:
        file.close()
    if pictures and not characters:
        raise SuwenError("S119", path, pages=len(pages))
    if dropped[UNTOLD_KIND] > UNTOLD_SHARE * characters:
        raise SuwenError("S120", path, kind=KIND, reason="its fonts do not tell which characters they show")
    dropped["page without text (a picture)"] += pictures
    return pages, +dropped


def _reason(error: Exception) -> str:
    return str(error).rstrip(".")


def _read_page(file: Any, index: int, dropped: Counter[str]) -> tuple[list[Run], float, bool]:
    """The runs of a page turned so that its text stands upright, its height then, and whether it is but a picture."""
    import pypdfium2.raw as pdfium

    page = file[index]
    text_page = None
    try:
        text_page = page.get_textpage()
        glyphs = _Glyphs(text_page, dropped)
        turns = np.bincount(glyphs.turn, minlength=ASLANT + 1)
        upright = int(turns[:ASLANT].argmax())
        across = int(turns.sum() - turns[upright])
        if across:
            dropped["character of text across the page"] += across
        width, height = page.get_size()
        # The size is that of the page as it is shown, the boxes are those of the page before it is turned for that.
        lies = (page.get_rotation() // 90 + upright) % 2
        pictures = () if turns.any() else page.get_objects([pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3)
        return glyphs.runs(upright), width if lies else height, next(iter(pictures), None) is not None
    finally:
        if text_page is not None:
            text_page.close()
        page.close()


class _Glyphs:
    """The characters that a page shows, in the order of the file, white space aside.

    Attributes
    ----------
    text
        The characters; those of which the font does not tell what they are as U+FFFD.
    box
        Their boxes: left, bottom, right, top, float64 ``[N, 4]``.
    turn
        By how many quarters each is turned to the right, int64 ``[N]``; `ASLANT` when it is none of them.
    ended, spaced, put_in
        Whether a line end, a space, or a space that PDFium has put in follows each, bool ``[N]``.
    """

    def __init__(self, text_page: Any, dropped: Counter[str]) -> None:
        import pypdfium2.raw as pdfium

        raw = text_page.raw
        codes = [pdfium.FPDFText_GetUnicode(raw, i) for i in range(text_page.count_chars())]
        shown = [i for i, code in enumerate(codes) if code not in BLANKS]
        rectangle = pdfium.FS_RECTF()
        pointer = ctypes.byref(rectangle)
        boxes, turns = [], []
        for i in shown:
            pdfium.FPDFText_GetLooseCharBox(raw, i, pointer)
            boxes.append((rectangle.left, rectangle.bottom, rectangle.right, rectangle.top))
            quarters = pdfium.FPDFText_GetCharAngle(raw, i) / QUARTER
            turns.append(round(quarters) % 4 if abs(quarters - round(quarters)) < LEVEL else ASLANT)
        self.text = _characters([codes[i] for i in shown], dropped)
        self.box = np.nan_to_num(np.array(boxes, np.float64).reshape(-1, 4))
        self.turn = np.array(turns, np.int64)
        self.ended, self.spaced, self.put_in = (np.zeros(len(shown), bool) for _ in range(3))
        for place, (i, following) in enumerate(pairwise([*shown, len(codes)])):
            between = codes[i + 1 : following]
            self.ended[place] = codes[i] == HYPHEN or not LINE_ENDS.isdisjoint(between)
            self.spaced[place] = 0x20 in between or 0xA0 in between or 0x09 in between
            self.put_in[place] = between == [0x20] and pdfium.FPDFText_IsGenerated(raw, i + 1) == 1

    def runs(self, upright: int) -> list[Run]:
        """The runs of the text that is turned so, in coordinates in which it stands upright."""
        chosen = np.flatnonzero(self.turn == upright)
        if not chosen.size:
            return []
        box = _turned(self.box[chosen], upright)
        height = box[:, 3] - box[:, 1]
        smaller, larger = np.minimum(height[:-1], height[1:]), np.maximum(height[:-1], height[1:])
        shared = np.minimum(box[:-1, 3], box[1:, 3]) - np.maximum(box[:-1, 1], box[1:, 1])
        gap = box[1:, 0] - box[:-1, 2]
        broken = self.ended[chosen[:-1]] | (np.diff(chosen) > 1) | (shared < LEAST_SHARED * smaller)
        broken |= (gap > CELL_GAP * larger) | (gap < -WIDEST_STEP_BACK * larger)

        wide = np.array([is_wide(self.text[i]) for i in chosen])
        # Justified lines are stretched, and a quarter of the height is put between hanzi and Latin letters.
        least = np.where(wide[:-1] & wide[1:], 0.6, np.where(wide[:-1] | wide[1:], 0.5, 0.0)) * larger
        spaced = self.spaced[chosen[:-1]] & (~self.put_in[chosen[:-1]] | (gap >= least))

        bounds = [0, *(np.flatnonzero(broken) + 1).tolist(), chosen.size]
        runs = []
        for start, end in pairwise(bounds):
            characters = [self.text[chosen[i]] + " " * bool(i + 1 < end and spaced[i]) for i in range(start, end)]
            low, high = box[start:end].min(axis=0), box[start:end].max(axis=0)
            runs.append(Run("".join(characters), float(low[0]), float(low[1]), float(high[2]), float(high[3])))
        return runs


def _characters(codes: list[int], dropped: Counter[str]) -> str:
    """The characters of codes, as many; those that mean nothing are written as U+FFFD and counted."""
    characters = []
    for code in codes:
        if code == HYPHEN:
            characters.append("-")
        elif 0x20 < code < 0x7F or 0xA0 < code < 0xD800 or 0xF900 <= code < 0xFFFD or 0x10000 <= code <= 0x10FFFF:
            characters.append(chr(code))
        else:
            characters.append(UNTOLD)
            dropped[UNTOLD_KIND] += 1
    return "".join(characters)


def _turned(box: Boxes, turn: int) -> Boxes:
    """Boxes ``[N, 4]`` in coordinates in which text that is turned by so many quarters to the right stands upright."""
    x0, y0, x1, y1 = box.T
    columns = ((x0, y0, x1, y1), (-y1, x0, -y0, x1), (-x1, -y1, -x0, -y0), (y0, -x1, y1, -x0))[turn]
    return np.column_stack(columns)
