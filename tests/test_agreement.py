"""Agreement of annotators, compared with scikit-learn and seqeval."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from sklearn.metrics import cohen_kappa_score

from suwen.annotation.agreement import agree
from suwen.annotation.disagreements import disagreements_in, to_adjudicate
from suwen.annotation.kappa import alpha
from suwen.cli import main
from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.evaluation.scores import Score
from suwen.formats import read_corpus, write_corpus
from suwen.schemes import scheme_named

LABELS = ["Disease", "Drug", "Test"]
TEXT = "口服二甲双胍治疗2型糖尿病。"
DRUG, DISEASE = Entity("Drug", 2, 6, id="T1"), Entity("Disease", 8, 13, id="T2")
RELATION = Relation("Drug_Disease", "T1", "T2", "R1")


@st.composite
def annotations(draw: st.DrawFn, length: int) -> tuple[Entity, ...]:
    """Mentions that do not overlap."""
    cuts = sorted(draw(st.sets(st.integers(0, length), max_size=6)))
    pieces = [piece for piece in zip(cuts[::2], cuts[1::2], strict=False) if draw(st.booleans())]
    return tuple(Entity(draw(st.sampled_from(LABELS)), start, end) for start, end in pieces)


@st.composite
def annotated_twice(draw: st.DrawFn, annotators: int = 2) -> dict[str, list[Document]]:
    texts = draw(st.lists(st.text("糖尿病a1，", min_size=1, max_size=20), min_size=1, max_size=4))
    return {
        f"a{number}": [Document(f"{i}", text, draw(annotations(len(text)))) for i, text in enumerate(texts)]
        for number in range(annotators)
    }


def types_of(documents: list[Document]) -> list[str]:
    """The type of each character, one after the other."""
    found = []
    for document in documents:
        types = ["O"] * len(document.text)
        for entity in document.entities:
            types[entity.start : entity.end] = [entity.label] * (entity.end - entity.start)
        found += types
    return found


def tags_of(documents: list[Document]) -> list[list[str]]:
    scheme = scheme_named("BIO")
    return [scheme.encode(len(one.text), [entity.key for entity in one.entities]) for one in documents]


@given(annotated_twice())
@settings(max_examples=60, deadline=None)
def test_agreement_equals_scikit_learn_and_seqeval(case: dict[str, list[Document]]) -> None:
    first, second = case.values()
    (pair,) = agree(case).pairs
    ours, theirs = types_of(first), types_of(second)
    expected = cohen_kappa_score(ours, theirs) if len({*ours, *theirs}) > 1 else float("nan")
    assert pair.kappa.value == pytest.approx(expected, nan_ok=True)
    kept = [(one, other) for one, other in zip(ours, theirs, strict=True) if (one, other) != ("O", "O")]
    distinct = {label for row in kept for label in row}
    expected = cohen_kappa_score(*zip(*kept, strict=True)) if len(distinct) > 1 else float("nan")
    assert pair.kappa_without_o.value == pytest.approx(expected, nan_ok=True)
    if any(one.entities for one in (*first, *second)):
        assert pair.strict.value == pytest.approx(f1_score(tags_of(first), tags_of(second), zero_division=0))


@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=12), min_size=2, max_size=4))
def test_agreement_alpha_is_that_of_all_pairs(rows: list[list[int]]) -> None:
    types = np.array([row[: min(map(len, rows))] for row in rows])
    values = [value for column in types.T for value in column]
    observed = [a != b for column in types.T for i, a in enumerate(column) for j, b in enumerate(column) if i != j]
    expected = [a != b for i, a in enumerate(values) for j, b in enumerate(values) if i != j]
    if not any(expected):
        assert isnan(alpha([types], 3))
        return
    assert alpha([types], 3) == pytest.approx(1 - np.mean(observed) / np.mean(expected))


@given(annotated_twice())
@settings(max_examples=30, deadline=None)
def test_agreement_does_not_depend_on_the_order(case: dict[str, list[Document]]) -> None:
    (pair,) = agree(case).pairs
    (back,) = agree(dict(reversed(case.items()))).pairs
    for measure in ("strict", "partial", "kappa", "kappa_without_o"):
        assert getattr(pair, measure).value == pytest.approx(getattr(back, measure).value, nan_ok=True)
    same = agree({"a": case["a0"], "b": case["a0"]})
    assert same.pairs[0].strict.value == (
        1.0 if any(one.entities for one in case["a0"]) else pytest.approx(float("nan"), nan_ok=True)
    )
    assert not list(disagreements_in(same.annotators))


def test_agreement_compares_relations_of_shared_entities() -> None:
    first = Document("a", TEXT, (DRUG, DISEASE), (RELATION, replace(RELATION, label="Other")))
    renamed = (replace(DISEASE, id="x"), replace(DRUG, id="y"), Entity("Test", 0, 2, id="z"))
    relations = (Relation("Drug_Disease", "y", "x"), Relation("Test_Disease", "z", "x"))
    (pair,) = agree({"a": [first], "b": [Document("a", TEXT, renamed, relations)]}).pairs
    # The relation of an entity that the other does not have cannot be agreed on.
    assert pair.relations == Score(1, 2, 1)


def test_agreement_shows_boundaries_and_types() -> None:
    other = (replace(DRUG, end=5), replace(DISEASE, label="Test"))
    (pair,) = agree({"a": [Document("a", TEXT, (DRUG, DISEASE))], "b": [Document("a", TEXT, other)]}).pairs
    assert (pair.boundaries["start"], pair.boundaries["end"]) == ({0: 1}, {-1: 1})
    assert pair.analysis.confusion == {("Drug", "Drug"): 1, ("Disease", "Test"): 1}
    assert (pair.strict.value, pair.partial.value) == (0.0, 0.5)


def test_agreement_merges_what_is_to_be_decided(tmp_path: Path) -> None:
    documents = {
        "anna": [Document("a", TEXT, (DRUG, DISEASE), (RELATION,))],
        "bo": [Document("a", TEXT, (replace(DRUG, id="T9"),))],
        "chen": [Document("a", TEXT, (replace(DRUG, end=5), DISEASE))],
    }
    (one, two) = disagreements_in(documents)
    assert (one.span, [len(found) for found in one.mentions.values()]) == ((2, 6), [1, 1, 1])
    assert (two.span, [len(found) for found in two.mentions.values()]) == ((8, 13), [1, 0, 1])
    assert not write_corpus(to_adjudicate(documents), tmp_path / "out", "brat")
    lines = (tmp_path / "out/a.ann").read_text("utf-8").splitlines()
    assert lines[:3] == ["T1\tDrug 2 5\t二甲双", "T2\tDrug 2 6\t二甲双胍", "T3\tDisease 8 13\t2型糖尿病"]
    assert lines[3] == "R1\tDrug_Disease Arg1:T2 Arg2:T3"
    assert [line.split("\t")[1:] for line in lines[4:]] == [
        ["AnnotatorNotes T1", "chen (not anna, bo)"],
        ["AnnotatorNotes T2", "anna, bo (not chen)"],
        ["AnnotatorNotes T3", "anna, chen (not bo)"],
        ["AnnotatorNotes R1", "anna (not bo, chen)"],
    ]


@pytest.mark.parametrize(
    ("annotators", "code"),
    [
        ({"a": [Document("a", TEXT)]}, "S941"),
        ({"a": [Document("a", TEXT)], "b": [Document("b", TEXT)]}, "S942"),
        ({"a": [Document("a", TEXT)], "b": [Document("a", TEXT[:-1])]}, "S943"),
    ],
)
def test_agreement_refuses_incomparable_annotations(annotators: dict[str, list[Document]], code: str) -> None:
    with pytest.raises(SuwenError) as caught:
        agree(annotators)
    assert caught.value.code == code


def test_agreement_is_printed_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"<img src=x onerror=alert(1)>{TEXT}"
    shifted = [replace(entity, start=entity.start + 28, end=entity.end + 28) for entity in (DRUG, DISEASE)]
    for name, entities in (("anna", shifted), ("bo", shifted[:1]), ("chen", [])):
        found = [Document(f"{i}", text, tuple(entities)) for i in range(3)] + [Document(name, TEXT)]
        write_corpus(found, tmp_path / name / "corpus.jsonl", "jsonl")
    paths = [tmp_path / name / "corpus.jsonl" for name in ("anna", "bo", "chen")]
    html, folder = tmp_path / "page.html", tmp_path / "todo"

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["suwen", "corpus", "agree", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    status, printed, error = run(*paths, "--html", html, "--adjudicate", folder, "--json")
    values = json.loads(printed)
    assert status == 0
    assert error.count("left out: 1 document that no other annotator has") == 3
    assert values["annotators"] == ["anna/corpus", "bo/corpus", "chen/corpus"]
    assert values["pairs"][0]["strict_entity_f1"]["value"] == pytest.approx(2 / 3)
    assert values["pairs"][1]["strict_entity_f1"]["value"] == 0
    page = html.read_text("utf-8")
    assert "<img" not in page
    assert page.count("<small>0 · [") == 2
    assert len(read_corpus(folder)) == 3
    types = (folder / "annotation.conf").read_text("utf-8")
    assert "\nSideEff\n" in types
    assert "\nDrug_Disease\tArg1:Drug, Arg2:Disease\n" in types
    assert "<OVERLAP>" in types
    assert "Drug | 药品\n" in (folder / "visual.conf").read_text("utf-8")
    status, printed, _ = run(*paths[:2])
    assert status == 0
    assert "66.7" in printed
    status, _, error = run(paths[0], "--json")
    assert (status, error.startswith("S941")) == (2, True)


def test_agreement_of_people_who_annotated_the_same_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = []
    for name, entities in (("anna", (DRUG, DISEASE)), ("bo", (DRUG,))):
        write_corpus([Document("a", TEXT, entities)], tmp_path / f"{name}.json", "label_studio")
        (task,) = json.loads((tmp_path / f"{name}.json").read_text("utf-8"))
        rows.append(task["annotations"][0] | {"completed_by": {"email": name}})
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task | {"annotations": rows}]), "utf-8")
    monkeypatch.setattr(sys, "argv", ["suwen", "corpus", "agree", str(path), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    values = json.loads(capsys.readouterr().out)
    assert not ended.value.code
    assert values["annotators"] == ["anna", "bo"]
    assert values["pairs"][0]["strict_entity_f1"]["value"] == pytest.approx(2 / 3)


def test_agreement_leaves_out_what_an_annotator_cancelled() -> None:
    cancelled = Document("b", TEXT, meta={"read_from": {"unannotated": True}})
    found = agree(
        {
            "anna": [Document("a", TEXT, (DRUG,)), Document("b", TEXT, (DRUG,))],
            "bo": [Document("a", TEXT, (DRUG,)), cancelled],
        }
    )
    assert found.documents == 1
    assert found.left_out == {"anna": 1, "bo": 0}
    assert found.pairs[0].strict.value == 1


def test_agreement_without_any_mention_has_no_f1() -> None:
    (pair,) = agree({name: [Document("a", TEXT), Document("b", TEXT)] for name in ("anna", "bo")}).pairs
    assert isnan(pair.strict.value)
    assert isnan(pair.partial.value)
    assert pair.to_dict()["strict_entity_f1"] == {"value": None, "interval": None}


def test_agreement_of_annotators_who_share_some_documents_each() -> None:
    """In a team, each document is often annotated by two people: other ones each time."""
    a, b, c = (Document(name, TEXT, (DRUG, DISEASE)) for name in "abc")
    found = agree(
        {
            "anna": [a, b, Document("own", TEXT)],
            "bo": [replace(a, entities=(DRUG,)), c],
            "chen": [replace(c, entities=(DRUG,)), b],
            "dan": [Document("other", TEXT)],
        }
    )
    assert {pair.name: (pair.documents, round(pair.strict.value, 2)) for pair in found.pairs} == {
        "anna – bo": (1, 0.67),
        "anna – chen": (1, 1.0),
        "bo – chen": (1, 0.67),
    }
    assert found.documents == 3
    assert found.left_out == {"anna": 1, "bo": 0, "chen": 0, "dan": 1}
    assert [(one.document, sorted(one.mentions)) for one in disagreements_in(found.annotators)] == [
        ("a", ["anna", "bo"]),
        ("c", ["bo", "chen"]),
    ]
    merged = {document.id: document for document in to_adjudicate(found.annotators)}
    assert [len(merged[name].notes) for name in "abc"] == [1, 0, 1]
    assert merged["c"].notes[0].text == "bo (not chen)"


def test_agreement_alpha_takes_documents_with_other_numbers_of_annotators() -> None:
    # Krippendorff's formula with pairs of values inside each character: 1 - D_o / D_e.
    documents = [np.array([[0, 1, 1], [0, 1, 2]]), np.array([[1, 0], [1, 0], [2, 0]])]
    units = [column.tolist() for types in documents for column in types.T]
    values = [value for unit in units for value in unit]
    observed = sum(
        (a != b) / (len(unit) - 1) for unit in units for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j
    ) / len(values)
    expected = np.mean([a != b for i, a in enumerate(values) for j, b in enumerate(values) if i != j])
    assert alpha(documents, 2) == pytest.approx(1 - observed / expected)
