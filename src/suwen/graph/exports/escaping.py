"""Characters that a form cannot hold: they are replaced, and counted."""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["one_line", "spreadsheet_cell", "xml_text"]

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""

_LINE_ENDS = re.compile("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def xml_text(text: str, lost: Counter[str]) -> str:
    """Return a text as XML holds it: control characters become U+FFFD, a carriage return a reference."""
    text, count = _NOT_XML.subn("\ufffd", text)
    if count:
        lost["control characters"] += count
    for character, reference in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\r", "&#13;")):
        text = text.replace(character, reference)
    return text


def one_line(text: str, lost: Counter[str]) -> str:
    """Return a text whose line breaks are spaces, without NUL."""
    text, breaks = _LINE_ENDS.subn(" ", text)
    if breaks:
        lost["line breaks"] += breaks
    if "\0" in text:
        lost["control characters"] += text.count("\0")
        text = text.replace("\0", "\ufffd")
    return text


def spreadsheet_cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe is before what could be one."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
