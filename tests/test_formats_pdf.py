from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_files import HEIGHT, LATIN, SONG, Sheet, pdf_of, wrapped

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.formats.articles import pdf
from suwen.text.sentences import split_sentences
from suwen.text.view import make_view

FIRST = "患者口服二甲双胍治疗糖尿病,每日三次,空腹血糖控制良好,未见低血糖反应。" * 3
SECOND = "对照组给予阿卡波糖片,餐中嚼服,治疗十二周后复查糖化血红蛋白与肝肾功能。" * 3
THIRD = "两组患者的体重均较治疗前下降,组间比较无差异。" * 4
WRAPPED = 22


def read(data: bytes) -> Document:
    (document,) = pdf.FORMAT.parse(data, Path("a.pdf"), "a")
    return document


def dropped(document: Document) -> dict[str, int]:
    return document.meta["read_from"].get("dropped", {})


def refusal(data: bytes) -> str:
    with pytest.raises(SuwenError) as caught:
        read(data)
    return str(caught.value)


def column(sheet: Sheet, x: float, y: float, *paragraphs: str) -> None:
    lines = []
    for paragraph in paragraphs:
        lines += [(20, wrapped(paragraph, WRAPPED, 2)[0]), *((0, line) for line in wrapped(paragraph, WRAPPED, 2)[1:])]
    for number, (indent, line) in enumerate(lines):
        sheet.put(x + indent, y - 14 * number, line)


def test_pdf_joins_the_lines_of_a_paragraph() -> None:
    document = read(pdf_of(lambda sheet: column(sheet, 60, 780, FIRST, SECOND)))
    assert document.text == f"{FIRST}\n\n{SECOND}"
    view = make_view(document.text)
    assert [view.text[start:end] for start, end in split_sentences(view)] == [FIRST[:36]] * 3 + [SECOND[:36]] * 3


def test_pdf_reads_columns_one_after_the_other() -> None:
    def draw(sheet: Sheet) -> None:
        sheet.put(150, 790, "二甲双胍治疗糖尿病的观察", size=18)
        sheet.put(60, 760, "【摘要】目的 观察二甲双胍的疗效与安全性,为门诊患者合理用药提供依据,并与阿卡波糖比较。")
        # Line by line across both columns, as some programs write them.
        left, right = wrapped(FIRST, WRAPPED, 2), wrapped(SECOND, WRAPPED, 2)
        for number, (one, other) in enumerate(zip(left, right, strict=False)):
            indent = 20 * (number == 0)
            sheet.put(60 + indent, 720 - 14 * number, one)
            sheet.put(310 + indent, 720 - 14 * number, other)

    paragraphs = read(pdf_of(draw)).text.split("\n\n")
    assert paragraphs[0] == "二甲双胍治疗糖尿病的观察"
    assert paragraphs[1].startswith("【摘要】")
    assert paragraphs[2:] == [FIRST, SECOND]


def test_pdf_continues_in_the_next_column_and_page() -> None:
    sentence = "组患者口服二甲双胍治疗，空腹血糖控制良好，未见低血糖反应。"
    text = "".join(name + sentence for name in "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒")
    lines = wrapped(text, WRAPPED)

    def first(sheet: Sheet) -> None:
        sheet.lines(60, 780, lines[:15])
        sheet.lines(310, 780, lines[15:30])

    def last(sheet: Sheet) -> None:
        # Two rows do not tell that there are columns; the page before does.
        sheet.lines(60, 780, lines[30:34])
        sheet.lines(310, 780, lines[34:36])

    document = read(pdf_of(first, last))
    assert document.text == "".join(lines[:36])
    assert [page.number for page in document.pages] == [1, 2]
    start = document.pages[1].start
    assert document.pages[0].end == start
    assert document.text[start:].startswith(lines[30])
    assert document.pages[1].end == len(document.text)


