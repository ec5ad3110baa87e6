from __future__ import annotations

import quopri
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import html, read_corpus, write_corpus
from suwen.formats.articles import web_page

PARAGRAPH = "患者口服二甲双胍治疗糖尿病,每日三次,空腹血糖控制良好,未见低血糖反应。"
PAGE = f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>站名</title>
<style>p {{ color: red }}</style><script>var text = "<p>不是正文</p>";</script></head>
<body>
<header><a href="/">首页</a><h2>某杂志</h2></header>
<nav><ul><li><a href="1">首页</a></li><li><a href="2">目录</a></li></ul></nav>
<h1>二甲双胍治疗
糖尿病</h1>
<main>
<div class="breadcrumb nav">首页 &gt; 内分泌</div>
<article>
  <p>{PARAGRAPH}</p><p>第二段,换行
在汉字之间<b>不算</b>空格,
HbA1c
level 才算。<br>强制换行</p>
  <div>{PARAGRAPH}</div>
  <table><tr><th>药物</th><th>剂量</th></tr><tr><td><p>二甲双胍</p></td><td></td><td>0.5&nbsp;g</td></tr></table>
  <ul><li><a href="1">相关文章一</a></li><li><a href="2">相关文章二</a></li><li><a href="3">相关三</a></li></ul>
  <p hidden>隐藏</p><p style="display: none">隐藏</p><form><input value="搜索"><button>搜索</button></form>
