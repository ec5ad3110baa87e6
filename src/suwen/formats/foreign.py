"""Name files that are no running text and are not read, with what to do about them, by their content.

Their raw characters would pass for a text: a table of notes is no note, and tags are no words.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from suwen.errors import SuwenError
from suwen.formats.articles.web_archive import is_archive
from suwen.formats.cmeee import is_bars
from suwen.formats.conll import fault_of_columns, holds_columns
from suwen.formats.encodings import encoding_of
from suwen.formats.record_forms import FORMS, first_records, form_of_records

__all__ = ["EXPORT", "WEB_PAGE", "WORKBOOKS", "foreign_kind", "is_page", "refuse_foreign"]

HEAD = 2**16
WEB_PAGE = "a web page"
SAVE_TEXT = "save it as {} in the program that made it"
CONVERT = "convert it first: suwen corpus convert IN -o OUT.jsonl --to jsonl"
PUBTATOR = "write its title and abstract as text, with a brat file for the annotations"
COLUMNS = "write it as CoNLL: on each line a word, a tab and its tag"
EXPORT = "export its texts as .txt, one a file, or as JSON Lines with the keys id and text"

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLE_STREAMS = (
    ("WordDocument", "an old Word file (.doc)", SAVE_TEXT.format(".docx")),
    ("Workbook", "an old Excel file (.xls)", SAVE_TEXT.format(".xlsx")),
    ("Book", "an old Excel file (.xls)", SAVE_TEXT.format(".xlsx")),
    ("PowerPoint Document", "an old PowerPoint file (.ppt)", SAVE_TEXT.format(".txt")),
    ("__properties_version1.0", "an Outlook message (.msg)", SAVE_TEXT.format(".txt")),
    ("FileHeader", "a Hangul or other Office file", SAVE_TEXT.format(".docx")),
)
"""Streams in the directory of a compound file, and the program that they belong to."""

OLD_ENDINGS = {".doc": OLE_STREAMS[0][1:], ".xls": OLE_STREAMS[1][1:], ".ppt": OLE_STREAMS[3][1:]}
OLD_OFFICE = ("an old Office file (.doc, .xls, .ppt)", SAVE_TEXT.format(".docx"))

CAJ = (b"CAJ\0", b"HN\0", b"KDH ", b"C8\0")
"""First bytes of the articles of CNKI; some that are named ``.caj`` are PDF, and are read."""

ZIP_MEMBERS = (
    ("xl/", "an Excel file (.xlsx)", "give it this extension, and name the column of its texts with --text-column"),
    ("ppt/", "a PowerPoint file (.pptx)", SAVE_TEXT.format(".txt")),
    ("META-INF/container.xml", "an e-book (EPUB)", "unpack it and pass its pages (.xhtml, .html)"),
)
ZIP_TYPES = (
    ("application/epub+zip", "an e-book (EPUB)", "unpack it and pass its pages (.xhtml, .html)"),
    ("opendocument.text", "an OpenDocument text (.odt)", SAVE_TEXT.format(".docx")),
    ("opendocument.spreadsheet", "an OpenDocument table (.ods)", SAVE_TEXT.format(".xlsx")),
    ("opendocument", "an OpenDocument file", SAVE_TEXT.format(".docx or .pdf")),
)

XML_ROOTS = (
    ("PubmedArticleSet", "PubMed XML", EXPORT),
    ("PubmedArticle", "PubMed XML", EXPORT),
    ("PubmedBookArticleSet", "PubMed XML", EXPORT),
    ("PubmedBookArticle", "PubMed XML", EXPORT),
    ("MedlineCitationSet", "PubMed XML", EXPORT),
    ("collection", "BioC XML", EXPORT),
    ("XMI", "UIMA XMI", "export it as brat, or as CoNLL"),
    ("GateDocument", "GATE XML", "export it as brat, or as JSON Lines"),
    ("TEI", "TEI XML", EXPORT),
    ("rdf", "RDF", EXPORT),
    ("RDF", "RDF", EXPORT),
    ("ClinicalDocument", "a clinical document (HL7 CDA)", EXPORT),
    ("xml", "EndNote XML", EXPORT),
    ("annotation", "Pascal VOC XML", "it has no text"),
    ("svg", "SVG", EXPORT),
    ("rss", "an RSS feed", "pass the pages that it links to"),
    ("wordDocument", "Word XML", SAVE_TEXT.format(".docx")),
    ("package", "Word XML", SAVE_TEXT.format(".docx")),
    ("Workbook", "Excel XML", SAVE_TEXT.format(".xlsx")),
)
"""Names of root elements."""

TEXTS = (
    (r"\{\\rtf", "RTF", SAVE_TEXT.format(".docx")),
    (r"#FORMAT=WebAnno TSV", "WebAnno TSV", "export it from INCEpTION or WebAnno as CoNLL 2002 or brat"),
    (r"#T_(?:SP|CH|RL)=", "WebAnno TSV", "export it from INCEpTION or WebAnno as CoNLL 2002 or brat"),
    (r"T\d+\t\S+ \d+ \d+", "brat annotations (.ann)", "pass the text beside it (.txt)"),
    (r"[\w.-]{1,40}\|[taTA]\|", "PubTator", PUBTATOR),
    (r"\d+\t\d+\t\d+\t[^\t\n]+\t[A-Za-z]\w*[\t\r\n]", "PubTator", PUBTATOR),
    (
        r"\d+,.*\t\d+\t\d+\t[^\t;\n]+;",
        "the lines of CCKS 2018",
        "write each text as .txt, with a brat file for the annotations",
    ),
    (r"(?:\S+/[A-Za-z][\w-]*[ \t]+){2,}\S+/[A-Za-z][\w-]*\s*(?:\n|$)", "words with tags (word/tag)", COLUMNS),
    (r".*\{\{\w+:[^{}\n]+\}\}", "a text with tags inside ({{type:mention}})", COLUMNS),
    (r"# (?:sent_id|newdoc|global\.columns|text) *=", "CoNLL-U", "keep two columns, the word and its tag"),
    (r"(?:%.*\s+)*@[A-Za-z]+\s*[{(]", "BibTeX", EXPORT),
    (r"TY  - ", "RIS", EXPORT),
    (r"PMID- ", "MEDLINE (nbib)", EXPORT),
    (r"%0 \S", "EndNote", EXPORT),
    (r"MSH\|\^~\\&", "an HL7 message", EXPORT),
    (r"(?:%.*\s+)*(?:\\documentclass|\\begin\{document\})", "LaTeX", "convert it to .docx or .html, as pandoc does"),
)
"""Beginnings of the first line of text files that are not running text."""

_XML_ROOT = re.compile(
    r"(?:(?><\?.*?\?>)|(?><!--.*?-->)|(?><!DOCTYPE[^>\[]*(?:\[.*?\])?\s*>)|\s)*+<(?:[\w.-]+:)?([\w.-]+)", re.DOTALL
)
_BEFORE = r"(?:<\?[^>]*>|(?><!--.*?-->)|\s)*+"
_PAGE = re.compile(_BEFORE + r"<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_PART = re.compile(
    _BEFORE + r"<(?:head|title|meta|link|style|script|base|body|div|p|span|font|center|table|h[1-6]|ul|ol|b|br)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE | re.DOTALL,
)
_NO_PAGES = (".txt", ".pdf", ".docx", ".docm", ".xlsx", ".xlsm")
_MAIL = re.compile(r"(?:[A-Za-z][\w-]*:.*(?:\r?\n[ \t].*)*\r?\n){2,}")
_MIME = re.compile(
    r"^(?:mime-version|content-type|message-id|received|x-mailer):|^from:.*@[\s\S]*^(?:to|subject|date):",
    re.IGNORECASE | re.MULTILINE,
)
WORKBOOKS = (".xls", ".xlsx", ".xlsm", ".et")
TABLES = {".csv": "a CSV table", ".tsv": "a TSV table", ".tab": "a TSV table"}


def refuse_foreign(data: bytes, path: Path, corpora: bool = True) -> None:
    """Refuse a file that is no running text.

    Parameters
    ----------
    corpora
        True to refuse annotated corpora and tables, too.

    Raises
    ------
    SuwenError
        S130.
    """
    found = foreign_kind(data, path, corpora)
    if found is not None:
        raise SuwenError("S130", path, kind=found[0], advice=found[1])


def foreign_kind(data: bytes, path: Path, corpora: bool = True) -> tuple[str, str] | None:
    """Return what a file is that is not read as an article, and what to do; None if it may be one.

    Parameters
    ----------
    corpora
        True to name annotated corpora and tables, too.
    """
    if data.startswith(OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            return None  # a new file with a password, which its reader names
        by_stream = (item[1:] for item in OLE_STREAMS if item[0].encode("utf-16-le") in data)
        return next(by_stream, None) or OLD_ENDINGS.get(path.suffix.lower()[:4], OLD_OFFICE)
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_archive(data)
    if data.startswith(CAJ):
        return "a CAJ file of CNKI", "download the article as PDF"
    head = data[:HEAD]
    text = head.decode(encoding_of(head), "replace").removeprefix("\ufeff").lstrip()
    if data.startswith(b"%PDF-") and path.suffix.lower() in (".docx", ".docm"):
        return "a PDF", "give it the extension .pdf"
    if text.startswith("<"):
        if _PAGE.match(text) and path.suffix.lower() in _NO_PAGES:
            return WEB_PAGE, "give it the extension .html"
        root = _XML_ROOT.match(text)
        known = next((item[1:] for item in XML_ROOTS if root and root[1] == item[0]), None)
        if known is None and root and path.suffix.lower() == ".txt" and _is_xml(text, root[1]):
            return f"XML (<{root[1]}>)", "give it the extension .xml if it is a JATS article, or export its text"
        return known
    for pattern, kind, advice in TEXTS:
        if re.match(pattern, text):
            return kind, advice
    if is_archive(data):
        return ("a web archive", "give it the extension .mht") if path.suffix.lower() in _NO_PAGES else None
    mail = _MAIL.match(text)
    if mail and _MIME.search(mail[0]):
        return "an e-mail (.eml)", "save its text as .txt, or its page as .html"
    return fault_of_columns(head) or (_corpus_kind(head, text, path) if corpora else None)


def _is_xml(text: str, root: str) -> bool:
    """Return whether a text that begins with a tag is declared to be XML, or ends with the same tag."""
    is_declared = text.startswith(("<?xml", "<!DOCTYPE"))
    return is_declared or re.search(rf"</(?:[\w.-]+:)?{re.escape(root)}\s*>\s*\Z", text) is not None


def is_page(head: bytes) -> bool:
    """Return whether a file begins as a web page, or a part of one, does."""
    text = head.decode(encoding_of(head), "replace").removeprefix("\ufeff")
    return bool(_PAGE.match(text) or (_PART.match(text) and "</" in text))


def _kind_of_archive(data: bytes) -> tuple[str, str] | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            kind = archive.read("mimetype")[:100].decode("ascii", "replace") if "mimetype" in names else ""
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError, KeyError):
        return None
    by_type = [item[1:] for item in ZIP_TYPES if item[0] in kind]
    by_name = [item[1:] for item in ZIP_MEMBERS if any(name.startswith(item[0]) for name in names)]
    if by_type:
        return by_type[0]
    if any(name.startswith("word/") for name in names):
        return None
    office = "[Content_Types].xml" in names
    return next(iter(by_name), None if office else ("a ZIP archive", "unpack it and pass its files"))


def _corpus_kind(head: bytes, text: str, path: Path) -> tuple[str, str] | None:
    records = list(first_records(head)) if text.startswith(("[", "{")) else []
    if records and (isinstance(records[0], dict | list) or path.suffix.lower() == ".json"):
        form = form_of_records(iter(records))
        if form in FORMS and " " in form:
            return form, EXPORT
        return f"JSON{f' of the form {form}' if form else ''}", CONVERT if form else EXPORT
    if is_bars(head):
        return "a file of CMeEE", CONVERT
    if holds_columns(head, path):
        return "a file of CoNLL columns", CONVERT
    if path.suffix.lower() in WORKBOOKS and not re.search("[\0\ufffd]", text):
        return "text, not an Excel file", "give it the extension .csv, or .tsv if tabs are between the cells"
    table = TABLES.get(path.suffix.lower())
    return (table, "name the column of its texts with --text-column") if table else None
