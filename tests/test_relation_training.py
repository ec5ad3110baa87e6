"""Training relation models, as a user does."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

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
from suwen.training.relations.stages import unseen_folds

TREES = 20
SMALL = [
    f"trees.count={TREES}",
    "trees.learning_rate=0.2",
    "trees.least_pairs=5",
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


def trees(model: Path) -> list[bytes]:
    return [(model / name).read_bytes() for name in ("first.npz", "second.npz")]


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
    assert manifest["training"]["folds"] == 4
    assert "Drug_Disease" in (model / "README.md").read_text()


def test_relation_training_depends_on_the_seed(tmp_path: Path, model: Path) -> None:
    train(tmp_path / "again")
    train(tmp_path / "other", "seed=1")
    assert trees(model) == trees(tmp_path / "again") != trees(tmp_path / "other")


def test_relation_training_resumes_after_an_interruption(tmp_path: Path, model: Path) -> None:
    class KilledError(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.done > 3.5 * TREES:
            raise KilledError

    with pytest.raises(KilledError):
        train(tmp_path / "model", listener=kill)
    with pytest.raises(SuwenError, match="S511"):
        train(tmp_path / "model")
    with pytest.raises(SuwenError, match="S508"):
        train(tmp_path / "model", "seed=3", resume=True)
    steps: list[Progress] = []
    manifest = train(tmp_path / "model", resume=True, listener=steps.append)
    # The first stage and two of four folds were finished; the third one begins again.
    assert [progress.done for progress in steps] == list(range(3 * TREES + 1, 6 * TREES + 1))
    assert manifest["training"]["resumed"] is True  # type: ignore[index]
    assert trees(tmp_path / "model") == trees(model)
    assert not (tmp_path / "model.training").exists()


def test_relation_training_resumes_after_kill(tmp_path: Path, model: Path) -> None:
    code = (
        "import os, signal\nfrom pathlib import Path\nimport test_relation_training as t\n"
        "def kill(progress):\n    if progress.done > 1.5 * t.TREES: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"t.train(Path({str(tmp_path / 'model')!r}), listener=kill)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, check=False)
    assert done.returncode == -signal.SIGKILL
    train(tmp_path / "model", resume=True)
    assert trees(tmp_path / "model") == trees(model)


@pytest.mark.parametrize("documents", [1, 2, 5])
def test_relation_training_takes_few_documents(tmp_path: Path, documents: int) -> None:
    given, steps = corpus(documents), list[Progress]()
    manifest = suwen.train(given, tmp_path / "model", task="relations", settings=SMALL, listener=steps.append).manifest
    assert steps[-1].done == steps[-1].total
    assert manifest["training"]["folds"] == min(documents, 4)
    assert manifest["data"]["dev"]["documents"] == 0
    assert len(load_relations(tmp_path / "model").relate(given[0]).relations) > 6


def test_relation_training_takes_a_single_candidate(tmp_path: Path) -> None:
    # The other issue has no candidate, so that the trees that must not see the first one have nothing to learn from.
    given = [*corpus(1, 1), Document("1_1", "乙药", (Entity("Drug", 0, 2, id="Drug0"),), group="1")]
    suwen.train(given, tmp_path / "model", task="relations", settings=SMALL)
    before = [found.relations for found in map(load_relations(tmp_path / "model").relate, given)]
    assert [len(relations) for relations in before] == [1, 0]
    assert suwen.export(tmp_path / "model", corpus=given).pairs == 1  # type: ignore[union-attr]
    assert [found.relations for found in map(load_relations(tmp_path / "model").relate, given)] == before


def test_relation_training_keeps_journal_issues_in_one_fold() -> None:
    draw = random.Random(0)
    names = [f"{issue}_{article}" for issue in range(9) for article in range(3)]
    documents = [Document(name, "".join(map(chr, draw.choices(range(0x4E00, 0x9000), k=99)))) for name in names]
    folds = unseen_folds(documents, 0)
    assert set(folds) == {0, 1, 2, 3}
    assert len(set(zip((name.partition("_")[0] for name in names), folds, strict=True))) == 9
    assert unseen_folds(documents[:6], 0).count(0) == 3
    assert unseen_folds(documents[:3], 0) == [0, 1, 2]


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


@pytest.mark.parametrize("head", ["Drug0", "missing"])
def test_relation_training_refuses_relations_that_cannot_be_learned(tmp_path: Path, head: str) -> None:
    """An entity cannot be related to itself, nor to what is not there."""
    document = corpus(1, 1)[0]
    relations = (Relation("Drug_Disease", head, "Drug0", "R0"),)
    given = Document("a", document.text, document.entities, relations)
    with pytest.raises(SuwenError, match="S609 none of the relations of the training part"):
        suwen.train([given], tmp_path / "model", task="relations", settings=SMALL)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("confidence.thresholds.Drug_Diseases=0.5", "S401 .*'confidence.thresholds.Drug_Disease'"),
        ("confidence.thresholds.Drug_Disease=50", "S402 .*confidence.thresholds.Drug_Disease"),
        ("trees.learning_rate=2", "S402 .*trees.learning_rate"),
        ("trees.ridge=inf", "S402 .*trees.ridge"),
    ],
)
def test_relation_training_refuses_wrong_settings(tmp_path: Path, setting: str, message: str) -> None:
    with pytest.raises(SuwenError, match=message):
        train(tmp_path / "model", setting)
    assert not list(tmp_path.iterdir())


def test_relation_training_refuses_more_types_than_a_byte_holds(tmp_path: Path) -> None:
    ends = (EntityType("Disease", "病", "Disease", "red"), EntityType("Drug", "药", "Drug", "blue"))
    names = ["Drug_Disease", *map(str, range(256))]
    schema = Schema("mine", ends, tuple(RelationType(name, name, "Drug", "Disease") for name in names))
    with pytest.raises(SuwenError, match=r"S407 .*257 relation types"):
        train(tmp_path / "model", schema=schema)


@pytest.mark.parametrize("option", ["--encoder=bilstm", "--head=crf", "--teacher=model", "--folds=3", "--device=cuda"])
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
    arguments = ["export", exported[0], "--corpus", exported[1], "-o", exported[2], "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["pairs"] > 1000
    assert load_relations(tmp_path / "run").relate(corpus(1)[0]) == before
    files = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert files == ["README.md", "manifest.json", "model.onnx", "suwen.json"]
    with pytest.raises(SuwenError, match="S406"):
        suwen.export(tmp_path / "model", tmp_path / "other", trainable=True)
    assert CliRunner().invoke(app, ["export", exported[0]]).exit_code == 0
    assert load_relations(tmp_path / "model").relate(corpus(1)[0]) == before
    assert len(list(read_corpus(tmp_path / "corpus.jsonl"))) == 15
