"""Training relation models, as a user does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import suwen
from suwen.cli import app
from suwen.corpus.split import Split, corpus_hash
from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.formats import read_corpus, write_corpus
from suwen.inference.relations.predictor import RelationPredictor
from suwen.loading import load_relations
from suwen.runs import Progress
from suwen.schema import LCDD, EntityType, RelationType, Schema

SMALL = [
    "network.hidden=16",
    "network.pair=16",
    "trees.count=20",
    "trees.learning_rate=0.2",
    "trees.least_pairs=5",
    "optimization.least_steps=1",
    "optimization.epochs=3",
    "optimization.learning_rate=0.01",
    "optimization.part_pairs=20",
]
SENTENCES = ("甲病用乙药。", "乙药治疗甲病，")


def corpus(documents: int = 15, sentences: int = 12) -> list[Document]:
    """Drugs that are related to the disease of their own sentence."""
    found = []
    for number in range(documents):
        text, entities, relations = "", [], []
        for i in range(sentences):
            sentence = SENTENCES[(i + number) % 2]
            for label, word in (("Disease", "甲病"), ("Drug", "乙药")):
                start = len(text) + sentence.index(word)
                entities.append(Entity(label, start, start + 2, id=f"{label}{i}"))
            relations.append(Relation("Drug_Disease", f"Drug{i}", f"Disease{i}", f"R{i}"))
            text += sentence
        found.append(Document(f"{number}_1", text, tuple(entities), tuple(relations), group=str(number)))
    return found


def train(output: Path, *settings: str, **options: object) -> dict[str, object]:
    documents = corpus()
    owned = [(document.id, 0, len(document.text)) for document in documents]
    split = Split(corpus_hash(documents), 0, "document", {}, {"train": owned[:-3], "dev": owned[-3:]})
    given = {"settings": [*SMALL, *settings], "split": split, **options}
    return suwen.train(documents, output, task="relations", **given).manifest  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("relations") / "model"
    train(output)
    return output


def test_relation_training_writes_a_model_that_finds_relations(model: Path) -> None:
    predictor = load_relations(model)
    assert isinstance(predictor, RelationPredictor)
    assert [kind.name for kind in predictor.schema.relations] == ["Drug_Disease"]
    document = corpus(1)[0]
    found = predictor.relate(document)
    assert len(found.relations) > 6
    assert all(relation.score is not None for relation in found.relations)
    manifest = json.loads((model / "manifest.json").read_text())
    assert manifest["expressible"]["train"]["relations"] == manifest["expressible"]["train"]["reachable"]
    assert manifest["data"]["train"]["relations"] == 12 * manifest["data"]["train"]["documents"]
    assert manifest["scores"]["dev"]["f1"] > 0.5
    assert "Drug_Disease" in (model / "README.md").read_text()


def test_relation_training_depends_on_the_seed(tmp_path: Path, model: Path) -> None:
    train(tmp_path / "again")
    train(tmp_path / "other", "seed=1")
    weights = [
        (folder / "model.safetensors").read_bytes() for folder in (model, tmp_path / "again", tmp_path / "other")
    ]
    assert weights[0] == weights[1] != weights[2]


def test_relation_training_resumes_after_an_interruption(tmp_path: Path, model: Path) -> None:
    class KilledError(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.phase == "steps" and progress.done > 18:
            raise KilledError

    with pytest.raises(KilledError):
        train(tmp_path / "model", listener=kill)
    with pytest.raises(SuwenError, match="S511"):
        train(tmp_path / "model")
    with pytest.raises(SuwenError, match="S508"):
        train(tmp_path / "model", "seed=3", resume=True)
    train(tmp_path / "model", resume=True)
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()
    assert not (tmp_path / "model.training").exists()


@pytest.mark.parametrize("setting", ["network.features=false", "network.competition=0", "trees.count=0"])
def test_relation_training_does_without_each_part(tmp_path: Path, setting: str) -> None:
    train(tmp_path / "model", setting)
    assert load_relations(tmp_path / "model").relate(corpus(1)[0]).entities


def test_relation_training_takes_a_label_set_of_ones_own(tmp_path: Path) -> None:
    schema = Schema(
        "mine",
        (EntityType("Disease", "病", "Disease", "red"), EntityType("Drug", "药", "Drug", "blue")),
        (RelationType("Drug_Disease", "治疗", "Drug", "Disease"), RelationType("causes", "引起", "Drug", "Disease")),
    )
    train(tmp_path / "model", schema=schema)
    assert load_relations(tmp_path / "model").schema == schema


@pytest.mark.parametrize(
    ("relation", "code"), [(RelationType("Drug_Disease", "治疗", "Drug", "Nothing"), "S407"), (None, "S604")]
)
def test_relation_training_refuses_a_label_set_without_types(
    tmp_path: Path, relation: RelationType | None, code: str
) -> None:
    schema = Schema("mine", LCDD.entities, (relation,) if relation else ())
    with pytest.raises(SuwenError, match=code):
        train(tmp_path / "model", schema=schema)
    assert not list(tmp_path.iterdir())


def test_relation_training_refuses_a_corpus_without_relations(tmp_path: Path) -> None:
    documents = [Document("a", "甲病", (Entity("Disease", 0, 2),))]
    with pytest.raises(SuwenError, match="S601"):
        suwen.train(documents, tmp_path / "model", task="relations")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--encoder=bilstm", "--head=crf", "--teacher=model", "--folds=3"])
def test_relation_training_refuses_options_for_entities(tmp_path: Path, option: str) -> None:
    write_corpus(corpus(2), tmp_path / "corpus.jsonl", "jsonl")
    arguments = ["train", str(tmp_path / "corpus.jsonl"), "-o", str(tmp_path / "model"), "--task", "relations", option]
    with pytest.raises(SuwenError, match="S406"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert not (tmp_path / "model").exists()


def test_relation_training_is_a_command_and_so_is_the_export(tmp_path: Path) -> None:
    write_corpus(corpus(), tmp_path / "corpus.jsonl", "jsonl")
    arguments = ["train", str(tmp_path / "corpus.jsonl"), "-o", str(tmp_path / "model"), "--task", "relations"]
    result = CliRunner().invoke(app, [*arguments, *(f"--set={setting}" for setting in SMALL)])
    assert result.exit_code == 0, result.output
    before = load_relations(tmp_path / "model").relate(corpus(1)[0])
    exported = [str(tmp_path / name) for name in ("model", "corpus.jsonl", "run")]
    arguments = ["export", exported[0], "--corpus", exported[1], "-o", exported[2], "--trainable", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["difference"] < 1e-4
    after = load_relations(tmp_path / "run").relate(corpus(1)[0])
    assert [(one.label, one.head, one.tail) for one in before.relations] == [
        (one.label, one.head, one.tail) for one in after.relations
    ]
    scores = [[one.score for one in document.relations] for document in (before, after)]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-4)
    assert (tmp_path / "run" / "model.safetensors").stat().st_size < (
        tmp_path / "model" / "model.safetensors"
    ).stat().st_size
    assert len(list(read_corpus(tmp_path / "corpus.jsonl"))) == 15
