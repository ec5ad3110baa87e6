"""PDF: the text of articles as it is read. This format is only read.

- Columns are read one after the other (`suwen.formats.articles.pdf_layout`).
- Headers and footers that run through the pages are kept once, page numbers are left out; what is left out is counted.
  They are known by their repetition at the same height of several pages, so those of a single page stay.
- Lines of a paragraph are joined: Latin words with a space, hanzi without. A hyphen at the end of a line goes when a
  word continues in small letters, unless the word has its hyphen elsewhere. A blank line ends each paragraph. Where
  the page does not tell whether a text continues, a line break is left, and the view decides.
- Radicals and ligatures that fonts give for hanzi and letters are written as those, and counted.
- Text that stands across the page's main direction is left out and counted; so are characters that are printed twice in
  the same place, as programs do to make them bold. Vertical writing is read column by column from the right.
- Characters that a font does not tell, or tells wrong, are written as U+FFFD and counted.
- Superscripts and subscripts are written as in the other formats (`suwen.formats.articles.markup`).

``Document.pages`` says which part of the text is on which page. Offsets count the characters of the text that was
taken; every output holds it or has it beside it. ``meta`` holds title, year, journal and DOI that the file states.

A file that opens with a password only is refused (S118), and so is one whose pages are pictures (S119) or whose fonts
do not tell most of its characters or hanzi (S120).
"""

from __future__ import annotations

import ctypes
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.formats.articles.file_metadata import about_pdf
from suwen.formats.articles.pdf_layout import CELL_GAP, Run, is_wide, merged
from suwen.formats.articles.pdf_text import PageRuns, flowing_text
from suwen.formats.base import ArticleFormat
from suwen.formats.contents import LONGEST_TEXT, MEGABYTE, article
from suwen.formats.encodings import FREQUENT, LEAST_FREQUENT

__all__ = ["FORMAT", "NAME", "Pdf"]

NAME = "pdf"
KIND = "PDF"

MOST_PAGES = 10_000
MOST_SECONDS = 300
"""For one file: a thick book takes a tenth."""

NEEDS_PASSWORD = 4  # FPDF_ERR_PASSWORD
UNMAPPED_SHARE = 0.5
"""Maximum share of characters that are unknown to their fonts, of all characters or of the hanzi (if the text has more
than a few); above it the text is useless."""

LEAST_LOST = 0.1

LONGEST_STAMP, LEAST_SCAN = 200, 0.5
"""A page with fewer characters, and an image over this share of it, is a scan with a stamp."""

QUARTER = 1.5708
ASLANT = 4
LEVEL = 0.15
"""Maximum deviation of text from a quarter turn, as a share of a quarter."""

LEAST_SHARED, WIDEST_STEP_BACK = 0.3, 0.6
"""Minimum common share of the heights of two characters in a run, and maximum step back to the left between them."""

LEAST_SHIFTED, LARGEST_SCRIPT = 0.08, 0.9
"""Minimum shift and maximum size of a superscript or subscript, relative to its neighbor."""

LEAST_VERTICAL, VERTICAL_SHARE = 10, 0.8
"""Minimum number and share of hanzi that follow one below the other in vertical writing."""

SPREAD, LEAST_SPREAD, LETTERS = 0.25, 0.2, 0.6
"""Characters are set apart on purpose when the usual gap, in heights, is larger than the second; a space is wider by
the first. Of Latin text that share must be letters: single digits are cells of a table."""

WIDEST_PITCH = 1.15
"""Maximum distance of characters on a grid without spaces, in usual distances."""

LEAST_LETTERS = 4
WIDEST_OFFSET = 4.0
OFFSET_X, OFFSET_Y = 0.6, 0.2
"""Maximum distance of a character that is printed twice: in points, and as shares of its width and height."""

LEAST_RARE, RARE_SHARE, CONTROL_SHARE = 2, 0.3, 0.05
"""A font is rejected if its doubtful characters contain this number or share of rare characters, or this share of
control characters."""

_COMMON = re.compile("[\xa0-\u024f\u0370-\u06ff\u2000-\u27bf\u3000-\u30ff\uac00-\ud7a3\ufb00-\ufb06\uff00-\uffef]")

LEAST_MOJIBAKE = 10
_HANZI = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_NO_LATIN = re.compile("[\xa1-\xff\u0152-\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{2,}")
"""Letters and signs that the bytes of Chinese are taken for; no language has several in a row."""

