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
        "doi": "10.1000/abc",
        "dropped": {
            "journal data": 1,
            "article data": 2,
            "footnote": 1,
            "formula in TeX": 1,
            "entity reference": 1,
            "reference list": 1,
        },
    }


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
        ("", "damaged XML"),
        ("<html/>", "no <article> in <html>"),
        ("<article>\n<p>", "a.xml:2: damaged XML"),
        ("<article>&unknown;</article>", "'unknown' not defined"),
        ("<article>" + "<b>" * 300, "tags are nested too deep, or a text or value is too long; "),
        ('<?xml version="1.0" encoding="klingon"?><article/>', "klingon"),
    ],
)
def test_jats_says_what_is_wrong(data: str, reason: str) -> None:
    message = refusal(data)
    assert message.startswith("S120 a.xml")
    assert reason in message


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
