"""Word files (docx): the text of the body, paragraph by paragraph. This format is only read.

Tables are read row by row, tabs between cells; text boxes after the paragraph that they are anchored in; inserted files
(altChunk) in their places. Symbols of the fonts that Word knows are read as characters, formulas on one line. What Word
neither shows nor prints is left out and counted: deleted text (tracked changes) and hidden text. Text that is only
struck through is read. Left out and counted, too, are comments, foot- and endnotes, page headers and footers, field
codes, soft hyphens, other symbols, charts, embedded objects and pictures. The numbers of numbered lists are not text in
Word and so not here. ``meta`` holds the title of the properties, and the DOI if their identifier is one.

The file is a ZIP archive of XML; what it unpacks to is bounded, whatever its directory claims.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.formats.articles import web_page
from suwen.formats.articles.file_metadata import about_properties
from suwen.formats.articles.formulas import add_formula
from suwen.formats.articles.markup import Element, RunningText, Script, local_name, parse_xml, walk
from suwen.formats.articles.symbol_fonts import symbol, symbol_font
from suwen.formats.articles.web_archive import is_archive, page_of_archive
from suwen.formats.base import ArticleFormat
from suwen.formats.contents import MEGABYTE, article, read_stream
from suwen.formats.encodings import decode

__all__ = ["FORMAT", "NAME", "Docx"]

NAME = "docx"

LARGEST_PART = 32 * MEGABYTE
LARGEST_DIRECTORY = MEGABYTE
"""Maximum bytes of the archive's directory: 10,000 entries and more, each of which needs memory."""

MOST_UNPACKED = 2 * LARGEST_PART
"""Maximum unpacked bytes of all parts of an archive together."""

DEEPEST = 3
"""A file inserted into a file inserted into a file."""

KIND = "docx file"
MAIN_PART = "word/document.xml"
OFFICE_DOCUMENT = "/officeDocument"
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, RuntimeError)
"""Errors of zipfile for damaged headers, unknown compression and wrong checksums."""

CHUNK = "inserted file (altChunk)"
HIDDEN = "hidden text"
EQUATION = "formula in a field (EQ)"
SYMBOL = "symbol of a picture font"
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
    "pict": "picture",
    "blip": "picture",
    "chart": "chart",
    "relIds": "diagram",
    "object": "embedded object",
    "textpath": "decorative text",
    "subDoc": "subdocument",
    "rt": "ruby",
}
UNSEEN = frozenset(("pPr", "rPr", "tblPr", "tcPr", "trPr", "sdtPr", "positionH", "positionV"))
"""Properties, which are not text and are not counted."""

CHARACTERS = {"tab": "\t", "ptab": "\t", "noBreakHyphen": "\u2011"}
CONTENT = frozenset(("t", "txbxContent", "oMath", "sym"))
SCRIPTS: dict[str | None, Script] = {"superscript": "superscript", "subscript": "subscript"}
RAISED = 4
"""Minimum shift of a superscript or subscript, in half points."""

LONGEST_CHAIN = 12
"""Maximum length of a chain of styles that are based on one another; Word allows eleven."""

