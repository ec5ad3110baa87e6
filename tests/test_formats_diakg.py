from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from format_strategies import documents
from hypothesis import given, settings
from hypothesis import strategies as st
from test_formats_cmeee import VALUES, stored

from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.formats import diakg, format_of, read_corpus, write_corpus


def entity(name: str, mention: str, label: str, start: int) -> dict[str, Any]:
    offsets = {"start_idx": start, "end_idx": start + len(mention)}
    return {"entity_id": name, "entity": mention, "entity_type": label, **offsets}


DOCUMENT = {
    "doc_id": "7",
    "paragraphs": [
        {
            "paragraph_id": "0",
            "paragraph": "题目",
            "sentences": [
                {"sentence_id": "0", "sentence": "题目", "start_idx": 0, "end_idx": 2, "entities": [], "relations": []}
            ],
        },
        {
            "paragraph_id": "5",
            "paragraph": "口服二甲双胍;治疗2型糖尿病。每日三次。",
            "sentences": [
                {
                    "sentence_id": "0",
                    "sentence": "口服二甲双胍;治疗2型糖尿病。",
                    "start_idx": 0,
                    "end_idx": 15,
                    "entities": [
                        {
                            "entity_id": "T1",
                            "entity": "2型糖尿病",
                            "entity_type": "Disease",
                            "start_idx": 9,
                            "end_idx": 14,
                        },
                        {"entity_id": "T0", "entity": "二甲双胍", "entity_type": "Drug", "start_idx": 2, "end_idx": 6},
                    ],
                    "relations": [
                        {
                            "relation_type": "Drug_Disease",
                            "relation_id": "R0",
                            "head_entity_id": "T0",
                            "tail_entity_id": "T1",
                        }
                    ],
                },
                {
                    "sentence_id": "1",
                    "sentence": "每日三次。",
                    "start_idx": 15,
                    "end_idx": 20,
                    "entities": [
                        {
                            "entity_id": "T2",
                            "entity": "每日三次",
                            "entity_type": "Frequency",
                            "start_idx": 0,
                            "end_idx": 4,
                        }
                    ],
                    "relations": [],
                },
            ],
        },
    ],
}


def sentences(path: Path) -> list[list[str]]:
    values = json.loads(path.read_text("utf-8"))
    return [[sentence["sentence"] for sentence in paragraph["sentences"]] for paragraph in values["paragraphs"]]


def test_diakg_reads_entities_of_sentences(tmp_path: Path) -> None:
    path = stored(tmp_path / "1.json", DOCUMENT)
    assert format_of(path) == format_of(tmp_path) == "diakg"
    (document,) = read_corpus(tmp_path)
    assert (document.id, document.text) == ("1", "题目\n\n口服二甲双胍;治疗2型糖尿病。每日三次。")
    assert [(entity.id, document.mention(entity)) for entity in document.entities] == [
        ("T1", "2型糖尿病"),
        ("T0", "二甲双胍"),
        ("T2", "每日三次"),
    ]
    assert document.relations == (Relation("Drug_Disease", "T0", "T1", "R0"),)
    assert document.meta["diakg"]["doc_id"] == "7"


def test_diakg_goes_round_also_by_way_of_json_lines(tmp_path: Path) -> None:
    path = stored(tmp_path / "1.json", DOCUMENT)
    write_corpus(read_corpus(path), tmp_path / "a.jsonl", "jsonl")
    assert not write_corpus(read_corpus(tmp_path / "a.jsonl"), tmp_path / "out", "diakg")
    assert json.loads((tmp_path / "out/1.json").read_text("utf-8")) == DOCUMENT


