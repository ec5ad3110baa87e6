"""Inline parts of a web page that are not text: formulas in TeX and images of symbols.

A script of the type ``math/tex`` holds a formula for MathJax; a page that was saved after MathJax has run shows it
already. Old journals show symbols that their fonts lack as pictures; the alternative text is the symbol then.
"""

from __future__ import annotations

import re

from suwen.formats.articles.formulas import add_tex
from suwen.formats.articles.markup import Element, RunningText

__all__ = ["is_within_line", "read_symbols"]

LONGEST_SYMBOL = 2
"""A picture whose alternative text has more characters shows something else than a symbol."""

PREVIEW = "MathJax_Preview"
_TEX = re.compile("math/tex", re.IGNORECASE)
_SHOWN = re.compile(r"\b(?:MathJax|mjx)", re.IGNORECASE)


def read_symbols(root: Element) -> None:
    """Put formulas in TeX and pictures of symbols into the page as text; what cannot be read stays."""
    for script in list(root.iter("script")):
        if _TEX.match(script.get("type") or ""):
            _read_tex(script)
    for picture in list(root.iter("img")):
        symbol = (picture.get("alt") or "").strip()
        if 0 < len(symbol) <= LONGEST_SYMBOL and is_within_line(picture):
            picture.tag = "span"
            picture.attrib.clear()
            picture.text = symbol


def _read_tex(script: Element) -> None:
    before = script.getprevious()
    if before is not None and script.getprevious().get("class") == PREVIEW:
        before.text = None
        for child in list(before):
            before.remove(child)
        before = before.getprevious()
    is_shown = before is not None and not (before.tail or "").strip() and _SHOWN.search(before.get("class") or "")
    formula = RunningText()
    if not is_shown and add_tex(script.text or "", formula):
        script.tag = "span"
        script.attrib.clear()
        script.text = str(formula).strip()


def is_within_line(picture: Element) -> bool:
    """Return whether text is beside a picture."""
    above = picture.getparent()
    texts = () if above is None else (above.text, *(item.tail for item in above))
    return any(text and text.strip() for text in texts)
