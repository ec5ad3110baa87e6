"""Title, year, journal and DOI, as the properties of a Word file or PDF state them.

The dates on which a file was made and changed are not the date of publication, and are not read. A DOI is read only
where it is as such, in an identifier or behind ``doi:``. Publishers put the rest into the XMP packet of a PDF
(PRISM), which is looked for as the XMP specification says, by its beginning and end.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from suwen.errors import SuwenError
from suwen.formats.articles.markup import Element, local_name, parse_xml

__all__ = ["about_pdf", "about_properties", "doi_in", "year_in"]

PACKETS_READ, LONGEST_PACKET = 64, 2**20
"""A picture may have a packet too, so there can be many; those of articles are small."""

DOI_KEYS = ("doi", "DOI", "WPS-ARTICLEDOI")
"""Keys of the information dictionary in which publishers state a DOI."""

NO_TITLES = frozenset(("untitled", "Untitled"))
"""Placeholders that programs write as a title."""

JOURNALS = ("publicationName",)
DATES = ("coverDate", "publicationDate", "coverDisplayDate")
DOIS = ("doi", "identifier")
PRISM = b"prismstandard.org"
BEGIN, END = b"<x:xmpmeta", b"</x:xmpmeta>"

_YEAR = re.compile(r"(?<!\d)(?:1[6-9]|20)\d\d(?!\d)|^(?:1[6-9]|20)\d\d(?=\d{4}$)")
_DOI = re.compile(r"10\.\d{4,9}/\S*[^\s.,;:)\]]")
_STATED_DOI = re.compile(r"\bdoi(?:\.org/|:\s*)(10\.\d{4,9}/\S*[^\s.,;:)\]])", re.IGNORECASE)


def year_in(date: str) -> int | None:
    """Return the year that a date states."""
    found = _YEAR.search(date)
    return int(found[0]) if found else None


def doi_in(identifier: str) -> str:
    """Return the DOI in an identifier; empty when it is none."""
    found = _DOI.search(identifier)
    return found[0] if found else ""


def about_properties(core: Element | None) -> dict[str, Any]:
    """Return the title, and the DOI in the identifier, of the core properties of a Word file."""
    stated = {local_name(item): " ".join((item.text or "").split()) for item in (core if core is not None else ())}
    return {"title": stated.get("title", ""), "doi": doi_in(stated.get("identifier", ""))}


def about_pdf(value: Callable[[str], str], data: bytes) -> dict[str, Any]:
    """Return what a PDF states of itself.

    Parameters
    ----------
    value
        Returns the value of a key in the information dictionary; empty when it has none.
    data
        The bytes of the file, for its XMP packet.
    """
    xmp = _xmp(data)
    title = " ".join(value("Title").split())
    subject = _STATED_DOI.search(value("Subject"))
    dois = (doi_in(value(key)) for key in DOI_KEYS)
    return {
        "title": title if title and title not in NO_TITLES else _first(xmp, ("title",)),
        "year": next((year for name in DATES for item in xmp[name] if (year := year_in(item))), None),
        "journal": _first(xmp, JOURNALS),
        "doi": next((doi for name in DOIS for item in xmp[name] if (doi := doi_in(item))), "")
        or next(filter(None, dois), "")
        or (subject[1] if subject else ""),
    }


def _first(stated: dict[str, list[str]], names: tuple[str, ...]) -> str:
    return next((value for name in names for value in stated.get(name, ())), "")


def _packets(data: bytes) -> Iterator[bytes]:
    """Yield the packets of a file, the last one first: a changed file has its new packet at the end."""
    begin = len(data)
    for _ in range(PACKETS_READ):
        begin = data.rfind(BEGIN, 0, begin)
        if begin < 0:
            return
        end = data.find(END, begin, begin + LONGEST_PACKET)
        if end > 0:
            yield data[begin : end + len(END)]


def _xmp(data: bytes) -> defaultdict[str, list[str]]:
    """Return the values of the last packet that is of an article, by the name of the property."""
    stated: defaultdict[str, list[str]] = defaultdict(list)
    packet = next((one for one in _packets(data) if PRISM in one), None)
    if packet is None:
        return stated
    try:
        root = parse_xml(packet, Path(), "XMP packet")
    except SuwenError:
        return stated  # a file without it is read as well
    for item in root.iter():
        pairs = [(name.rpartition("}")[2], value) for name, value in item.attrib.items()]
        for name, value in (*pairs, (local_name(item), "".join(item.itertext()))):
            if text := " ".join(value.split()):
                stated[name].append(text)
    return stated
