"""JATS: journal articles in XML, as PubMed Central and many publishers give them. This format is only read.

Read, in the order of the file, are title, abstracts, key words, body, captions, tables (row by row, tabs between cells)
and, of the back matter, acknowledgments and appendices. Left out and counted are the data on journal and authors,
references, footnotes, sub-articles, formulas in TeX that use other commands than the usual ones, and references to
entities that are not expanded: no entity of the file's own and nothing outside it is ever loaded. Of alternatives for
the same thing, one is read. Title, year, journal and DOI, as the article states them, are in ``meta``.

A file that holds several articles gives as many documents.
"""

# ruff: noqa: SIM905 (lists of words are easier to read as words)
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.formats.articles.file_metadata import doi_in
from suwen.formats.articles.formulas import add_formula, add_tex
from suwen.formats.articles.markup import Element, RunningText, Script, local_name, parse_xml, styled_script, walk
from suwen.formats.base import ArticleFormat
from suwen.formats.contents import MEGABYTE, article

__all__ = ["FORMAT", "NAME", "Jats"]

NAME = "jats"
ADVICE = "export its text as .txt, or as JSON Lines with the keys id and text"

INLINE = frozenset(
    "bold italic sub sup sc underline overline overline-start overline-end strike monospace roman sans-serif xref "
    "ext-link uri email named-content styled-content inline-formula inline-graphic inline-supplementary-material "
    "chem-struct abbrev milestone-start milestone-end related-article related-object target private-char x fixed-case "
    "ruby rb alternatives math a b i u em strong span font".split()
)
BLOCKS = frozenset(
    "p sec title subtitle list list-item disp-formula disp-formula-group disp-quote fig fig-group table-wrap "
    "table-wrap-group table-wrap-foot table caption boxed-text def-list def-item def term verse-group verse-line "
    "statement speech speaker array code preformat supplementary-material media fn fn-group".split()
)
"""Elements that end a paragraph, even within one."""

SCRIPTS: dict[str, Script] = {"sup": "superscript", "sub": "subscript"}
NOTES = frozenset("fn table-fn aff corresp author-notes".split())
"""Targets of references that are superscripts without markup."""

LITERAL = frozenset(("preformat", "code"))
"""Elements whose lines are lines."""

ABOUT = ("article-title", "journal-title", "abbrev-journal-title", "article-id", "pub-date")
DATES = (("ppub", "collection", "epub-ppub", "pub"), ("epub", "epreprint"))
"""Kinds of dates of publication; the year of the issue is preferred to that of an article put online before it."""

ALTERNATIVES = ("math", "table", "textual-form", "tex-math")
"""The order of preference among alternative forms; otherwise the first is read."""

FRONT = frozenset("title-group article-title subtitle trans-title-group trans-title trans-subtitle alt-title".split())
"""Parts of the article metadata that are read, in addition to abstracts and key words."""

LEFT_OUT = {
    "journal-meta": "journal data",
    "processing-meta": "journal data",
    "ref-list": "reference list",
    "fn": "footnote",
    "fn-group": "footnote",
    "sub-article": "sub-article",
    "response": "sub-article",
    "alt-title": "short title",
    "alt-text": "alternative text",
    "graphic": "picture",
    "inline-graphic": "picture",
    "private-char": "private character",
    "media": "picture",
    "object-id": "identifier",
    "permissions": "license",
    "attrib": "license",
    "bio": "author data",
    "glossary": "glossary",
    "rt": "ruby",
}
BACK = frozenset("ack app app-group sec notes".split())


class Jats(ArticleFormat):
    """Read articles in JATS: a folder, or one file.

    Faults are S101, S102, S114, S115; S120 when a file is not well-formed, S130 when it holds no article.
    """

    name = NAME
    suffixes = (".xml", ".nxml")
    largest = 32 * MEGABYTE
    yields = True

    def parse(self, data: bytes, path: Path, name: str) -> list[Document]:
        """Return the documents of a file: ``NAME``, or ``NAME/1``, ``NAME/2`` … of several articles.

        ``meta`` holds title, year, journal and DOI, ``meta["read_from"]`` counts what was left out.

        Raises
        ------
        SuwenError
            S106 when it is empty, S115 when a text is too long, S120 when the file is not well-formed, S130 when it
            holds no article.
        """
        if not data:
            raise SuwenError("S106", path)
        root = parse_xml(data, path, "XML")
        articles = [item for item in root.iter() if local_name(item) == "article"]
        found = [root] if local_name(root) == "article" else articles
        if not found:
            raise SuwenError("S130", path, kind=f"XML of another kind (<{local_name(root)}>)", advice=ADVICE)
        names = [name] if len(found) == 1 else [f"{name}/{number}" for number in range(1, len(found) + 1)]
        return [_document(element, path, own) for element, own in zip(found, names, strict=True)]


FORMAT = Jats()


def _document(root: Element, path: Path, name: str) -> Document:
    text, dropped = RunningText(), Counter[str]()

    def skip(element: Element) -> bool:
        if _is_other_form(element):
            return True
        kind = _left_out(element)
        if kind:
            dropped[kind] += 1
        return kind is not None

    def unknown(_: str) -> None:
        dropped["entity reference"] += 1

    _add(root, text, skip, unknown, dropped)
    return article(name, str(text), path, {"format": NAME, "dropped": dropped}, about=_about(root))


