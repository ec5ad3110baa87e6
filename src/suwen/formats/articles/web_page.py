"""The main text of an article's web page (the reading half of the format ``html``).

trafilatura finds the main text. It decides block by block: every block gets a mark before it is asked,
and the blocks whose marks come back are read here, from the page itself. So no formula, table or superscript is
lost on the way. Left out, and counted by kind, are scripts, styles, form controls, navigation, page footers, hidden
parts, deleted text (``<del>``; text that is only struck through is read), all blocks that trafilatura rejects, and
paragraphs that only lead to other pages. The page's heading is kept in any case. What holds more than half of the text
of a page is kept, whatever its tag or class says: old pages leave tags open.

Blocks end paragraphs; white space is as a browser shows it (`suwen.formats.articles.markup`). Tags that HTML does not
know, such as the smart tags of Word, stand within a line, as in a browser. Title, year, journal and DOI are read from
the metadata that the page states.
"""

# ruff: noqa: SIM905 (lists of words are easier to read as words)
from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.formats.articles.formulas import FORMULAS, add_formula
from suwen.formats.articles.markup import Element, RunningText, Script, local_name, reason, styled_script, walk
from suwen.formats.articles.web_blocks import SITE_NAMES, Slot, beside_paragraphs, names_of, teasers, title_and_lead
from suwen.formats.articles.web_encodings import decode_page
from suwen.formats.articles.web_metadata import about_page
from suwen.formats.articles.web_symbols import is_within_line, read_symbols
from suwen.formats.contents import article

__all__ = ["page_tree", "parse", "text_of"]

MOST_TAGS = 500_000
"""A page with more would take too much memory and time; articles have a few thousand."""

FIRST_SIGN, SIGNS = 0x1D800, 256
"""Marks of blocks are two signs of SignWriting: hardly any page has them, and extractors take them for symbols."""

BLOCKS = frozenset(
    "html body address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr legend li listing main menu nav ol optgroup option p pre "
    "search section summary table caption thead tbody tfoot tr td th ul xmp plaintext noscript noframes".split()
)
"""Elements that end a paragraph; all others stand within a line."""

LITERAL = frozenset("pre listing xmp plaintext".split())
"""Elements whose lines are lines."""

NEVER_TEXT = frozenset(
    "script style template button select textarea input svg iframe object embed canvas audio video map rt rp head "
    "title applet annotation annotation-xml".split()
)
UNSEEN = frozenset(("head", "input", "rt", "rp", "map"))
"""Elements that are obviously not text are not counted."""

OF_THE_SITE = frozenset("nav aside footer noscript noframes dialog menu".split())
SITE_ROLES = frozenset(
    "navigation banner contentinfo complementary search dialog alertdialog alert menu menubar toolbar tablist".split()
)
LARGEST_OUTSIDE = 0.5
"""Share of the page text, without links, above which a block belongs to the article."""

MARKS = ("class", "id", "role", "hidden", "aria-hidden", "style", "itemprop", "itemtype")
"""Attributes by which an extractor judges an element."""

LEAST_EXTRACTED = 100
"""Minimum characters of the main text; below it trafilatura searches on. Its own 250 suit longer words."""

SCRIPTS: dict[str, Script] = {"sup": "superscript", "sub": "subscript"}
CLASSES: dict[str, Script] = {**SCRIPTS, "superscript": "superscript", "subscript": "subscript"}
"""Classes of elements in `NAMED_SCRIPTS` that say the same, as word processors write them."""

NAMED_SCRIPTS = frozenset("span font small i em b".split())

_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_DISPLAY = re.compile(r"display\s*:\s*(block|inline)\b", re.IGNORECASE)
_SPACE_KEPT = re.compile(r"white-space\s*:\s*(pre|break-spaces)", re.IGNORECASE)

