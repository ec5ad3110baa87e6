from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.formats import format_of, read_corpus
from suwen.formats.articles import jats

ARTICLE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) v1.2//EN" "JATS-archivearticle1.dtd" [<!ENTITY own "自己的">]>
<article xmlns:mml="http://www.w3.org/1998/Math/MathML" xmlns:xlink="http://www.w3.org/1999/xlink">
<front><journal-meta><journal-title>某杂志</journal-title></journal-meta>
<article-meta><article-id pub-id-type="doi">10.1000/abc</article-id>
<title-group><article-title>二甲双胍治疗<italic>T2DM</italic></article-title>
<trans-title-group><trans-title>Metformin in T2DM</trans-title></trans-title-group></title-group>
<contrib-group><contrib>某某</contrib></contrib-group>
<abstract><title>摘要</title><p>目的&nbsp;观察&alpha;受体。</p></abstract>
<kwd-group><title>关键词</title><kwd>糖尿病</kwd><kwd>二甲双胍</kwd></kwd-group></article-meta></front>
<body><sec><label>1</label><title>资料</title>
<p>患者<xref ref-type="bibr">[1]</xref>血糖
升高<fn><p>脚注</p></fn>,HbA<sub>1c</sub> 高。</p>
<list><list-item><label>(1)</label><p>口服</p></list-item><list-item><p>注射</p></list-item></list>
<table-wrap><label>表1</label><caption><title>结果</title></caption>
<table><thead><tr><th>组</th><th>例</th></tr></thead><tbody><tr><td>甲</td><td><p>3</p></td></tr></tbody></table>
<table-wrap-foot><fn><p>注:例数</p></fn></table-wrap-foot></table-wrap>
<p><inline-formula><alternatives><tex-math>P&lt;0.05</tex-math>
<mml:math><mml:mi>P</mml:mi><mml:mo>&lt;</mml:mo><mml:mn>0.05</mml:mn></mml:math></alternatives></inline-formula>&own;</p>
</sec></body>
<back><ack><p>致谢</p></ack><ref-list><ref><mixed-citation>文献</mixed-citation></ref></ref-list></back>
</article>"""


def read(data: str | bytes) -> list[Document]:
    return jats.FORMAT.parse(data.encode() if isinstance(data, str) else data, Path("a.xml"), "a")


def refusal(data: str | bytes) -> str:
    with pytest.raises(SuwenError) as caught:
        read(data)
    return str(caught.value)


def test_jats_reads_title_abstract_body_and_tables() -> None:
    (document,) = read(ARTICLE)
    assert document.text.split("\n\n") == [
        "二甲双胍治疗T2DM",
        "Metformin in T2DM",
        "摘要",
        "目的\xa0观察α受体。",
        "关键词",
        "糖尿病; 二甲双胍",
        "1 资料",
        "患者[1]血糖升高,HbA1c 高。",
        "(1) 口服",
        "注射",
        "表1 结果",
        "组\t例",
        "甲\t3",
        "注:例数",
        "P<0.05",
        "致谢",
    ]


def test_jats_counts_what_it_leaves_out() -> None:
    assert read(ARTICLE)[0].meta["read_from"] == {
        "format": "jats",
        "dropped": {
            "journal data": 1,
            "article data": 2,
            "footnote": 1,
            "entity reference": 1,
            "reference list": 1,
        },
    }


def body_of(body: str) -> Document:
    (document,) = read(f"<article xmlns:mml='http://www.w3.org/1998/Math/MathML'><body>{body}</body></article>")
    return document


@pytest.mark.parametrize(
    ("inner", "expected", "left_out"),
    [
        ("10<styled-content style='vertical-align: super'>9</styled-content>/L", "10⁹/L", {}),
        (
            "甲<private-char><glyph-data/></private-char>乙<x>，</x>丙",
            "甲乙，丙",
            {"private character": 1},
        ),
        ("式<inline-graphic/>尾", "式尾", {"picture": 1}),
        ("<preformat>甲\n乙\n\n丙</preformat>", "甲\n乙\n\n丙", {}),
    ],
)
def test_jats_loses_nothing_within_lines_in_silence(inner: str, expected: str, left_out: dict[str, int]) -> None:
    (document,) = read(f"<article><body><p>{inner}</p></body></article>")
    assert document.text == expected
    assert document.meta["read_from"].get("dropped", {}) == left_out


def test_jats_states_title_year_journal_and_doi() -> None:
    front = """<article><front><journal-meta><journal-title-group><journal-title>某医学杂志</journal-title>
    </journal-title-group></journal-meta><article-meta><article-id pub-id-type="pmid">1</article-id>
    <article-id pub-id-type="doi">10.1000/x.1</article-id><title-group><article-title>CO<sub>2</sub>与
    <italic>T2DM</italic><xref ref-type="fn">1</xref></article-title></title-group>{}</article-meta></front>
    <body><p>血糖</p></body></article>"""
    dates = (
        '<pub-date pub-type="epub"><year>2019</year></pub-date><pub-date pub-type="ppub"><year>2020</year></pub-date>'
    )
    about = {"title": "CO2与T2DM", "year": 2020, "journal": "某医学杂志", "doi": "10.1000/x.1"}
    assert about.items() <= read(front.format(dates))[0].meta.items()
    online = '<pub-date date-type="pub" publication-format="electronic"><year>2021</year></pub-date>'
    assert read(front.format(online))[0].meta["year"] == 2021
    dated = "<pub-date><string-date><month>3</month><year>2022</year></string-date></pub-date>"
    assert read(front.format(dated))[0].meta["year"] == 2022
    short = front.replace("journal-title-group", "a").replace("journal-title", "abbrev-journal-title")
    link = short.replace(">10.1000/x.1<", ">https://doi.org/10.1000/x.1<")
    assert {"journal": "某医学杂志", "doi": "10.1000/x.1"}.items() <= read(link.format(dates))[0].meta.items()
    for other in (
        '<pub-date pub-type="nihms-submitted"><year>2018</year></pub-date>',
        "<pub-date><year>?</year></pub-date>",
    ):
        assert "year" not in read(front.format(other))[0].meta


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ('二甲双胍<sup><xref ref-type="bibr">1</xref>,<xref ref-type="bibr">2</xref></sup>有效', "二甲双胍[1,2]有效"),
        ('为8.2<xref ref-type="bibr"><sup>3</sup></xref>。', "为8.2[3]。"),
        ('为8.2<xref ref-type="bibr">3</xref>。', "为8.2[3]。"),
        ('血糖[<xref ref-type="bibr">3</xref>]高', "血糖[3]高"),
        ('12.3<xref ref-type="table-fn">a</xref>', "12.3ᵃ"),
        ("12×10<sup>9</sup>/L, 1.73m<sup>2</sup>, CO<sub>2</sub>, Ca<sup>2+</sup>", "12×10⁹/L, 1.73m², CO2, Ca²⁺"),
        ("口服<span>二甲</span><drug>双胍</drug>片", "口服二甲双胍片"),
        ("血<unknown>糖</unknown>", "血糖"),
    ],
)
def test_jats_keeps_marks_apart_and_unknown_tags_in_line(paragraph: str, expected: str) -> None:
    assert body_of(f"<p>{paragraph}</p>").text == expected


def test_jats_keeps_unknown_blocks_apart() -> None:
    assert body_of("<new><one>血糖</one><one>血压</one></new>").text == "血糖\n\n血压"


def test_jats_reads_one_of_several_forms() -> None:
    formula = (
        "剂量<inline-formula><alternatives><tex-math>$5mg$</tex-math><mml:math><mml:mn>5</mml:mn>"
        "<mml:mtext>mg·</mml:mtext><mml:msup><mml:mtext>kg</mml:mtext><mml:mn>-1</mml:mn></mml:msup></mml:math>"
        "<inline-graphic/></alternatives></inline-formula>口服"
    )
    assert body_of(f"<p>{formula}</p>").text == "剂量5mg·kg-1口服"
    table = "<table><tr><td>甲</td><td>3</td></tr></table>"
    document = body_of(f"<table-wrap><alternatives><graphic/>{table}</alternatives></table-wrap>")
    assert (document.text, document.meta["read_from"].get("dropped")) == ("甲\t3", None)


def test_jats_reads_other_tables_and_literal_lines() -> None:
    assert body_of("<table><tbody><row><entry>甲</entry><entry>3</entry></row></tbody></table>").text == "甲\t3"
    assert body_of("<preformat>血糖\n  6.5</preformat>").text == "血糖\n6.5"


def test_jats_counts_formulas_that_it_cannot_read() -> None:
    document = body_of(r"<p>均<inline-formula><tex-math>\(\bar{x}\)</tex-math></inline-formula>值</p>"
                       r"<p><tex-math>\begin{array}{c}x\end{array}</tex-math></p>")  # fmt: skip
    assert document.text == "均x\u0304值"
    assert document.meta["read_from"]["dropped"] == {"formula in TeX": 1}


def test_jats_makes_a_document_of_each_article(tmp_path: Path) -> None:
    article = "<article><body><p>血糖</p></body></article>"
    (tmp_path / "set.xml").write_text(f"<articles>{article}{article}</articles>", "utf-8")
    assert format_of(tmp_path) == "jats"
    assert [(document.id, document.text) for document in read_corpus(tmp_path)] == [
        ("set/1", "血糖"),
        ("set/2", "血糖"),
    ]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "big5"])
def test_jats_reads_declared_encodings(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><article><body><p>高血糖</p></body></article>'
    assert read(text.encode(encoding))[0].text == "高血糖"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("<article>\n<p>", "a.xml:2: damaged XML"),
        ("<article>&unknown;</article>", "'unknown' not defined"),
        ("<article>" + "<b>" * 300, "tags are nested too deep, or a text or value is too long; "),
        ('<?xml version="1.0" encoding="klingon"?><article/>', "klingon"),
    ],
)
def test_jats_reports_errors(data: str, reason: str) -> None:
    message = refusal(data)
    assert message.startswith("S120 a.xml")
    assert reason in message


def test_jats_refuses_other_xml_by_its_root() -> None:
    assert refusal("<html/>").startswith(
        "S130 a.xml: this is XML of another kind (<html>), which is not supported here; "
    )


def test_jats_expands_no_entity_and_loads_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    outside = f'<!DOCTYPE article [<!ENTITY x SYSTEM "{(tmp_path / "secret.txt").as_uri()}">]>'
    (document,) = read(f"{outside}<article><body><p>血&x;糖</p></body></article>")
    assert document.text == "血糖"
    assert document.meta["read_from"]["dropped"] == {"entity reference": 1}

    laughs = "".join(
        f'<!ENTITY {name} "{f"&{inner};" * 1000}">' for name, inner in zip("bcdefgh", "abcdefg", strict=True)
    )
    bomb = (
        f'<!DOCTYPE article [<!ENTITY a "{"a" * 1000}">{laughs}]><article note="&h;"><body><p>&h;</p></body></article>'
    )
    assert refusal(bomb).startswith("S120 a.xml")


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=200),
    st.lists(st.tuples(st.integers(0, len(ARTICLE.encode()) - 1), st.integers(0, 255)), max_size=10),
)
def test_jats_reads_or_refuses_any_bytes(random: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(ARTICLE.encode())
    for place, byte in changes:
        changed[place] = byte
    for data in (random, b"<article>" + random + b"</article>", bytes(changed)):
        try:
            read(data)
        except SuwenError:
            continue
