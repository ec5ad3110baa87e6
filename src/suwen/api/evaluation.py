"""Scoring models and predictions: `suwen.evaluate` and `suwen.compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from suwen.api.tasks import Task, require_seed, require_task
from suwen.errors import SuwenError
from suwen.files import StrPath
from suwen.runs import Listener, silent

if TYPE_CHECKING:
    from suwen.api.relations import RelationEvaluation
    from suwen.api.scoring import Corpus, Evaluation, PredictionsComparison
    from suwen.corpus.split import Split
    from suwen.inference.predictor import Extractor
    from suwen.inference.relations.extractor import RelationExtractor

__all__ = ["compare", "evaluate"]


@overload
def evaluate(
    corpus: Corpus,
    model: StrPath | Extractor | None = None,
    *,
    task: Literal["entities"] = "entities",
    predicted: Corpus | None = None,
    split: Split | StrPath | None = None,
    part: str | None = None,
    training: Corpus | None = None,
    device: str = "cpu",
    listener: Listener = silent,
) -> Evaluation: ...


@overload
def evaluate(
    corpus: Corpus,
    model: StrPath | RelationExtractor | None = None,
    *,
    task: Literal["relations"],
    entities: StrPath | Extractor | None = None,
    predicted: Corpus | None = None,
    split: Split | StrPath | None = None,
    part: str | None = None,
    device: str = "cpu",
    listener: Listener = silent,
) -> RelationEvaluation: ...


@overload
def evaluate(
    corpus: Corpus,
    model: StrPath | Extractor | RelationExtractor | None = None,
    *,
    task: Task,
    entities: StrPath | Extractor | None = None,
    predicted: Corpus | None = None,
    split: Split | StrPath | None = None,
    part: str | None = None,
    training: Corpus | None = None,
    device: str = "cpu",
    listener: Listener = silent,
) -> Evaluation | RelationEvaluation: ...


def evaluate(
    corpus: Corpus,
    model: StrPath | Extractor | RelationExtractor | None = None,
    *,
    task: Task = "entities",
    entities: StrPath | Extractor | None = None,
    predicted: Corpus | None = None,
    split: Split | StrPath | None = None,
    part: str | None = None,
    training: Corpus | None = None,
    device: str = "cpu",
    listener: Listener = silent,
) -> Evaluation | RelationEvaluation:
    """Score a model, or predictions, on annotated documents.

    The main score is strict: a mention counts when its type and both offsets are right, a relation when its type and
    both offsets of its two arguments are right.

    Parameters
    ----------
    corpus
        The gold documents.
    model
        A model folder, ``hf://owner/name`` or a loaded model; by default the bundled model of the task. For relations
        ``cooccurrence`` is the baseline.
    task
        ``entities`` or ``relations``.
    entities
        For relations: the tagger whose entities are related; by default the gold entities are.
    predicted
        The same documents with predicted entities (and relations), instead of a model.
    split, part
        A split of the corpus, or its file, and the part to score (``test`` by default).
    training
        Training documents, to tell seen mentions from unseen; by default the train part of the split.
    device
        The device of the model.
    listener
        Receives the number of documents that are predicted.

    Raises
    ------
    SuwenError
        S307 when there is no entity to find, S601 when there is no relation to find, S404 for an unknown task, S406
        for a model beside predictions and for options of the other task, and as `read_corpus` and `Split.select`.

    Examples
    --------
    >>> import suwen
    >>> evaluation = suwen.evaluate("articles/", "model")  # doctest: +SKIP
    >>> evaluation.f1, evaluation.warnings  # doctest: +SKIP
    """
    from suwen.api.scoring import evaluate_model, evaluate_predictions

    require_task(task)
    if predicted is not None and (model is not None or entities is not None):
        raise SuwenError("S406", first="a model", second="predictions", advice="give one of them")
    if task == "relations":
        from suwen.api.relations import evaluate_predicted_relations, evaluate_relation_model

        if training is not None:
            raise SuwenError("S406", first="training", second="relations", advice="it is for the task entities")
        if predicted is not None:
            return evaluate_predicted_relations(corpus, predicted, split, part)
        return evaluate_relation_model(corpus, model, entities, split, part, device, listener)  # type: ignore[arg-type]
    if entities is not None:
        raise SuwenError("S406", first="entities", second="the task entities", advice="it is for the task relations")
    if predicted is None:
        return evaluate_model(corpus, model, split, part, training, device, listener)  # type: ignore[arg-type]
    return evaluate_predictions(corpus, predicted, split, part, training)


def compare(
    first: Corpus,
    second: Corpus,
    *,
    gold: Corpus,
    task: Task = "entities",
    split: Split | StrPath | None = None,
    part: str | None = None,
    seed: int = 0,
) -> PredictionsComparison:
    """Test whether two sets of predictions differ in strict F1 by more than chance.

    The test is paired approximate randomization over documents, or over sentences where the split is by sentence.

    Parameters
    ----------
    first, second
        The same documents as two systems predict them.
    gold
        The gold documents.
    task
        ``entities`` or ``relations``: what is scored.
    split, part
        A split of the gold documents, or its file, and the part to compare on (``test`` by default).
    seed
        The seed of shuffles and resamples.

    Raises
    ------
    SuwenError
        As `evaluate`.

    Examples
    --------
    >>> import suwen
    >>> found = suwen.compare("a.jsonl", "b.jsonl", gold="articles/")  # doctest: +SKIP
    >>> found.result.p_value  # doctest: +SKIP
    """
    from suwen.api.scoring import compare_predictions

    require_task(task)
    require_seed(seed)
    if task == "relations":
        from suwen.api.relations import compare_relations

        return compare_relations(first, second, gold, split, part, seed)
    return compare_predictions(first, second, gold, split, part, seed)