def test_diakg_cuts_other_documents_itself(tmp_path: Path) -> None:
    text = "题目\n\n口服,\n二甲双胍。每日三次。治疗\n"
    entities = (Entity("Drug", 8, 12, id="x"), Entity("Odd", 10, 18), Entity("Treatment", 18, 20, id="x"))
    relations = (Relation("a", "x", "T0"), Relation("b", "x", "T1"))
    lost = diakg.FORMAT.write([Document("sub/a", text, entities, relations)], tmp_path / "out")
    assert sentences(tmp_path / "out/sub/a.json") == [["题目"], ["口服,\n二甲双胍。每日三次。", "治疗"]]
    assert lost == {"relation between sentences": 1}
    (document,) = diakg.FORMAT.read(tmp_path / "out")
    assert [(entity.id, document.mention(entity)) for entity in document.entities] == [
        ("x", "二甲双胍"),
        ("T0", "双胍。每日三次。"),
        ("T1", "治疗"),
    ]
    assert document.relations == (Relation("a", "x", "T0", "R0"),)


def test_diakg_counts_lost_content(tmp_path: Path) -> None:
    document = Document("a", "甲\n\n乙", (Entity("x", 0, 4, ((0, 1), (3, 4))), Entity("y", 1, 2)), meta={"note": 1})
    assert diakg.FORMAT.write([document], tmp_path / "out") == {"fragments": 1, "meta": 1, "entity across sentences": 2}


@pytest.mark.parametrize(
    "kept",
    [
        {"paragraphs": [[0, [0], 99]]},
        {"paragraphs": [[0, [1], 2]]},
        {"paragraphs": [[1, [1], 3]]},
        {"paragraphs": "x"},
        {"paragraphs": [[0, [0, 2, 1], 3]]},
        "x",
    ],
)
def test_diakg_does_not_trust_what_is_kept(tmp_path: Path, kept: Any) -> None:
    diakg.FORMAT.write([Document("a", "甲。乙。", meta={"diakg": kept})], tmp_path / "out")
    assert sentences(tmp_path / "out/a.json") == [["甲。", "乙。"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"paragraphs": 1}, "S213 {}: the field 'paragraphs' is not a list"),
        ({"paragraphs": [{}]}, "S213 {}:1: the field 'paragraph' is missing"),
        (
            {"paragraphs": [{"paragraph": "a", "sentences": [{"start_idx": 1, "sentence": "a"}]}]},
            "S213 {}:1: the field",
        ),
    ],
)
def test_diakg_reports_errors(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = stored(tmp_path / "a.json", DOCUMENT | change)
    with pytest.raises(SuwenError) as caught:
        list(diakg.FORMAT.read(path))
    assert str(caught.value).startswith(message.format(path))


def test_diakg_continues_after_a_fault(tmp_path: Path) -> None:
    values = json.loads(json.dumps(DOCUMENT))
    entities = values["paragraphs"][1]["sentences"][0]["entities"]
    entities[0]["end_idx"] = 99
    entities[1]["entity"] = "双胍"
    found: list[SuwenError] = []
    (located,) = diakg.FORMAT.scan(stored(tmp_path / "a.json", values), found.append)
    assert [entity.annotated for entity in located.document.entities] == ["双胍", None]
    assert [(error.code, error.line) for error in found] == [("S201", 2)]


@given(documents())
@settings(max_examples=60, deadline=None)
def test_diakg_keeps_every_entity_or_counts_it(tmp_path_factory: pytest.TempPathFactory, document: Document) -> None:
    path = tmp_path_factory.mktemp("diakg") / "out"
    document = Document("a", document.text, document.entities)
    lost = diakg.FORMAT.write([document], path)
    (back,) = diakg.FORMAT.read(path)
    kept = sorted((entity.label, document.text[entity.start : entity.end]) for entity in document.entities)
    read = sorted((entity.label, back.text[entity.start : entity.end]) for entity in back.entities)
    assert len(kept) == len(read) + lost["entity across sentences"]
    if not lost["entity across sentences"]:
        assert kept == read


@given(VALUES, st.booleans())
def test_diakg_gives_documents_or_one_clear_line(
    tmp_path_factory: pytest.TempPathFactory, values: Any, inside: bool
) -> None:
    values = {"paragraphs": [{"paragraph": "a", "sentences": [values]}]} if inside else values
    found: list[SuwenError] = []
    assert all(
        located.document
        for located in diakg.FORMAT.scan(stored(tmp_path_factory.mktemp("diakg") / "a.json", values), found.append)
    )
