"""Recognize the format of texts and articles by how a file begins, where its name does not tell."""

from __future__ import annotations

from pathlib import Path

from suwen.formats import html, jsonl, parquet, text
from suwen.formats.articles import docx, jats, pdf
from suwen.formats.articles.web_archive import is_archive
from suwen.formats.encodings import kind_of
from suwen.formats.foreign import is_page
from suwen.formats.record_forms import first_records

__all__ = ["HEAD", "format_of_content", "format_of_file"]

HEAD = 4096
"""Number of bytes that tell the format."""

SIGNATURES = {"PDF": pdf.NAME, "ZIP (or docx)": docx.NAME, "parquet": parquet.NAME}


def format_of_content(head: bytes) -> str:
    """Return the format that the first bytes of a file indicate; else ``text``."""
    if (kind := kind_of(head)) is not None:
        return SIGNATURES.get(kind, text.NAME)
    if is_page(head) or is_archive(head):
        return html.NAME
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begin.startswith(b"{") and _is_records(begin):
        return jsonl.NAME
    lower = begin[:1024].lower()
    if lower.startswith((b"<?xml", b"<!doctype", b"<article")):
        return html.NAME if b"<html" in lower else jats.NAME
    return text.NAME


def format_of_file(path: Path) -> str:
    """Return the format that the content of a file indicates; ``text`` for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return format_of_content(file.read(HEAD))
    except OSError:
        return text.NAME  # its reader says why


def _is_records(begin: bytes) -> bool:
    """Return whether a first line is a JSON object; a line that continues is taken for one."""
    line, end, _ = begin.partition(b"\n")
    if not end and len(begin) >= HEAD // 2:
        return True
    return isinstance(next(first_records(line), None), dict)
