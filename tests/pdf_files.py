"""PDF files for tests, drawn with fonts that every reader of PDF has by itself."""

from __future__ import annotations

import io
from collections.abc import Callable

from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

SONG = "STSong-Light"
LATIN = "Helvetica"
WIDTH, HEIGHT = 595, 842
LEADING = 14

pdfmetrics.registerFont(UnicodeCIDFont(SONG))


class Sheet:
    """A page to draw on."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas

    def put(self, x: float, y: float, text: str, size: float = 10, font: str = SONG) -> None:
        self.canvas.setFont(font, size)
        self.canvas.drawString(x, y, text)

    def lines(self, x: float, y: float, lines: list[str], **style: object) -> None:
        for number, line in enumerate(lines):
            self.put(x, y - number * LEADING, line, **style)


def pdf_of(*pages: Callable[[Sheet], None], password: str | None = None) -> bytes:
    """A PDF file, drawn page by page."""
    data = io.BytesIO()
    encryption = StandardEncryption(password, ownerPassword="owner") if password is not None else None
    canvas = Canvas(data, pagesize=(WIDTH, HEIGHT), encrypt=encryption)
    for draw in pages:
        draw(Sheet(canvas))
        canvas.showPage()
    canvas.save()
    return data.getvalue()


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """A paragraph in lines of so many hanzi; the first is shorter by `indent`."""
    first = width - indent
    return [text[:first], *(text[i : i + width] for i in range(first, len(text), width))]
