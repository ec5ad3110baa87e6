from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.document import Attribute, Document, Entity, Note, Relation
from suwen.errors import SuwenError
from suwen.formats import html
from suwen.schema import EntityType, Schema

VOID = {"meta", "input", "br", "hr"}
TEXT = "口服盐酸二甲双胍片0.5g,每日三次,治疗2型糖\n尿病肾病。\n"


class Page(HTMLParser):
    """Checks that the tags balance, and gathers what the tests ask for."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.articles: list[str] = []
        self.visible: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        assert len(values) == len(attrs), "an attribute occurs twice"
        self.tags.append((tag, values))
        if tag in VOID:
            return
        self.open.append(tag)
        if tag == "article":
            self.articles.append("")
        if "article" in self.open and values.get("class") == "invisible":
            self.articles[-1] += chr(int(values["data-code"].removeprefix("U+"), 16))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "article" in self.open:
            self.articles[-1] += data
        if "style" not in self.open:
            self.visible.append(data)

    @property
    def marks(self) -> list[dict[str, str]]:
        return [values for tag, values in self.tags if tag == "mark"]


def page_of(tmp_path: Path, *documents: Document, **options: object) -> Page:
    html.FORMAT.write(documents, tmp_path / "page.html", **options)  # type: ignore[arg-type]
    return Page((tmp_path / "page.html").read_bytes().decode())


def entity_at(text: str, mention: str, label: str, score: float | None = None) -> Entity:
    """The mention in the text, as one entity whose fragments a line break cuts."""
    found = re.search(r"\n?".join(map(re.escape, mention)), text)
    assert found
    start, end = found.span()
    breaks = [start + match.start() for match in re.finditer("\n", found[0])]
    edges = [start, *(edge for at in breaks for edge in (at, at + 1)), end]
    pieces = tuple(zip(edges[::2], edges[1::2], strict=True))
    return Entity(label, start, end, pieces if breaks else (), score=score)


@pytest.fixture
def document() -> Document:
    entities = (
        entity_at(TEXT, "口服", "Method", 0.97),
        entity_at(TEXT, "二甲双胍", "Drug", 0.91),
        entity_at(TEXT, "0.5g", "Amount", 0.31),
        entity_at(TEXT, "2型糖尿病肾病", "Disease", 0.8),
        entity_at(TEXT, "2型糖尿病", "Disease", 0.7),
    )
    return Document("示例", TEXT, entities)


def test_html_shows_the_text_and_every_mention_with_its_name(tmp_path: Path, document: Document) -> None:
    page = page_of(tmp_path, document)
    assert page.articles == [TEXT]
    assert [mark["data-type"] for mark in page.marks] == ["用药方法", "药品", "用药剂量", "疾病", "疾病"]
    assert page.marks[1]["title"] == "药品 Drug · 置信度 confidence 0.91"


def test_html_draws_a_mention_over_a_line_break_as_one(tmp_path: Path) -> None:
    page = page_of(tmp_path, Document("a", TEXT, (entity_at(TEXT, "2型糖尿病", "Disease"),)))
    assert len(page.marks) == 1
    assert {"class": "soft"} in [values for tag, values in page.tags if tag == "span"]


def test_html_nests_mentions_and_cuts_those_that_overlap_partly(tmp_path: Path) -> None:
    source = "胰岛素抵抗和β细胞"
    entities = (Entity("Reason", 0, 5), Entity("Reason", 3, 9), Entity("Anatomy", 6, 9))
    page_of(tmp_path, Document("a", source, entities), title="题")
    article = re.search(r"<article.*</article>", (tmp_path / "page.html").read_text(encoding="utf-8"))
    assert article
    drawn = re.sub(r' title="[^"]*"', "", article[0])
    assert drawn == (
        '<article lang="zh"><mark class="t1" data-type="病因">胰岛素<mark class="t1 to">抵抗</mark></mark>'
        '<mark class="t1 from" data-type="病因">和<mark class="t13" data-type="部位">β细胞</mark></mark></article>'
    )


def test_html_draws_distant_fragments_with_open_sides(tmp_path: Path) -> None:
    page = page_of(tmp_path, Document("a", "左肾及右肾囊肿", (Entity("Disease", 0, 7, ((0, 2), (5, 7))),)))
    assert [(mark["class"], mark.get("data-type")) for mark in page.marks] == [("t0 to", None), ("t0 from", "疾病")]


def test_html_marks_uncertain_mentions(tmp_path: Path, document: Document) -> None:
    uncertain = [mark["data-type"] for mark in page_of(tmp_path, document).marks if "uncertain" in mark["class"]]
    assert uncertain == ["用药剂量"]


def test_html_counts_mentions_as_running_text(tmp_path: Path) -> None:
    text = "糖尿病\n糖尿\n病\n高血压"
    mentions = (Entity("Disease", 0, 3), Entity("Disease", 4, 8), Entity("Disease", 9, 12))
    visible = "".join(page_of(tmp_path, Document("a", text, mentions)).visible)
    assert re.search(r"疾病 Disease32糖尿病 2 高血压 1", visible)


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "</style><script>1</script>",
        '"><img src=x onerror=alert(1)>',
        "&lt;b&gt;",
        "--><b>",
    ],
)
def test_html_is_inert(tmp_path: Path, attack: str) -> None:
    schema = Schema("x", (EntityType("T", attack, attack, attack, attack),), (), ((attack, attack, attack),))
    entities = (Entity("T", 0, 3), Entity(attack, 1, 2))
    page = page_of(tmp_path, Document(attack, attack, entities), schema=schema, title=attack)
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "p", "div", "span", "form"}
    allowed |= {"label", "input", "button", "main", "section", "article", "mark", "table", "thead", "tbody", "tr", "th"}
    assert {tag for tag, _ in page.tags} <= allowed | {"td", "small"}
    assert not [name for _, values in page.tags for name in values if name.startswith("on") or name in {"src", "href"}]
    assert page.articles == [attack]
    assert "script" not in (tmp_path / "page.html").read_text(encoding="utf-8").replace("&lt;script", "").replace(
        "&lt;/script", ""
    )


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x85", "\u202e", "\u2066", "\u200b", "\ufeff", "\x0c"])
def test_html_shows_what_cannot_be_seen(tmp_path: Path, character: str) -> None:
    text = f"血{character}糖"
    page = page_of(tmp_path, Document(f"篇{character}", text))
    assert page.articles == [text]
    assert character not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_html_keeps_every_kind_of_line_break(tmp_path: Path) -> None:
    text = "一\r\n二\r三\n\n四\t五\r"
    assert page_of(tmp_path, Document("a", text)).articles == [text]
    assert b"\r" not in (tmp_path / "page.html").read_bytes()


def test_html_writes_several_documents_on_one_page_with_contents(tmp_path: Path, document: Document) -> None:
    page = page_of(tmp_path, document, Document("第二篇", "未见异常。"), title="两篇")
    assert page.articles == [TEXT, "未见异常。"]
    ids = {values.get("id") for _, values in page.tags}
    links = [values["href"] for tag, values in page.tags if tag == "a"]
    assert links == ["#d1", "#d2"]
    assert {link.removeprefix("#") for link in links} <= ids


def test_html_writes_a_folder_with_an_index(tmp_path: Path, document: Document) -> None:
    others = [Document(name, "血糖") for name in ("a/b", "a?b", "A_B", "../x", "con", "index", "长" * 200, "a\udc80b")]
    html.FORMAT.write([document, *others], tmp_path / "pages")
    index = Page((tmp_path / "pages/index.html").read_text(encoding="utf-8"))
    links = [values["href"] for tag, values in index.tags if tag == "a"]
    assert len(set(links)) == 9
    files = {path.name for path in (tmp_path / "pages").iterdir()}
    assert len({name.casefold() for name in files}) == 10
    for path in (tmp_path / "pages").glob("p-*"):
        assert "index.html" in [values.get("href") for _, values in Page(path.read_text(encoding="utf-8")).tags]


def test_html_does_not_replace_a_folder_unasked(tmp_path: Path, document: Document) -> None:
    html.FORMAT.write([document], tmp_path / "pages")
    with pytest.raises(SuwenError, match="S104"):
        html.FORMAT.write([document], tmp_path / "pages")


def test_html_leaves_nothing_half_written(tmp_path: Path, document: Document) -> None:
    def failing():  # type: ignore[no-untyped-def]
        yield document
        raise RuntimeError

    for name in ("page.html", "pages"):
        with pytest.raises(RuntimeError):
            html.FORMAT.write(failing(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["page.html", "pages"])
def test_html_writes_no_documents(tmp_path: Path, name: str) -> None:
    assert not html.FORMAT.write([], tmp_path / name)
    assert (tmp_path / name).exists()


def test_html_counts_what_it_does_not_show(tmp_path: Path) -> None:
    document = Document(
        "a",
        "口服二甲双胍",
        (Entity("Method", 0, 2, id="T1"), Entity("Drug", 2, 6, id="T2", annotated="二甲双胍片")),
        (Relation("Method_Drug", "T1", "T2"),),
        attributes=(Attribute("A1", "Negated", "T2"), Attribute("A2", "Seen", "R1")),
        notes=(Note("#1", "AnnotatorNotes", "T2", "?"),),
    )
    assert html.FORMAT.write([document], tmp_path / "page.html") == {
        "entity id": 2,
        "annotated mention": 1,
        "attribute": 1,
        "note": 1,
    }


def test_html_is_written_alike_each_time(tmp_path: Path, document: Document) -> None:
    page_of(tmp_path, document)
    first = (tmp_path / "page.html").read_bytes()
    page_of(tmp_path, document)
    assert (tmp_path / "page.html").read_bytes() == first


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(st.one_of(st.sampled_from("糖尿病a1 \n\r\t\0<&\"'\u202e\u3000"), st.characters(codec="utf-8"))))
    entities = []
    for _ in range(draw(st.integers(0, 8)) if text else 0):
        edges = draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=6, unique=True).map(sorted))
        pieces = tuple(zip(edges[::2], edges[1::2], strict=False))
        label = draw(st.sampled_from(["Drug", "Disease", "其他", "<b>"]))
        score = draw(st.none() | st.floats(0, 1))
        entities.append(Entity(label, pieces[0][0], pieces[-1][1], pieces if len(pieces) > 1 else (), score=score))
    return Document(draw(st.text(st.characters(codec="utf-8"))), text, tuple(entities))


@settings(max_examples=80, deadline=None)
@given(document=documents())
def test_html_holds_any_text_with_any_mentions(tmp_path_factory: pytest.TempPathFactory, document: Document) -> None:
    page = page_of(tmp_path_factory.mktemp("any"), document)
    assert page.articles == [document.text]
    names = {"Drug": "药品", "Disease": "疾病"}
    shown = sorted(mark["data-type"] for mark in page.marks if "data-type" in mark)
    assert shown == sorted(names.get(entity.label, entity.label) for entity in document.entities)
