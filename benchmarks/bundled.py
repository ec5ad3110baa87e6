"""The next bundled model: teachers of three kinds, and a small student over character language models.

    python benchmarks/bundled.py CORPUS --words FILE --unlabeled FOLDER --runs FOLDER [--seed 0]
        [--encoder encoders/language-models] [--test] [--all]

Each step is a command that a user could type; a step whose output is there is not repeated. Language models, word
vectors (`benchmarks/word_vectors.py`) and unlabeled articles have no text of the split's dev and test issues, also for
the student of all documents.

1. Three teachers learn from the train part: BiLSTMs of one and of two layers over the states of the language models,
   and a BiLSTM on the bundled encoder.
2. The student learns from the annotations, from the teachers, and from the unlabeled articles as the teachers annotate
   them. Its dev score is printed.
3. With `--test` its test score is taken, once. With `--all` the first two teachers and a student learn by the same
   recipe from every document.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from runs import make_split, percent, score, train

from suwen.bundled import BUNDLED
from suwen.corpus.split import Split, corpus_hash
from suwen.files import read_json, replacing_folder
from suwen.formats import read_corpus
from suwen.pretraining.passages import find_sources, read_exclusion

COMMON = (
    "--set", "optimization.epochs=5",
    "--set", "optimization.precision=bf16",
    "--set", "evaluation.stop=never",
)  # fmt: skip
ONE_LAYER, TWO_LAYERS, STUDENT = (1, 192), (2, 160), (2, 144)
"""Layers and units."""
STATE_WIDTH = 128
LISTS = "optimization.lists=0.3"
TRANSFORMER = (
    "--head", "bilstm-crf",
    "--set", "encoder.masking=0.2",
    "--set", "head.dropout=0.4",
    "--set", "optimization.learning_rate=1.5e-3",
    "--set", "optimization.head_learning_rate=2e-3",
)  # fmt: skip


def permitted(unlabeled: Path, split: Path, corpus: Path, output: Path) -> Path:
    """Copy the unlabeled articles that are of no dev or test issue."""
    if not output.exists():
        exclusion = read_exclusion(split, ("dev", "test"), [corpus])
        (source,) = find_sources([unlabeled], exclusion)
        with replacing_folder(output) as folder:
            for file in source.files:
                shutil.copyfile(file, folder / file.name)
    return output


def whole_split(corpus: Path, output: Path) -> Path:
    """Write a split whose train part is every document."""
    if not output.exists():
        documents = read_corpus(corpus)
        rows = [(document.id, 0, len(document.text)) for document in documents]
        Split(corpus_hash(documents), 0, "document", {"train": 1.0}, {"train": rows}).write(output)
    return output


def taught(arguments: argparse.Namespace, split: Path, texts: Path, name: str) -> Path:
    """Train teachers, and the model that learns from them; returns the model's folder."""
    common = [*COMMON, "--set", f"encoder.words={arguments.words.resolve()}"]

    def over_states(layers: int, hidden: int, seed: int) -> list[object]:
        sizes = {"layers": layers, "hidden": hidden, "state_width": STATE_WIDTH}
        settings = [word for key, value in sizes.items() for word in ("--set", f"encoder.{key}={value}")]
        return ["--encoder", arguments.encoder, *settings, *common, "--set", LISTS, "--set", f"seed={seed}"]

    transformer = ["--encoder", BUNDLED, *TRANSFORMER, *common, "--set", f"seed={arguments.seed}"]
    teachers = {
        f"one-layer-{name}": (split, over_states(*ONE_LAYER, arguments.seed)),
        f"two-layers-{name}": (split, over_states(*TWO_LAYERS, arguments.seed + 1)),
        "transformer": (arguments.runs / "split-group.json", transformer),
    }
    options = [*over_states(*STUDENT, arguments.seed), "--texts", texts]
    for teacher, (part, settings) in teachers.items():
        train(arguments.corpus, part, arguments.runs / teacher, settings)
        options += ["--teacher", arguments.runs / teacher]
    model: Path = arguments.runs / f"student-{name}"
    train(arguments.corpus, split, model, options)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--words", type=Path, required=True, help="word vectors")
    parser.add_argument("--unlabeled", type=Path, required=True, help="articles that the teachers annotate")
    parser.add_argument("--runs", type=Path, required=True, help="where split and models are kept")
    parser.add_argument("--encoder", type=Path, default=Path("encoders/language-models"), help="language models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--test", action="store_true", help="take the test score of the student")
    parser.add_argument("--all", action="store_true", help="train the same recipe on all documents")
    arguments = parser.parse_args()
    split = arguments.runs / "split-group.json"
    make_split(arguments.corpus, split, "group")
    texts = permitted(arguments.unlabeled, split, arguments.corpus, arguments.runs / "unlabeled")
    student = taught(arguments, split, texts, "group")
    for part in ("dev", "test") if arguments.test else ("dev",):
        micro = read_json(score(arguments.corpus, split, student, part))["strict_entity"]["micro"]
        print(part, *(f"{name} {percent(micro[name])}" for name in ("precision", "recall", "f1")))
    if arguments.all:
        taught(arguments, whole_split(arguments.corpus, arguments.runs / "split-all.json"), texts, "all")


if __name__ == "__main__":
    main()
