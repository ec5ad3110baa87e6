"""The next bundled model: language models, out-of-fold teachers, a student chosen on dev, one test figure.

    python benchmarks/bundled.py CORPUS --texts PATH... --unlabeled FOLDER --words FILE --runs FOLDER
        [--folds 5] [--seed 0] [--test] [--all]

Each step is a command that a user could type. A step whose output is there is not repeated, so that the same command
continues where it was stopped. Text of the split's dev and test documents, and of all files of their journal issues, is
left out of every step, also for the model of all documents.

1. Character language models in both directions learn from the corpus, the unlabeled articles, and TEXTS.
2. Teachers of several kinds are trained on folds of the train part. Each judges only annotated documents that it has
   not seen.
3. The student learns from the annotations, from the teachers, and from the unlabeled articles as the teachers annotate
   them. Its dev score is printed.
4. With `--test` its test score is taken, once. With `--all` the same recipe is trained on all documents.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from runs import make_split, once, percent, score, suwen, train

from suwen.corpus.split import Split, corpus_hash
from suwen.files import read_json, replacing_folder
from suwen.formats import read_corpus
from suwen.pretraining.passages import find_sources, read_exclusion

LANGUAGE_MODELS = ("--encoder", "bilstm", "--set", "optimization.precision=bf16")
COMMON = ("--set", "optimization.precision=bf16", "--set", "evaluation.stop=never")
OVER_STATES = ("--set", "encoder.hidden=256", "--set", "optimization.epochs=6")
TRANSFORMER = (
    "--head", "bilstm-crf",
    "--set", "encoder.masking=0.2",
    "--set", "head.dropout=0.4",
    "--set", "optimization.learning_rate=1.5e-3",
    "--set", "optimization.head_learning_rate=2e-3",
    "--set", "optimization.epochs=5",
)  # fmt: skip
STUDENT = ("--set", "encoder.hidden=256", "--set", "optimization.epochs=5", "--set", "distillation.weight=0.6")


def pretrain(corpus: Path, texts: list[Path], split: Path, output: Path) -> None:
    """Pre-train the language models without text of the dev and test issues."""
    excluded = ["--exclude-split", split, "--exclude-part", "dev", "--exclude-part", "test"]
    once(output, "pretrain", corpus, *texts, *LANGUAGE_MODELS, "-o", output, *excluded)


def fold_teachers(
    corpus: Path, split: Path, output: Path, folds: int, seed: int, options: tuple[object, ...]
) -> list[Path]:
    """Train a model on all folds but one, for each fold; returns the model folders."""
    models = [output / f"fold-{number}" for number in range(1, folds + 1)]
    if not all(model.exists() for model in models):
        resume = ["--resume"] if output.exists() or output.with_name(f"{output.name}.training").exists() else []
        command = ["train", corpus, "--split", split, "--folds", folds, "-o", output, *COMMON, *options]
        suwen(*command, "--set", f"seed={seed}", *resume)
    return models


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--texts", type=Path, nargs="+", required=True, help="plain text for the language models")
    parser.add_argument("--unlabeled", type=Path, required=True, help="articles that the teachers annotate")
    parser.add_argument("--words", type=Path, required=True, help="word vectors of benchmarks/word_vectors.py")
    parser.add_argument("--runs", type=Path, required=True, help="where split and models are kept")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--test", action="store_true", help="take the test score of the student")
    parser.add_argument("--all", action="store_true", help="train the same recipe on all documents")
    arguments = parser.parse_args()
    runs, corpus = arguments.runs, arguments.corpus
    split, language_models = runs / "split-group.json", runs / "language-models"
    make_split(corpus, split, "group")
    pretrain(corpus, [arguments.unlabeled, *arguments.texts], split, language_models)
    words = ("--set", f"encoder.words={arguments.words.resolve()}")
    kinds = {
        "states": ("--encoder", language_models, *OVER_STATES, *words),
        "transformer": ("--encoder", "bundled", *TRANSFORMER, *words),
    }
    teachers = [
        teacher
        for name, options in kinds.items()
        for teacher in fold_teachers(corpus, split, runs / f"teachers-{name}", arguments.folds, arguments.seed, options)
    ]
    options: list[object] = ["--encoder", language_models, *STUDENT, *words, *COMMON]
    texts = permitted(arguments.unlabeled, split, corpus, runs / "unlabeled")
    options += ["--set", f"seed={arguments.seed}", "--texts", texts]
    options += [word for teacher in teachers for word in ("--teacher", teacher)]
    student = runs / "student"
    train(corpus, split, student, options)
    for part in ("dev", "test") if arguments.test else ("dev",):
        micro = read_json(score(corpus, split, student, part))["strict_entity"]["micro"]
        print(part, *(f"{name} {percent(micro[name])}" for name in ("precision", "recall", "f1")))
    if arguments.all:
        train(corpus, whole_split(corpus, runs / "split-all.json"), runs / "student-all", options)


if __name__ == "__main__":
    main()