@pytest.mark.parametrize("pages", [3, 6])
def test_pdf_keeps_once_what_runs_through_the_pages(pages: int) -> None:
    def draw(number: int):
        def drawn(sheet: Sheet) -> None:
            sheet.put(60, 815, "某医学杂志2019年第5期", size=8)
            sheet.put(500, 815, str(300 + number), size=8)
            sheet.put(270, 30, f"第 {number} 页 共 {pages} 页", size=8)
            sheet.put(60, 780, f"第{number * number}组")
            column(sheet, 60, 760, "甲乙丙丁戊己"[number - 1] * 80)

        return drawn

    document = read(pdf_of(*map(draw, range(1, pages + 1))))
    assert dropped(document) == {"running header or footer": pages - 1, "page number": 2 * pages}
    assert document.text.startswith("某医学杂志2019年第5期\n\n第1组\n\n")
    assert document.text.count("杂志") == 1
    assert "页" not in document.text
    # What is as high on every page but has numbers of its own is no header.
    assert [f"第{number * number}组" in document.text for number in range(1, pages + 1)] == [True] * pages


def test_pdf_keeps_each_title_beside_a_page_number() -> None:
    def draw(number: int, title: str):
        def drawn(sheet: Sheet) -> None:
            sheet.put(60, 815, title, size=8)
            sheet.put(500, 815, str(number), size=8)
            column(sheet, 60, 760, (FIRST, SECOND, THIRD)[number - 7])

        return drawn

    # Left and right pages have titles of their own, and there is but one left page.
    document = read(pdf_of(draw(7, "某医学杂志"), draw(8, "J Some Med"), draw(9, "某医学杂志")))
    assert dropped(document) == {"running header or footer": 1, "page number": 3}
    assert document.text == f"某医学杂志\n\n{FIRST}\n\nJ Some Med\n\n{SECOND}\n\n{THIRD}"


