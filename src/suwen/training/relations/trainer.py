"""The training loop of relation models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import TrainerCallback

from suwen.inference.relations.inputs import RelationEncoder
from suwen.inference.relations.predictor import PairModel
from suwen.inference.relations.trees import BoostedTrees
from suwen.models.relation_weights import TorchPairScorer
from suwen.models.relations import RelationNetwork
from suwen.tagging.calibration import Calibration
from suwen.training.relations.batches import PartBatches, PartCollator, document_parts
from suwen.training.relations.config import RelationConfig
from suwen.training.relations.data import LabeledDocument
from suwen.training.relations.decisions import (
    Decisions,
    ScoredPairs,
    fit_decisions,
    scored_pairs,
    strict_relation_scores,
)
from suwen.training.trainer import SelectingTrainer

__all__ = ["RelationEvaluator", "RelationTrainer"]

NEAREST = 1e-6
UNDECIDED = 0.5


class RelationTrainer(SelectingTrainer):
    """Trains a relation network on parts of documents.

    Parameters
    ----------
    network
        The network.
    documents
        The training data.
    encoder
        What encoded them.
    config
        The run's configuration.

    All other parameters are those of `SelectingTrainer`.
    """

    def __init__(
        self,
        network: RelationNetwork,
        documents: Sequence[LabeledDocument],
        encoder: RelationEncoder,
        evaluate_dev: RelationEvaluator | None,
        config: RelationConfig,
        folder: Path,
        device: str,
        callbacks: Sequence[TrainerCallback],
    ) -> None:
        self.options = config.optimization
        parts = document_parts(documents, self.options.part_pairs)
        batches = PartBatches(len(parts), self.options.batch_parts, config.seed)
        collate = PartCollator(documents, encoder.vocabulary, config.network, batches, config.seed)
        super().__init__(
            network,
            parts,
            batches,
            collate,
            evaluate_dev,
            self.options,
            config.evaluation,
            config.seed,
            folder,
            device,
            callbacks,
        )

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        """Create AdamW; biases and norms do not decay."""
        if self.optimizer is None:
            network: torch.nn.Module = model or self.model
            matrices = [parameter for parameter in network.parameters() if parameter.ndim > 1]
            others = [parameter for parameter in network.parameters() if parameter.ndim < 2]
            self.optimizer = torch.optim.AdamW(
                [
                    {"params": matrices, "weight_decay": self.options.weight_decay},
                    {"params": others, "weight_decay": 0.0},
                ],
                lr=self.options.learning_rate,
                fused=True,
            )
        return self.optimizer


class RelationEvaluator:
    """Scores a network on the dev part: its loss, and strict precision, recall and F1.

    Parameters
    ----------
    network
        The network.
    trees
        The trees whose scores are averaged with the network's.
    documents
        The dev part.
    encoder
        What encoded it.
    device
        The device of the network.
    """

    def __init__(
        self,
        network: RelationNetwork,
        trees: BoostedTrees | None,
        documents: Sequence[LabeledDocument],
        encoder: RelationEncoder,
        device: str,
    ) -> None:
        self._trees = trees
        self._network = network
        self._documents = documents
        self._encoder = encoder
        self._device = device

    def __call__(self) -> dict[str, float]:
        """Return ``loss`` in nats per candidate, and ``precision``, ``recall``, ``f1`` with the best thresholds."""
        pairs, schema = self.pairs(), self._encoder.schema
        inside = np.clip(pairs.probabilities, NEAREST, 1 - NEAREST)
        loss = -np.log(np.where(pairs.right, inside, 1 - inside))
        plain = Decisions(Calibration(), {kind.name: UNDECIDED for kind in schema.relations})
        micro = strict_relation_scores(pairs, fit_decisions(pairs, schema) or plain, schema).micro
        mean = float(loss.mean()) if len(loss) else 0.0
        return {"loss": mean, "precision": micro.precision, "recall": micro.recall, "f1": micro.f1}

    def pairs(self) -> ScoredPairs:
        """Score the candidates that the part owns."""
        scorer, padding = TorchPairScorer(self._network, self._device), self._encoder.vocabulary.pad
        model = PairModel(scorer, self._network.sizes.rounds, padding, self._trees)
        found = [model.probabilities(document.encoded) for document in self._documents]
        return scored_pairs(self._documents, found, self._encoder.schema)
