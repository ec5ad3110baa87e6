"""Scoring models and predictions on annotated documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

from suwen.bundled import model_path
from suwen.corpus.leakage import other_split
from suwen.corpus.split import Selection, Split, corpus_hash, whole
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.evaluation.analysis import Analysis, analyze
from suwen.evaluation.report import write_error_page
from suwen.evaluation.scores import Pair, pair_documents, training_mentions
from suwen.evaluation.significance import Comparison, compare
from suwen.files import StrPath, read_json, require_outside
from suwen.formats import Documents, stream_documents
from suwen.inference.predictor import Extractor
from suwen.loading import load
from suwen.model_folder import MANIFEST
from suwen.runs import Listener, Progress, silent
from suwen.schema import Schema

__all__ = [
    "Corpus",
    "Evaluation",
    "Gold",
    "PredictionsComparison",
    "compare_predictions",
    "documents_of",
    "evaluate_model",
    "evaluate_predictions",
    "read_gold",
    "require_apart",
    "split_of",
]

Corpus = Documents
"""A folder or file in any format, or documents."""


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model or of predictions.

    Parameters
    ----------
    part
        The part of the split that was scored, or ``all``.
    unit
        The unit of the bootstrap: ``document``, or ``sentence`` with a split by sentence.
    analysis
        The scores in every view, and every error.
    pairs
        The documents with gold and predicted entities.
    predictions
        The predictions of the model; empty if predictions were given.
    warnings
        Warnings about the scores, a line each.
    """

    part: str
    unit: str
    analysis: Analysis
    pairs: Sequence[Pair]
    predictions: Sequence[Document] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        figures = f"precision: {self.precision:.3f}, recall: {self.recall:.3f}, F1: {self.f1:.3f}"
        return f"<Evaluation of {self.part}, {figures}>"

    @property
    def precision(self) -> float:
        """Strict precision over all types, in [0, 1]."""
        return self.analysis.scores.strict.micro.precision

    @property
    def recall(self) -> float:
        """Strict recall over all types, in [0, 1]."""
        return self.analysis.scores.strict.micro.recall

    @property
    def f1(self) -> float:
        """Strict micro-F1, in [0, 1]."""
        return self.analysis.scores.strict.micro.f1

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        warning = "; ".join(self.warnings) or None
        return {"part": self.part, "unit": self.unit, "warning": warning, **self.analysis.to_dict()}

    def write_html(self, path: StrPath, title: str = "") -> None:
        """Write a page that shows every error in its text.

        Raises
        ------
        SuwenError
            S104 when the page exists, S102 or S105 when it cannot be written.
        """
        schema = Schema.of_labels(self.analysis.scores.strict.by_type)
        write_error_page(path, self.analysis, self.pairs, schema, title or self.part)


@dataclass(frozen=True)
class Gold:
    """The selections to score, with facts from the corpus and the split."""

    ids: frozenset[str]
    part: str
    unit: str
    selections: list[Selection]
    training: list[Selection] | None
    data_hash: str
    split_hash: str | None

    def evaluation(
        self, predicted: Sequence[Document], training: Corpus | None, warnings: tuple[str, ...], keep: bool
    ) -> Evaluation:
        """Score predicted entities; `keep` says that the predictions are the model's, which the result returns."""
        learned = self.training if training is None else whole(documents_of(training))
        pairs = pair_documents(self.selections, predicted)
        analysis = analyze(pairs, None if learned is None else training_mentions(learned))
        return Evaluation(self.part, self.unit, analysis, pairs, predicted if keep else (), warnings)

    def read_predictions(self, predictions: Corpus) -> tuple[list[Document], tuple[str, ...]]:
        """Read predictions, and warn of documents that the gold corpus does not have."""
        predicted = documents_of(predictions)
        unknown = sum(document.id not in self.ids for document in predicted)
        where = f"{predictions}: " if isinstance(predictions, str | PathLike) else ""
        if not unknown:
            return predicted, ()
        return predicted, (f"{where}ignored documents that are not in the gold corpus: {unknown}",)


