"""Train through the Python API, with its guards."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_distillation import corpus
from typer.testing import CliRunner

pytest.importorskip("torch")

from suwen.api import train, train_folds
from suwen.cli import app
from suwen.corpus.splitting import make_split
from suwen.errors import SuwenError
from suwen.formats import write_corpus
from suwen.runs import Progress

TINY = (
    "encoder.embedding=8",
    "encoder.hidden=8",
    "encoder.bigrams=false",
    "optimization.epochs=1",
    "optimization.least_steps=0",
)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory) -> Path:
    """A model that learned from the train part of the split with seed 0."""
    output = tmp_path_factory.mktemp("teacher") / "first"
    documents = corpus()
    train(documents, output, split=make_split(documents, "document", (6.0, 2.0, 2.0), 0), settings=TINY)
    return output


def test_train_reports_steps_and_evaluations(tmp_path: Path) -> None:
    seen: list[Progress] = []
    train(corpus(), tmp_path / "model", settings=TINY, listener=seen.append)
    assert seen[-1].phase == "steps"
    assert seen[-1].done == seen[-1].total
    train(corpus(), tmp_path / "words", encoder="dictionary")
    assert (tmp_path / "words" / "manifest.json").is_file()


def test_train_refuses_texts_that_are_held_out(tmp_path: Path, teacher: Path) -> None:
    documents = corpus()
    split = make_split(documents, "document", (6.0, 2.0, 2.0), 0)
    (one, *_) = split.select(documents, "test")
    (tmp_path / "texts.txt").write_text(one.document.text, encoding="utf-8")
    options = {"split": split, "settings": TINY, "teachers": [teacher], "texts": [tmp_path / "texts.txt"]}
    with pytest.raises(SuwenError, match="S314"):
        train(documents, tmp_path / "second", **options)
    assert not list(tmp_path.glob("second*"))


def test_train_refuses_a_teacher_trained_on_held_out_documents(tmp_path: Path, teacher: Path) -> None:
    documents = corpus()
    other = make_split(documents, "document", (6.0, 2.0, 2.0), 1)
    with pytest.raises(SuwenError, match="S315"):
        train(documents, tmp_path / "second", split=other, settings=TINY, teachers=str(teacher))
    assert not list(tmp_path.glob("second*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"texts": ["a.txt"]}, "S410 --texts needs --teacher"),
        ({"encoder": "dictionary", "head": "crf"}, "S406 --head cannot be combined with --encoder dictionary"),
        ({"settings": ["distillation.weight=0.5"]}, "S406 distillation.weight cannot be combined with"),
    ],
)
def test_train_refuses_incompatible_options(tmp_path: Path, options, message) -> None:
    with pytest.raises(SuwenError, match=message):
        train(corpus(), tmp_path / "model", **options)


def test_train_refuses_an_existing_output(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(SuwenError, match="S104"):
        train(corpus(), tmp_path / "model", encoder="dictionary")


def test_train_refuses_an_existing_output_before_it_reads_the_corpus(tmp_path: Path) -> None:
    for task in ("entities", "relations"):
        with pytest.raises(SuwenError, match="S104"):
            train(tmp_path / "missing", tmp_path, task=task)
    with pytest.raises(SuwenError, match="S104"):
        train_folds(tmp_path / "missing", tmp_path, 2)


def test_train_command_prints_scores_in_percent(tmp_path: Path) -> None:
    documents = corpus()
    split = make_split(documents, "document", (6.0, 2.0, 2.0), 0)
    scores = train(documents, tmp_path / "first", split=split, encoder="dictionary").scores
    write_corpus(documents, tmp_path / "corpus.jsonl")
    split.write(tmp_path / "split.json")
    files = [str(tmp_path / name) for name in ("corpus.jsonl", "second", "split.json")]
    printed = CliRunner().invoke(
        app, ["train", files[0], "-o", files[1], "--split", files[2], "--encoder", "dictionary"]
    )
    assert f"F1 {100 * scores.micro.f1:.2f} " in printed.output
