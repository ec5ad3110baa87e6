"""JATS: journal articles in XML, as PubMed Central and many publishers give them. This format is only read.

Read, in the order of the file, are title, abstracts, key words, body, captions, tables (row by row, tabs between cells)
and, of the back matter, acknowledgments and appendices. Left out and counted are the data on journal and authors,
references, footnotes, formulas in TeX, sub-articles, and references to entities that are not expanded: no entity of the
file's own and nothing outside it is ever loaded.

A file that holds several articles gives as many documents.
"""

# ruff: noqa: SIM905 (lists of words are easier to read as words)
from __future__ import annotations

from collections import Counter
from pathlib import Path

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.formats.articles.files import MEGABYTE, article
from suwen.formats.articles.markup import Element, RunningText, local_name, parse_xml, walk
from suwen.formats.base import ArticleFormat

__all__ = ["FORMAT", "NAME", "Jats"]

NAME = "jats"

INLINE = frozenset(
    "bold italic sub sup sc underline overline overline-start overline-end strike monospace roman sans-serif xref "
    "ext-link uri email named-content styled-content inline-formula inline-graphic inline-supplementary-material "
    "chem-struct abbrev milestone-start milestone-end related-article related-object target private-char fixed-case "
    "ruby rb math row mi mn mo mrow msub msup mtext mfrac msqrt mover munder msubsup semantics mstyle mtable mtr mtd "
    "mspace mfenced mroot mpadded".split()
)
FRONT = frozenset("title-group article-title subtitle trans-title-group trans-title trans-subtitle alt-title".split())
"""What is read of the data on an article, beside abstracts and key words."""

LEFT_OUT = {
    "journal-meta": "journal data",
    "processing-meta": "journal data",
    "ref-list": "reference list",
    "fn": "footnote",
    "fn-group": "footnote",
    "tex-math": "formula in TeX",
    "annotation": "formula in TeX",
    "sub-article": "sub-article",
    "response": "sub-article",
    "alt-title": "short title",
    "alt-text": "alternative text",
    "graphic": "picture",
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

    Faults are S101, S102, S114, S115; S120 when a file is not well-formed or holds no article.
    """

    name = NAME
    suffixes = (".xml", ".nxml")
    largest = 32 * MEGABYTE
    yields = True

    def parse(self, data: bytes, path: Path, name: str) -> list[Document]:
        """Return the documents of a file: ``NAME``, or ``NAME/1``, ``NAME/2`` … of several articles.

        ``meta["read_from"]`` holds the DOI and counts what was left out.

        Raises
        ------
        SuwenError
            S115 when a text is too long, S120 when the file is not well-formed or holds no article.
        """
        root = parse_xml(data, path, "XML")
        articles = [item for item in root.iter() if local_name(item) == "article"]
        found = [root] if local_name(root) == "article" else articles
        if not found:
            raise SuwenError("S120", path, kind="JATS file", reason=f"no <article> in <{local_name(root)}>")
        names = [name] if len(found) == 1 else [f"{name}/{number}" for number in range(1, len(found) + 1)]
        return [_document(element, path, own) for element, own in zip(found, names, strict=True)]


FORMAT = Jats()


def _document(root: Element, path: Path, name: str) -> Document:
    text, dropped = RunningText(), Counter[str]()

    def skip(element: Element) -> bool:
        kind = _left_out(element)
        if kind:
            dropped[kind] += 1
        return kind is not None

    def unknown(_: str) -> None:
        dropped["entity reference"] += 1

    for kind, item in walk(root, skip, unknown):
        if kind == "text":
            text.add(item)
        else:
            _mark(kind, item, text)
    doi = next((item.text for item in root.iter("article-id") if item.get("pub-id-type") == "doi"), None)
    return article(name, str(text), path, {"format": NAME, "doi": doi, "dropped": dropped})


def _left_out(element: Element) -> str | None:
    """What an element is, if it does not belong to the text."""
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
    """What the beginning or the end of an element means for the text."""
    name = local_name(element)
    if name == "break":
        if kind == "start":
            text.end_line()
    elif name == "tr":
        if kind == "start":
            text.begin_row()
        else:
            text.end_row()
    elif name in ("td", "th"):
        if kind == "end":
            text.end_cell()
    elif name == "label":
        if kind == "end":
            text.add(" ")
    elif name == "kwd":
        if kind == "start" and _name_before(element) == "kwd":
            text.add("; ")
    elif kind == "start" and _name_before(element) == "label":
        pass  # The number of a heading, an item or a caption stands on its line.
    elif name not in INLINE:
        text.end_paragraph()


def _name_before(element: Element) -> str:
    """The name of the element before this one; the first in a caption has the caption's neighbor."""
    before, above = element.getprevious(), element.getparent()
    if before is None and above is not None and local_name(above) == "caption":
        before = above.getprevious()
    return "" if before is None else local_name(before)