def evaluate_model(
    corpus: Corpus,
    model: StrPath | Extractor | None = None,
    split: Split | StrPath | None = None,
    part: str | None = None,
    training: Corpus | None = None,
    device: str = "cpu",
    listener: Listener = silent,
) -> Evaluation:
    """Score a model on annotated documents (see `suwen.evaluate`)."""
    gold = read_gold(corpus, split, part)
    if isinstance(model, Extractor):
        name, extractor, learned = "the model", model, model.learned_from
    else:
        folder = model_path(model)
        name, extractor = str(folder), load(folder, device=device)
        learned = read_json(folder / MANIFEST).get("data") or {}
    found = other_split(learned, gold.data_hash, gold.split_hash)
    warnings = (f"{name}: {found}",) if found else ()
    predictions: list[Document] = []
    for document in extractor.predict(gold.selections):
        predictions.append(document)
        listener(Progress("predicting", len(predictions), len(gold.selections)))
    return gold.evaluation(predictions, training, warnings, keep=True)


def evaluate_predictions(
    corpus: Corpus,
    predicted: Corpus,
    split: Split | StrPath | None = None,
    part: str | None = None,
    training: Corpus | None = None,
) -> Evaluation:
    """Score predictions on annotated documents (see `suwen.evaluate`)."""
    gold = read_gold(corpus, split, part)
    predictions, warnings = gold.read_predictions(predicted)
    return gold.evaluation(predictions, training, warnings, keep=False)


@dataclass(frozen=True)
class PredictionsComparison:
    """The significance of the difference of two sets of predictions.

    Parameters
    ----------
    part, unit
        As `Evaluation`.
    result
        The scores of both, the difference and its significance.
    warnings
        Lines to be shown.
    """

    part: str
    unit: str
    result: Comparison
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        scores = f"F1: {self.result.first.f1:.3f} and {self.result.second.f1:.3f}, p: {self.result.p_value:.3f}"
        return f"<PredictionsComparison of {self.part}, {scores}>"

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        return {"part": self.part, "unit": self.unit, **self.result.to_dict()}


def compare_predictions(
    first: Corpus,
    second: Corpus,
    gold: Corpus,
    split: Split | StrPath | None = None,
    part: str | None = None,
    seed: int = 0,
) -> PredictionsComparison:
    """Compare two sets of predictions (see `suwen.compare`)."""
    annotated = read_gold(gold, split, part)
    (ours, warnings), (theirs, others) = annotated.read_predictions(first), annotated.read_predictions(second)
    pairs = pair_documents(annotated.selections, ours), pair_documents(annotated.selections, theirs)
    result = compare(pairs[0], pairs[1], seed=seed)
    return PredictionsComparison(annotated.part, annotated.unit, result, (*warnings, *others))


def documents_of(corpus: Corpus, schema: Schema | None = None) -> list[Document]:
    """Return documents, read from a path if there is one; labels must be in the schema, if there is one."""
    return list(stream_documents(corpus, schema))


def require_apart(output: StrPath, corpus: Corpus) -> None:
    """Refuse an output inside the folder of a corpus (S127)."""
    if isinstance(corpus, str | PathLike):
        require_outside(output, [corpus])


def split_of(split: Split | StrPath | None) -> Split | None:
    """Return a split, read from its file if a path is given."""
    return split if split is None or isinstance(split, Split) else Split.read(split)


def read_gold(corpus: Corpus, split: Split | StrPath | None, part: str | None) -> Gold:
    """Read a corpus, or one part of it.

    Raises
    ------
    SuwenError
        As `read_corpus`, `Split.read` and `Split.select`; S307 when there is no entity to find, S410 for a part without
        a split.
    """
    if part and split is None:
        raise SuwenError("S410", first="--part", second="--split", advice="give the split too")
    split = split_of(split)
    documents = documents_of(corpus)
    part = part or ("test" if split else "all")
    training = None
    if split:
        selections = split.select(documents, part)
        if split.parts.get("train"):
            training = split.select(documents, "train")
    else:
        selections = whole(documents)
    if not any(selection.gold for selection in selections):
        raise SuwenError("S307", corpus if isinstance(corpus, str | PathLike) else None)
    unit = "sentence" if split and split.unit == "sentence" else "document"
    ids = frozenset(document.id for document in documents)
    return Gold(ids, part, unit, selections, training, corpus_hash(documents), split.hash if split else None)
