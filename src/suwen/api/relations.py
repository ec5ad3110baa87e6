"""Scoring relation models and predicted relations on annotated documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

from suwen.api.scoring import Corpus, Gold, PredictionsComparison, read_gold
from suwen.corpus.leakage import other_split
from suwen.corpus.split import Split
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.evaluation.relations.analysis import RelationAnalysis, analyze_relations
from suwen.evaluation.relations.pairs import RelationPair, pair_relations, relation_counts
from suwen.evaluation.relations.report import write_relation_page
from suwen.evaluation.significance import compare_counts
from suwen.evaluation.strict import Score
from suwen.files import StrPath
from suwen.formats import Documents, stream_documents
from suwen.inference.predictor import Extractor
from suwen.inference.relations.cooccurrence import CooccurrenceExtractor
from suwen.inference.relations.extractor import RelationExtractor
from suwen.inference.relations.relating import require_shared_types
from suwen.loading import load, load_relations
from suwen.runs import Listener, Progress, silent
from suwen.schema import LCDD, Schema

__all__ = [
    "RelationEvaluation",
    "compare_relations",
    "evaluate_predicted_relations",
    "evaluate_relation_model",
    "relate_documents",
]


@dataclass(frozen=True)
class RelationEvaluation:
    """The scores of a relation model or of predicted relations.

    Parameters
    ----------
    part
        The part of the split that was scored, or ``all``.
    unit
        The unit of the bootstrap: ``document``, or ``sentence`` with a split by sentence.
    schema
        The relation types and the entity types that they join.
    analysis
        The scores, and every error.
    baseline
        Strict micro score of co-occurrence between the same entities (see `CooccurrenceExtractor`).
    pairs
        The documents with gold and predicted relations.
    predictions
        The predictions of the model; empty if predictions were given.
    warnings
        Warnings about the scores, a line each.
    """

    part: str
    unit: str
    schema: Schema
    analysis: RelationAnalysis
    baseline: Score
    pairs: Sequence[RelationPair]
    predictions: Sequence[Document] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        figures = f"precision: {self.precision:.3f}, recall: {self.recall:.3f}, F1: {self.f1:.3f}"
        return f"<RelationEvaluation of {self.part}, {figures}>"

    @property
    def precision(self) -> float:
        """Strict precision over all relation types, in [0, 1]."""
        return self.analysis.scores.strict.micro.precision

    @property
    def recall(self) -> float:
        """Strict recall over all relation types, in [0, 1]."""
        return self.analysis.scores.strict.micro.recall

    @property
    def f1(self) -> float:
        """Strict micro-F1, in [0, 1]."""
        return self.analysis.scores.strict.micro.f1

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        header = {
            "task": "relations",
            "part": self.part,
            "unit": self.unit,
            "warning": "; ".join(self.warnings) or None,
        }
        return {**header, **self.analysis.to_dict(), "cooccurrence": self.baseline.to_dict()}

    def write_html(self, path: StrPath, title: str = "") -> None:
        """Write a page that shows every error in its text.

        Raises
        ------
        SuwenError
            S104 when the page exists, S102 or S105 when it cannot be written.
        """
        write_relation_page(path, self.analysis, self.pairs, self.schema, self.baseline, title or self.part)


def evaluate_relation_model(
    corpus: Corpus,
    model: StrPath | RelationExtractor | None = None,
    entities: StrPath | Extractor | None = None,
    split: Split | StrPath | None = None,
    part: str | None = None,
    device: str = "cpu",
    listener: Listener = silent,
) -> RelationEvaluation:
    """Score a relation model on annotated documents, with gold entities or those of a tagger.

    Parameters
    ----------
    model
        A model folder, ``cooccurrence``, or a loaded model; by default the bundled one.
    entities
        A tagger; by default the relations are looked for between the gold entities.

    Raises
    ------
    SuwenError
        S601 when the corpus has no relation; otherwise as `suwen.evaluate`.
    """
    gold = _read_gold(corpus, split, part)
    loaded = model if isinstance(model, RelationExtractor) else load_relations(model)
    warnings = [_learned(gold, loaded, "the relation model")]
    if entities is None:
        found: Iterator[Document] = (selection.document for selection in gold.selections)
    else:
        tagger = entities if isinstance(entities, Extractor) else load(entities, device=device)
        warnings.append(_learned(gold, tagger, "the tagger"))
        found = tagger.predict(gold.selections)
    predictions: list[Document] = []
    for document in loaded.pipe(map(_without_relations, found)):
        predictions.append(document)
        listener(Progress("predicting", len(predictions), len(gold.selections)))
    evaluation = _evaluation(gold, predictions, loaded.schema, loaded.reach, [line for line in warnings if line])
    return replace(evaluation, predictions=predictions)


def _learned(gold: Gold, model: Extractor | RelationExtractor, name: str) -> str | None:
    """Return the warning that a model may have been trained on the scored documents."""
    found = other_split(model.learned_from, gold.data_hash, gold.split_hash)
    return f"{name}: {found}" if found else None


def _without_relations(document: Document) -> Document:
    """Return the document without the annotations that a model is to find."""
    return replace(document, relations=())


def evaluate_predicted_relations(
    corpus: Corpus, predicted: Corpus, split: Split | StrPath | None = None, part: str | None = None
) -> RelationEvaluation:
    """Score predicted relations on annotated documents.

    Raises
    ------
    SuwenError
        S601 when the corpus has no relation; otherwise as `suwen.evaluate`.
    """
    gold = _read_gold(corpus, split, part)
    predictions, warnings = gold.read_predictions(predicted)
    schema = relation_schema(selection.document for selection in gold.selections)
    return _evaluation(gold, predictions, schema, None, warnings)


def compare_relations(
    first: Corpus,
    second: Corpus,
    gold: Corpus,
    split: Split | StrPath | None = None,
    part: str | None = None,
    seed: int = 0,
) -> PredictionsComparison:
    """Compare two sets of predicted relations (see `suwen.compare`)."""
    annotated = _read_gold(gold, split, part)
    (ours, warnings), (theirs, others) = annotated.read_predictions(first), annotated.read_predictions(second)
    pairs = pair_relations(annotated.selections, ours), pair_relations(annotated.selections, theirs)
    keys = [pair.gold_relations | pair.predicted_relations.keys() for side in pairs for pair in side]
    labels = sorted({key[0] for found in keys for key in found})
    result = compare_counts(relation_counts(pairs[0], labels), relation_counts(pairs[1], labels), seed=seed)
    result = replace(result, task="relation")
    return PredictionsComparison(annotated.part, annotated.unit, result, (*warnings, *others))


def relate_documents(documents: Documents, model: StrPath | RelationExtractor | None = None) -> Iterator[Document]:
    """Find the relations between the entities of documents (see `suwen.relate`)."""
    loaded = model if isinstance(model, RelationExtractor) else load_relations(model)
    return _related(documents, loaded)


def _related(documents: Documents, model: RelationExtractor) -> Iterator[Document]:
    labels: set[str] = set()
    is_corpus = isinstance(documents, str | PathLike)
    for document in model.pipe(stream_documents(documents)):
        labels.update(entity.label for entity in document.entities)
        yield document
    if labels:
        require_shared_types(labels, model.schema)
    elif is_corpus:
        raise SuwenError("S602")


def relation_schema(documents: Iterable[Document]) -> Schema:
    """Return LCDD's label set, extended by the other relation types of the documents."""
    triples = []
    for document in documents:
        labels = {entity.id: entity.label for entity in document.entities}
        ends = ((one.label, labels.get(one.head), labels.get(one.tail)) for one in document.relations)
        triples += [(label, head, tail) for label, head, tail in ends if head is not None and tail is not None]
    return LCDD.with_relations_of(triples)


def _read_gold(corpus: Corpus, split: Split | StrPath | None, part: str | None) -> Gold:
    gold = read_gold(corpus, split, part)
    if not any(pair.gold_relations for pair in (RelationPair(one, one.document) for one in gold.selections)):
        raise SuwenError("S601", corpus if isinstance(corpus, str | PathLike) else None)
    return gold


def _evaluation(
    gold: Gold, predicted: Sequence[Document], schema: Schema, reach: int | None, warnings: Sequence[str]
) -> RelationEvaluation:
    pairs = pair_relations(gold.selections, predicted)
    analysis = analyze_relations(pairs, schema, reach)
    baseline = CooccurrenceExtractor(schema)
    others = pair_relations(gold.selections, [baseline.relate(pair.predicted) for pair in pairs])
    score = relation_counts(others).scores().micro
    return RelationEvaluation(gold.part, gold.unit, schema, analysis, score, pairs, (), tuple(warnings))
