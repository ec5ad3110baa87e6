"""The page in a web archive (MHTML), the form in which browsers and Word save a page as one file."""

from __future__ import annotations

import codecs
import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path

from suwen.errors import SuwenError

__all__ = ["ARCHIVES", "is_archive", "page_of_archive"]

ARCHIVES = (".mht", ".mhtml")
KIND = "web archive"
HEAD = 65_536
"""Number of bytes that are searched for the headers."""

_MIME = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:[A-Za-z-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*?MIME-Version:", re.IGNORECASE)
_PAGE = re.compile(r"^content-type:\s*(?:multipart/[a-z]+|text/html)\b", re.IGNORECASE | re.MULTILINE)
_MAIL = re.compile(r"^(?:received|to|message-id):", re.IGNORECASE | re.MULTILINE)


def is_archive(data: bytes) -> bool:
    """Return whether a file begins as a web archive does; an e-mail, which has a receiver, is none."""
    if not _MIME.match(data[:HEAD]):
        return False
    headers = re.split(r"\r?\n\r?\n", data[:HEAD].decode("latin-1").lstrip("ï»¿ \t\r\n"), maxsplit=1)[0]
    return bool(_PAGE.search(headers)) and not _MAIL.search(headers)


def page_of_archive(data: bytes, path: Path) -> bytes:
    """Return the bytes of the page; those of plain text if the archive has no page.

    Raises
    ------
    SuwenError
        S120 when there is neither.
    """
    import webencodings

    try:
        message = email.message_from_bytes(data.lstrip(b"\xef\xbb\xbf \t\r\n"), policy=email.policy.default)
        body = message.get_body(("html", "plain"))
        page = body.get_payload(decode=True) if isinstance(body, EmailMessage) else None
        charset = body.get_content_charset() if body is not None else None
    except (ValueError, LookupError, AttributeError, RecursionError) as error:
        raise SuwenError("S120", path, kind=KIND, reason=error) from None
    if not isinstance(page, bytes):
        raise SuwenError("S120", path, kind=KIND, reason="it holds no page")
    encoding = webencodings.lookup(charset or "")
    if encoding is None or page.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return page
    try:
        # The header of a part has priority over what the page declares; GB18030 holds all of GBK.
        name = "gb18030" if encoding.name == "gbk" else encoding.codec_info.name
        return codecs.BOM_UTF8 + page.decode(name).encode()
    except (UnicodeError, LookupError):
        return page
