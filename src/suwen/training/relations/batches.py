"""Batches of parts of documents, drawn again in every epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

from suwen.inference.relations.inputs import NetworkArrays, Part, network_arrays
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.training.relations.config import NetworkConfig
from suwen.training.relations.data import LabeledDocument

__all__ = ["DocumentPart", "PartBatches", "PartCollator", "document_parts"]

SHIFT = 0.5
"""Borders of parts move by up to half of this share of a part, so that no pair is always apart from its rivals."""


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """Part `number` of `count` of the owned candidates of a document, which has the index `document`."""

    document: int
    number: int
    count: int


def document_parts(documents: Sequence[LabeledDocument], pairs: int) -> list[DocumentPart]:
    """Divide documents into parts of about `pairs` candidates; documents without candidates are left out."""
    return [
        DocumentPart(index, number, count)
        for index, document in enumerate(documents)
        if len(document.owned)
        for count in [max(1, round(len(document.owned) / pairs))]
        for number in range(count)
    ]


class PartBatches(Sampler[list[int]]):
    """Batches of parts, in an order drawn from (seed, epoch).

    Parameters
    ----------
    parts
        How many parts there are.
    size
        Parts in a batch.
    seed
        The seed of all draws.
    """

    def __init__(self, parts: int, size: int, seed: int) -> None:
        self._parts, self._size, self._seed = parts, size, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw the batches of this epoch from the next iteration on."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self._parts // self._size)

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng((self._seed, self.epoch)).permutation(self._parts).tolist()
        yield from (order[start : start + self._size] for start in range(0, self._parts, self._size))


class PartCollator:
    """Makes the network's arrays of parts, and hides some of their characters.

    Parameters
    ----------
    documents
        The documents that the parts index.
    vocabulary
        The characters.
    config
        What is hidden.
    batches
        Knows the epoch.
    seed
        The seed of all draws.
    """

    def __init__(
        self,
        documents: Sequence[LabeledDocument],
        vocabulary: CharacterVocabulary,
        config: NetworkConfig,
        batches: PartBatches,
        seed: int,
    ) -> None:
        self._documents = documents
        self._vocabulary = vocabulary
        self._config = config
        self._batches = batches
        self._seed = seed

    def __call__(self, parts: Sequence[DocumentPart]) -> dict[str, Tensor]:
        """Join parts to one batch, with ``targets`` float32 ``[P]``."""
        chosen = [(self._documents[part.document], self._pairs(part)) for part in parts]
        arrays = network_arrays([Part(one.encoded, pairs) for one, pairs in chosen], self._vocabulary.pad)
        draw = np.random.default_rng((self._seed, self._batches.epoch, parts[0].document, parts[0].number))
        masked = {**arrays, "characters": self._masked(arrays, draw)}
        targets = np.concatenate([one.targets[pairs] for one, pairs in chosen])
        return {name: torch.from_numpy(array) for name, array in {**masked, "targets": targets}.items()}

    def _pairs(self, part: DocumentPart) -> NDArray[np.intp]:
        """Return the candidates of a part in this epoch."""
        owned = self._documents[part.document].owned
        draw = np.random.default_rng((self._seed, self._batches.epoch, part.document))
        borders = np.arange(1, part.count) + SHIFT * (draw.random(part.count - 1) - 0.5)
        bounds = [0, *np.rint(borders * len(owned) / part.count).astype(int).tolist(), len(owned)]
        return owned[bounds[part.number] : bounds[part.number + 1]]

    def _masked(self, arrays: NetworkArrays, draw: np.random.Generator) -> NDArray[np.integer]:
        """Hide whole mentions, and single characters, as unknown ones."""
        characters, inside = arrays["characters"].copy(), arrays["inside"][:, 0] > 0
        hidden = (draw.random(len(characters)) < self._config.character_masking) & inside
        mentions = (draw.random(len(arrays["starts"])) < self._config.masking) & (arrays["mention_inside"][:, 0] > 0)
        for start, end in zip(arrays["starts"][mentions], arrays["ends"][mentions], strict=True):
            hidden[start:end] = True
        characters[hidden] = self._vocabulary.unk
        return characters
