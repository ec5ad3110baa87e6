"""Models of folds: each is trained without one part of the annotated documents, and checks the annotations there.

Annotations that such a model contradicts with high confidence are what an annotator should look at first (Wang et al.
2019, "CrossWeigh: Training Named Entity Tagger from Imperfect Annotations").
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from suwen.corpus.split import Selection, Unit
from suwen.corpus.splitting import make_folds
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.files import StrPath, require_new, write_text
from suwen.inference.predictor import Predictor
from suwen.loading import load
from suwen.runs import RECORD, Listener, Progress, open_work, silent, working_folder
from suwen.schema import Schema
from suwen.tagging.decode import NOTHING
from suwen.tagging.encode import Prepared, block_spans, prepare
from suwen.training.config import TrainingConfig
from suwen.training.data import TrainingData
from suwen.training.taggers import run_identity, train_tagger

__all__ = [
    "Contradiction",
    "Fold",
    "FoldsReport",
    "find_contradictions",
    "load_scorers",
    "train_folds",
    "write_contradictions",
]

LEAST_CONFIDENCE = 0.5
"""An annotation is contradicted when the model gives another reading at least this probability."""

CONTEXT = 25
"""Characters of text on either side of a mention in the report."""

COLUMNS = (
    "confidence", "kind", "document", "start", "end", "annotated", "label", "suggested", "suggested_label", "context",
)  # fmt: skip

Kind = Literal["no mention", "other type", "other boundaries", "missing"]


@dataclass(frozen=True)
class Fold:
    """A model, and the part of the documents that it has not seen."""

    model: Path
    held_out: Sequence[Selection]


@dataclass(frozen=True)
class FoldsReport:
    """The models of all folds, and how many contradictions of each kind were written (None if no table was)."""

    folds: Sequence[Fold]
    contradictions: dict[str, int] | None

    def __repr__(self) -> str:
        return f"<FoldsReport, folds: {len(self.folds)}, contradictions: {self.contradictions}>"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An annotation that a model of its fold contradicts, or a mention that is not annotated.

    Parameters
    ----------
    document
        Where it is.
    kind
        ``no mention``: the model finds nothing there; ``other type`` and ``other boundaries``: it finds something else;
        ``missing``: it finds a mention where none is annotated.
    confidence
        The model's probability of its own reading, in [0, 1].
    annotated, suggested
        The mention as annotated (None if missing), and as the model has it (None for ``no mention``).
    """

    document: Document
    kind: Kind
    confidence: float
    annotated: Entity | None
    suggested: Entity | None

    @property
    def place(self) -> tuple[int, int]:
        """The hull of the annotation, or else of the suggestion."""
        entity = self.annotated or self.suggested
        assert entity is not None
        return entity.start, entity.end


def train_folds(
    data: TrainingData,
    output: StrPath,
    config: TrainingConfig,
    schema: Schema,
    count: int,
    unit: Unit,
    base: StrPath | None = None,
    resume: bool = False,
    device: str = "cpu",
    listener: Listener = silent,
) -> list[Fold]:
    """Train a tagger for each fold of the training part, without the documents of the fold, and without a dev part.

    Parameters
    ----------
    output
        The folder of the models ``fold-1`` … ``fold-K``. Their manifests name the documents that they learned from.
    count, unit
        The number of folds, and the unit that stays whole in them (see `suwen.corpus.splitting.make_folds`).
    resume
        Whether to keep the models that are there, and to train the others.
    listener
        Receives which fold begins, then about its steps.

    Raises
    ------
    SuwenError
        S104 when `output` exists, S507 when there is nothing to resume, S508 when it was begun with other data or
        another configuration, S304 when there are fewer documents or groups than folds; as `train_tagger`.
    """
    output = Path(output)
    assigned = make_folds([selection.document for selection in data.train], count, unit, config.seed)
    base = None if base is None else Path(base)
    identity = {**run_identity(data, config, schema, base), "folds": [count, unit]}
    if not resume:
        require_new(output)
    open_work(output, identity, resume)
    folds = []
    for number in range(count):
        held_out = [selection for selection, fold in zip(data.train, assigned, strict=True) if fold == number]
        seen = [selection for selection, fold in zip(data.train, assigned, strict=True) if fold != number]
        model = output / f"fold-{number + 1}"
        folds.append(Fold(model, held_out))
        if model.exists():
            continue
        names = [selection.document.id for selection in seen]
        description = {**data.description, "fold": {"number": number + 1, "count": count, "documents": names}}
        unfinished = working_folder(model, "training").exists()
        message = f"fold {number + 1} of {count}: {len(names):,} documents to train on, {len(held_out):,} held out"
        listener(Progress("folds", number, count, message=message))
        part = TrainingData(seen, [], description)
        try:
            train_tagger(part, model, config, schema, base, unfinished, device, listener=listener)
        except SuwenError:
            if [path.name for path in output.iterdir()] == [RECORD]:
                # The first fold could not begin: nothing is there to resume.
                shutil.rmtree(output)
            raise
    return folds


