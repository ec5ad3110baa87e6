from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import html, write_corpus
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
            "header": 1,
            "nav": 1,
            "hidden": 2,
            "button": 1,
            "aside": 1,
            "footer": 1,
            "list of links": 1,
            "outside the main text": 2,
        },
    }
    sides = "<div class=sidebar>广告</div><footer>版权</footer>"
    whole = read(f"<body><script>1</script><nav>目录</nav><p>{PARAGRAPH}</p>{sides}")
    assert whole.text == PARAGRAPH
    assert whole.meta["read_from"]["dropped"] == {"script": 1, "nav": 1, "boilerplate": 1, "footer": 1}


def test_html_keeps_a_text_that_a_form_or_a_table_wraps() -> None:
    cell = f"<td><h1>题目</h1><p>{PARAGRAPH}</p><p>完</p></td>"
    assert read(f"<form><table><tr><td>左</td>{cell}</tr></table></form>").text.endswith(f"题目\n\n{PARAGRAPH}\n\n完")


def test_html_keeps_a_large_element_with_an_odd_name() -> None:
    assert read(f"<div id=header><p>{PARAGRAPH}</p></div>").text == PARAGRAPH


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("gb2312", "gb18030"), ("GBK", "gb18030"), ("big5", "big5"), ("utf-8", "gb18030"), ("", "utf-16")],
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
