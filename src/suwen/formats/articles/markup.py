"""What the readers of marked-up text (HTML, JATS, docx) share: a safe parser, a walk, text put together from pieces.

White space is about what a browser makes of it: a run of it is one space, but a line break beside a hanzi is nothing.
A blank line ends every paragraph, so that no view joins what the markup keeps apart; the cells of a row of a table
stand on one line with tabs between them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.entities import html5
from pathlib import Path
from typing import Any, Literal

from suwen.errors import SuwenError

__all__ = ["MOST_TAGS", "Element", "RunningText", "local_name", "parse_xml", "reason", "walk"]

# lxml's types are not part of lxml.
Element = Any
Event = tuple[Literal["start", "end"], Element] | tuple[Literal["text"], str | None]

MOST_TAGS = 2_000_000
"""With more the tree would not fit into memory; the longest books have a tenth of that."""

FIRST_WIDE = "\u2e80"
HANGUL = ("\uac00", "\ud7a3")
_SPACE = re.compile("[ \t\n\r\f]+")


class RunningText:
    """Text that grows paragraph by paragraph."""

    def __init__(self) -> None:
        self._paragraphs: list[str] = []
        self._lines: list[str] = []
        self._pieces: list[str] = []
        self._rows: list[list[str]] = []

    def add(self, text: str | None) -> None:
        """Add text to the line."""
        if text:
            self._pieces.append(text)

    def end_line(self) -> None:
        """End the line; in a table, where a row is one line, leave a space."""
        if self._rows:
            self._pieces.append(" ")
        else:
            self._lines.append(self._line())

    def end_paragraph(self) -> None:
        """End the paragraph, if it holds anything."""
        self.end_line()
        if not self._rows:
            if any(self._lines):
                self._paragraphs.append("\n".join(filter(None, self._lines)))
            self._lines.clear()

    def begin_row(self) -> None:
        """Begin a row of a table."""
        self.end_paragraph()
        self._rows.append([])

    def end_cell(self) -> None:
        """End a cell; of a table in a cell, the cells are words of that cell."""
        if len(self._rows) > 1:
            self._pieces.append(" ")
        elif self._rows:
            self._rows[-1].append(self._line())

    def end_row(self) -> None:
        """End the row, if it has begun."""
        if self._rows:
            cells = self._rows.pop()
            if not self._rows and (any(cells) or self._pieces):
                rest = self._line()
                self._paragraphs.append("\t".join([*cells, rest] if rest else cells).rstrip("\t"))

    def _line(self) -> str:
        joined = _SPACE.sub(_collapsed, "".join(self._pieces)).strip(" ")
        self._pieces.clear()
        return joined

    def __str__(self) -> str:
        while self._rows:
            self.end_row()
        self.end_paragraph()
        return "\n\n".join(self._paragraphs)


def _collapsed(space: re.Match[str]) -> str:
    """What a run of white space is shown as."""
    text, start, end = space.string, space.start(), space.end()
    between = start > 0 and end < len(text)
    breaks = "\n" in space[0] or "\r" in space[0]
    return "" if breaks and between and (_is_wide(text[start - 1]) or _is_wide(text[end])) else " "


def _is_wide(character: str) -> bool:
    return character >= FIRST_WIDE and not HANGUL[0] <= character <= HANGUL[1]


def parse_xml(data: bytes, path: Path, kind: str) -> Element:
    """The root of an XML document; nothing outside it is loaded, and no entity is expanded.

    Raises
    ------
    SuwenError
        S115 when it has too many tags, S120 when it is not well-formed or nested too deep.
    """
    from lxml import etree

    if data.count(b"<") > MOST_TAGS:
        raise SuwenError("S115", path, what="the markup", limit=f"{MOST_TAGS:,} tags")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line = error.lineno or None
        raise SuwenError("S120", path, line, kind=kind, reason=reason(error.code, error.msg) or "it is empty") from None
    except (LookupError, ValueError) as error:  # an encoding that is declared but does not exist
        raise SuwenError("S120", path, kind=kind, reason=error) from None


def reason(code: int, message: str | None) -> str:
    """What lxml finds wrong; where it stumbles over its bounds, without its advice to programmers."""
    from lxml import etree

    if code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        return "tags are nested too deep, or a text or value is too long"
    return (message or "").strip()


def local_name(element: Element) -> str:
    """The name of an element without its namespace; empty for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def walk(root: Element, skip: Callable[[Element], bool], unknown: Callable[[str], None]) -> Iterator[Event]:
    """The elements below and including `root` and the text between them, in document order.

    Parameters
    ----------
    skip
        Asked once for each element; what it says yes to is passed over with all that is in it.
    unknown
        Told the name of each entity reference that stands for no known character.

    Yields
    ------
    ``("start", element)``, ``("text", text)``, ``("end", element)``. It needs no stack, however deep the elements are.
    """
    from lxml import etree

    node = root
    while True:
        if node.tag is etree.Entity:
            character = html5.get(f"{node.name};")
            if character is None:
                unknown(node.name)
            yield "text", character
        elif isinstance(node.tag, str) and not skip(node):
            yield "start", node
            yield "text", node.text
            if len(node):
                node = node[0]
                continue
            yield "end", node
        while True:
            if node is root:
                return
            yield "text", node.tail
            following = node.getnext()
            if following is not None:
                node = following
                break
            node = node.getparent()
            yield "end", node