def load_scorers(folds: Iterable[Fold], device: str = "cpu") -> Iterator[tuple[Predictor, Sequence[Selection]]]:
    """Load the model of each fold, with the annotated text that it has not seen."""
    for fold in folds:
        predictor = load(fold.model, device=device)
        assert isinstance(predictor, Predictor)
        yield predictor, fold.held_out


def find_contradictions(scorers: Iterable[tuple[Predictor, Sequence[Selection]]]) -> list[Contradiction]:
    """Compare annotations with a model's predictions, the most confident contradiction first.

    Parameters
    ----------
    scorers
        The model of each fold, and the annotated text that it has not seen (see `load_scorers`).
    """
    found: list[Contradiction] = []
    for predictor, held_out in scorers:
        predicted = predictor.predict(held_out)
        for selection, document in zip(held_out, predicted, strict=True):
            suggested = [entity for entity in document.entities if selection.owns(entity.start)]
            found += _contradicted(predictor, selection, suggested)
            found += _missing(selection, suggested)
    return sorted(found, key=lambda one: (-one.confidence, one.document.id, one.place))


def _contradicted(predictor: Predictor, selection: Selection, suggested: Sequence[Entity]) -> Iterator[Contradiction]:
    """Find the annotations that stand against the model; those that no tags can express are left out."""
    settings = predictor.settings
    rules = settings.view, settings.windows
    prepared = prepare(selection.document.text, *rules, selection.spans, predictor.featurizer.subwords)
    spans, _ = block_spans(selection.gold, prepared, settings.schema.labels)
    nothing = [[(NOTHING, start, end) for _, start, end in row] for row in spans]
    probabilities = predictor.marginals(selection.document, prepared, nothing)
    for annotated, probability in zip(
        _entities(prepared, spans), (p for row in probabilities for p in row), strict=True
    ):
        others = [entity for entity in suggested if _overlap(entity, annotated)]
        if any(entity.key == annotated.key for entity in others):
            continue
        best = max(others, key=lambda entity: entity.score or 0.0, default=None)
        kind: Kind = "no mention"
        if best is not None and (best.score or 0.0) >= probability:
            same = (best.start, best.end) == (annotated.start, annotated.end)
            kind, probability = "other type" if same else "other boundaries", best.score or 0.0
        if probability >= LEAST_CONFIDENCE:
            yield Contradiction(
                selection.document, kind, probability, annotated, None if kind == "no mention" else best
            )


def _entities(prepared: Prepared, spans: Sequence[Sequence[tuple[str, int, int]]]) -> Iterator[Entity]:
    """Yield the entities that were expressed as spans of blocks."""
    for block, row in zip(prepared.blocks, spans, strict=True):
        scored = [(label, block.start + start, block.start + end, 1.0) for label, start, end in row]
        for label, start, end, _ in prepared.view_spans(scored):
            pieces = prepared.view.to_source(start, end)
            yield Entity(label, pieces[0][0], pieces[-1][1])


def _missing(selection: Selection, suggested: Iterable[Entity]) -> Iterator[Contradiction]:
    """Find confident mentions that overlap no annotation of the document."""
    for entity in suggested:
        confident = (entity.score or 0.0) >= LEAST_CONFIDENCE
        if confident and not any(_overlap(entity, other) for other in selection.document.entities):
            yield Contradiction(selection.document, "missing", entity.score or 0.0, None, entity)


def _overlap(first: Entity, second: Entity) -> bool:
    return first.start < second.end and second.start < first.end


def write_contradictions(path: StrPath, contradictions: Sequence[Contradiction]) -> dict[str, int]:
    """Write a table with a row for each contradiction (tab-separated); return how many there are of each kind."""
    rows = [COLUMNS, *(_row(one) for one in contradictions)]
    write_text(Path(path), "".join("\t".join(row) + "\n" for row in rows))
    return dict(sorted(Counter(one.kind for one in contradictions).items()))


def _row(one: Contradiction) -> tuple[str, ...]:
    start, end = one.place
    text = one.document.text
    before, mention, after = text[max(0, start - CONTEXT) : start], text[start:end], text[end : end + CONTEXT]
    cells = [f"{one.confidence:.3f}", one.kind, one.document.id, str(start), str(end)]
    for entity in (one.annotated, one.suggested):
        cells += [text[entity.start : entity.end], entity.label] if entity else ["", ""]
    return tuple(_one_line(cell) for cell in (*cells, f"{before}【{mention}】{after}"))


def _one_line(text: str) -> str:
    """Put spaces in the place of tabs and line breaks, which would end a cell."""
    return " ".join(text.split()) if any(character in text for character in "\t\n\r\v\f\x85\u2028\u2029") else text