LINE_ENDS = frozenset((0x0D, 0x0A))
BLANKS = frozenset((0x0D, 0x0A, 0x09, 0x20, 0xA0))
HYPHEN = 0x02
"""The character of PDFium for a hyphen at which it joined two lines."""

JOINED = -1
"""Marks the second half of a character beyond U+FFFF."""

UNMAPPED = "\ufffd"
UNMAPPED_KIND = "character that its font does not tell"
LOST_HANZI = "hanzi that its font does not tell"
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
            S106 when it is empty, S115 when it has too many pages or too long a text, S118 when it is encrypted, S119
            when it is a scan, S120 when it is damaged or its fonts do not tell their characters, S121 when it takes
            too long.
        """
        if not data:
            raise SuwenError("S106", path)
        with _LOCK:
            pages, dropped, about = _read_pages(data, path)
        text, spans = flowing_text(pages, dropped)
        return [article(name, text, path, {"format": NAME, "dropped": dropped}, spans, about)]


FORMAT = Pdf()


def _read_pages(data: bytes, path: Path) -> tuple[list[PageRuns], Counter[str], dict[str, Any]]:
    """Return the runs of every page, what was left out, and what the file states of itself."""
    import pypdfium2

    deadline = time.monotonic() + MOST_SECONDS
    dropped: Counter[str] = Counter()
    pages: list[PageRuns] = []
    characters = hanzi = pictures = 0
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
            hanzi += sum(is_wide(character) and character != UNMAPPED for run in runs for character in run.text)
            pictures += is_picture
            if characters > LONGEST_TEXT:
                raise SuwenError("S115", path, what="the text", limit=f"{LONGEST_TEXT:,} characters")
            pages.append(PageRuns(index + 1, height, runs))
        about = about_pdf(file.get_metadata_value, data)
    except pypdfium2.PdfiumError as error:
        raise SuwenError("S120", path, kind=KIND, reason=_reason(error)) from None
    finally:
        file.close()
    # Libraries print a line over each page of their scans.
    stamps = {re.sub(r"[\d\s]+", "", "".join(run.text for run in page.runs)) for page in pages}
    if pictures and (not characters or (pictures == len(pages) > 1 and len(stamps) == 1)):
        raise SuwenError("S119", path, pages=len(pages))
    pages = _without_mojibake(pages, dropped)
    lost_hanzi = dropped.pop(LOST_HANZI, 0)
    all_lost = lost_hanzi > max(UNMAPPED_SHARE * (lost_hanzi + hanzi), LEAST_LOST * characters)
    if dropped[UNMAPPED_KIND] > UNMAPPED_SHARE * characters or all_lost:
        raise SuwenError("S120", path, kind=KIND, reason="its fonts do not tell which characters they show")
    dropped["page without text (a picture)"] += pictures
    return pages, +dropped, about


def _area(picture: Any) -> float:
    """Return the area of the page that an image covers."""
    left, bottom, right, top = picture.get_bounds()
    return float((right - left) * (top - bottom))


def _reason(error: Exception) -> str:
    return str(error).rstrip(".")


def _read_page(file: Any, index: int, dropped: Counter[str]) -> tuple[list[Run], float, bool]:
    """Return the runs of an upright page, its height, and whether it is an image, perhaps with a stamp over it."""
    import pypdfium2.raw as pdfium

    page = file[index]
    text_page = None
    try:
        text_page = page.get_textpage()
        glyphs = _Glyphs(text_page, dropped)
        turns = np.bincount(glyphs.turn, minlength=ASLANT + 1)
        upright = int(turns[:ASLANT].argmax())
        vertical = glyphs.is_vertical(upright)
        across = int(turns.sum() - turns[upright])
        if across:
            dropped["character of text across the page"] += across
        width, height = page.get_size()
        # The size is that of the page as it is shown, the boxes are those of the page before it is turned for that.
        lies = (page.get_rotation() // 90 + upright + vertical) % 2
        pictures = page.get_objects([pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3) if turns.sum() < LONGEST_STAMP else ()
        least = LEAST_SCAN * width * height if turns.any() else 0
        is_picture = any(_area(picture) >= least for picture in pictures)
        return glyphs.runs(upright, vertical), width if lies else height, is_picture
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
    box, base
        Their boxes: left, bottom, right, top, float64 ``[N, 4]``; and where their baselines begin, as boxes.
    turn
        By how many quarters each is turned to the right, int64 ``[N]``; `ASLANT` when it is none of them.
    ended, spaced, put_in
        Whether a line end, a space, or a space that PDFium has put in follows each, bool ``[N]``.
    """

    def __init__(self, text_page: Any, dropped: Counter[str]) -> None:
        import pypdfium2.raw as pdfium

        raw = text_page.raw
        codes = _joined_halves([pdfium.FPDFText_GetUnicode(raw, i) for i in range(text_page.count_chars())])
        shown = [i for i, code in enumerate(codes) if code not in BLANKS and code != JOINED]
        rectangle, x, y = pdfium.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
        pointer, across, up = map(ctypes.byref, (rectangle, x, y))
        boxes, bases, turns = [], [], []
        for i in shown:
            pdfium.FPDFText_GetLooseCharBox(raw, i, pointer)
            pdfium.FPDFText_GetCharOrigin(raw, i, across, up)
            boxes.append((rectangle.left, rectangle.bottom, rectangle.right, rectangle.top))
            bases.append((x.value, y.value, x.value, y.value))
            quarters = pdfium.FPDFText_GetCharAngle(raw, i) / QUARTER
            turns.append(round(quarters) % 4 if abs(quarters - round(quarters)) < LEVEL else ASLANT)
        doubtful = [i for i in shown if pdfium.FPDFText_HasUnicodeMapError(raw, i) == 1]
        wrong, lost_hanzi = _wrong(raw, codes, doubtful)
        dropped[LOST_HANZI] += lost_hanzi
        self.text = _characters([0 if i in wrong else codes[i] for i in shown], dropped)
        self.box, self.base = (np.nan_to_num(np.array(values, np.float64).reshape(-1, 4)) for values in (boxes, bases))
        self.turn = np.array(turns, np.int64)
        self.ended, self.spaced, self.put_in = (np.zeros(len(shown), bool) for _ in range(3))
        for place, (i, following) in enumerate(pairwise([*shown, len(codes)])):
            between = [code for code in codes[i + 1 : following] if code != JOINED]
            self.ended[place] = codes[i] == HYPHEN or not LINE_ENDS.isdisjoint(between)
            self.spaced[place] = 0x20 in between or 0xA0 in between or 0x09 in between
            self.put_in[place] = between == [0x20] and pdfium.FPDFText_IsGenerated(raw, i + 1) == 1
        self._drop_overprints(dropped)

    def _drop_overprints(self, dropped: Counter[str]) -> None:
        """Leave out characters that are printed a second time in the same place; what follows them stays."""
        again = _overprinted(self.text, self.box)
        if not again.any():
            return
        dropped["character printed twice"] += int(again.sum())
        kept = np.flatnonzero(~again)
        last = np.append(kept[1:], again.size) - 1
        for flags in (self.ended, self.spaced, self.put_in):
            flags[kept] = flags[last]
        self.text = "".join(self.text[i] for i in kept)
        self.box, self.base, self.turn = self.box[kept], self.base[kept], self.turn[kept]
        self.ended, self.spaced, self.put_in = self.ended[kept], self.spaced[kept], self.put_in[kept]

    def is_vertical(self, upright: int) -> bool:
        """Return whether the text that is turned so is written from top to bottom."""
        box = _turned(self.box, upright)
        wide = np.fromiter(map(is_wide, self.text), bool, len(self.text)) & (self.turn == upright)
        pairs = wide[:-1] & wide[1:]
        size = np.maximum(box[:-1, 3] - box[:-1, 1], 1e-6)
        right, down = (box[1:, 0] - box[:-1, 0]) / size, (box[:-1, 3] - box[1:, 3]) / size
        below = pairs & (np.abs(right) < 0.3) & (down > 0.5) & (down < 1.6)
        beside = pairs & (np.abs(down) < 0.3) & (right > 0.5) & (right < 1.6)
        vertical, level = int(below.sum()), int(beside.sum())
        return vertical >= LEAST_VERTICAL and vertical >= VERTICAL_SHARE * (vertical + level)

    def runs(self, upright: int, vertical: bool) -> list[Run]:
        """Return the runs of the text that is turned so, in coordinates in which it stands upright.

        Vertical writing is laid down, so that its columns are rows.
        """
        chosen = np.flatnonzero(self.turn == upright)
        if not chosen.size:
            return []
        turn = (upright + vertical) % 4
        box, base = _turned(self.box[chosen], turn), _turned(self.base[chosen], turn)[:, 1]
        height = box[:, 3] - box[:, 1]
        smaller, larger = np.minimum(height[:-1], height[1:]), np.maximum(height[:-1], height[1:])
        shared = np.minimum(box[:-1, 3], box[1:, 3]) - np.maximum(box[:-1, 1], box[1:, 1])
        gap = box[1:, 0] - box[:-1, 2]
        flags = (self.ended, self.spaced, self.put_in)
        ended, spaced, put_in = (flag[chosen[:-1]] & (not vertical) for flag in flags)
        broken = ended | (np.diff(chosen) > 1) | (shared < LEAST_SHARED * smaller)
        broken |= (gap > CELL_GAP * larger) | (gap < -WIDEST_STEP_BACK * larger)
        shifted = np.zeros_like(broken)
        if not vertical:
            shifted = (smaller < LARGEST_SCRIPT * larger) & (np.abs(np.diff(base)) > LEAST_SHIFTED * larger)

        text = [self.text[i] for i in chosen]
        runs = []
        for start, end in _stretches(broken, 0, chosen.size):
            inside = slice(start, end - 1)
            enough = _wide_enough(text[start:end], box[start:end], larger[inside], put_in[inside])
            spaces = np.append(spaced[inside] & (~put_in[inside] | enough), False)
            pieces = []
            for first, last in _stretches(shifted, start, end):
                shown = "".join(text[i] + " " * bool(spaces[i - start] and i + 1 < last) for i in range(first, last))
                x0, y0 = box[first:last, :2].min(axis=0).tolist()
                x1, y1 = box[first:last, 2:].max(axis=0).tolist()
                middle = float(np.median(base[first:last]))
                pieces.append(Run(shown, x0, y0, x1, y1, middle, bool(spaces[last - 1 - start])))
            runs.append(merged(pieces))
        return runs