_MARK = re.compile(
    f"[{chr(FIRST_SIGN)}-{chr(FIRST_SIGN + SIGNS - 1)}][{chr(FIRST_SIGN + SIGNS)}-{chr(FIRST_SIGN + 2 * SIGNS - 1)}]"
)
_UNUSABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that lxml does not set."""

logging.getLogger("trafilatura").addHandler(logging.NullHandler())


def parse(data: bytes, path: Path, name: str) -> list[Document]:
    """Return the one document of a page.

    ``meta`` holds title, year, journal and DOI, where the page states them; ``meta["read_from"]`` counts what was left
    out.

    Raises
    ------
    SuwenError
        S115 when the page is too large, S116 when the encoding is neither declared nor certain, S117 when it is no
        text, S120 when it is nested too deep.
    """
    page = decode_page(data, path)
    dropped = Counter({"undecodable byte": page.replaced} if page.replaced else {})
    root = page_tree(page.text, path)
    if root is None:
        return [article(name, "", path, {"format": "html", "dropped": dropped})]
    about = about_page(root)
    read_symbols(root)
    _remove_boilerplate(root, dropped)
    _empty_other_blocks(root, path, dropped)
    text = RunningText()
    _add(root, text, dropped)
    return [article(name, str(text), path, {"format": "html", "dropped": dropped}, about=about)]


def page_tree(text: str, path: Path, most_tags: int = MOST_TAGS) -> Element | None:
    """Return the root element of a page; None if nothing is in it.

    Raises
    ------
    SuwenError
        S115 when the page has more than `most_tags`, S120 when it is nested too deep.
    """
    from lxml import etree, html

    if text.count("<") > most_tags:
        raise SuwenError("S115", path, what="the markup", limit=f"{most_tags:,} tags")
    # As bytes, because a string with an XML declaration is refused.
    data = text.encode("utf-8", "replace")
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    root = etree.fromstring(data, parser)
    for error in parser.error_log:
        if error.level == etree.ErrorLevels.FATAL:
            raise SuwenError("S120", path, error.line, kind="HTML", reason=reason(error.type, error.message))
    for element in () if root is None else root.iter():
        for part in ("text", "tail"):
            if _UNUSABLE.search(value := getattr(element, part) or ""):
                setattr(element, part, _UNUSABLE.sub("\ufffd", value.replace("\f", " ")))
    return root


def text_of(element: Element) -> str:
    """Return all text of an element, with its formulas, line breaks, superscripts and subscripts."""
    text = RunningText()
    _add(element, text, Counter())
    return str(text)


def _remove_boilerplate(root: Element, dropped: Counter[str]) -> None:
    """Remove parts outside the main text; clear such hints from the part with most of the text."""
    sizes = _sizes(root)
    removed: list[Element] = []

    def skip(element: Element) -> bool:
        kind = _boilerplate_kind(element)
        large = sizes[element] > LARGEST_OUTSIDE * sizes[root]
        if kind is None or (large and kind not in NEVER_TEXT):
            if large and element is not root and local_name(element) not in ("body", "main", "article"):
                _make_neutral(element)
            return False
        removed.append(element)
        if kind not in UNSEEN:
            dropped[kind] += 1
        return True

    for _ in walk(root, skip, lambda _: None):
        pass
    for element in removed:
        element.drop_tree()


def _sizes(root: Element) -> dict[Element, int]:
    """Return how many visible characters stand in each element, links aside."""
    sizes: dict[Element, int] = {}
    for element in reversed(list(root.iter())):
        if local_name(element) in NEVER_TEXT | {"a"}:
            sizes[element] = 0
        else:
            tails = ((child.tail or "") for child in element)
            own = len("".join("".join([element.text or "", *tails]).split()))
            sizes[element] = own + sum(sizes[child] for child in element)
    return sizes


def _boilerplate_kind(element: Element) -> str | None:
    """Return the tag, role or style by which an element is not part of the main text."""
    name = local_name(element)
    if name in NEVER_TEXT or name in OF_THE_SITE:
        return name
    if name == "del":
        return "deleted text"
    role = (element.get("role") or "").lower()
    if role in SITE_ROLES:
        return role
    hidden = element.get("hidden") is not None or element.get("aria-hidden") == "true"
    return "hidden" if hidden or _HIDING.search(element.get("style") or "") else None


def _make_neutral(element: Element) -> None:
    """Take from an element that holds most of the text what an extractor would hold against it."""
    if local_name(element) in OF_THE_SITE or local_name(element) == "header":
        element.tag = "div"
    if _boilerplate_kind(element) or SITE_NAMES & names_of(element):
        for name in MARKS:
            element.attrib.pop(name, None)


def _empty_other_blocks(root: Element, path: Path, dropped: Counter[str]) -> None:
    """Take the text out of the blocks that are not of the main text."""
    slots = list(_mark_blocks(root, path))
    marks = {slot.mark for slot in slots}
    found = _extracted(root) & marks
    kept = found | title_and_lead(slots, found)
    kept |= beside_paragraphs(root, slots, found)
    kept = kept - teasers(slots) or kept
    rows = {_row(slot.element) for slot in slots if slot.mark in kept} - {None}
    left_out = marks - kept if found else set()
    for element, part, mark in slots:
        whole = mark not in left_out or _row(element) in rows
        setattr(element, part, getattr(element, part)[2:] if whole else None)
    if left_out:
        dropped["outside the main text"] = len(left_out)


def _mark_blocks(root: Element, path: Path) -> Iterator[Slot]:
    """Put a character of its own before each piece of text of a block."""
    from lxml import etree

    block = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        block += _is_block(element)
        part = "text" if event == "start" else "tail"
        value = getattr(element, part) or ""
        if value.strip() and not (part == "tail" and element is root):
            if block >= SIGNS * SIGNS:
                raise SuwenError("S115", path, what="the markup", limit=f"{SIGNS * SIGNS:,} blocks")
            mark = chr(FIRST_SIGN + block // SIGNS) + chr(FIRST_SIGN + SIGNS + block % SIGNS)
            setattr(element, part, mark + value)
            yield Slot(element, part, mark)


def _extracted(root: Element) -> set[str]:
    """Return the marks of the blocks of the main text."""
    from trafilatura import bare_extraction
    from trafilatura.settings import Extractor

    options = Extractor(output_format="txt", comments=False)
    options.min_extracted_size = LEAST_EXTRACTED
    found = bare_extraction(root, options=options)
    return set() if found is None else set(_MARK.findall("".join(found.body.itertext())))


def _row(element: Element) -> Element | None:
    return next((row for row in element.iterancestors("tr") if _is_data(row)), None)


def _add(root: Element, text: RunningText, dropped: Counter[str]) -> None:
    def skip(element: Element) -> bool:
        if local_name(element) == "img" and is_within_line(element):
            dropped["picture within a line"] += 1
        if local_name(element) in FORMULAS:
            if "".join(element.itertext()).strip():
                add_formula(element, text)
            return True
        return False

    literal = 0
    for kind, item in walk(root, skip, lambda _: None):
        if kind != "text":
            _mark(kind, item, text)
            literal += _keeps_lines(item) * (1 if kind == "start" else -1)
        else:
            (text.add_literal if literal else text.add)(item)


def _mark(kind: str, element: Element, text: RunningText) -> None:
    """Say to the text what the beginning or the end of an element means."""
    name = local_name(element)
    if script := _script(element):
        if kind == "start":
            text.begin_script(script)
        else:
            text.end_script()
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
    elif _is_block(element):
        text.end_paragraph()


def _script(element: Element) -> Script | None:
    """Return how an element is set."""
    name = local_name(element)
    if name == "a":
        return "citation" if (element.get("href") or "").startswith("#") else None
    named = element.get("class") if name in NAMED_SCRIPTS else None
    return SCRIPTS.get(name) or styled_script(element.get("style")) or CLASSES.get((named or "").strip().lower())


def _is_block(element: Element) -> bool:
    display = _DISPLAY.search(element.get("style") or "")
    return display[1].lower() == "block" if display else local_name(element) in BLOCKS


def _keeps_lines(element: Element) -> bool:
    return local_name(element) in LITERAL or bool(_SPACE_KEPT.search(element.get("style") or ""))


def _is_data(row: Element | None) -> bool:
    """Return whether the cells of a row are data; old pages put whole texts into the cells of a table."""
    if row is None or local_name(row) != "tr":
        return False
    if any("\n" in "".join(item.itertext()).strip() for item in row.iter(*LITERAL)):
        return False
    inner: Iterable[Element] = (child for cell in row for child in cell)
    blocks = Counter(child.getparent() for child in inner if _is_block(child))
    return max(blocks.values(), default=0) < 2 and next(row.iterdescendants("table", "h1", "h2", "h3"), None) is None
