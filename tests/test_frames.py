"""Data frames and notebooks."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import suwen
from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.pages import notebook

pandas = pytest.importorskip("pandas")

DOCUMENT = Document("a", "口服二甲双胍", (Entity("Drug", 2, 6, id="T1", score=0.5),), meta={"year": 2020, "more": []})


def test_frames_have_a_row_for_each_entity(tmp_path: Path) -> None:
    frame = suwen.to_dataframe([DOCUMENT, Document("b", "")])
    assert frame.to_dict("records") == [
        {
            **{"document": "a", "label": "Drug", "text": "二甲双胍", "start": 2, "end": 6, "score": 0.5, "id": "T1"},
            "year": 2020,
        }
    ]
    assert suwen.to_dataframe(DOCUMENT).equals(frame)
    suwen.write_corpus([DOCUMENT], tmp_path / "a.jsonl")
    assert suwen.to_dataframe(tmp_path / "a.jsonl").equals(frame)
    assert list(suwen.to_dataframe([]).columns) == ["document", "label", "text", "start", "end", "score", "id"]


def test_frames_have_a_row_for_each_relation() -> None:
    entities = (Entity("Drug", 0, 4, id="T1"), Entity("Disease", 6, 9, id="T2"))
    relation = Relation("Drug_Disease", "T1", "T2", "R1", 0.5)
    document = Document("a", "二甲双胍治疗糖尿病。", entities, (relation,))
    frame = suwen.to_dataframe([document, DOCUMENT], relations=True)
    (row,) = frame.to_dict("records")
    assert (row["document"], row["type"], row["confidence"]) == ("a", "Drug_Disease", 0.5)
    assert (row["head_text"], row["tail_text"], row["sentence"]) == ("二甲双胍", "糖尿病", document.text)
    mentions = suwen.to_dataframe(document).set_index(["document", "id"])
    assert mentions.loc[(row["document"], row["tail_id"]), "text"] == row["tail_text"]
    assert list(suwen.to_dataframe([], relations=True).columns) == list(frame.columns)


def test_frames_give_a_document_for_each_row() -> None:
    frame = pandas.DataFrame(
        {
            "id": [7, 8],
            "note": ["头晕", None],
            "age": [61, 62],
            "value": [1.5, float("inf")],
            "seen": pandas.to_datetime(["2020-01-02", None]),
            "kind": pandas.Categorical(["甲", "乙"]),
            "ill": [True, False],
        }
    )
    first, second = suwen.from_dataframe(frame, "note")
    meta = {"age": 61, "value": 1.5, "seen": "2020-01-02", "kind": "甲", "ill": True}
    assert first == Document("7", "头晕", meta=meta)
    assert [type(first.meta[key]) for key in ("age", "value", "ill")] == [int, float, bool]
    assert (second.text, second.meta["value"]) == ("", "inf")
    assert "seen" not in second.meta
    by_index = suwen.from_dataframe(frame.drop(columns="id"), text_column="note")
    assert [document.id for document in by_index] == ["0", "1"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"text": ["a"]}, "S214 .*'note'; columns: text"),
        ({"note": [1]}, "S213"),
        ({"id": [1, 1], "note": ["a", "b"]}, "S225 .*lines 1 and 2"),
    ],
)
def test_frames_are_refused_when_they_are_not_clear(frame: dict[str, list[object]], code: str) -> None:
    with pytest.raises(SuwenError, match=code):
        suwen.from_dataframe(pandas.DataFrame(frame), "note")
    twice = pandas.DataFrame([["a", "b", "c"]], columns=["note", "x", "x"])
    with pytest.raises(SuwenError, match="S213"):
        suwen.from_dataframe(twice, "note")


def test_frames_need_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for call in (lambda: suwen.to_dataframe([]), lambda: suwen.from_dataframe(None, "text")):  # type: ignore[arg-type]
        with pytest.raises(SuwenError, match=re.escape("pip install 'suwen[pandas]'")):
            call()


def shown(document: Document) -> str:
    """The HTML without its style."""
    return document._repr_html_().partition("</style>")[2]


def test_notebook_escapes_texts_and_names() -> None:
    html = shown(Document("<a>", "<b>&\u202e", (Entity("<c>", 0, 3),)))
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert 'data-code="U+202E"' in html
    assert 'data-type="&lt;c&gt;"' in html


def test_notebook_nests_mentions_that_overlap() -> None:
    entities = (Entity("Disease", 0, 6), Entity("Anatomy", 4, 5), Entity("Drug", 4, 8))
    html = shown(Document("a", "2型糖尿病肾病变", entities))
    assert html.count("<mark") == html.count("</mark>") == 4
    assert re.sub(r"<[^>]+>", "", html).count("2型糖尿病肾病变") == 1
    assert html.count('data-type="') == 3


def test_notebook_shows_the_beginning_of_long_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "LONGEST", 4)
    html = shown(Document("a", "口服二甲双胍，糖尿病", (Entity("Drug", 2, 6), Entity("Disease", 7, 10))))
    assert ">二甲双胍</mark></div>" in html
    assert "还有 4 个字符、1 个实体未显示" in html


def test_notebook_loads_pages_only_when_shown() -> None:
    import subprocess

    code = "import sys, suwen; suwen.Document('a', 'b'); assert not {'jinja2', 'suwen.pages'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
