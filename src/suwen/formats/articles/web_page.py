"""The main text of an article's web page (the reading half of the format ``html``).

The main text is what stands in ``<main>``, ``<article>`` or ``itemprop="articleBody"``, the innermost of these that
holds at least half of the text around it; otherwise the whole body. Left out, and counted by kind, are scripts, styles,
navigation, page headers and footers, forms, hidden parts, elements whose class or id says that they are such, lists of
links, and what lies outside the main text. The page's first heading is kept in any case.

Block elements end paragraphs; white space is as a browser shows it (`suwen.formats.articles.markup`).
"""

# ruff: noqa: SIM905 (lists of words are easier to read as words)
from __future__ import annotations

import codecs
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.formats.articles.files import article
from suwen.formats.articles.markup import Element, RunningText, local_name, reason, walk
from suwen.formats.encodings import decode

__all__ = ["parse"]

HEAD = 4096
MOST_TAGS = 500_000
"""A page with more would take too much memory and time; articles have a few thousand."""

_CHARSET = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
CHARSETS = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "ascii": "cp1252", "us-ascii": "cp1252"}
"""Browsers read these as something wider."""

KNOWN_CHARSETS = frozenset(
    "utf-8 gb18030 big5 hz cp1252 shift_jis euc-jp euc-kr utf-16 utf-16-le utf-16-be iso-8859-15 koi8-r cp1251".split()
)

INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark meter nobr output picture "
    "progress q ruby rb s samp small span strike strong sub sup time tt u var wbr math mi mn mo mrow msub msup mtext "
    "mfrac msqrt mover munder msubsup semantics mstyle".split()
)
DROPPED = frozenset(
    "script style noscript template nav aside footer button select textarea input svg iframe object embed canvas "
    "audio video dialog menu map rt rp head title applet frameset noframes annotation annotation-xml".split()
)
UNSEEN = frozenset(("head", "input", "rt", "rp", "map"))
"""Those that nobody takes for text are not counted."""

DROPPED_ROLES = frozenset(
    "navigation banner contentinfo complementary search dialog alertdialog alert menu menubar toolbar tablist".split()
)
BOILERPLATE = frozenset(
    "nav navbar navigation menu breadcrumb breadcrumbs footer header sidebar share social comments advert "
    "advertisement ads ad banner related recommend recommended recommendations copyright cookie cookies toolbar "
    "pagination pager toc".split()
)
LARGEST_BOILERPLATE = 0.25
"""What holds more of the page's text is no boilerplate, whatever its class says."""

LINK_LISTS = frozenset("ul ol div table p dl section".split())
LEAST_LINKS, LINK_SHARE, LONGEST_LINK = 3, 0.8, 25
"""A list of links has so many, they are so much of its text, and have so many characters on average at most."""

LEAST_MAIN = 0.5
MAIN = (
    lambda element: local_name(element) == "main" or element.get("role") == "main",
    lambda element: local_name(element) == "article",
    lambda element: "articleBody" in (element.get("itemprop") or ""),
)
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")


def parse(data: bytes, path: Path, name: str) -> list[Document]:
    """The one document of a page; ``meta["read_from"]`` counts what was left out.

    Raises
    ------
    SuwenError
        S115 when the text is too long, S116 when the encoding is neither declared nor certain, S117 when it is no text,
        S120 when it is nested too deep.
    """
    root = _tree(_decoded(data, path), path)
    dropped: Counter[str] = Counter()
    text = "" if root is None else _main_text(root, dropped)
    return [article(name, text, path, {"format": "html", "dropped": dropped})]


def _decoded(data: bytes, path: Path) -> str:
    declared = _CHARSET.search(data[:HEAD])
    marked = data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if declared and not marked:
        charset = declared[1].decode("ascii", "replace").lower()
        charset = CHARSETS.get(charset, charset)
        if charset in KNOWN_CHARSETS:
            try:
                return data.decode(charset)
            except UnicodeDecodeError:
                pass  # Many pages declare what they are not.
    return decode(data, path)[0].removeprefix("\ufeff")


def _tree(text: str, path: Path) -> Element | None:
    from lxml import etree

    if text.count("<") > MOST_TAGS:
        raise SuwenError("S115", path, what="the markup", limit=f"{MOST_TAGS:,} tags")
    # As bytes, because a string with an XML declaration is refused.
    data = text.encode("utf-8", "replace")
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    root = etree.fromstring(data, parser)
    for error in parser.error_log:
        if error.level == etree.ErrorLevels.FATAL:
            raise SuwenError("S120", path, error.line, kind="HTML", reason=reason(error.type, error.message))
    return root


