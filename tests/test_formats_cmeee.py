from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import cmeee, format_of, read_corpus, write_corpus
from suwen.schema import LCDD

SENTENCE = "口服二甲双胍治疗2型糖尿病。"
ROWS = [
    {
        "text": SENTENCE,
        "entities": [
            {"start_idx": 2, "end_idx": 5, "type": "dru", "entity": "二甲双胍"},
            {"start_idx": 8, "end_idx": 12, "type": "dis", "entity": "2型糖尿病"},
            {"start_idx": 10, "end_idx": 12, "type": "dis", "entity": "糖尿病"},
        ],
    },
    {"text": "无", "entities": []},
]
ENTITIES = (Entity("dru", 2, 6), Entity("dis", 8, 13), Entity("dis", 10, 13))


def stored(path: Path, rows: Any) -> Path:
    path.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    return path


def exclusive(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        row | {"entities": [entity | {"end_idx": entity["end_idx"] + 1} for entity in row["entities"]]} for row in rows
    ]


@pytest.mark.parametrize("rows", [ROWS, exclusive(ROWS)], ids=["inclusive", "exclusive"])
def test_cmeee_reports_what_the_ends_mean(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path = stored(tmp_path / "train.json", rows)
    assert format_of(path) == format_of(tmp_path) == "cmeee"
    assert read_corpus(path) == [Document("train/1", SENTENCE, ENTITIES), Document("train/2", "无")]


def test_cmeee_takes_the_ends_from_most_mentions_or_as_told(tmp_path: Path) -> None:
    odd = [*ROWS, {"text": "血糖升高", "entities": [{"start_idx": 0, "end_idx": 2, "type": "sym", "entity": "血糖"}]}]
    read = list(cmeee.FORMAT.read(stored(tmp_path / "a.json", odd)))
    assert read[2].entities == (Entity("sym", 0, 3, annotated="血糖"),)
    bare = [{"text": "血糖", "entities": [{"start_idx": 0, "end_idx": 1, "type": "ite"}]}]
    path = stored(tmp_path / "b.json", bare)
    assert next(cmeee.FORMAT.read(path)).entities == (Entity("ite", 0, 2),)
    assert next(cmeee.FORMAT.read(path, ends="exclusive")).entities == (Entity("ite", 0, 1),)


@pytest.mark.parametrize("ends", ["inclusive", "exclusive"])
def test_cmeee_goes_round(tmp_path: Path, ends: cmeee.Ends) -> None:
    path = stored(tmp_path / "train.json", ROWS if ends == "inclusive" else exclusive(ROWS))
    lost = write_corpus(read_corpus(path), tmp_path / "out.json", "cmeee", ends=ends)
    assert lost == {"document id": 2}
    assert json.loads((tmp_path / "out.json").read_text("utf-8")) == json.loads(path.read_text("utf-8"))


def test_cmeee_writes_an_empty_list(tmp_path: Path) -> None:
    cmeee.FORMAT.write([], tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == []


def test_cmeee_counts_lost_content(tmp_path: Path) -> None:
    document = Document("a", "二甲\n双胍", (Entity("dru", 0, 5, ((0, 2), (3, 5)), "T1", 0.5),), group="138")
    lost = cmeee.FORMAT.write([document], tmp_path / "out.json")
    assert lost == {"document id": 1, "entity id": 1, "fragments": 1, "score": 1, "group": 1}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"entities": []}, "S213 a.json:1: the field 'text' is missing"),
        ([{"entities": []}], "S213 a.json:1: the field 'text' is missing"),
        (["a"], "S213 a.json:1: the field 'text' is looked for in 'a', which is no object"),
        ([{"text": "a", "entities": 1}], "S213 a.json:1: the field 'entities' is not a list"),
        ([{"text": "a", "entities": [{"start_idx": "0"}]}], "S213 a.json:1: the field 'start_idx' is not an integer"),
        ([{"text": "a", "entities": [{"start_idx": 0, "end_idx": 4, "type": "x"}]}], "S201 a.json:1"),
        ([{"text": "a", "entities": [{"start_idx": 2, "end_idx": 0, "type": "x"}]}], "S211 a.json:1"),
        ([{"text": "\ud800"}], "S210 a.json"),
    ],
)
def test_cmeee_reports_errors(tmp_path: Path, rows: Any, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows))
    with pytest.raises(SuwenError) as caught:
        list(cmeee.FORMAT.read(path))
    assert str(caught.value).replace(str(path), path.name).startswith(message)


def test_cmeee_continues_after_a_fault_and_knows_labels(tmp_path: Path) -> None:
    path = stored(tmp_path / "a.json", [*ROWS, {"text": 1}, {"text": "b"}])
    found: list[SuwenError] = []
    documents = [located.document for located in cmeee.FORMAT.scan(path, found.append, LCDD)]
    assert [document.id for document in documents] == ["a/1", "a/2", "a/4"]
    assert [(error.code, error.line) for error in found] == [("S202", 1)] * 3 + [("S213", 3)]
    (tmp_path / "a.json").write_text("[{")
    with pytest.raises(SuwenError, match="S204"):
        list(cmeee.FORMAT.read(path))


@given(st.lists(st.text(), max_size=4))
@settings(max_examples=30)
def test_cmeee_keeps_any_text(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("cmeee") / "out.json"
    cmeee.FORMAT.write([Document(str(number), text) for number, text in enumerate(texts)], path)
    assert [document.text for document in cmeee.FORMAT.read(path)] == texts


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 20) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "entities", "start_idx", "end_idx", "type", "entity", "paragraphs", "sentences"]),
            inner,
        )
    ),
)


@given(VALUES)
def test_cmeee_gives_documents_or_one_clear_line(tmp_path_factory: pytest.TempPathFactory, values: Any) -> None:
    found: list[SuwenError] = []
    assert all(
        located.document
        for located in cmeee.FORMAT.scan(stored(tmp_path_factory.mktemp("cmeee") / "a.json", values), found.append)
    )
