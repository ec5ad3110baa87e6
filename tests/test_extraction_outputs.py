from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pdf_files import Sheet, pdf_of, wrapped
from test_overrides import Fixed
from typer.testing import CliRunner

import suwen.loading
from suwen.cli import app
from suwen.document import Document, Entity, Page
from suwen.extraction.outputs import write_extracted
from suwen.formats import read_corpus
from suwen.schema import LCDD

TEXT = "第一页。\n\n口服二甲双胍(\n缓释)。\n"
DOCUMENT = Document(
    "a",
    TEXT,
    (Entity("Drug", 8, 17, ((8, 13), (14, 17)), "T1", 0.75),),
    pages=(Page(1, 0, 6), Page(2, 6, len(TEXT))),
    meta={"read_from": {"format": "pdf", "dropped": {"page number": 2}}, "overrides": {"added": 1, "removed": 0}},
)


def written(path: Path, form: str) -> Path:
    lost = write_extracted([DOCUMENT], path, form, LCDD, "tiny 0123")
    assert lost == ({"score": 1, "page": 2, "meta": 1} if form == "conll" else {})
    return path


def test_extracted_json_lines_name_page_sentence_and_model(tmp_path: Path) -> None:
    path = written(tmp_path / "out.jsonl", "jsonl")
    values = json.loads(path.read_text("utf-8"))
    assert values["entities"][0] == {
        "label": "Drug",
        "start": 8,
        "end": 17,
        "fragments": [[8, 13], [14, 17]],
        "id": "T1",
        "score": 0.75,
        "text": "二甲双胍(缓释)",
        "page": 2,
        "sentence": [6, 18],
    }
    assert values["meta"]["model"] == "tiny 0123"
    (document,) = read_corpus(path)
    assert (document.entities, document.pages) == (DOCUMENT.entities, DOCUMENT.pages)
    assert document.meta["read_from"]["dropped"] == {"page number": 2}


def test_extracted_brat_names_page_and_model_in_notes(tmp_path: Path) -> None:
    path = written(tmp_path / "out", "brat")
    note = "#1\tAnnotatorNotes T1\tconfidence 0.75, page 2, model tiny 0123\n"
    assert (path / "a.ann").read_text("utf-8").endswith(note)


def test_extracted_pages_show_page_and_model(tmp_path: Path) -> None:
    page = written(tmp_path / "out.html", "html").read_text("utf-8")
    assert "第 2 页 page 2" in page
    assert "tiny 0123" in page


def test_extracted_columns_hold_no_page(tmp_path: Path) -> None:
    assert "B-Drug" in written(tmp_path / "out.conll", "conll").read_text("utf-8")


@pytest.fixture
def articles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(suwen.loading, "load", lambda *_, **__: Fixed(Entity("Drug", 2, 6, (), "T1", 0.5)))
    folder = tmp_path / "articles"
    folder.mkdir()
    sentence = "口服二甲双胍治疗糖尿病的患者血糖控制良好未见不良反应。"

    def page(number: int, text: str) -> Callable[[Sheet], None]:
        def draw(sheet: Sheet) -> None:
            sheet.put(60, 30, "某医学杂志")
            sheet.put(300, 30, str(number))
            sheet.lines(60, 780, wrapped(text, 20))

        return draw

    (folder / "a.pdf").write_bytes(pdf_of(page(7, sentence * 3), page(8, "对照组用阿卡波糖" * 9)))
    (folder / "a.html").write_text(f"<nav>目录</nav><p>{sentence}</p>", "utf-8")
    return folder


def test_extracted_articles_of_mixed_formats(articles: Path, tmp_path: Path) -> None:
    arguments = ["extract", str(articles), "-o", str(tmp_path / "out.jsonl"), "--model", "m", "--json"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    counts = json.loads(result.stdout)
    assert (counts["documents"], counts["entities"], counts["renamed"]) == (2, 2, 1)
    assert counts["dropped"] == {"nav": 1, "running header or footer": 1, "page number": 2}
    assert "document a: renamed to a~2, because its id is taken" in result.stderr
    assert "left out of the texts: 1 nav, 2 page number, 1 running header or footer" in result.stderr
    page, article = read_corpus(tmp_path / "out.jsonl")
    assert (page.id, article.id) == ("a", "a~2")
    assert page.mention(page.entities[0]) == article.mention(article.entities[0]) == "二甲双胍"
    assert [span.number for span in article.pages] == [1, 2]
    # What was read is what is written: offsets count the same characters.
    assert article.text.startswith(page.text)
