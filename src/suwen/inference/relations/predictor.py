"""Find relations with a trained model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suwen.document import Document, Entity
from suwen.inference.relations.candidates import Mentions
from suwen.inference.relations.extractor import RelationExtractor, ScoredPair, with_entity_ids, with_relations
from suwen.inference.relations.inputs import EncodedDocument, NetworkArrays, Part, RelationEncoder, network_arrays
from suwen.inference.relations.parts import Rivals, owned_pairs
from suwen.inference.relations.settings import RelationSettings
from suwen.inference.relations.trees import BoostedTrees, tree_inputs
from suwen.schema import Schema
from suwen.tagging.vocabulary import CharacterVocabulary

__all__ = ["PairModel", "PairScorer", "RelationPredictor"]

CHARACTERS = 8192
"""Heads that begin within this number of characters are scored in one call."""

AHEAD = 2
"""Documents that each thread reads ahead."""


class PairScorer(Protocol):
    """Runs a relation network."""

    def logits(self, inputs: NetworkArrays) -> NDArray[np.float32]:
        """Score the pairs of `network_arrays`, float32 ``[P]``."""


@dataclass(frozen=True, slots=True)
class PairModel:
    """Scores candidates: a network, and boosted trees if there are any; their logits are averaged.

    Parameters
    ----------
    network
        Runs the network.
    rounds
        How often the network compares pairs with their rivals.
    padding
        The id of the network's padding character.
    trees
        The trees.
    """

    network: PairScorer
    rounds: int
    padding: int
    trees: BoostedTrees | None

    def probabilities(self, encoded: EncodedDocument, characters: int = CHARACTERS) -> NDArray[np.float64]:
        """Score all candidates of a document, float64 ``[P]`` in (0, 1).

        Each is scored once, together with all that its score depends on, so that `characters` does not change the
        result.
        """
        logits = np.zeros(len(encoded.candidates))
        rivals = Rivals(encoded.candidates)
        for pairs in owned_pairs(encoded.mentions, encoded.candidates, characters):
            read = rivals.around(pairs, self.rounds)
            found = self.network.logits(network_arrays([Part(encoded, read)], self.padding))
            logits[pairs] = found[np.searchsorted(read, pairs)]
        if self.trees is not None:
            logits = (logits + self.trees.logits(tree_inputs(encoded))) / 2
        probabilities: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
        return probabilities


class RelationPredictor(RelationExtractor):
    """Finds relations with a trained model.

    Parameters
    ----------
    settings
        The types, and what confidence is enough.
    vocabulary
        The characters that the network knows.
    model
        Scores the candidates.
    characters
        Characters that are read in one call, without context. It does not change the result.
    workers
        Number of threads that read documents of a `pipe`; 0: the calling thread.
    """

    def __init__(
        self,
        settings: RelationSettings,
        vocabulary: CharacterVocabulary,
        model: PairModel,
        characters: int = CHARACTERS,
        workers: int = 0,
    ) -> None:
        self.reach = settings.reach
        self.settings = settings
        self.model = model
        self.characters = characters
        self.workers = workers
        self.encoder = RelationEncoder(settings.schema, vocabulary, settings.reach)
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
        confidences = self.settings.calibration(self.model.probabilities(encoded, self.characters))
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