_EQUATION = re.compile(r"\s*EQ\b", re.IGNORECASE)
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_CITING = re.compile("_?(?:ENREF|bib|cit)", re.IGNORECASE)
"""Prefixes of the bookmarks of references."""


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
            S106 when it is empty, S115 when a part or the text is too large, S118 when it is encrypted, S120 when it is
            damaged or no Word file.
        """
        if not data:
            raise SuwenError("S106", path)
        if data.startswith(OLD_OFFICE):
            # Word puts an encrypted docx into a file of the old kind.
            if "EncryptedPackage".encode("utf-16-le") in data:
                raise SuwenError("S118", path, kind=KIND)
            raise SuwenError("S120", path, kind=KIND, reason="this is the older format .doc")
        return _parse(data, path, name, 1)


FORMAT = Docx()


def _parse(data: bytes, path: Path, name: str, depth: int) -> list[Document]:
    package = _Package(data, path)
    body = next((item for item in package.root.iter() if local_name(item) == "body"), None)
    if body is None:
        raise SuwenError("S120", path, kind=KIND, reason=f"no <body> in {MAIN_PART}")
    text, dropped = RunningText(), Counter[str]()
    reader = _Body(package, text, dropped, depth)
    reader.add(body)
    reader.add_boxes()
    return [article(name, str(text), path, {"format": NAME, "dropped": dropped}, about=package.about())]


def _read_chunk(data: bytes, path: Path, depth: int) -> Document | None:
    """Return the document of a file that is inserted into another; None where its kind is not read."""
    if data.startswith((b"PK\x03\x04", OLD_OFFICE)):
        return _parse(data, path, "", depth + 1)[0] if depth < DEEPEST else None
    if is_archive(data):
        return web_page.parse(page_of_archive(data, path), path, "")[0]
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return web_page.parse(data, path, "")[0]
    return article("", decode(data, path)[0].removeprefix("\ufeff"), path)


class _Package:
    """The parts of a Word file.

    Parameters
    ----------
    data
        The bytes of the archive.
    path
        The file, for messages.

    Attributes
    ----------
    root
        The root of the main part.
    """

    def __init__(self, data: bytes, path: Path) -> None:
        self.path = path
        self._data = data
        self._unpacked = 0
        if _directory_size(data) > LARGEST_DIRECTORY:
            raise SuwenError("S115", path, what="the archive's directory", limit=f"{LARGEST_DIRECTORY // MEGABYTE} MB")
        self._main = MAIN_PART
        main = self.part(MAIN_PART)
        if main is None:
            self._main = self._named_in_relations()
            main = self.part(self._main)
        if main is None:
            raise SuwenError("S120", path, kind=KIND, reason=f"it holds no {MAIN_PART}")
        self.root = parse_xml(main, path, KIND)

    def part(self, name: str) -> bytes | None:
        """Return the bytes of a part; None if there is none.

        Raises
        ------
        SuwenError
            S115 when it is too large, S118 when it is encrypted, S120 when it is damaged.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(self._data)) as archive:
                info = archive.getinfo(name)
                if info.flag_bits & 1:
                    raise SuwenError("S118", self.path, kind=KIND)
                # Others unpack without a bound, and no Word file has them.
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise SuwenError("S120", self.path, kind=KIND, reason="a compression that Word does not use")
                with archive.open(info) as part:
                    content = read_stream(part, self.path, LARGEST_PART, f"{name}, unpacked,")
        except KeyError:
            return None
        except DAMAGES as error:
            raise SuwenError("S120", self.path, kind=KIND, reason=error) from None
        self._unpacked += len(content)
        if self._unpacked > MOST_UNPACKED:
            raise SuwenError("S115", self.path, what="the file, unpacked,", limit=f"{MOST_UNPACKED // MEGABYTE} MB")
        return content

    def xml(self, name: str) -> Element | None:
        """Return the root of a part; None if there is none."""
        content = self.part(name)
        return None if content is None else parse_xml(content, self.path, KIND)

    def related(self, identifier: str | None) -> bytes | None:
        """Return the bytes of the part that the main part means by an identifier; None where it is not in the file."""
        folder, name = posixpath.split(self._main)
        for relation in _relations(self.xml(f"{folder}/_rels/{name}.rels")):
            if relation.get("Id") == identifier and relation.get("TargetMode") != "External":
                target = posixpath.join("/", folder, relation.get("Target") or "")
                return self.part(posixpath.normpath(target).lstrip("/"))
        return None

    def styles(self) -> Element | None:
        """Return the root of the styles."""
        return self.xml(posixpath.join(posixpath.dirname(self._main), "styles.xml"))

    def about(self) -> dict[str, Any]:
        """Return what the properties of the file state."""
        return about_properties(self.xml("docProps/core.xml"))

    def _named_in_relations(self) -> str:
        """Return the name of the main part, where it is not the usual one."""
        for relation in _relations(self.xml("_rels/.rels")):
            if (relation.get("Type") or "").endswith(OFFICE_DOCUMENT):
                return (relation.get("Target") or "").lstrip("/")
        return MAIN_PART


def _relations(root: Element | None) -> list[Element]:
    return [] if root is None else [relation for relation in root if local_name(relation)]


def _directory_size(data: bytes) -> int:
    """Return the directory size that the end of a ZIP archive states; 0 without such an end."""
    place = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    return struct.unpack_from("<I", data, place + 12)[0] if 0 <= place <= len(data) - 16 else 0


def _child(element: Element | None, *names: str) -> Element | None:
    """Return the element below another one by the names on the way."""
    for name in names:
        element = next((item for item in element if local_name(item) == name), None) if element is not None else None
    return element


def _value(element: Element | None, name: str = "val") -> str | None:
    """Return an attribute by its name without its namespace."""
    attributes = {} if element is None else element.attrib
    return next((value for key, value in attributes.items() if key.rpartition("}")[2] == name), None)


