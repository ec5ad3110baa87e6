"""The benchmark of relation models: passages annotated twice, and the features of a baseline."""

import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from suwen.bundled import SAMPLE
from suwen.cli import app
from suwen.corpus.split import whole
from suwen.document import Document, Entity, Relation
from suwen.files import read_json, write_json
from suwen.formats import read_corpus
from suwen.inference.relations.features import feature_names
from suwen.inference.relations.inputs import RelationEncoder
from suwen.schema import LCDD
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.training.relations.data import label_documents

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PASSAGE = "口服二甲双胍治疗2型糖尿病。"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module


@pytest.fixture
def passages(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("relation_agreement")


def annotated(name: str, before: str = "", between: str = "", relations: Sequence[Relation] = ()) -> Document:
    """A document with one passage and both its entities; `between` is inside the passage."""
    text = before + PASSAGE.replace("治疗", f"治疗{between}")
    drug, disease = text.index("二甲双胍"), text.index("2型糖尿病")
    entities = Entity("Drug", drug, drug + 4, id="T1"), Entity("Disease", disease, disease + 5, id="T2")
    return Document(name, text, entities, tuple(relations))


def test_relation_agreement_counts_what_both_annotations_have(
    passages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passages.repeated_passages, "__defaults__", (len(PASSAGE),))
    relation = Relation("Drug_Disease", "T1", "T2", "R1")
    first, second = annotated("1", relations=[relation]), annotated("2", "前言：", "\n")
    found = passages.agreement([first, second, Document("3", "无关的内容")], ["1", "2"])
    assert list(found) == ["all", "twins"]
    assert found["all"] == found["twins"]
    assert (found["all"]["passages"], found["all"]["characters"]) == (1, len(PASSAGE))
    assert found["all"]["entities"] == {"both": 2, "first": 2, "second": 2, "f1": 1.0}
    assert found["all"]["relations"] == {"both": 0, "first": 1, "second": 0, "f1": 0.0}
    both = passages.agreement([first, annotated("2", "前言：", "\n", [relation])])
    assert both["others"]["relations_of_shared_entities"]["f1"] == 1.0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text("ab", max_size=30), max_size=4))
def test_relation_agreement_repeated_passages_are_equal_and_disjoint(passages: ModuleType, texts: list[str]) -> None:
    behind: dict[int, int] = {}
    for first, start, second, begin, length in passages.repeated_passages(texts, 5):
        assert first < second
        assert length >= 5
        assert texts[first][start : start + length] == texts[second][begin : begin + length]
        assert begin >= behind.get(second, 0)
        behind[second] = begin + length
    for number, text in enumerate(texts):
        known = {one[place : place + 5] for one in texts[:number] for place in range(len(one) - 4)}
        assert any(text[place : place + 5] in known for place in range(len(text) - 4)) == (number in behind)


def test_relation_benchmark_names_existing_features(load: Callable[[str], ModuleType]) -> None:
    relations = load("relations")
    assert len(set(relations.FEW)) == 27
    assert set(relations.FEW) <= set(feature_names(len(LCDD.labels)))


def test_relation_cnn_scores_each_pair_alike_in_any_part(
    load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    cnn = load("relation_cnn")
    for name in ("EPOCHS", "LEAST_STEPS"):
        monkeypatch.setattr(cnn, name, 1)
    documents = list(read_corpus(SAMPLE))[:6]
    labeled = label_documents(whole(documents), RelationEncoder(LCDD, cnn.REACH))
    reader = cnn.Reader(CharacterVocabulary.from_texts(document.text for document in documents))
    read = list(map(reader.read, documents, labeled))
    network = cnn.train(read, reader, 0)
    found = []
    for pairs in (7, 10_000):
        monkeypatch.setattr(cnn, "PART_PAIRS", pairs)
        found.append(np.concatenate([cnn.probabilities(network, text) for text in read]))
    assert len(found[0]) == sum(len(one.encoded.candidates) for one in labeled)
    np.testing.assert_allclose(*found, atol=1e-5)


def test_bundled_relations_are_made_and_described_by_one_command(
    load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def suwen(*arguments: object) -> str:
        done = CliRunner().invoke(app, [str(one) for one in arguments])
        assert done.exit_code == 0, done.stderr
        return done.stdout

    bundled = load("bundled_relations")
    for module in (bundled, load("runs")):
        monkeypatch.setattr(module, "suwen", suwen)
    installed, results, scored, split = (tmp_path / name for name in ("installed", "results", "scored", "split.json"))
    installed.mkdir()
    monkeypatch.setattr(bundled, "relation_folder", lambda name: installed)
    suwen("corpus", "split", SAMPLE, "-o", split, "--unit", "group")
    suwen("train", SAMPLE, "--task", "relations", "--split", split, "-o", scored, "--set", "trees.count=5")
    figures = suwen("evaluate", scored, SAMPLE, "--task", "relations", "--split", split, "--json")
    results.mkdir()
    write_json(results / "baselines.json", {"systems": {"model-0": json.loads(figures)}})
    command = ["bundled_relations.py", SAMPLE, "--runs", tmp_path, "--model", scored, "--results", results]
    monkeypatch.setattr(sys, "argv", [str(word) for word in command])
    bundled.main()
    card = (installed / "README.md").read_text(encoding="utf-8")
    assert "test, mean of 1 seeds of this recipe" in card
    assert "For non-commercial use only." in card
    first, model = (read_json(folder / "suwen.json") for folder in (scored, installed))
    assert {key: model[key] for key in ("calibration", "thresholds")} == {
        key: first[key] for key in ("calibration", "thresholds")
    }
    assert len(read_json(results / "model.json")["model"]) == 1
