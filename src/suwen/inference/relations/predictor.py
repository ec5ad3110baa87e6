"""Find relations with a trained model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suwen.document import Document, Entity
from suwen.inference.relations.candidates import Mentions
from suwen.inference.relations.extractor import RelationExtractor, ScoredPair, with_entity_ids, with_relations
from suwen.inference.relations.inputs import EncodedDocument, Inputs, RelationEncoder, first_inputs, second_inputs
from suwen.inference.relations.settings import RelationSettings
from suwen.schema import Schema

__all__ = ["PairScorer", "RelationPredictor", "probabilities"]

AHEAD = 2
"""Documents that each thread reads ahead."""


class PairScorer(Protocol):
    """Runs the two stages of a relation model."""

    def logits(self, inputs: Inputs, second: bool) -> NDArray[np.float32]:
        """Score candidates with the first or the second stage, float32 ``[P]``."""


def probabilities(encoded: EncodedDocument, scorer: PairScorer) -> NDArray[np.float64]:
    """Score all candidates of a document, float64 ``[P]`` in (0, 1): the mean logit of both stages counts."""
    first = scorer.logits(first_inputs(encoded), second=False)
    second = scorer.logits(second_inputs(encoded, first), second=True)
    found: NDArray[np.float64] = 1 / (1 + np.exp(-(first.astype(np.float64) + second) / 2))
    return found


class RelationPredictor(RelationExtractor):
    """Finds relations with a trained model.

    Parameters
    ----------
    settings
        The types, and what confidence is enough.
    scorer
        Runs the two stages.
    workers
        Number of threads that read documents of a `pipe`; 0: the calling thread.
    """

    def __init__(
        self,
        settings: RelationSettings,
        scorer: PairScorer,
        workers: int = 0,
    ) -> None:
        self.reach = settings.reach
        self.settings = settings
        self.scorer = scorer
        self.workers = workers
        self.encoder = RelationEncoder(settings.schema, settings.reach)
        self._thresholds = np.array([settings.thresholds[kind.name] for kind in settings.schema.relations])

    @property
    def schema(self) -> Schema:
        """The relation types that are found."""
        return self.settings.schema

    def pipe(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Find the relations of many documents, in their order, reading only a little ahead."""
        if not self.workers:
            yield from map(self.relate, documents)
            return
        with ThreadPoolExecutor(self.workers, "suwen") as executor:
            running: deque[Future[Document]] = deque()
            for document in documents:
                running.append(executor.submit(self.relate, document))
                if len(running) > AHEAD * self.workers:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()

    def relate(self, document: Document) -> Document:
        """Find the relations of a document (see `RelationExtractor.relate`).

        Of entities with the same type and boundaries only the first has relations.
        """
        document = with_entity_ids(document)
        return with_relations(document, self._pairs(document))

    def _pairs(self, document: Document) -> Iterator[ScoredPair]:
        encoded = self.encoder.encode(document)
        confidences = self.settings.calibration(probabilities(encoded, self.scorer))
        candidates = encoded.candidates
        entities = self._entities(document, encoded.mentions)
        for index in np.flatnonzero(confidences >= self._thresholds[candidates.relations]).tolist():
            head, tail = entities[candidates.heads[index]], entities[candidates.tails[index]]
            label = self.schema.relations[candidates.relations[index]].name
            yield label, head, tail, float(confidences[index])

    def _entities(self, document: Document, mentions: Mentions) -> list[Entity]:
        """Return the entity of each mention."""
        by_key = {entity.key: entity for entity in reversed(document.entities)}
        keys = zip(mentions.types.tolist(), mentions.starts.tolist(), mentions.ends.tolist(), strict=True)
        return [by_key[self.schema.labels[kind], start, end] for kind, start, end in keys]