</article>
<aside>广告</aside>
</main>
<div>文章之外</div>
<footer>版权所有</footer>
</body></html>"""


def read(page: str | bytes) -> Document:
    (document,) = web_page.parse(page.encode() if isinstance(page, str) else page, Path("a.html"), "a")
    return document


def test_html_reads_the_main_text_of_a_page() -> None:
    assert read(PAGE).text.split("\n\n") == [
        "二甲双胍治疗糖尿病",
        PARAGRAPH,
        "第二段,换行在汉字之间不算空格, HbA1c level 才算。\n强制换行",
        PARAGRAPH,
        "药物\t剂量",
        "二甲双胍\t\t0.5\xa0g",
    ]


def test_html_counts_what_it_leaves_out() -> None:
    assert read(PAGE).meta["read_from"] == {
        "format": "html",
        "dropped": {
            "nav": 1,
            "hidden": 2,
            "button": 1,
            "aside": 1,
            "footer": 1,
            "outside the main text": 7,
        },
    }
    whole = read(f"<body><script>1</script><nav>目录</nav><p>{PARAGRAPH}</p><footer>版权</footer>")
    assert whole.text == PARAGRAPH
    assert whole.meta["read_from"]["dropped"] == {"script": 1, "nav": 1, "footer": 1}


def test_html_keeps_a_text_that_a_form_or_a_table_wraps() -> None:
    cell = f"<td><h1>题目</h1><p>{PARAGRAPH}</p><p>完</p></td>"
    assert read(f"<form><table><tr><td>左</td>{cell}</tr></table></form>").text.endswith(f"题目\n\n{PARAGRAPH}\n\n完")


def test_html_keeps_a_large_element_with_an_odd_name() -> None:
    assert read(f"<div id=header><p>{PARAGRAPH}</p></div>").text == PARAGRAPH


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("gb2312", "gb18030"),
        ("x-gbk", "gb18030"),
        ("big5", "big5"),
        ("big5-hkscs", "big5"),
        ("hz-gb-2312", "hz"),
        ("utf-8", "gb18030"),
        ("iso-8859-1", "utf-8"),
        ("utf-16", "utf-8"),
        ("", "utf-16"),
    ],
)
def test_html_reads_the_encoding_that_a_page_declares_or_has(declared: str, encoding: str) -> None:
    text = "患者口服藥物治療，每日三次。" if encoding == "big5" else PARAGRAPH
    page = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={declared}"></head><p>{text}'
    assert read(page.encode(encoding)).text == text


def test_html_refuses_what_it_cannot_read_whole() -> None:
    with pytest.raises(
        SuwenError, match=r"S120 a\.html:1: damaged HTML: tags are nested too deep, or a text or value is too long; "
    ):
        read("<div>" * 3000 + PARAGRAPH)
    with pytest.raises(SuwenError, match=r"S115 a\.html: the markup is too large"):
        read("<b>" * 500_001)
    with pytest.raises(SuwenError, match="S117"):
        read(b"%PDF-1.7")


def test_html_reads_what_it_writes(tmp_path: Path) -> None:
    text = f"{PARAGRAPH[:20]}\n{PARAGRAPH[20:]}\n\n{PARAGRAPH * 20}"
    write_corpus([Document("a", text, (Entity("Drug", 4, 8, score=0.9),))], tmp_path / "page.html", "html")
    assert html.FORMAT.sniff(tmp_path / "page.html")
    (document,) = html.FORMAT.read(tmp_path / "page.html")
    assert PARAGRAPH * 20 in document.text


@pytest.mark.parametrize(
    ("declaration", "encoding", "text"),
    [
        ('<meta charset="iso-8859-1">', "cp1252", "Type 2 diabetes – “quoted” café"),
        ('<meta charset="windows-1251">', "cp1251", "Сахарный диабет второго типа"),
        ('<?xml version="1.0" encoding="gb2312"?>', "gb18030", PARAGRAPH),
        (f'<!-- {"x" * 5000} charset=utf-8 --><meta charset="big5">', "big5", "病人口服藥物每日三次。"),
    ],
)
def test_html_reads_encodings_as_browsers_do(declaration: str, encoding: str, text: str) -> None:
    assert read(f"{declaration}<body><p>{text}</p>".encode(encoding)).text == text


def test_html_replaces_single_bad_bytes_and_counts_them() -> None:
    page = f"<meta charset=gb2312><body><p>{PARAGRAPH * 4}".encode("gb18030") + b"\xff</p>"
    document = read(page)
    assert document.text == PARAGRAPH * 4 + "\ufffd"
    assert document.meta["read_from"]["dropped"] == {"undecodable byte": 1}
    with pytest.raises(SuwenError, match="S116"):
        read(b"<meta charset=iso-2022-cn><p>\x1b$)A\x0e0!</p>")


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_html_replaces_single_bad_bytes_of_short_pages(encoding: str) -> None:
    page = "<meta charset=gbk><body><p>2型糖尿病患者口服二甲双胍。</p>".encode(encoding)
    document = read(page.replace("患".encode(encoding), b"\xff"))
    assert document.text == "2型糖尿病\ufffd者口服二甲双胍。"
    with pytest.raises(SuwenError, match="S116"):
        read("<meta charset=utf-8><p>糖尿病".encode("gbk"))


def test_html_keeps_superscripts_apart_and_unknown_tags_in_the_line() -> None:
    line = (
        "白细胞5×10<sup>9</sup>/L<st1:x w:st=on>升</st1:x>高<o:p></o:p>,CO<sub>2</sub>正常<sup>[3]</sup>,"
        "<my-term>糖尿</my-term>病<sup><a href='#r4'>4</a></sup>。"
    )
    assert read(f"<p>{line}</p>").text == "白细胞5×10⁹/L升高,CO2正常[3],糖尿病[4]。"


def test_html_writes_formulas_on_one_line() -> None:
    formula = "<math><msup><mi>x</mi><mn>2</mn></msup><mo>=</mo><mfrac><mn>1</mn><mn>3</mn></mfrac></math>"
    body = "".join(f"<p>{number}{PARAGRAPH}</p>" for number in range(6))
    text = read(f"<body><div>{body}<p>即{formula}。</p><p>{formula}</p><div>{formula}</div>{body}</div>").text
    assert text.count("x²=1/3") == 3


def test_html_keeps_the_lines_of_literal_text() -> None:
    assert read("<pre>主诉:多饮\n用药:二甲双胍</pre>").text == "主诉:多饮\n用药:二甲双胍"
    assert read("<p style='white-space: pre-wrap'>主诉\n用药</p>").text == "主诉\n用药"


@pytest.mark.parametrize("paragraphs", [1, 8])
@pytest.mark.parametrize(
    "tag",
    ["header", "nav", "aside", "noscript", "footer", "div role=banner", "div class=main-nav-content", "div id=share"],
)
def test_html_keeps_an_article_whatever_wraps_it(tag: str, paragraphs: int) -> None:
    links = "".join(f"<li><a href={number}>栏目{number}</a></li>" for number in range(9))
    body = "".join(f"<p>{number}{PARAGRAPH}</p>" for number in range(paragraphs))
    text = read(f"<body><{tag}><ul>{links}</ul><h1>题目</h1>{body}<p>版权所有</p>").text
    assert all(f"{number}{PARAGRAPH}" in text for number in range(paragraphs))
    assert "题目" in text


@pytest.mark.parametrize("title", ["h1", "h2"])
@pytest.mark.parametrize("name", ["article-header", "page-header", "share-content"])
def test_html_keeps_title_and_lead_before_the_text(title: str, name: str) -> None:
    body = "".join(f"<p>{number}{PARAGRAPH}</p>" for number in range(8))
    lead = "摘要:探讨阿卡波糖治疗糖尿病的疗效与安全性。"
    text = read(f"<div class={name}><{title}>题目</{title}><p>{lead}</p></div><div id=content>{body}</div>").text
    assert text.startswith(f"题目\n\n{lead}\n\n0{PARAGRAPH}")


def test_html_keeps_headings_lists_and_tables_of_an_article() -> None:
    body = "".join(f"<p>{number}{PARAGRAPH}</p>" for number in range(8))
    parts = "<h2>方法</h2><ul><li>腹痛</li></ul><dl><dt>主诉</dt><dd>多饮</dd></dl><table><tr><td>甲<td>1</table>"
    text = read(f"<body><div class=article>{body}{parts}{body}<h2>文献</h2><ol><li>张三.</li></ol></div>").text
    assert "方法\n\n腹痛\n\n主诉\n\n多饮\n\n甲\t1\n\n" in text
    assert text.endswith("文献\n\n张三.")


def test_html_reads_what_a_page_states_of_its_article() -> None:
    head = (
        '<meta name="citation_title" content="二甲双胍研究"><meta name="citation_journal_title" content="某杂志">'
        '<meta name="DC.Date" content="20190312"><meta name="dc.identifier" content="doi:10.1234/abc.5">'
        "<title>站名</title>"
    )
    meta = dict(read(f"<head>{head}</head><p>{PARAGRAPH}</p>").meta)
    del meta["read_from"]
    assert meta == {"title": "二甲双胍研究", "year": 2019, "journal": "某杂志", "doi": "10.1234/abc.5"}
    assert "year" not in read(f'<meta name="dc.date" content="三月"><p>{PARAGRAPH}</p>').meta


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("10<span class='sup'>9</span>/L，CO<font class=Subscript>2</font>，<div class=sup>块</div>", "10⁹/L，CO2，块"),
        ("受体<img alt='β' src=b.gif>与<img alt='≥'>5", "受体β与≥5"),
        ("系数<script type='math/tex'>\\alpha \\le 5</script>。", "系数α≤5。"),
        ("甲<span class=MathJax_Preview>[x]</span><script type='math/tex; mode=display'>x^2</script>乙", "甲x²乙"),
        ("甲<span class=MathJax>x²</span><script type='math/tex'>x^2</script>乙", "甲x²乙"),
    ],
)
def test_html_reads_symbols_within_lines(inner: str, expected: str) -> None:
    text = read(f"<article><p>{PARAGRAPH}</p><p>{inner}</p><p>{PARAGRAPH}</p></article>").text
    assert "".join(text.split()).removeprefix(PARAGRAPH).removesuffix(PARAGRAPH) == expected


@pytest.mark.parametrize(
    ("inner", "is_kept"),
    [
        ("<p>相关阅读：<a href=/b>另一篇文章的题目</a></p>", False),
        ("<p><b>Read more:</b> <a href=/b>The title of another article</a></p>", False),
        ("<p><a href=/b>另一篇文章的题目</a></p>", False),
        ("<p>见<a href=/b>另一篇文章的题目</a>。</p>", True),
        ("<p>血糖：<a href=/b>空腹血糖</a>为7.8 mmol/L</p>", True),
        ("<p>关键词：<a href=/b>糖尿病</a>；<a href=/c>二甲双胍缓释片</a></p>", True),
        ("<p>作者：<a href=/b>张三</a></p>", True),
        ("<ul><li>指标：<a href=/b>空腹血糖</a></li></ul>", True),
    ],
)
def test_html_leaves_out_paragraphs_that_only_lead_elsewhere(inner: str, is_kept: bool) -> None:
    document = read(f"<article><p>{PARAGRAPH}</p>{inner}<p>{PARAGRAPH}</p></article>")
    assert (len(document.text) > 2 * len(PARAGRAPH) + 4) == is_kept
    assert ("outside the main text" in document.meta["read_from"].get("dropped", {})) != is_kept


def test_html_counts_pictures_within_lines() -> None:
    page = f"<article><p>{PARAGRAPH}<img alt='流程图'></p><p><img alt='图'></p><p>{PARAGRAPH}</p></article>"
    assert read(page).meta["read_from"]["dropped"]["picture within a line"] == 1


def test_html_ends_paragraphs_at_empty_lines_of_pre() -> None:
    text = read(f"<article><p>{PARAGRAPH}</p><pre>甲\n乙\n\n丙</pre></article>").text
    assert text.endswith("甲\n乙\n\n丙")


TAGS = ["<p>", "</p>", "<table>", "<tr>", "<td>", "</tr>", "<article>", "<main>", "&#xD800;", "糖", "<svg>", "<br>"]


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=200),
    st.lists(st.tuples(st.integers(0, len(PAGE.encode()) - 1), st.integers(0, 255)), max_size=30),
    st.lists(st.sampled_from(TAGS)),
)
def test_html_reads_or_refuses_any_bytes(random: bytes, changes: list[tuple[int, int]], tags: list[str]) -> None:
    changed = bytearray(PAGE.encode())
    for place, byte in changes:
        changed[place] = byte
    for data in (random, b"<html>" + random, bytes(changed), "".join(tags).encode()):
        try:
            web_page.parse(data, Path("a.html"), "a")
        except SuwenError:
            continue


def test_html_leaves_deleted_text_out_and_keeps_struck_text() -> None:
    document = read("<p>口服<del>阿卡波糖</del><ins>二甲双胍</ins>，<s>每日一次</s>每日三次</p>")
    assert document.text == "口服二甲双胍，每日一次每日三次"
    assert document.meta["read_from"]["dropped"] == {"deleted text": 1}


def archive(page: bytes, charset: str = "", begin: str = "From: <Saved by Word>\r\n") -> bytes:
    head = f"{begin}MIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\tboundary=B\r\n\r\n--B\r\n"
    part = f"Content-Type: text/html{charset}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    picture = "\r\n--B\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--B--\r\n"
    return (head + part).encode() + quopri.encodestring(page) + picture.encode()


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
@pytest.mark.parametrize("charset", ['; charset="{}"', ""])
def test_html_reads_the_page_in_a_web_archive(tmp_path: Path, encoding: str, charset: str) -> None:
    declared = f'<meta charset="{encoding}">' * (not charset)
    page = f"<html><head>{declared}</head><body><p>{PARAGRAPH}</p></body></html>".encode(encoding)
    for name in ("a.mht", "b.MHTML", "c.doc"):
        path = tmp_path / name
        path.write_bytes(archive(page, charset.format(encoding)))
        assert [one.text for one in read_corpus(path)] == [PARAGRAPH]


@pytest.mark.parametrize(
    "data", [b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=B\n\n", archive(b"")[:70]]
)
def test_html_refuses_web_archives_without_a_page(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mht").write_bytes(data)
    with pytest.raises(SuwenError, match=r"S1[23]0"):
        read_corpus(tmp_path / "a.mht")


def test_html_keeps_the_lines_of_literal_text_in_cells() -> None:
    rows = "<tr><td><pre>主诉:多饮\n诊断:糖尿病</pre></td><td>甲</td></tr><tr><td>药物</td><td>剂量</td></tr>"
    page = f"<table>{rows}</table>"
    assert read(page).text.splitlines()[:2] == ["主诉:多饮", "诊断:糖尿病"]
    assert "药物\t剂量" in read(page).text


def test_html_finds_chinese_in_pages_that_declare_latin() -> None:
    page = f'<html><head><meta charset="iso-8859-1"></head><body><p>{PARAGRAPH}</p></body></html>'
    assert read(page.encode("gbk")).text == PARAGRAPH
