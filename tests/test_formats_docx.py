from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.formats import format_of, read_corpus
from suwen.formats.articles import docx

NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)
BODY = """
<w:p><w:pPr><w:pStyle w:val="Title"/></w:pPr><w:r><w:t>二甲双胍</w:t></w:r><w:r><w:t>的疗效</w:t></w:r></w:p>
<w:p><w:r><w:t xml:space="preserve">口服 </w:t><w:tab/><w:t>0.5g</w:t><w:br/><w:t>每日</w:t>
<w:noBreakHyphen/><w:t>三次</w:t></w:r>
<w:del><w:r><w:delText>删去</w:delText></w:r></w:del><w:ins><w:r><w:t>添上</w:t></w:r></w:ins>
<w:r><w:footnoteReference w:id="1"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:softHyphen/></w:r></w:p>
<w:p><m:oMath><m:r><m:t>P&lt;0.05</m:t></m:r></m:oMath></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>药物</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>剂</w:t></w:r></w:p><w:p><w:r><w:t>量</w:t></w:r></w:p></w:tc></w:tr>
<w:tr><w:tc><w:tbl><w:tr><w:tc><w:p><w:r><w:t>内</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>层</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>
<w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>文本框</w:t></w:r></w:p></w:txbxContent></mc:Choice>
<mc:Fallback><w:pict><w:txbxContent><w:p><w:r><w:t>文本框</w:t></w:r></w:p></w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>
<w:sectPr><w:headerReference/></w:sectPr>
"""


def docx_of(body: str = BODY, name: str = "word/document.xml", **others: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for other, content in others.items():
            archive.writestr({"rels": "_rels/.rels"}[other], content)
        archive.writestr(name, f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>")
    return data.getvalue()


def read(data: bytes) -> Document:
    (document,) = docx.FORMAT.parse(data, Path("a.docx"), "a")
    return document


def refusal(data: bytes) -> str:
    with pytest.raises(SuwenError) as caught:
        read(data)
    return str(caught.value)


def test_docx_reads_paragraphs_tables_and_text_boxes() -> None:
    assert read(docx_of()).text.split("\n\n") == [
        "二甲双胍的疗效",
        "口服 0.5g\n每日\u2011三次添上",
        "P<0.05",
        "药物\t剂 量",
        "内 层",
        "文本框",
    ]


def test_docx_counts_what_it_leaves_out() -> None:
    assert read(docx_of()).meta["read_from"] == {
        "format": "docx",
        "dropped": {"deleted text": 1, "footnote": 1, "field code": 1, "soft hyphen": 1, "page header": 1},
    }


def test_docx_finds_the_main_part_by_its_relation() -> None:
    relation = (
        '<Relationships><Relationship Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
        'officeDocument" Target="/other/main.xml"/></Relationships>'
    )
    data = docx_of("<w:p><w:r><w:t>血糖</w:t></w:r></w:p>", "other/main.xml", rels=relation)
    assert read(data).text == "血糖"
    assert "holds no word/document.xml" in refusal(docx_of(name="other/main.xml"))


def test_docx_reads_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/A.DOCX").write_bytes(docx_of())
    assert format_of(tmp_path) == "docx"
    assert [document.id for document in read_corpus(tmp_path)] == ["deep/A"]


def test_docx_says_that_a_file_is_old_or_encrypted() -> None:
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100)
    assert "the older format .doc" in refusal(old)
    assert refusal(old + "EncryptedPackage".encode("utf-16-le")).startswith("S118 a.docx: encrypted")
    locked = bytearray(docx_of())
    for place in (6, locked.find(b"PK\x01\x02") + 8):
        locked[place] |= 1
    last = locked.rfind(b"PK\x01\x02")
    locked[last + 8] |= 1
    assert refusal(bytes(locked)).startswith("S118 a.docx: encrypted")


def test_docx_bounds_what_it_unpacks() -> None:
    bomb = docx_of(" " * (docx.LARGEST_PART + 1))
    assert len(bomb) < 100_000
    assert refusal(bomb).startswith("S115 a.docx: word/document.xml, unpacked, is too large: more than 32 MB")


def test_docx_is_not_misled_by_the_directory_of_an_archive() -> None:
    bomb = bytearray(docx_of(" " * (docx.LARGEST_PART + 1)))
    # The size that the directory claims for the last part.
    place = bomb.rfind(b"PK\x01\x02") + 24
    bomb[place : place + 4] = (1000).to_bytes(4, "little")
    assert refusal(bytes(bomb)).startswith(("S115", "S120"))
    many = bytearray(docx_of())
    end = many.rfind(b"PK\x05\x06")
    many[end + 12 : end + 16] = (2**30).to_bytes(4, "little")
    assert refusal(bytes(many)).startswith("S115 a.docx: the archive's directory is too large")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"text", docx_of()[:200]])
def test_docx_refuses_what_is_none(data: bytes) -> None:
    assert refusal(data).startswith("S120 a.docx: damaged docx file: ")


def test_docx_refuses_other_compressions() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("word/document.xml", "<document/>")
    assert "a compression that Word does not use" in refusal(data.getvalue())


WHOLE = docx_of()


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=200),
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=10),
    st.text(max_size=50),
)
def test_docx_reads_or_refuses_any_bytes(random: bytes, changes: list[tuple[int, int]], body: str) -> None:
    changed = bytearray(WHOLE)
    for place, byte in changes:
        changed[place] = byte
    for data in (random, b"PK\x03\x04" + random, bytes(changed), docx_of(body.encode(errors="ignore").decode())):
        try:
            read(data)
        except SuwenError:
            continue
