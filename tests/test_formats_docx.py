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


PARTS = {
    "rels": "_rels/.rels",
    "links": "word/_rels/document.xml.rels",
    "styles": "word/styles.xml",
    "properties": "docProps/core.xml",
    "chunk": "word/chunk.bin",
}


def docx_of(body: str = BODY, name: str = "word/document.xml", **others: str | bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for other, content in others.items():
            archive.writestr(PARTS[other], content)
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


def paragraph(*runs: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{''.join(runs)}</w:p>"


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def raised(text: str) -> str:
    return run(text, '<w:vertAlign w:val="superscript"/>')


def sym(font: str, code: str) -> str:
    return f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>'


def dropped(document: Document) -> dict[str, int]:
    return document.meta["read_from"].get("dropped", {})


@pytest.mark.parametrize(
    ("font", "code", "character"),
    [
        ("Symbol", "F0B3", "≥"),
        ("Symbol", "F0A3", "≤"),
        ("Symbol", "F06D", "μ"),
        ("Symbol", "F061", "α"),
        ("Symbol", "F0B1", "±"),
        ("Symbol", "F063", "χ"),
        ("Symbol", "F0B0", "°"),
        ("Symbol", "B4", "×"),
        ("Wingdings", "F0FC", "✓"),
        ("Wingdings", "F0A8", "□"),
        ("Wingdings", "F0FE", "☑"),
        ("Wingdings", "F081", "①"),
        ("Wingdings 2", "F052", "☑"),
        ("宋体", "2103", "℃"),
        ("Times New Roman", "03B1", "α"),
    ],
)
def test_docx_reads_symbols(font: str, code: str, character: str) -> None:
    document = read(docx_of(paragraph(run("血"), sym(font, code), run("糖"))))
    assert (document.text, dropped(document)) == (f"血{character}糖", {})


def test_docx_counts_symbols_that_it_cannot_tell() -> None:
    codes = (("Wingdings", "F021"), ("宋体", "F0B3"), ("宋体", "E001"), ("宋体", "D800"), ("宋体", "x"))
    document = read(docx_of(paragraph(run("血"), *(sym(*code) for code in codes), run("\uf0b3糖"))))
    assert (document.text, dropped(document)) == ("血糖", {"symbol of a picture font": 6})


def test_docx_reads_runs_in_symbol_fonts() -> None:
    font = '<w:rFonts w:ascii="Symbol" w:hAnsi="Symbol"/>'
    styles = f'<w:styles {NAMESPACES}><w:style w:styleId="Sym"><w:rPr>{font}</w:rPr></w:style></w:styles>'
    runs = (run("a", font), run("-受体"), run("\uf0b3", font), run("m", '<w:rStyle w:val="Sym"/>'), run("g"))
    assert read(docx_of(paragraph(*runs), styles=styles)).text == "α-受体≥μg"


def test_docx_keeps_superscripts_apart() -> None:
    runs = (run("12×10"), raised("9"), run("/L,糖尿病"), raised("1"), raised(","), raised("2"), run("。"))
    assert read(docx_of(paragraph(*runs))).text == "12×10⁹/L,糖尿病[1,2]。"
    lifted = run("2+", '<w:position w:val="8"/>')
    lowered = run("2", '<w:vertAlign w:val="subscript"/>')
    assert read(docx_of(paragraph(run("Ca"), lifted, run("、SpO"), lowered, run("95%")))).text == "Ca²⁺、SpO₂95%"
    link = f'<w:hyperlink w:anchor="_ENREF_3">{raised("3")}</w:hyperlink>'
    assert read(docx_of(paragraph(run("为6.5"), link, run("。")))).text == "为6.5[3]。"


def test_docx_leaves_hidden_text_out() -> None:
    styles = f"""<w:styles {NAMESPACES}><w:style w:styleId="A"><w:rPr><w:vanish/></w:rPr></w:style>
    <w:style w:styleId="B"><w:basedOn w:val="A"/></w:style><w:style w:styleId="C"><w:basedOn w:val="C"/></w:style>
    </w:styles>"""
    body = paragraph(
        run("血"),
        run("暗", "<w:vanish/>"),
        run("糖", '<w:vanish w:val="0"/>'),
        run("暗", '<w:rStyle w:val="B"/>'),
        run("高", '<w:rStyle w:val="C"/>'),
    )
    hidden = paragraph(run("暗"), run("明", '<w:vanish w:val="false"/>'), properties='<w:pStyle w:val="A"/>')
    document = read(docx_of(body + hidden, styles=styles))
    assert (document.text, dropped(document)) == ("血糖高\n\n明", {"hidden text": 3})


def test_docx_leaves_deleted_and_hidden_rows_out() -> None:
    rows = "".join(
        f"<w:tr><w:trPr>{mark}</w:trPr><w:tc>{paragraph(run(text))}</w:tc></w:tr>"
        for mark, text in (("<w:del/>", "删"), ("<w:hidden/>", "暗"), ("", "留"))
    )
    document = read(docx_of(f"<w:tbl>{rows}</w:tbl>"))
    assert (document.text, dropped(document)) == ("留", {"deleted text": 1, "hidden text": 1})


def test_docx_leaves_deleted_cells_out_and_keeps_struck_text() -> None:
    deleted = f"<w:tc><w:tcPr><w:cellDel/></w:tcPr>{paragraph(run('删'))}</w:tc>"
    row = f"<w:tr>{deleted}<w:tc>{paragraph(run('划', '<w:strike/>'))}</w:tc></w:tr>"
    document = read(docx_of(f"<w:tbl>{row}</w:tbl>"))
    assert (document.text, dropped(document)) == ("划", {"deleted text": 1})


def test_docx_names_an_empty_file() -> None:
    assert refusal(b"").startswith("S106 a.docx: the file is empty")


@pytest.mark.parametrize("mark", ["<w:del/>", "<w:moveFrom/>", "<w:vanish/><w:specVanish/>"])
def test_docx_joins_paragraphs_whose_mark_is_gone(mark: str) -> None:
    gone = f"<w:rPr>{mark}</w:rPr>"
    body = paragraph(run("口服二"), properties=gone) + paragraph(run("甲双"), properties=gone) + paragraph(run("胍。"))
    assert read(docx_of(body + paragraph(run("次日")))).text == "口服二甲双胍。\n\n次日"
    table = f"<w:tbl><w:tr><w:tc>{paragraph(run('格'))}</w:tc></w:tr></w:tbl>"
    assert read(docx_of(paragraph(run("前"), properties=gone) + table)).text == "前\n\n格"


def test_docx_reads_text_boxes_once_and_breaks_no_sentence() -> None:
    box = f"<w:txbxContent>{paragraph(run('框'))}</w:txbxContent>"
    both = (
        "<w:r><mc:AlternateContent><mc:Choice>{}</mc:Choice><mc:Fallback><w:pict>{}</w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r>"
    )
    for form in (both.format(box, box), both.format("", box), f"<w:r><w:pict>{box}</w:pict></w:r>"):
        document = read(docx_of(paragraph(run("二甲"), form, run("双胍"))))
        assert (document.text, dropped(document)) == ("二甲双胍\n\n框", {})
    inner = f"<w:txbxContent>{paragraph(run('外'), f'<w:r>{box}</w:r>')}</w:txbxContent>"
    assert read(docx_of(paragraph(f"<w:r>{inner}</w:r>"))).text == "外\n\n框"


LINKS = """<Relationships><Relationship Id="r1" Target="chunk.bin"/>
<Relationship Id="r2" Target="a" TargetMode="External"/><Relationship Id="r3" Target="missing"/></Relationships>"""
CHUNK = '<w:altChunk xmlns:r="r" r:id="{}"/>'
MIME = "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"


@pytest.mark.parametrize(
    "chunk",
    [
        "<html><body><p>口服二甲双胍</p></body></html>".encode(),
        f"{MIME}<html><body><p>口服二甲双胍</p></body></html>".encode(),
        docx_of(paragraph(run("口服二甲双胍"))),
        "\ufeff口服二甲双胍".encode(),
    ],
)
def test_docx_reads_inserted_files(chunk: bytes) -> None:
    body = paragraph(run("诊断")) + CHUNK.format("r1") + paragraph(run("随访"))
    document = read(docx_of(body, links=LINKS, chunk=chunk))
    assert (document.text, dropped(document)) == ("诊断\n\n口服二甲双胍\n\n随访", {})


def test_docx_counts_inserted_files_that_it_cannot_read() -> None:
    count = {"inserted file (altChunk)": 1}
    for chunk in (b"{\\rtf1}", b"\x89PNG\r\n", b"PK\x03\x04", b""):
        assert dropped(read(docx_of(CHUNK.format("r1"), links=LINKS, chunk=chunk))) in (
            count,
            {} if not chunk else count,
        )
    for name in ("r2", "r3", "r4"):
        assert dropped(read(docx_of(CHUNK.format(name), links=LINKS))) == count
    nested = docx_of(paragraph(run("内")))
    for _ in range(docx.DEEPEST):
        nested = docx_of(CHUNK.format("r1"), links=LINKS, chunk=nested)
    document = read(nested)
    assert (document.text, dropped(document)) == ("", count)


def test_docx_reads_formulas() -> None:
    power = (
        "<m:oMath><m:sSup><m:e><m:r><m:t>10</m:t></m:r></m:e><m:sup><m:r><m:t>9</m:t></m:r></m:sup></m:sSup></m:oMath>"
    )
    document = read(docx_of(paragraph(run("约5×"), power, run("/L"))))
    assert document.text == "约5×10⁹/L"
    deleted = "<m:oMath><w:del><m:r><m:t>5</m:t></m:r></w:del><m:r><m:t>6</m:t></m:r></m:oMath>"
    document = read(docx_of(paragraph(run("约"), deleted)))
    assert (document.text, dropped(document)) == ("约6", {"deleted text": 1})


def test_docx_reads_form_fields() -> None:
    field = "<w:r><w:fldChar><w:ffData>{}</w:ffData></w:fldChar></w:r>"
    entries = '<w:ddList><w:result w:val="1"/><w:listEntry w:val="男"/><w:listEntry w:val="女"/></w:ddList>'
    checked = '<w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox>'
    empty = '<w:checkBox><w:default w:val="0"/></w:checkBox>'
    broken = '<w:ddList><w:result w:val="9"/></w:ddList>'
    body = paragraph(run("性别"), *(field.format(item) for item in (entries, checked, empty, broken)))
    assert read(docx_of(body)).text == "性别女☒☐"


def test_docx_counts_charts_and_embedded_objects() -> None:
    kinds = {"chart": "chart", "relIds": "diagram", "object": "embedded object", "textpath": "decorative text"}
    body = "".join(f"<w:r><w:{name}/></w:r>" for name in kinds)
    assert dropped(read(docx_of(paragraph(body)))) == dict.fromkeys(kinds.values(), 1)


def test_docx_counts_formulas_in_fields() -> None:
    body = paragraph("<w:r><w:instrText> EQ \\\\f(1,2) </w:instrText></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>")
    assert dropped(read(docx_of(body))) == {"formula in a field (EQ)": 1, "field code": 1}


def test_docx_states_the_title_of_the_properties() -> None:
    core = '<cp:coreProperties xmlns:cp="c" xmlns:dc="d" xmlns:dcterms="t">{}</cp:coreProperties>'
    stated = "<dc:title> 糖尿病 随访</dc:title><dcterms:created>2020-01-01</dcterms:created>"
    document = read(docx_of(properties=core.format(stated)))
    assert document.meta["title"] == "糖尿病 随访"
    assert "year" not in document.meta
    assert "title" not in read(docx_of(properties=core.format("<dc:title/>"))).meta
    identified = read(docx_of(properties=core.format("<dc:identifier>doi:10.1234/abc.5</dc:identifier>")))
    assert identified.meta["doi"] == "10.1234/abc.5"


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


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"text", docx_of()[:200]])
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
