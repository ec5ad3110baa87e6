"""Shared parts of the readers of HTML, JATS and docx: a safe parser, a walk, text from pieces.

White space is about what a browser makes of it: a run of it is one space, but a line break beside a hanzi is nothing.
A blank line ends every paragraph, so that no view joins what the markup keeps apart; the cells of a row of a table
stand on one line with tabs between them.

Superscripts and subscripts stay apart from the words and numbers beside them: see `superscript` and `subscript`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.entities import html5
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

from suwen.errors import SuwenError

__all__ = [
    "MOST_TAGS",
    "NEAR",
    "Element",
    "RunningText",
    "Script",
    "local_name",
    "parse_xml",
    "reason",
    "styled_script",
    "subscript",
    "superscript",
    "walk",
]

# lxml's types are not part of lxml.
Element = Any
Script = Literal["superscript", "subscript", "citation", "exponent"]
"""A citation is a link to the list of references, an exponent a superscript in a formula: it never cites."""

Event = tuple[Literal["start", "end"], Element] | tuple[Literal["text"], str | None]

MOST_TAGS = 2_000_000
"""Maximum number of tags, so that the tree fits into memory; the longest books have a tenth of it."""

FIRST_WIDE = "\u2e80"
HANGUL = ("\uac00", "\ud7a3")
_SPACE = re.compile("[ \t\n\r\f]+")
_EMPTY_LINE = re.compile(r"\n[ \t\r]*\n")
_RAISING = re.compile(r"vertical-align\s*:\s*(super|sub)\b", re.IGNORECASE)
_STYLED: dict[str, Script] = {"super": "superscript", "sub": "subscript"}

_RAISED = str.maketrans(
    "0123456789+-\u2212\u2013()=abcdefghijklmnoprstuvwxyz",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁽⁾⁼ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ",
)
_LOWERED = str.maketrans("0123456789+-\u2212()=", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎₌")

_CITED = re.compile(r"\d{1,3}(?:\s*[,，、;；~\u2010-\u2014\u2212-]\s*\d{1,3})*")
_BETWEEN_CITED = re.compile(r"\s*[,，、;；~\u2010-\u2014\u2212-]\s*")
_EXPONENT = re.compile(
    r"[-+\u2212\u2013]?\d+(?: \d+)*|\d{0,2}[-+\u2212\u2013]|\d{1,2}\)|\d+m|[a-pr-z](?:[,，]\s*[a-pr-z])*"
)
"""Powers, charges, note numbers such as ``1)``, isotopes such as ``99m`` and the letters of notes."""

_NEGATIVE = re.compile(r"[-\u2212\u2013]\d+")
_FORMULA = re.compile(r"(?=.*[A-Za-z0-9])\S*[\d+=*/×÷\u2212-]\S*")
_DEGREE = frozenset("oO0○〇")
_WORD_CITED = re.compile(r"[a-z]{3}$|[\u3400-\u9fff%％.。,，、;；:：!！?？”’》】]$")
"""Text before a superscript number that is a citation, not an exponent: words and clause ends."""

NEAR = 8
"""Number of characters before a superscript that decide how it is written."""

_NO_WORD = re.compile(r"(?<![A-Za-z])(?:mol|mmol|min|cal|kcal|log|sin|cos|tan|米)$")
_ISOTOPE = re.compile(r"(?:[A-Z][a-z]?)(?![a-z])")
_OPENING = frozenset("[［(（【〔")


class _Piece(NamedTuple):
    """Text of a line, and whether it is raised, lowered or cites."""

    text: str
    script: Script | None = None
    cites: bool = False


class RunningText:
    """Text that grows paragraph by paragraph."""

    def __init__(self) -> None:
        self._paragraphs: list[str] = []
        self._lines: list[str] = []
        self._pieces: list[_Piece] = []
        self._rows: list[list[str]] = []
        self._scripts: list[Script] = []

    def add(self, text: str | None) -> None:
        """Add text to the line."""
        if text:
            shifted = [script for script in self._scripts if script != "citation"]
            cites = "citation" in self._scripts
            script: Script | None = shifted[-1] if shifted else "citation" if cites else None
            self._pieces.append(_Piece(text, script, cites))

    def add_literal(self, text: str | None) -> None:
        """Add text whose line breaks end lines, and whose empty lines end paragraphs."""
        for number, paragraph in enumerate(_EMPTY_LINE.split(text or "")):
            if number:
                self.end_paragraph()
            for place, line in enumerate(paragraph.split("\n")):
                if place:
                    self.end_line()
                self.add(line)

    def begin_script(self, script: Script) -> None:
        """Begin a superscript, a subscript or a link to a reference; they may be nested."""
        self._scripts.append(script)

    def end_script(self) -> None:
        """End the innermost superscript, subscript or link to a reference."""
        self._scripts.pop()

    def end_line(self) -> None:
        """End the line; in a table, where a row is one line, leave a space."""
        if self._rows:
            self._pieces.append(_Piece(" "))
        else:
            self._lines.append(self._line())

    def end_paragraph(self) -> None:
        """End the paragraph, if it holds anything."""
        self.end_line()
        if not self._rows:
            if any(self._lines):
                self._paragraphs.append("\n".join(filter(None, self._lines)))
            self._lines.clear()

    def add_paragraphs(self, text: str) -> None:
        """Add paragraphs that were made elsewhere; in a table, as words of the cell."""
        self.end_paragraph()
        if self._rows:
            self.add(" ".join(text.split()))
        else:
            self._paragraphs.extend(filter(None, text.split("\n\n")))

    def begin_row(self) -> None:
        """Begin a row of a table."""
        self.end_paragraph()
        self._rows.append([])

    def end_cell(self) -> None:
        """End a cell; of a table in a cell, the cells are words of that cell."""
        if len(self._rows) > 1:
            self._pieces.append(_Piece(" "))
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
        joined = _SPACE.sub(_collapsed, _with_scripts(self._pieces)).strip(" ")
        self._pieces.clear()
        return joined

    def __str__(self) -> str:
        while self._rows:
            self.end_row()
        self.end_paragraph()
        return "\n\n".join(self._paragraphs)


def _with_scripts(pieces: list[_Piece]) -> str:
    """Join pieces; write superscripts and subscripts so that they stay apart from their neighbors."""
    groups = [
        _Piece("".join(piece.text for piece in group), script, any(piece.cites for piece in group))
        for script, members in groupby(_with_separators(pieces), key=lambda piece: piece.script)
        for group in (list(members),)
    ]
    text = ""
    for place, (content, script, cites) in enumerate(groups):
        following = groups[place + 1] if place + 1 < len(groups) else _Piece("")
        after = following.text if following.script in (None, "citation") else ""
        if script in ("superscript", "exponent"):
            text += superscript(content, text[-NEAR:], after, cites=False if script == "exponent" else cites or None)
        elif script == "subscript":
            text += subscript(content, text[-NEAR:], after)
        elif script == "citation":
            text += _citation(content, text[-NEAR:], after)
        else:
            text += content
    return text


def _with_separators(pieces: list[_Piece]) -> Iterator[_Piece]:
    """Make commas and dashes between two citations part of them."""
    for place, piece in enumerate(pieces):
        beside = [pieces[other] for other in (place - 1, place + 1) if 0 <= other < len(pieces)]
        between = len(beside) == 2 and all(other.cites for other in beside) and beside[0].script == beside[1].script
        if piece.script is None and between and _BETWEEN_CITED.fullmatch(piece.text):
            yield _Piece(piece.text, beside[0].script, cites=True)
        else:
            yield piece


def styled_script(style: str | None) -> Script | None:
    """Return how the value of an attribute ``style`` sets text."""
    found = _RAISING.search(style or "")
    return _STYLED[found[1].lower()] if found else None


def superscript(text: str, before: str, after: str = "", *, cites: bool | None = None) -> str:
    """Write a superscript into running text so that it does not melt into the word or number before it.

    Numbers that cite get brackets (``二甲双胍[1,2]``). Exponents, charges, isotopes and letters of notes get the
    superscript characters of Unicode (``10⁹``, ``m²``, ``Ca²⁺``). Negative exponents of units stay as plain text writes
    them (``kg-1``). What has no such characters is written with a caret (``e^0.75``); words and signs stay.

    Parameters
    ----------
    text
        All that is raised in one place, citations and the commas between them together.
    before, after
        What is before and after it.
    cites
        Whether it refers to the list of references; None when only its neighbors can tell.
    """
    content = text.strip()
    written = _superscript(content, before, after, cites)
    return written + text[len(text.rstrip()) :] if content else text


def _superscript(content: str, before: str, after: str, cites: bool | None) -> str:
    base = before[-1:]
    if content in _DEGREE and base.isdigit() and after[:1] in ("C", "F"):
        return "°"
    if content == "TM":
        return "™"
    if _CITED.fullmatch(content) and _is_citation(content, before, after, cites):
        return f"[{content}]"
    if _EXPONENT.fullmatch(content):
        kept = _NEGATIVE.fullmatch(content) and base.isalpha() and not after[:1].isdigit()
        return content if kept else content.translate(_RAISED)
    narrow = (base.isalnum() and not _is_wide(base)) or base == ")"
    if narrow and _FORMULA.fullmatch(content) and content[:1] not in _OPENING:
        return f"^{content}" if content.replace(".", "").isalnum() else f"^({content})"
    return content


def _is_citation(content: str, before: str, after: str, cites: bool | None) -> bool:
    """Return whether raised numbers cite; one of its own may be an exponent, an isotope or a note."""
    base = before[-1:]
    if cites is False or not base or base.isspace() or base in _OPENING:
        return False
    if cites or not content.isdigit():
        return True
    isotope = not base.isascii() and _ISOTOPE.match(after)
    return bool(_WORD_CITED.search(before)) and not _NO_WORD.search(before) and not isotope


def _citation(text: str, before: str, after: str) -> str:
    """Write a link to references, not raised: in brackets if its number would melt with what is before."""
    melts = before[-1:].isalnum() or before[-1:] in ("%", "％")
    return f"[{text.strip()}]" if _CITED.fullmatch(text.strip()) and melts else text


def subscript(text: str, before: str, after: str = "") -> str:
    """Write a subscript into running text: as it is (``CO2``), in characters of Unicode beside a digit (``log₂8``).

    Parameters
    ----------
    text
        All that is lowered in one place.
    before, after
        What is before and after it.
    """
    content = text.strip()
    melts = (before[-1:].isdigit() and content[:1].isdigit()) or (content[-1:].isdigit() and after[:1].isdigit())
    return content.translate(_LOWERED) if melts else text


def _collapsed(space: re.Match[str]) -> str:
    """Return how a run of white space is displayed."""
    text, start, end = space.string, space.start(), space.end()
    between = start > 0 and end < len(text)
    breaks = "\n" in space[0] or "\r" in space[0]
    return "" if breaks and between and (_is_wide(text[start - 1]) or _is_wide(text[end])) else " "


def _is_wide(character: str) -> bool:
    return character >= FIRST_WIDE and not HANGUL[0] <= character <= HANGUL[1]


def parse_xml(data: bytes, path: Path, kind: str) -> Element:
    """Return the root of an XML document; nothing outside it is loaded, and no entity is expanded.

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
    """Return the reason of an lxml error; for its own limits, without the advice to programmers."""
    from lxml import etree

    if code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        return "tags are nested too deep, or a text or value is too long"
    return (message or "").strip()


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace; empty for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def walk(root: Element, skip: Callable[[Element], bool], unknown: Callable[[str], None]) -> Iterator[Event]:
    """Yield the elements below and including `root` and the text between them, in document order.

    Parameters
    ----------
    skip
        Asked once for each element; what it says yes to is passed over with all that is in it.
    unknown
        Receives the name of each entity reference that stands for no known character.

    Yields
    ------
    Event
        ``("start", element)``, ``("text", text)``, ``("end", element)``. It needs no stack, however deep the
        elements are.
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