def _stretches(broken: NDArray[np.bool_], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where the characters from `start` to `end` begin and end that no break is between."""
    breaks = (np.flatnonzero(broken[start : end - 1]) + start + 1).tolist()
    return pairwise([start, *breaks, end])


def _wide_enough(text: list[str], box: Boxes, height: Boxes, put_in: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which gaps between the characters of a run are wide enough for a space.

    Parameters
    ----------
    height, put_in
        The height of the line at each gap, and whether PDFium has put a space into it.
    """
    wide = np.array([is_wide(character) for character in text])
    both = wide[:-1] & wide[1:]
    gap = (box[1:, 0] - box[:-1, 2]) / np.maximum(height, 1e-6)
    pitch = np.diff(box[:, 0])
    # Justified lines are stretched, and a quarter of the height is put between hanzi and Latin letters.
    enough = gap >= np.where(both, 0.6, np.where(wide[:-1] | wide[1:], 0.5, 0.0))
    if np.count_nonzero(both) >= LEAST_RARE:
        usual, grid = float(np.median(gap[both])), float(np.median(pitch[both]))
    else:
        letters = sum(character.isalpha() and character.isascii() for character in text)
        are_apart = letters >= max(LEAST_LETTERS, LETTERS * len(text)) and put_in.mean() >= LETTERS
        usual, grid = float(np.median(gap)) if are_apart else 0.0, 0.0
    if usual > LEAST_SPREAD:
        enough &= (gap >= usual + SPREAD) & (pitch > WIDEST_PITCH * grid)
    return enough


def _joined_halves(codes: list[int]) -> list[int]:
    """Return codes with the characters beyond U+FFFF whole: PDFium gives them in two halves."""
    for i, (high, low) in enumerate(pairwise(codes)):
        if 0xD800 <= high < 0xDC00 <= low < 0xE000:
            codes[i : i + 2] = [0x10000 + ((high - 0xD800) << 10) + low - 0xDC00, JOINED]
    return codes


def _wrong(raw: Any, codes: list[int], doubtful: list[int]) -> tuple[set[int], int]:
    """Return which of the doubtful characters are wrong, and how many of them were hanzi.

    They are those of fonts that tell rare hanzi and signs of other scripts (the numbers of shapes, taken for
    characters) or control characters.
    """
    import pypdfium2.raw as pdfium

    name, flags = ctypes.create_string_buffer(200), ctypes.c_int()
    fonts: defaultdict[bytes, list[int]] = defaultdict(list)
    for i in doubtful:
        pdfium.FPDFText_GetFontInfo(raw, i, name, len(name), ctypes.byref(flags))
        fonts[name.value].append(i)
    wrong: set[int] = set()
    lost_hanzi = 0
    for places in fonts.values():
        told = [chr(codes[i]) for i in places if codes[i] > 0x7F]
        rare = sum(map(_is_rare, told))
        control = sum(codes[i] < 0x20 and codes[i] != HYPHEN for i in places)
        if rare >= LEAST_RARE and rare > RARE_SHARE * len(told):
            wrong.update(places)
            lost_hanzi += len(told) if any(map(is_wide, told)) else 0
        elif control > CONTROL_SHARE * len(places):
            wrong.update(places)
    return wrong, lost_hanzi


def _is_rare(character: str) -> bool:
    """Return whether a character is neither of a common script nor a common hanzi."""
    common = character.encode("gb2312", "ignore") or character.encode("big5", "ignore")
    return not common and not _COMMON.match(character)


def _without_mojibake(pages: list[PageRuns], dropped: Counter[str]) -> list[PageRuns]:
    """Return the pages with U+FFFD for Chinese that is there as Latin letters: the bytes of GBK, one by one."""
    found = [match for page in pages for run in page.runs for match in _NO_LATIN.findall(run.text)]
    decoded = "".join(match.encode("cp1252", "ignore").decode("gbk", "replace") for match in found)
    hanzi = len(_HANZI.findall(decoded))
    if hanzi < LEAST_MOJIBAKE or sum(map(FREQUENT.__contains__, decoded)) < LEAST_FREQUENT * hanzi:
        return pages
    dropped[LOST_HANZI] += hanzi
    dropped[UNMAPPED_KIND] += sum(map(len, found))
    return [
        replace(page, runs=[replace(run, text=_NO_LATIN.sub(_unmapped, run.text)) for run in page.runs])
        for page in pages
    ]


def _unmapped(match: re.Match[str]) -> str:
    return UNMAPPED * len(match[0])


def _overprinted(text: str, box: Boxes) -> NDArray[np.bool_]:
    """Return which characters stand where the same character stands already, with their neighbors."""
    again = np.zeros(len(text), bool)
    code = np.fromiter(map(ord, text), np.int64, len(text))
    x, y = box[:, 0], box[:, 1]
    near_x = np.minimum(WIDEST_OFFSET, OFFSET_X * (box[:, 2] - x))
    near_y = np.minimum(WIDEST_OFFSET, OFFSET_Y * (box[:, 3] - y))
    for shift in (0, WIDEST_OFFSET):
        order = np.lexsort((x, np.floor((y + shift) / (2 * WIDEST_OFFSET)), code))
        a, b = order[:-1], order[1:]
        same = (code[a] == code[b]) & (np.abs(x[a] - x[b]) < near_x[a]) & (np.abs(y[a] - y[b]) < near_y[a])
        # A ligature comes as several characters in one box.
        same &= (np.abs(a - b) > 1) | (x[a] != x[b]) | (y[a] != y[b])
        again[np.maximum(a, b)[same]] = True
    # A single one may be a coincidence: other text lies there. Programs print texts again, or each character.
    before, after = (np.zeros_like(again) for _ in range(2))
    for step in (1, 2):
        before[step:] |= again[:-step]
        after[:-step] |= again[step:]
    return again & (before | after)


def _characters(codes: list[int], dropped: Counter[str]) -> str:
    """Return the characters of codes, as many; those that mean nothing are written as U+FFFD and counted."""
    characters = []
    for code in codes:
        if code == HYPHEN:
            characters.append("-")
        elif 0x20 < code < 0x7F or 0xA0 < code < 0xD800 or 0xF900 <= code < 0xFFFD or 0x10000 <= code < 0xF0000:
            characters.append(chr(code))
        else:
            characters.append(UNMAPPED)
            dropped[UNMAPPED_KIND] += 1
    return "".join(characters)


def _turned(box: Boxes, turn: int) -> Boxes:
    """Turn boxes ``[N, 4]`` so that text that is turned right by `turn` quarters becomes upright."""
    x0, y0, x1, y1 = box.T
    columns = ((x0, y0, x1, y1), (-y1, x0, -y0, x1), (-x1, -y1, -x0, -y0), (y0, -x1, y1, -x0))[turn]
    return np.column_stack(columns)