def _is_on(element: Element | None) -> bool | None:
    """Return whether a property is switched on; None where it is not stated."""
    return None if element is None else _value(element) not in ("0", "false", "off")


@dataclass(frozen=True, slots=True)
class _Look:
    """The formatting of a run, as far as it changes the text; None if it is not stated.

    Parameters
    ----------
    hidden
        Whether Word neither shows nor prints it.
    script
        ``superscript``, ``subscript`` or ``baseline``.
    font
        The font of its Latin letters and symbols.
    """

    hidden: bool | None = None
    script: str | None = None
    font: str | None = None

    @classmethod
    def of(cls, properties: Element | None) -> _Look:
        """Return what the properties of a run state."""
        script = _value(_child(properties, "vertAlign"))
        position = re.fullmatch("-?[0-9]{1,4}", _value(_child(properties, "position")) or "")
        if script is None and position and abs(int(position[0])) >= RAISED:
            script = "superscript" if int(position[0]) > 0 else "subscript"
        fonts = _child(properties, "rFonts")
        return cls(_is_on(_child(properties, "vanish")), script, _value(fonts, "ascii") or _value(fonts, "hAnsi"))

    def over(self, other: _Look) -> _Look:
        """Return this look, with another one where this one states nothing."""
        hidden = other.hidden if self.hidden is None else self.hidden
        return _Look(hidden, self.script or other.script, self.font or other.font)


class _Styles:
    """The looks of the styles of a file, those that they are based on included."""

    def __init__(self, root: Element | None) -> None:
        styles = [] if root is None else [item for item in root if local_name(item) == "style"]
        self._styles = {_value(style, "styleId"): style for style in styles}
        self._looks: dict[str | None, _Look] = {}

    def look(self, name: str | None) -> _Look:
        """Return the look of a style; one without any statement for a style that the file does not have."""
        if name not in self._looks:
            look, based_on = _Look(), name
            for _ in range(LONGEST_CHAIN):
                style = self._styles.get(based_on)
                look = look.over(_Look.of(_child(style, "rPr")))
                based_on = _value(_child(style, "basedOn"))
            self._looks[name] = look
        return self._looks[name]


