from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import suwen
from suwen.document import Attribute, Document, Entity
from suwen.formats import read_corpus, write_corpus

TEXT = "糖尿病肾病(DN)患者无咳嗽、发热，考虑2型糖尿病。"
CODES = "E11.9\t2型糖尿病\nN08.3\t糖尿病性肾病\n"


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text(TEXT, encoding="utf-8")
    (tmp_path / "icd.tsv").write_text(CODES, encoding="utf-8")
    return path


def said(document: Document) -> dict[str, dict[str, str | None]]:
    """The attributes of each mention, by label."""
    mentions = {entity.id: document.mention(entity) for entity in document.entities}
    found: dict[str, dict[str, str | None]] = {mention: {} for mention in mentions.values()}
    for attribute in document.attributes:
        found[mentions[attribute.target]][attribute.label] = attribute.value
    return found


EXPECTED = {
    "糖尿病肾病": {"Code": "N08.3", "Code_Match": "alias"},
    "DN": {"Code": "N08.3", "Code_Match": "alias"},
    "咳嗽": {"Assertion": "negated", "Cue": "11-12", "Code_Match": "none"},
    "发热": {"Assertion": "negated", "Cue": "11-12", "Code_Match": "none"},
    "2型糖尿病": {"Assertion": "hypothetical", "Cue": "18-20", "Code": "E11.9", "Code_Match": "exact"},
}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "suwen", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}, check=False)


@pytest.mark.parametrize("output", ["out.jsonl", "out"])
def test_extraction_attributes_are_written(article: Path, output: str) -> None:
    path = article.parent / output
    to = () if path.suffix else ("--to", "brat")
    done = run("extract", article, "-o", path, "--assertion", "--codes", article.with_name("icd.tsv"), *to)
    assert done.returncode == 0, done.stderr
    assert "not held" not in done.stderr
    (document,) = read_corpus(path)
    assert said(document) == EXPECTED


def test_extraction_attributes_in_python_and_on_pages(article: Path) -> None:
    page = article.with_name("page.html")
    suwen.extract(article, page, assertion=True)
    html = page.read_text(encoding="utf-8")
    assert 'class="t2 negated"' in html
    assert "Assertion hypothetical · Cue 18-20" in html
    assert "struck through" in html


def test_extraction_attributes_without_options_are_not_there(article: Path) -> None:
    suwen.extract(article, article.with_name("out.jsonl"))
    values = json.loads(article.with_name("out.jsonl").read_text(encoding="utf-8"))
    assert "attributes" not in values


def test_extraction_attributes_bad_codes_are_refused_before_the_run(article: Path) -> None:
    bad = article.with_name("bad.tsv")
    bad.write_text("E11.9\t2型糖尿病\nE14\n", encoding="utf-8")
    done = run("extract", article, "-o", article.with_name("out.jsonl"), "--codes", bad)
    assert done.returncode == 2
    assert done.stderr.startswith(f"S420 {bad}:2: ")
    assert len(done.stderr.splitlines()) == 1
    assert not article.with_name("out.jsonl").exists()
    assert run("extract", article, "-o", article.with_name("o"), "--codes", "none.tsv").stderr.startswith("S101")


def test_extraction_attributes_html_counts_those_of_relations(tmp_path: Path) -> None:
    attributes = (Attribute("A1", "Assertion", "T1", "<b>"), Attribute("A2", "Seen", "R1"))
    document = Document("a", "发热", (Entity("Symptom", 0, 2, id="T1"),), attributes=attributes)
    assert write_corpus([document], tmp_path / "a.html", "html")["attribute"] == 1
    assert "Assertion &lt;b&gt;" in (tmp_path / "a.html").read_text(encoding="utf-8")
