from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from relation_documents import DOCUMENT, by_span, related_documents

from suwen.document import Document, Relation
from suwen.formats import read_corpus, write_corpus

# A busy machine draws slowly, and writing waits for the disk.
patient = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


def through(document: Document, path: Path, *formats: str) -> Document:
    """The document after it was written and read in each format."""
    for number, form in enumerate(formats):
        write_corpus([document], path / f"{number}", form)
        (document,) = read_corpus(path / f"{number}", form)
    return document


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> object:
    return lambda: tmp_path_factory.mktemp("corpus")


@patient
@given(document=related_documents(scored=False))
def test_relations_survive_brat_and_json_lines(folders, document: Document) -> None:
    folder = folders()
    back = through(document, folder, "brat", "jsonl", "brat")
    assert back.relations == document.relations
    assert by_span(back) == by_span(document)
    first, last = ((folder / name / "a.ann").read_bytes() for name in ("0", "2"))
    assert first == last


@patient
@given(document=related_documents())
def test_relations_survive_json_lines_with_scores(folders, document: Document) -> None:
    assert through(document, folders(), "jsonl").relations == document.relations


@patient
@given(document=related_documents(pieces=False))
def test_relations_survive_label_studio(folders, document: Document) -> None:
    back = through(document, folders(), "label_studio", "jsonl", "label_studio")
    assert by_span(back) == by_span(document)


@patient
@given(document=related_documents(scored=False, pieces=False))
def test_relations_survive_doccano(folders, document: Document) -> None:
    back = through(document, folders(), "doccano", "jsonl", "doccano")
    assert by_span(back) == by_span(document)


def test_relation_scores_are_counted_where_they_are_lost(tmp_path: Path) -> None:
    scored = replace(DOCUMENT, relations=(Relation("Drug_Disease", "T1", "T3", "R1", 0.5),))
    assert write_corpus([scored], tmp_path / "b", "brat") == {"relation score": 1}
    assert write_corpus([scored], tmp_path / "d", "diakg")["relation score"] == 1
    assert write_corpus([scored], tmp_path / "c.conll", "conll")["relation"] == 1
    assert "relation score" not in write_corpus([scored], tmp_path / "l", "label_studio")
    assert read_corpus(tmp_path / "b")[0].relations == (Relation("Drug_Disease", "T1", "T3", "R1"),)


def test_relation_scores_must_be_confidences(tmp_path: Path) -> None:
    write_corpus([DOCUMENT], tmp_path / "in.jsonl", "jsonl")
    values = json.loads((tmp_path / "in.jsonl").read_text("utf-8"))
    values["relations"][0]["score"] = 1.5
    (tmp_path / "in.jsonl").write_text(json.dumps(values), "utf-8")
    with pytest.raises(Exception, match=r"S205 .*in\.jsonl:1: the field 'relations\.score' is not between 0 and 1"):
        read_corpus(tmp_path / "in.jsonl")