class _Page:
    """What is known of the elements of a page before its text is taken.

    Parameters
    ----------
    root
        The root of the tree.
    dropped
        Counts the elements that never belong to a text.
    """

    def __init__(self, root: Element, dropped: Counter[str]) -> None:
        self.root = root
        self.text: defaultdict[Element, int] = defaultdict(int)
        """The number of visible characters in an element, those that are dropped by tag aside."""
        self.link_text: Counter[Element] = Counter()
        self.links: Counter[Element] = Counter()
        open_elements: list[Element] = []
        open_links = 0

        def skip(element: Element) -> bool:
            kind = _dropped_kind(element)
            if kind is not None and kind not in UNSEEN:
                dropped[kind] += 1
            return kind is not None

        for kind, item in walk(root, skip, lambda _: None):
            if kind == "start":
                open_elements.append(item)
                open_links += local_name(item) == "a"
            elif kind == "end":
                open_elements.pop()
                link = local_name(item) == "a"
                open_links -= link
                if open_elements:
                    above = open_elements[-1]
                    self.text[above] += self.text[item]
                    self.link_text[above] += self.link_text[item]
                    self.links[above] += self.links[item] + link
            elif item and open_elements:
                size = len("".join(item.split()))
                self.text[open_elements[-1]] += size
                self.link_text[open_elements[-1]] += size if open_links else 0

    def main(self) -> Element:
        """The element that holds the main text."""
        chosen = self.root
        for is_kind in MAIN:
            least = max(1, LEAST_MAIN * self.text[chosen])
            large = [element for element in self.text if is_kind(element) and self.text[element] >= least]
            inside = [element for element in large if chosen in element.iterancestors()]
            chosen = max(inside, key=self.text.__getitem__, default=chosen)
        return chosen

    def is_boilerplate(self, element: Element) -> bool:
        """Whether the class or id of an element says that it belongs to the site."""
        names = f"{element.get('class') or ''} {element.get('id') or ''}".lower()
        small = self.text[element] <= LARGEST_BOILERPLATE * self.text[self.root]
        return small and not BOILERPLATE.isdisjoint(_WORD.findall(names))

    def is_link_list(self, element: Element) -> bool:
        """Whether an element holds little but short links."""
        text, links, linked = self.text[element], self.links[element], self.link_text[element]
        many = links >= LEAST_LINKS and linked >= LINK_SHARE * text and linked <= LONGEST_LINK * links
        return many and local_name(element) in LINK_LISTS


def _main_text(root: Element, dropped: Counter[str]) -> str:
    page = _Page(root, dropped)
    main = page.main()
    text = RunningText()
    heading = next((h1 for h1 in root.iter("h1") if "".join(h1.itertext()).strip()), None)
    if heading is not None and heading is not main and main not in heading.iterancestors():
        _add(heading, page, text, Counter())
        text.end_paragraph()
    _add(main, page, text, dropped)
    if main is not root:
        inside = {main, *main.iterdescendants(), *main.iterancestors()}
        if heading is not None:
            inside |= {heading, *heading.iterdescendants(), *heading.iterancestors()}
        outer = [element for element in page.text if element not in inside and element.getparent() in inside]
        dropped["outside the main text"] += sum(1 for element in outer if page.text[element])
    return str(text)


def _add(main: Element, page: _Page, text: RunningText, dropped: Counter[str]) -> None:
    def skip(element: Element) -> bool:
        if _dropped_kind(element) is not None:
            return True
        for kind, is_kind in (("boilerplate", page.is_boilerplate), ("list of links", page.is_link_list)):
            if element is not main and is_kind(element):
                dropped[kind] += 1
                return True
        return False

    for kind, item in walk(main, skip, lambda _: None):
        if kind == "text":
            text.add(item)
        else:
            _mark(kind, item, text)


def _mark(kind: str, element: Element, text: RunningText) -> None:
    """What the beginning or the end of an element means for the text."""
    name = local_name(element)
    if name == "br":
        if kind == "start":
            text.end_line()
    elif name == "tr" and _is_data(element):
        if kind == "start":
            text.begin_row()
        else:
            text.end_row()
    elif name in ("td", "th") and _is_data(element.getparent()):
        if kind == "end":
            text.end_cell()
    elif name not in INLINE:
        text.end_paragraph()


def _is_data(row: Element | None) -> bool:
    """Whether the cells of a row are data; old pages put whole texts into the cells of a table."""
    if row is None or local_name(row) != "tr":
        return False
    inner: Iterable[Element] = (child for cell in row for child in cell)
    blocks = Counter(child.getparent() for child in inner if local_name(child) not in INLINE | {"br"})
    return max(blocks.values(), default=0) < 2 and next(row.iterdescendants("table", "h1", "h2", "h3"), None) is None


def _dropped_kind(element: Element) -> str | None:
    """Why an element never belongs to the text, by its own account."""
    name = local_name(element)
    if name in DROPPED:
        return name
    if name == "header" and next(element.iterancestors("main", "article"), None) is None:
        return name
    if (element.get("role") or "").lower() in DROPPED_ROLES:
        return str(element.get("role")).lower()
    hidden = element.get("hidden") is not None or element.get("aria-hidden") == "true"
    return "hidden" if hidden or _HIDING.search(element.get("style") or "") else None