class _Body:
    """Adds the body of a file to a text.

    Parameters
    ----------
    package
        The file.
    text
        The text.
    dropped
        Counts what is left out.
    depth
        How many files this one is inserted into, itself included.
    """

    def __init__(self, package: _Package, text: RunningText, dropped: Counter[str], depth: int) -> None:
        self._package = package
        self._text = text
        self._dropped = dropped
        self._depth = depth
        self._styles = _Styles(package.styles())
        self._boxes: list[Element] = []
        self._looks: list[_Look] = []
        self._inside_text = 0
        self._joins = False
        """True if the paragraph continues in the next one, because its mark is deleted or hidden."""

    def add(self, root: Element) -> None:
        """Add an element and what it holds."""
        for kind, item in walk(root, self._is_skipped, self._count_reference):
            if kind == "text":
                if self._inside_text:
                    self._add_text(item or "")
            elif local_name(item) == "t":
                self._inside_text += 1 if kind == "start" else -1
            else:
                self._mark(kind, local_name(item), item)

    def _count_reference(self, _: str) -> None:
        self._dropped["entity reference"] += 1

    def _is_skipped(self, element: Element) -> bool:
        """Return whether an element does not belong to the text; add those that are read in another way."""
        name = local_name(element)
        if name == "oMath":
            add_formula(element, self._text, self._is_skipped)
        elif name == "altChunk":
            self._add_chunk(element)
        elif name == "txbxContent":
            self._boxes.append(element)
        elif name not in UNSEEN and not _is_other_form(element):
            kind = self._left_out(element, name)
            if kind:
                self._dropped[kind] += 1
            return kind is not None
        return True

    def _left_out(self, element: Element, name: str) -> str | None:
        """Return what an element is, if it does not belong to the text."""
        if name == "r" and self._look(element).hidden:
            return HIDDEN
        if name == "tr" and _child(element, "trPr", "del") is not None:
            return "deleted text"
        if name == "tc" and _child(element, "tcPr", "cellDel") is not None:
            return "deleted text"
        if name == "tr" and _is_on(_child(element, "trPr", "hidden")):
            return HIDDEN
        if name == "pict" and any(local_name(item) == "txbxContent" for item in element.iter()):
            return None
        if name == "instrText" and _EQUATION.match(element.text or ""):
            return EQUATION
        return LEFT_OUT.get(name)

    def _look(self, run: Element) -> _Look:
        properties = _child(run, "rPr")
        look = _Look.of(properties).over(self._styles.look(_value(_child(properties, "rStyle"))))
        paragraph = next((item for item in run.iterancestors() if local_name(item) == "p"), None)
        return look.over(self._styles.look(_value(_child(paragraph, "pPr", "pStyle"))))

    def _add_text(self, text: str) -> None:
        font = symbol_font(self._looks[-1].font) if self._looks else None
        if font is None and _PRIVATE.search(text) is None:
            self._text.add(text)
            return
        for character in text:
            self._add_symbol(ord(character), font)

    def _add_symbol(self, code: int, font: str | None) -> None:
        character = symbol(code, font)
        if character is None:
            self._dropped[SYMBOL] += 1
        self._text.add(character)

    def _add_chunk(self, element: Element) -> None:
        """Add a file that is inserted here, if it can be read."""
        content = self._package.related(_value(element, "id"))
        self._text.end_paragraph()
        try:
            document = None if content is None else _read_chunk(content, self._package.path, self._depth)
        except SuwenError:
            document = None
        if document is None:
            self._dropped[CHUNK] += 1
        else:
            self._text.add_paragraphs(document.text)
            self._dropped.update(document.meta.get("read_from", {}).get("dropped", {}))

    def _mark(self, kind: str, name: str, element: Element) -> None:
        """Do what the beginning or the end of an element means for the text."""
        begins = kind == "start"
        if name == "r":
            self._mark_run(begins, element)
        elif name == "hyperlink" and _CITING.match(_value(element, "anchor") or ""):
            if begins:
                self._text.begin_script("citation")
            else:
                self._text.end_script()
        elif name == "p":
            self._mark_paragraph(begins, element)
        elif name in ("tr", "tc"):
            self._joins = False
            if name == "tc" and not begins:
                self._text.end_cell()
            elif name == "tr":
                (self._text.begin_row if begins else self._text.end_row)()
        elif begins and name in CHARACTERS:
            self._text.add(CHARACTERS[name])
        elif begins and name in ("br", "cr"):
            self._text.end_line()
        elif begins and name == "sym":
            code = re.fullmatch("[0-9A-Fa-f]{1,5}", _value(element, "char") or "")
            self._add_symbol(int(code[0], 16) if code else 0, _value(element, "font"))
        elif begins and name in ("checkBox", "ddList"):
            self._text.add(_form_field(element, name))

    def _mark_run(self, begins: bool, element: Element) -> None:
        if begins:
            self._looks.append(self._look(element))
            if script := SCRIPTS.get(self._looks[-1].script):
                self._text.begin_script(script)
        elif self._looks.pop().script in SCRIPTS:
            self._text.end_script()

    def _mark_paragraph(self, begins: bool, element: Element) -> None:
        mark = _child(element, "pPr", "rPr")
        if begins:
            if not self._joins:
                self._text.end_paragraph()
            return
        gone = any(_child(mark, name) is not None for name in ("del", "moveFrom"))
        self._joins = gone or bool(_is_on(_child(mark, "vanish")))
        if not self._joins:
            self._text.end_paragraph()
            self.add_boxes()

    def add_boxes(self) -> None:
        """Add the text boxes that are anchored in what was read, and those anchored in them."""
        while self._boxes:
            boxes, self._boxes = self._boxes, []
            for box in boxes:
                for content in box:
                    self.add(content)
                self._text.end_paragraph()


def _is_other_form(element: Element) -> bool:
    """Return whether an element repeats, for other programs, what is read already."""
    above = element.getparent()
    if above is None or local_name(above) != "AlternateContent":
        return False
    forms = [form for form in above if local_name(form)]
    best = next((form for form in forms if any(local_name(item) in CONTENT for item in form.iter())), forms[0])
    return element is not best


def _form_field(field: Element, name: str) -> str:
    """Return what Word shows of a form field without text: a box, or the chosen entry of a list."""
    if name == "checkBox":
        stated = [_is_on(_child(field, key)) for key in ("checked", "default")]
        return "☒" if next((on for on in stated if on is not None), False) else "☐"
    entries = [_value(item) or "" for item in field if local_name(item) == "listEntry"]
    result = _value(_child(field, "result")) or _value(_child(field, "default")) or "0"
    return entries[int(result)] if re.fullmatch("[0-9]{1,4}", result) and int(result) < len(entries) else ""