def raw_pdf(*contents: bytes, fonts: bytes, objects: list[bytes] | None = None, trailer: bytes = b"") -> bytes:
    """A PDF file of given contents of pages and resources; its further objects have the numbers from 3 on."""
    bodies = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", *(objects or [])]
    kids = []
    for content in contents:
        bodies.append(b"<< /Length %d >> stream\n%s\nendstream" % (len(content), content))
        resources = b"/Resources << /Font << %s >> >> /Contents %d 0 R" % (fonts, len(bodies))
        bodies.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] %s >>" % resources)
        kids.append(b"%d 0 R" % len(bodies))
    bodies[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    numbered = [b"%d 0 obj\n%s\nendobj" % (number, body) for number, body in enumerate(bodies, 1)]
    return b"%%PDF-1.4\n%s\ntrailer << /Root 1 0 R %s >>" % (b"\n".join(numbered), trailer)


HELVETICA = b"/F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def told(*characters: str) -> tuple[bytes, list[bytes]]:
    """A font whose letters A, B, … are told to be these characters."""
    codes = [text.encode("utf-16-be").hex().encode() for text in characters]
    lines = b"\n".join(b"<%02X> <%s>" % (0x41 + place, code) for place, code in enumerate(codes))
    space = b"1 begincodespacerange <00> <FF> endcodespacerange"
    cmap = b"begincmap %s %d beginbfchar\n%s\nendbfchar endcmap" % (space, len(codes), lines)
    stream = b"<< /Length %d >> stream\n%s\nendstream" % (len(cmap), cmap)
    return b"/F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 3 0 R >>", [stream]


def test_pdf_reads_headers_that_space_their_numbers_differently() -> None:
    page = b"BT /F1 9 Tf 50 760 Td (Ward no. %s) Tj 0 -300 Td (Day %d) Tj ET"
    pages = [page % (b"4 5", 1), page % (b"45", 2)]
    document = read(raw_pdf(*pages, fonts=HELVETICA))
    assert document.text.startswith("Ward no. 4 5\n\nDay 1")
    assert "Day 2" in document.text
    assert dropped(document) == {"running header or footer": 1}


def with_line(line: str, y: float, *texts: str) -> bytes:
    """Pages of text that have a line in common."""
    return pdf_of(*[lambda sheet, text=text: (sheet.put(60, y, line), column(sheet, 60, 760, text)) for text in texts])


@pytest.mark.parametrize("line", ["初步诊断：2型糖尿病", "血压 130/80", "2020-01-05"])
def test_pdf_never_loses_a_line_of_all_pages(line: str) -> None:
    document = read(with_line(line, 815, FIRST, SECOND))
    assert document.text == f"{line}\n\n{FIRST}\n\n{SECOND}"
    assert dropped(document) == {"running header or footer": 1}
    pages = [document.text[page.start : page.end].strip() for page in document.pages]
    assert pages == [f"{line}\n\n{FIRST}", SECOND]


def test_pdf_keeps_footers_behind_their_page() -> None:
    assert read(with_line("某医院", 30, FIRST, SECOND)).text == f"{FIRST}\n\n某医院\n\n{SECOND}"
    lines = wrapped(FIRST, WRAPPED)
    halves = [
        lambda sheet, half=half: (sheet.put(60, 30, "某医院"), sheet.lines(60, 760, half))
        for half in (lines[:3], lines[3:])
    ]
    assert read(pdf_of(*halves)).text == f"{FIRST}\n\n某医院"


def test_pdf_leaves_out_page_numbers_beside_headers_of_one_page() -> None:
    def draw(number: int, text: str):
        def drawn(sheet: Sheet) -> None:
            sheet.put(60, 815, "某医学杂志")
            # At other heights on every page, so that only the header tells that they are page numbers.
            sheet.put(500, 815 - 3 * (number % 2), str(270 + number))
            column(sheet, 60, 760, text)

        return drawn

    document = read(pdf_of(draw(1, FIRST), draw(2, SECOND), draw(3, THIRD)))
    assert document.text == f"某医学杂志\n\n{FIRST}\n\n{SECOND}\n\n{THIRD}"
    assert dropped(document) == {"running header or footer": 2, "page number": 3}


def test_pdf_keeps_values_that_grow_over_two_pages() -> None:
    pages = [lambda sheet, n=n: (sheet.put(60, 815, f"血糖 {n} mmol"), column(sheet, 60, 760, FIRST)) for n in (6, 7)]
    text = read(pdf_of(*pages)).text
    assert ("血糖 6 mmol" in text, "血糖 7 mmol" in text) == (True, True)


def test_pdf_reads_characters_beyond_the_basic_plane_whole() -> None:
    fonts, objects = told("\U0001d465", "\U00020bb7", "糖")
    document = read(raw_pdf(b"BT /F1 12 Tf 50 700 Td (ABC) Tj ET", fonts=fonts, objects=objects))
    assert (document.text, dropped(document)) == ("\U0001d465\U00020bb7糖", {})


def test_pdf_keeps_the_letters_of_ligatures() -> None:
    fonts, objects = told("ff", "i", "o", "ffi")
    document = read(raw_pdf(b"BT /F1 12 Tf 50 700 Td (CABCDB) Tj ET", fonts=fonts, objects=objects))
    assert (document.text, dropped(document)) == ("offioffii", {})


def test_pdf_refuses_chinese_that_stands_there_as_latin_letters() -> None:
    garbled = "患者的血糖高于正常，口服二甲双胍治疗".encode("gbk")
    refused = refusal(raw_pdf(b"BT /F1 12 Tf 50 700 Td (%s) Tj ET" % garbled, fonts=HELVETICA))
    assert refused.startswith("S120 a.pdf: damaged PDF: its fonts do not tell which characters they show")
    words = "déjà vu à l'hôpital, où naïveté et fièvre élevée; Straße, Größe".encode("cp1252")
    assert "fièvre élevée" in read(raw_pdf(b"BT /F1 12 Tf 50 700 Td (%s) Tj ET" % words, fonts=HELVETICA)).text


def test_pdf_does_not_believe_fonts_that_give_numbers_of_shapes() -> None:
    font = b"/F2 << /Type /Font /Subtype /Type0 /BaseFont /SimSun /Encoding /Identity-H /DescendantFonts [3 0 R] >>"
    descendant = (
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /SimSun "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
        b"/FontDescriptor << /Type /FontDescriptor /FontName /SimSun /Flags 4 >> >>"
    )
    shapes = b"".join(b"%04X" % code for code in (0x02D6, 0x1234, 0x3993, 0x54FE, 0x4E2D))
    page = b"BT /F1 12 Tf 50 700 Td (%s) Tj /F2 12 Tf 0 -14 Td <%s> Tj ET"
    fonts = HELVETICA + font
    refused = refusal(raw_pdf(page % (b"ISSUE 2019-4-25", shapes), fonts=fonts, objects=[descendant]))
    assert refused.startswith("S120 a.pdf: damaged PDF: its fonts do not tell which characters they show")
    # In a long text it is but a name.
    document = read(raw_pdf(page % (b"Blood glucose was measured. " * 3, shapes), fonts=fonts, objects=[descendant]))
    assert document.text.endswith("\ufffd" * 5)
    assert dropped(document) == {"character that its font does not tell": 5}


@pytest.mark.parametrize("by_character", [False, True])
@pytest.mark.parametrize("angle", [0, 0.6])
def test_pdf_reads_what_is_printed_twice_once(by_character: bool, angle: float) -> None:
    def draw(sheet: Sheet) -> None:
        sheet.canvas.rotate(angle)
        place = 60.0
        for piece in list("METFORMIN") if by_character else ["METFORMIN"]:
            for offset in (0, 0.4, 0.8):
                sheet.put(place + offset, 780, piece, font=LATIN)
            place += sheet.canvas.stringWidth(piece, LATIN, 10)
        sheet.put(60, 740, "llama 1100", font=LATIN)

    assert read(pdf_of(draw)).text == "METFORMIN llama 1100"


@pytest.mark.parametrize("text", ["metformin therapy", "二甲双胍治疗2型糖尿病"])
def test_pdf_reads_characters_that_are_set_apart(text: str) -> None:
    def spaced(sheet: Sheet) -> None:
        sheet.canvas.setFont(LATIN if text.isascii() else SONG, 10)
        sheet.canvas.drawString(60, 780, text, charSpace=5)

    def one_by_one(sheet: Sheet) -> None:
        for place, character in enumerate(text):
            sheet.put(60 + 15 * place, 700, character)

    assert read(pdf_of(spaced)).text == text
    if not text.isascii():
        assert read(pdf_of(one_by_one)).text == text


def test_pdf_reads_vertical_writing() -> None:
    def draw(sheet: Sheet) -> None:
        for place, line in enumerate(wrapped("患者口服二甲双胍治疗糖尿病，" * 4, 14)):
            for row, character in enumerate(line):
                sheet.put(500 - 20 * place, 760 - 11 * row, character)

    assert read(pdf_of(draw)).text == "患者口服二甲双胍治疗糖尿病，" * 4


@pytest.mark.parametrize(
    ("base", "script", "rise", "after", "expected"),
    [
        ("12×10", "9", 4, "/L", "12×10⁹/L"),
        ("体表面积1.73m", "2", 4, "。", "体表面积1.73m²。"),
        ("患者为糖尿病", "1,2", 4, "。", "患者为糖尿病[1,2]。"),
        ("患者为糖尿病", "[1]", 4, "。", "患者为糖尿病[1]。"),
        ("吸入CO", "2", -3, "后好转", "吸入CO2后好转"),
        ("测得SpO", "2", -3, "95%", "测得SpO₂95%"),
    ],
)
def test_pdf_keeps_superscripts_apart(base: str, script: str, rise: float, after: str, expected: str) -> None:
    def draw(sheet: Sheet) -> None:
        place = 60.0
        for text, size, up in ((base, 10, 0), (script, 6, rise), (after, 10, 0)):
            sheet.put(place, 700 + up, text, size=size)
            place += sheet.canvas.stringWidth(text, SONG, size)

    assert read(pdf_of(draw)).text == expected


def test_pdf_states_its_title() -> None:
    content = b"BT /F1 12 Tf 50 700 Td (Glucose) Tj ET"
    data = raw_pdf(content, fonts=HELVETICA, objects=[b"<< /Title ( A  Trial ) >>"], trailer=b"/Info 3 0 R")
    assert read(data).meta["title"] == "A Trial"
    assert "title" not in read(pdf_of(lambda sheet: sheet.put(60, 780, "血糖"))).meta


XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" prism:coverDate="2020-03"
 xmlns:prism="http://{}/namespaces/basic/2.0/" prism:publicationName="J Diabetes"><prism:doi>10.1234/abc.5</prism:doi>
<dc:title><rdf:Alt><rdf:li xml:lang="en">A Trial</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF>
</x:xmpmeta>"""


def test_pdf_states_what_its_publisher_wrote_into_its_packet() -> None:
    page = pdf_of(lambda sheet: sheet.put(60, 780, "血糖"))
    stated = {"title": "A Trial", "year": 2020, "journal": "J Diabetes", "doi": "10.1234/abc.5"}
    packet = XMP.format("prismstandard.org").encode()
    for data in (page + packet, page + packet + XMP.format("example.org").encode()):
        assert {key: read(data).meta.get(key) for key in stated} == stated
    # A packet that is broken, or of no article, states nothing; the date of the file is not that of publication.
    for data in (page + packet.replace(b"</rdf:RDF>", b""), page + XMP.format("example.org").encode()):
        assert not stated.keys() & read(data).meta.keys()


@pytest.mark.parametrize(
    ("entry", "doi"),
    [
        (b"/doi (10.1234/abc.5)", "10.1234/abc.5"),
        (b"/Subject (J Diabetes, 12 \\(2020\\) 1-9. doi:10.1234/abc.5.)", "10.1234/abc.5"),
        (b"/Subject (10.1234/abc.5)", None),
    ],
)
def test_pdf_states_its_doi(entry: bytes, doi: str | None) -> None:
    content = b"BT /F1 12 Tf 50 700 Td (Glucose) Tj ET"
    data = raw_pdf(content, fonts=HELVETICA, objects=[b"<< %b >>" % entry], trailer=b"/Info 3 0 R")
    assert read(data).meta.get("doi") == doi
    assert "year" not in read(data).meta


def test_pdf_lets_punctuation_hang_over_the_edge_of_a_column() -> None:
    text, other = FIRST.replace(",", "，"), SECOND.replace(",", "，")
    left, right = wrapped(text, WRAPPED), wrapped(other, WRAPPED)
    left[1] += "、"

    def draw(sheet: Sheet) -> None:
        sheet.lines(60, 780, left)
        sheet.lines(60 + 10 * WRAPPED + 14, 780, right)

    assert read(pdf_of(draw)).text == "".join(left) + "\n\n" + other


def test_pdf_keeps_what_stands_on_one_page_alone() -> None:
    document = read(pdf_of(lambda sheet: sheet.put(60, 815, "某医学杂志 301")))
    assert document.text == "某医学杂志 301"
    assert dropped(document) == {}


def test_pdf_joins_hyphenated_words() -> None:
    lines = [
        "The patients of this group took long-term metfor-",
        "min daily, and the glucose was measured after long-",
        "term treatment with GLP-",
        "1 agonists.",
    ]
    document = read(pdf_of(lambda sheet: sheet.lines(60, 780, lines, font=LATIN)))
    assert document.text == (
        "The patients of this group took long-term metformin daily, and the glucose was measured after long-term "
        "treatment with GLP-1 agonists."
    )
    assert dropped(document) == {"hyphen at the end of a line": 1}


def test_pdf_keeps_the_cells_of_a_table_apart() -> None:
    def draw(sheet: Sheet) -> None:
        column(sheet, 60, 780, FIRST)
        for number, row in enumerate([("组别", "例数", "有效"), ("观察组", "40", "36"), ("对照组", "40", "30")]):
            for place, cell in enumerate(row):
                sheet.put(60 + 80 * place, 600 - 14 * number, cell)

    assert read(pdf_of(draw)).text.endswith("。\n\n组别  例数  有效\n\n观察组  40  36\n\n对照组  40  30")


def test_pdf_turns_pages_whose_text_lies() -> None:
    # In letters: of hanzi whose shapes neither the file nor the machine has, PDFium leaves turned ones out.
    lines = [
        "The patients of this group took metformin three times",
        "a day, and their fasting glucose was well controlled.",
    ]

    def draw(sheet: Sheet) -> None:
        sheet.canvas.rotate(90)
        sheet.canvas.translate(0, -HEIGHT)
        sheet.lines(60, 700, lines, font=LATIN)

    assert read(pdf_of(draw)).text == " ".join(lines)


def test_pdf_leaves_out_and_counts_what_stands_across() -> None:
    def draw(sheet: Sheet) -> None:
        column(sheet, 60, 780, FIRST)
        for angle, text in ((90, "margin"), (45, "SAMPLE")):
            sheet.canvas.saveState()
            sheet.canvas.translate(400, 300)
            sheet.canvas.rotate(angle)
            sheet.put(0, 0, text, size=20, font=LATIN)
            sheet.canvas.restoreState()

    document = read(pdf_of(draw))
    assert document.text == FIRST
    assert dropped(document) == {"character of text across the page": 12}


def test_pdf_writes_hanzi_for_radicals() -> None:
    document = read(pdf_of(lambda sheet: sheet.put(60, 780, "⾼⾎糖")))
    assert document.text == "高血糖"
    assert dropped(document) == {"radical or ligature (written as its letters)": 2}


def test_pdf_reports_that_a_file_is_encrypted() -> None:
    assert refusal(pdf_of(lambda sheet: sheet.put(60, 780, "血糖"), password="geheim")).startswith(
        "S118 a.pdf: encrypted"
    )
    assert read(pdf_of(lambda sheet: sheet.put(60, 780, "血糖"), password="")).text == "血糖"


def test_pdf_reports_that_a_file_is_a_scan() -> None:
    from PIL import Image
    from reportlab.lib.utils import ImageReader

    picture = ImageReader(Image.new("RGB", (40, 40), "white"))

    def scanned(sheet: Sheet) -> None:
        sheet.canvas.drawImage(picture, 0, 0, 595, 842)

    assert refusal(pdf_of(scanned, scanned)).startswith("S119 a.pdf: no text layer: the 2 pages are images")
    document = read(pdf_of(scanned, lambda sheet: sheet.put(60, 780, "血糖")))
    assert document.text == "血糖"
    assert dropped(document) == {"page without text (a picture)": 1}
    assert read(pdf_of(lambda sheet: None)).text == ""

    def stamped(number: int) -> Callable[[Sheet], None]:
        return lambda sheet: (scanned(sheet), sheet.put(60, 20, f"图书馆 第{number}页"))  # type: ignore[return-value]

    assert refusal(pdf_of(*map(stamped, range(1, 5)))).startswith("S119 a.pdf")
    document = read(pdf_of(stamped(1), stamped(2), lambda sheet: sheet.put(60, 780, "血糖")))
    assert "血糖" in document.text
    assert dropped(document)["page without text (a picture)"] == 2


@pytest.mark.parametrize("data", [b"text", b"%PDF-1.7\n%%EOF"])
def test_pdf_refuses_what_is_none(data: bytes) -> None:
    assert refusal(data).startswith("S120 a.pdf: damaged PDF: ")


def test_pdf_bounds_pages_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pdf_of(*[lambda sheet: sheet.put(60, 780, "血糖")] * 3)
    monkeypatch.setattr(pdf, "MOST_PAGES", 2)
    assert refusal(data).startswith("S115 a.pdf: the PDF is too large: more than 2 pages")
    monkeypatch.undo()
    monkeypatch.setattr(pdf, "LONGEST_TEXT", 5)
    assert refusal(data).startswith("S115 a.pdf: the text is too large: more than 5 characters")
    monkeypatch.undo()
    monkeypatch.setattr(pdf, "MOST_SECONDS", -1)
    assert refusal(data).startswith("S121 a.pdf")


WHOLE = pdf_of(lambda sheet: column(sheet, 60, 780, FIRST), lambda sheet: sheet.put(60, 780, "血糖"))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=20))
def test_pdf_reads_or_refuses_any_bytes(random: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(WHOLE)
    for place, byte in changes:
        changed[place] = byte
    for data in (random, b"%PDF-1.4\n" + random, bytes(changed), WHOLE[: len(random) * 10]):
        try:
            documents = pdf.FORMAT.parse(data, Path("a.pdf"), "a")
        except SuwenError:
            continue
        assert all(page.start <= page.end <= len(documents[0].text) for page in documents[0].pages)


def test_pdf_reads_folders_and_files_with_capital_endings(tmp_path: Path) -> None:
    (tmp_path / "A.PDF").write_bytes(pdf_of(lambda sheet: sheet.put(60, 780, "血糖")))
    (tmp_path / "b.pdf").write_bytes(b"")
    assert pdf.FORMAT.sniff(tmp_path)
    found: list[SuwenError] = []
    assert [located.document.id for located in pdf.FORMAT.scan(tmp_path, found.append)] == ["A"]
    assert [error.code for error in found] == ["S106"]
