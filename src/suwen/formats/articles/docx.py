"""Word files (docx): the text of the body, paragraph by paragraph. This format is only read.

Tables are read row by row, tabs between cells; text boxes where they are anchored. Left out and counted are deleted
text (tracked changes), comments, foot- and endnotes, page headers and footers, field codes, soft hyphens, symbols of
picture fonts and pictures. The numbers of numbered lists are not text in Word and so not here.

The file is a ZIP archive of XML; what it unpacks to is bounded, whatever its directory claims.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections import Counter
from pathlib import Path

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.formats.articles.files import MEGABYTE, article, read_stream
from suwen.formats.articles.markup import Element, RunningText, local_name, parse_xml, walk
from suwen.formats.base import ArticleFormat

__all__ = ["FORMAT", "NAME", "Docx"]

NAME = "docx"

LARGEST_PART = 32 * MEGABYTE
LARGEST_DIRECTORY = MEGABYTE
"""Of the archive's directory: 10,000 entries and more, each of which costs memory."""

KIND = "docx file"
MAIN_PART = "word/document.xml"
OFFICE_DOCUMENT = "/officeDocument"
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

LEFT_OUT = {
    "del": "deleted text",
    "moveFrom": "deleted text",
    "instrText": "field code",
    "delText": "deleted text",
    "delInstrText": "field code",
    "footnoteReference": "footnote",
    "endnoteReference": "endnote",
    "commentReference": "comment",
    "headerReference": "page header",
    "footerReference": "page footer",
    "softHyphen": "soft hyphen",
    "sym": "symbol of a picture font",
    "pict": "picture",
    "blip": "picture",
    "rt": "ruby",
}
UNSEEN = frozenset(("Fallback", "pPr", "rPr", "tblPr", "tcPr", "trPr", "sdtPr", "positionH", "positionV"))
"""Not text, and nobody misses it: properties, and what repeats a text box for old programs."""

CHARACTERS = {"tab": "\t", "ptab": "\t", "noBreakHyphen": "\u2011"}


class Docx(ArticleFormat):
    """Read Word files: a folder, or one file.

    Faults are S101, S102, S114, S115, S118 and S120.
    """

    name = NAME
    suffixes = (".docx", ".docm")
    largest = 256 * MEGABYTE  # pictures make it large, but they are not unpacked
    yields = True

    def parse(self, data: bytes, path: Path, name: str) -> list[Document]:
        """Return the one document of a file; ``meta["read_from"]`` counts what was left out.

        Raises
        ------
        SuwenError
            S115 when a part or the text is too large, S118 when it is encrypted, S120 when it is damaged or no Word
            file.
        """
        if data.startswith(OLD_OFFICE):
            # Word puts an encrypted docx into a file of the old kind.
            if "EncryptedPackage".encode("utf-16-le") in data:
                raise SuwenError("S118", path, kind=KIND)
            raise SuwenError("S120", path, kind=KIND, reason="this is the older format .doc")
        root = parse_xml(_part(data, path), path, KIND)
        body = next((item for item in root.iter() if local_name(item) == "body"), None)
        if body is None:
            raise SuwenError("S120", path, kind=KIND, reason=f"no <body> in {MAIN_PART}")
        text, dropped = RunningText(), Counter[str]()
        _add(body, text, dropped)
        return [article(name, str(text), path, {"format": NAME, "dropped": dropped})]


FORMAT = Docx()


def _part(data: bytes, path: Path) -> bytes:
    """The XML of the main part."""
    if _directory_size(data) > LARGEST_DIRECTORY:
        raise SuwenError("S115", path, what="the archive's directory", limit=f"{LARGEST_DIRECTORY // MEGABYTE} MB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            name = MAIN_PART if MAIN_PART in names else _named_in_relations(archive, path)
            info = archive.getinfo(name)
            if info.flag_bits & 1:
                raise SuwenError("S118", path, kind=KIND)
            # Others unpack without a bound, and no Word file has them.
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise SuwenError("S120", path, kind=KIND, reason="a compression that Word does not use")
            with archive.open(info) as part:
                return read_stream(part, path, LARGEST_PART, f"{name}, unpacked,")
    except KeyError:
        raise SuwenError("S120", path, kind=KIND, reason=f"it holds no {MAIN_PART}") from None
    # What zipfile raises for broken headers, unknown compression and checksums that do not match.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, RuntimeError) as error:
        raise SuwenError("S120", path, kind=KIND, reason=error) from None


def _directory_size(data: bytes) -> int:
    """What the end of a ZIP archive says of the size of its directory; 0 where it has no such end."""
    place = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    return struct.unpack_from("<I", data, place + 12)[0] if 0 <= place <= len(data) - 16 else 0


def _named_in_relations(archive: zipfile.ZipFile, path: Path) -> str:
    """The name of the main part, where it is not the usual one."""
    with archive.open("_rels/.rels") as part:
        relations = parse_xml(read_stream(part, path, LARGEST_PART, "_rels/.rels, unpacked,"), path, KIND)
    for relation in relations:
        if local_name(relation) and (relation.get("Type") or "").endswith(OFFICE_DOCUMENT):
            return (relation.get("Target") or "").lstrip("/")
    raise KeyError(MAIN_PART)


def _add(body: Element, text: RunningText, dropped: Counter[str]) -> None:
    def skip(element: Element) -> bool:
        name = local_name(element)
        kind = LEFT_OUT.get(name)
        if kind == "picture" and any(local_name(item) == "txbxContent" for item in element.iter()):
            return False
        if kind:
            dropped[kind] += 1
        return kind is not None or name in UNSEEN

    def unknown(_: str) -> None:
        dropped["entity reference"] += 1

    inside_text = 0
    for kind, item in walk(body, skip, unknown):
        if kind == "text":
            if inside_text:
                text.add(item)
        elif local_name(item) == "t":
            inside_text += 1 if kind == "start" else -1
        else:
            _mark(kind, local_name(item), item, text)


def _mark(kind: str, name: str, element: Element, text: RunningText) -> None:
    """What the beginning or the end of an element means for the text."""
    if name in CHARACTERS:
        if kind == "start":
            text.add(CHARACTERS[name])
    elif name in ("br", "cr"):
        if kind == "start":
            text.end_line()
    elif name == "tr":
        if kind == "start":
            text.begin_row()
        else:
            text.end_row()
    elif name == "tc":
        if kind == "end":
            text.end_cell()
    elif name in ("p", "txbxContent"):
        text.end_paragraph()
