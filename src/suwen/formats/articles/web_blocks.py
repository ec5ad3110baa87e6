"""Add blocks to, and remove blocks from, the main text of a web page that an extractor has found."""

# ruff: noqa: SIM905 (lists of words are easier to read as words)
from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import dropwhile, takewhile
from typing import NamedTuple

from suwen.formats.articles.formulas import FORMULAS
from suwen.formats.articles.markup import Element, local_name

__all__ = ["SITE_NAMES", "Slot", "beside_paragraphs", "names_of", "teasers", "title_and_lead"]

TITLES = ("h1", "h2", "h3", "h4", "h5", "h6")
BESIDE = (*TITLES, *"ul ol dl table figure pre math".split())
"""Elements that belong to an article if they are beside its paragraphs."""

NO_LEAD = frozenset("a figure figcaption time address li".split())
"""Sentences before the main text that stand in one of these belong to no lead."""

SHORTEST_TITLE = 8
"""A link with fewer characters is no title of another page."""

NO_TEASER = frozenset((*TITLES, *"li dt dd td th figcaption".split()))
"""Links that stand in one of these may be the matter of a page, or its names."""

_SENTENCE = re.compile(r".{15}.*[。！？；.!?]$")
_LABEL = re.compile(r"\W*([^\n。！？.!?]{1,30}[:：]\W*)?")

SITE_NAMES = frozenset(
    "nav navbar navigation menu breadcrumb breadcrumbs footer header sidebar share social comment comments advert "
    "advertisement ads ad banner related recommend copyright cookie toolbar pagination pager toc widget hidden".split()
)
_WORD = re.compile(r"[a-z]+")


class Slot(NamedTuple):
    """A place for text in a tree: the ``text`` or ``tail`` of an element, and the mark of the block that it is in."""

    element: Element
    part: str
    mark: str

    def within(self) -> set[str]:
        """Return the names of the elements around it."""
        return set(map(local_name, self._around()))

    def link(self) -> Element | None:
        """Return the innermost link around it."""
        return next((element for element in self._around() if local_name(element) == "a"), None)

    def _around(self) -> Iterator[Element]:
        if self.part == "text":
            yield self.element
        yield from self.element.iterancestors()


def names_of(element: Element) -> set[str]:
    """Return the words of the class and the id of an element."""
    return set(_WORD.findall(f"{element.get('class') or ''} {element.get('id') or ''}".lower()))


def title_and_lead(slots: list[Slot], found: set[str]) -> set[str]:
    """Return the marks of the title before the main text and of the sentences between the two."""
    before = list(takewhile(lambda slot: slot.mark not in found, slots))
    if any("h1" in slot.within() for slot in slots if slot.mark in found):
        return set()
    titles = next(filter(None, ([slot for slot in before if name in slot.within()] for name in ("h1", "h2"))), [])
    if not titles:
        return set()
    title = titles[-1].mark
    after = list(dropwhile(lambda slot: slot.mark != title, before))
    texts: defaultdict[str, str] = defaultdict(str)
    for slot in after:
        texts[slot.mark] += "" if slot.within() & NO_LEAD else getattr(slot.element, slot.part)[2:]
    return {title} | {mark for mark, text in texts.items() if _SENTENCE.match(" ".join(text.split()))}


def beside_paragraphs(root: Element, slots: list[Slot], found: set[str]) -> set[str]:
    """Return the marks of headings, lists, tables, figures and formulas beside paragraphs of the main text.

    Extractors leave them out where they take the whole for a page of paragraphs. A heading counts if what follows it
    does; what holds mostly links does not.
    """
    holders: defaultdict[Element, set[str]] = defaultdict(set)
    for slot in slots:
        own = [slot.element] if slot.part == "text" else []
        for element in (*own, *slot.element.iterancestors()):
            holders[element].add(slot.mark)
    main = {element.getparent() for element in holders if local_name(element) == "p" and holders[element] & found}
    beside: set[str] = set()
    for element in reversed(list(root.iter(*BESIDE, "div", "p"))):
        name = local_name(element)
        if element.getparent() not in main or (name in ("div", "p") and next(element.iter(*FORMULAS), None) is None):
            continue
        after = element.getnext()
        goes_on = name not in TITLES or (after is not None and bool(holders[after] & (found | beside)))
        if goes_on and not _is_of_links(element) and not SITE_NAMES & names_of(element):
            beside |= holders[element]
    return beside


def teasers(slots: list[Slot]) -> set[str]:
    """Return the marks of paragraphs that only lead elsewhere: one link, alone or behind a label with a colon.

    Several links, or a short one, are key words or names.
    """
    labels: defaultdict[str, str] = defaultdict(str)
    links: defaultdict[str, dict[Element, str]] = defaultdict(dict)
    for slot in slots:
        within = slot.within()
        if within & NO_TEASER:
            continue
        text = getattr(slot.element, slot.part)[2:]
        if "a" in within:
            link = slot.link()
            links[slot.mark][link] = links[slot.mark].get(link, "") + text
        else:
            labels[slot.mark] += text
    single = {mark: "".join(texts.values()) for mark, texts in links.items() if len(texts) == 1}
    return {mark for mark, text in single.items() if len(text) >= SHORTEST_TITLE and _LABEL.fullmatch(labels[mark])}


def _is_of_links(element: Element) -> bool:
    """Return whether half of the text of an element or more is in links."""
    linked = sum(len("".join(link.itertext())) for link in element.iter("a"))
    return 2 * linked > len("".join(element.itertext()))