def _add(
    root: Element,
    text: RunningText,
    skip: Callable[[Element], bool],
    unknown: Callable[[str], None],
    dropped: Counter[str],
) -> None:
    """Add what an element holds to the text; formulas in TeX that cannot be read are counted."""

    def skip_or_add(element: Element) -> bool:
        name = local_name(element)
        if skip(element):
            return True
        if name == "tex-math":
            if not add_tex("".join(element.itertext()), text):
                dropped["formula in TeX"] += 1
        elif name == "math":
            add_formula(element, text, skip)
        else:
            return False
        return True

    literal = 0
    for kind, item in walk(root, skip_or_add, unknown):
        if kind != "text":
            _mark(kind, item, text)
            literal += (local_name(item) in LITERAL) * (1 if kind == "start" else -1)
        else:
            (text.add_literal if literal else text.add)(item)


def _about(root: Element) -> dict[str, Any]:
    """Return title, year, journal and DOI of an article, where it states them."""
    front = next((item for item in root if local_name(item) in ("front", "front-stub")), None)
    if front is None:
        return {}
    first = {name: [item for item in front.iter() if local_name(item) == name] for name in ABOUT}
    year = next((year for kinds in DATES for date in first["pub-date"] if (year := _year(date, kinds))), None)
    dois = [doi_in(_line(item)) for item in first["article-id"] if item.get("pub-id-type") == "doi"]
    titles, journals = map(_line, first["article-title"]), first["journal-title"] or first["abbrev-journal-title"]
    return {
        "title": next(titles, ""),
        "year": year,
        "journal": next(map(_line, journals), ""),
        "doi": next(iter(dois), ""),
    }


def _year(date: Element, kinds: tuple[str, ...]) -> int | None:
    """Return the year of a date of publication of one of these kinds."""
    kind = date.get("date-type") if date.get("date-type") not in (None, "pub") else date.get("pub-type")
    year = next((_line(item) for item in date.iter() if local_name(item) == "year"), "")
    return int(year) if (kind or "pub") in kinds and re.fullmatch("[12][0-9]{3}", year) else None


def _line(element: Element) -> str:
    """Return the text of an element on one line, without notes."""
    text = RunningText()
    _add(element, text, lambda item: local_name(item) in ("fn", "xref"), lambda _: None, Counter())
    return " ".join(str(text).split("\n\n"))


def _is_other_form(element: Element) -> bool:
    """Return whether the same thing is read in another form."""
    above = element.getparent()
    if above is None or local_name(above) != "alternatives":
        return False
    forms = {local_name(form): form for form in reversed(above)}
    best = next((forms[name] for name in ALTERNATIVES if name in forms), above[0])
    return best is not element


def _is_inline(element: Element) -> bool:
    """Return whether an element is within a line; an unknown one does, if text is beside it."""
    name, above = local_name(element), element.getparent()
    if name in INLINE or name in BLOCKS or above is None:
        return name in INLINE
    return any(piece and piece.strip() for piece in (above.text, *(item.tail for item in above)))


def _script(element: Element) -> Script | None:
    """Return how an element is set."""
    if local_name(element) != "xref":
        return SCRIPTS.get(local_name(element)) or styled_script(element.get("style"))
    kind = element.get("ref-type")
    raised = kind in NOTES and all(local_name(item) != "sup" for item in element.iter())
    return "citation" if kind == "bibr" else "superscript" if raised else None


def _left_out(element: Element) -> str | None:
    """Return the kind of an element that does not belong to the text."""
    name = local_name(element)
    above = element.getparent()
    within = "" if above is None else local_name(above)
    if within == "article-meta" and name not in FRONT and name not in ("abstract", "trans-abstract", "kwd-group"):
        return "article data"
    if within == "back" and name not in BACK:
        return LEFT_OUT.get(name, "back matter")
    if name in ("fn", "fn-group") and within == "table-wrap-foot":
        return None
    return LEFT_OUT.get(name)


def _mark(kind: str, element: Element, text: RunningText) -> None:
    """Add the marks that the beginning or end of an element puts into the text."""
    name = local_name(element)
    if script := _script(element):
        if kind == "start":
            text.begin_script(script)
        else:
            text.end_script()
    elif name == "break":
        if kind == "start":
            text.end_line()
    elif name in ("tr", "row"):
        if kind == "start":
            text.begin_row()
        else:
            text.end_row()
    elif name in ("td", "th", "entry"):
        if kind == "end":
            text.end_cell()
    elif name == "label":
        text.add(" ")
    elif name == "kwd":
        if kind == "start" and _name_before(element) == "kwd":
            text.add("; ")
    elif kind == "start" and _name_before(element) == "label":
        pass  # The number of a heading, an item or a caption is on its line.
    elif not _is_inline(element):
        text.end_paragraph()


def _name_before(element: Element) -> str:
    """Return the name of the element before this one; the first in a caption has the caption's neighbor."""
    before, above = element.getprevious(), element.getparent()
    if before is None and above is not None and local_name(above) == "caption":
        before = above.getprevious()
    return "" if before is None else local_name(before)
