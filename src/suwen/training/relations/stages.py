"""Two stages of trees: the second one also reads the first one's scores of documents that it has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suwen.corpus.splitting import make_folds
from suwen.document import Document
from suwen.errors import SplitError
from suwen.inference.relations.inputs import Inputs, first_inputs, second_inputs
from suwen.inference.relations.trees import BoostedTrees, TwoStages
from suwen.runs import Listener, Progress
from suwen.training.relations.config import RelationConfig
from suwen.training.relations.data import LabeledDocument
from suwen.training.relations.trees import fit_trees

__all__ = ["StageFitter", "unseen_folds"]

FOLDS = 4


def unseen_folds(documents: Sequence[Document], seed: int) -> list[int]:
    """Assign documents to folds, by journal issue as a split does; if there is only one, by document."""
    for count in range(FOLDS, 1, -1):
        try:
            return make_folds(documents, count, "group", seed)
        except SplitError:
            continue
    return [number % FOLDS for number in range(len(documents))]


@dataclass
class StageFitter:
    """Fits both stages, as in stacking (Wolpert 1992).

    Parameters
    ----------
    documents
        What to learn from.
    folds
        The fold of each document.
    config
        The run's configuration.
    work
        The folder that keeps trees as soon as they are fitted; those that are there are not fitted again.
    listener
        Receives the progress.
    """

    documents: Sequence[LabeledDocument]
    folds: Sequence[int]
    config: RelationConfig
    work: Path
    listener: Listener
    fitted: int = 0
    """Number of trees."""

    def fit(self) -> TwoStages:
        """Fit both stages.

        The first one learns from all documents. With a single fold there are no scores of unseen documents, and the
        second stage is the first.
        """
        inputs = [first_inputs(one.encoded) for one in self.documents]
        every = range(len(inputs))
        first = self._trees("first", every, inputs)
        if len(set(self.folds)) == 1:
            return TwoStages(first, first)
        scores = self.unseen_scores(inputs)
        inputs = [second_inputs(one.encoded, found) for one, found in zip(self.documents, scores, strict=True)]
        return TwoStages(first, self._trees("second", every, inputs))

    def unseen_scores(self, inputs: Sequence[Inputs]) -> list[NDArray[np.float32]]:
        """Score each document with a first stage that has not learned from its fold."""
        scores: dict[int, NDArray[np.float32]] = {}
        for fold in sorted(set(self.folds)):
            trees = self._trees(f"fold-{fold}", (i for i, other in enumerate(self.folds) if other != fold), inputs)
            scores |= {i: trees.logits(inputs[i]) for i, other in enumerate(self.folds) if other == fold}
        return [scores[index] for index in range(len(inputs))]

    def _trees(self, name: str, chosen: Iterable[int], inputs: Sequence[Inputs]) -> BoostedTrees:
        """Fit trees to some documents, or read those that were fitted before the run was interrupted."""
        path, config, before = self.work / f"{name}.npz", self.config.trees, self.fitted
        folds = len(set(self.folds))
        total = (folds + 2 if folds > 1 else 1) * config.count
        if not path.is_file():
            rows = list(chosen)
            documents, read = [self.documents[row] for row in rows], [inputs[row] for row in rows]
            fit_trees(
                documents,
                read,
                config,
                self.config.seed,
                lambda count: self.listener(Progress("trees", before + count, total)),
            ).write(path)
        self.fitted += config.count
        return BoostedTrees.read(path)
