"""The encoding of a web page, as browsers read it.

A byte order mark wins, then what the page declares. Labels mean what the Encoding Standard of the WHATWG says: pages
that declare ``gb2312`` may use all of GB18030, ``iso-8859-1`` is windows-1252, a declared ``utf-16`` is UTF-8.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from suwen.errors import SuwenError
from suwen.formats.encodings import EncodingError, decode

__all__ = ["PageText", "decode_page"]

HEAD = 65_536
"""Number of bytes that are searched for a declaration; the standard requires 1024, but browsers search further."""

CODECS = {"gbk": "gb18030", "utf-16le": "utf-8", "utf-16be": "utf-8", "x-user-defined": "cp1252"}
"""The codecs of some encodings: GB18030 holds all of GBK, and a declaration that can be read is not in UTF-16."""

SINGLE_BYTES = ("cp8", "cp12", "iso8859", "koi8", "mac")
"""Prefixes of the names of single-byte codecs."""

MOST_REPLACED, MOST_BEYOND_ASCII = 0.01, 0.2
"""Maximum shares of characters that cannot be decoded, of all and beyond ASCII; above both the encoding is wrong."""

_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_CHARSET = re.compile(rb"""<meta[^>]{1,400}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_XML = re.compile(rb"""<\?xml[^>]{1,200}?encoding\s*=\s*["']([\w.:-]{1,40})""", re.IGNORECASE)


class PageText(NamedTuple):
    """The characters of a page, and how many of them stand for bytes that could not be decoded."""

    text: str
    replaced: int = 0


def decode_page(data: bytes, path: Path) -> PageText:
    """Return the text of a page.

    Raises
    ------
    SuwenError
        S116 when the encoding is neither declared nor certain, S117 when it is not text.
    """
    marked = data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    codec = None if marked else _declared(data, path)
    if codec is not None and codec.startswith(SINGLE_BYTES):
        # Any bytes are text in an encoding of single bytes; UTF-8 and Chinese are found out.
        with suppress(SuwenError):
            return PageText(decode(data, path)[0])
    if codec is not None:
        with suppress(UnicodeDecodeError):
            return PageText(data.decode(codec))
    try:
        return PageText(decode(data, path)[0].removeprefix("\ufeff"))
    except EncodingError:
        texts = (data.decode(name, "replace").removeprefix("\ufeff") for name in (codec or "utf-8", "utf-8"))
        text = min(texts, key=lambda text: text.count("\ufffd"))
        replaced = text.count("\ufffd")
        beyond_ascii = sum(not character.isascii() for character in text) - replaced
        if replaced > max(MOST_REPLACED * len(text), MOST_BEYOND_ASCII * beyond_ascii):
            raise
        return PageText(text, replaced)


def _declared(data: bytes, path: Path) -> str | None:
    """Return the Python codec of the encoding that a page declares."""
    import webencodings

    head = _COMMENT.sub(b"", data[:HEAD])
    found = _CHARSET.search(head) or _XML.match(head.lstrip())
    label = found[1].decode("ascii", "replace") if found else ""
    encoding = webencodings.lookup(label)
    if encoding is None:
        return None
    if encoding.name != "replacement":
        return CODECS.get(encoding.name, str(encoding.codec_info.name))
    try:
        return codecs.lookup(label).name
    except LookupError:
        raise EncodingError("S116", path, reason=f"it is in {label}, which is not read") from None
