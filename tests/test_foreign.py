from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from suwen.errors import SuwenError
from suwen.extraction.inputs import Input, ReadingOptions, read_input
from suwen.formats import format_of, read_corpus
from suwen.formats.foreign import OLE, foreign_kind


def archive(**members: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/"), content)
    return data.getvalue()


FILES: dict[str, tuple[str, bytes]] = {
    "an old Word file": ("a.doc", OLE + b"\0" * 64 + "WordDocument".encode("utf-16-le")),
    "an old Word file (.doc)": ("b.docx", OLE + b"\0" * 64),
    "an old Excel file": ("a.xls", OLE + b"\0" * 64 + "Workbook".encode("utf-16-le")),
    "a PowerPoint file": ("a.pptx", archive(ppt__presentation="")),
    "an e-book": ("a.epub", archive(mimetype="application/epub+zip")),
    "an OpenDocument text": ("a.odt", archive(mimetype="application/vnd.oasis.opendocument.text")),
    "RTF": ("a.rtf", rb"{\rtf1\ansi text}"),
    "PubMed XML": ("a.xml", b'<?xml version="1.0"?>\n<!DOCTYPE PubmedArticleSet>\n<PubmedArticleSet/>'),
    "BioC XML": ("b.xml", b"<collection><source>x</source></collection>"),
    "WebAnno TSV": ("a.tsv", b"#FORMAT=WebAnno TSV 3.3\n"),
    "PubTator": ("a.pubtator", "7|t|糖尿病\n7|a|口服二甲双胍。\n".encode()),
    "PubTator with other ids": ("b.txt", "PMC7|t|糖尿病\nPMC7|a|口服二甲双胍。\n".encode()),
    "PubTator without texts": ("c.txt", "7\t2\t6\t二甲双胍\tChemical\tD1\n".encode()),
    "the lines of CCKS 2018": ("d.txt", "1,腹部疼痛三天,腹部\t0\t2\t解剖部位;疼痛\t2\t4\t独立症状;\n".encode()),
    "words with tags": ("e.txt", "口服/v 二甲双胍/drug 治疗/v\n".encode()),
    "a text with tags inside": ("f.txt", "口服{{drug:二甲双胍}}治疗".encode()),
    "text, not an Excel file": ("g.xls", "编号\t主诉\n1\t头晕\n".encode()),
    "brat annotations": ("a.note", "T1\tDrug 0 2\t药名\n".encode()),
    "CoNLL-U": ("a.conllu", b"# sent_id = 1\n1\tx\n"),
    "BibTeX": ("a.bib", b"@article{key1,\n title={x}}\n"),
    "RIS": ("a.ris", b"TY  - JOUR\nTI  - x\n"),
    "MEDLINE": ("a.nbib", b"PMID- 1\nTI  - x\n"),
    "an e-mail": ("a.eml", b"From: a@b\nSubject: x\nMIME-Version: 1.0\n\ntext\n"),
    "LaTeX": ("a.tex", rb"\documentclass{article}"),
    "BibTeX behind a remark": ("b.bib", b"% JabRef\n\n@article{key1,\n title={x}}\n"),
    "an e-mail without MIME": ("b.eml", b"From: a@b\nSubject: x\n\ntext\n"),
    "an HL7 message": ("a.hl7", b"MSH|^~\\&|HIS|A\r"),
    "a web page": ("a.txt", b"<!DOCTYPE html><html><body><p>x</p></body></html>"),
    "a web page instead of a PDF": ("a.pdf", b"<html><body><p>x</p></body></html>"),
    "a ZIP archive": ("a.zip", archive(note="x")),
    "a ZIP archive instead of a Word file": ("a.docx", archive(note="x")),
    "a PDF": ("b.docx", b"%PDF-1.4\n"),
    "an RSS feed": ("c.xml", b"<rss/>"),
    "Word XML": ("d.xml", b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><wordDocument/>'),
    "XML (<病历>)": ("b.txt", "<病历><主诉>头晕</主诉></病历>\n".encode()),
    "XML (<article>)": ("c.txt", b'<?xml version="1.0"?><article>'),
    "a CAJ file": ("a.caj", b"CAJ\0\0\0\0" + bytes(range(256))),
    "SVG": ("a.svg", b"<svg/>"),
    "JSON": ("b.json", '["口服二甲双胍"]'.encode()),
    "BioC JSON": ("a.json", b'{"documents": [{"passages": [{"text": "x"}]}]}'),
}


@pytest.mark.parametrize("kind", FILES)
def test_foreign_files_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    name, data = FILES[kind]
    path = tmp_path / name
    path.write_bytes(data)
    for read in (lambda: format_of(path), lambda: list(read_input(Input(path, "a", None)))):
        with pytest.raises(SuwenError) as caught:
            read()
        assert caught.value.code == "S130"
        assert re.split(" behind | with other | without | instead ", kind)[0] in str(caught.value)


@pytest.mark.parametrize(
    ("name", "data"), [("a.xlsx", archive(xl__workbook="")), ("a.csv", "编号,主诉\n1,头晕\n".encode())]
)
def test_foreign_tables_are_no_texts(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SuwenError, match=r"S130 .*name the column of its texts with --text-column"):
        list(read_input(Input(path, "a", None)))


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([{"text": "口服二甲双胍", "label": [[2, 6, "Drug"]]}]),
        json.dumps({"text": "口服二甲双胍", "label": {}}, indent=2),
        "口 O\n服 O\n药 B-Drug\n",
    ],
)
def test_foreign_corpora_are_no_texts(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.data"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SuwenError, match=r"S130 .*corpus convert"):
        list(read_input(Input(path, "a", None)))
    assert read_corpus(path)
    # Whoever names the format knows better.
    assert [one.text for one in read_input(Input(path, "a", "text"), ReadingOptions("text"))] == [content]


def test_foreign_lists_of_records_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"id": 1, "text": "口服二甲双胍"}, {"id": 2, "text": "血糖"}]), encoding="utf-8")
    found = [(one.id, one.text) for one in read_input(Input(path, "a", None))]
    assert found == [("1", "口服二甲双胍"), ("2", "血糖")]


@pytest.mark.parametrize(
    "text",
    [
        "口服二甲双胍。\n",
        "From: 急诊\nSubject: 头晕\n",
        "A B\nC I\n",
        "一 总论\n二 病因\n三 治疗\n",
        "主诉：头晕。\n现病史：三天前起病。\n",
        "Date: 2020\nText: 头晕\n",
        "[1] 口服二甲双胍。",
        "{待补充} 头晕",
        "<10 mmol/L 为正常。",
        "<注> 头晕",
        "@患者 头晕",
        "",
    ],
)
def test_foreign_files_are_no_texts_of_notes(text: str) -> None:
    assert foreign_kind(text.encode(), Path("a.txt")) is None


@pytest.mark.parametrize("text", ["体重60kg/m 剂量5mg/kg 每日\n", "1|2|三\n", "1,2\t3\n", "[1] 二甲双胍\n"])
def test_foreign_texts_are_not_seen_in_notes(text: str) -> None:
    assert foreign_kind(text.encode(), Path("a.txt")) is None
