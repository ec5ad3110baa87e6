"""A relation model as teams built them in 2018: a CNN over the text of each pair, without competition.

Written again after the description of beader/ruijin_round2. The input is the text from 10 characters before the pair to
10 behind it, at most 150 characters with the middle cut out: an embedding of each character and one of its entity type.
Two convolutions of 64 channels are pooled over the first argument, the second, and the whole text; one number gives the
distance. Pairs with at most one ``。`` between them are scored.

Differences: training takes four epochs, because windows overlap by half there and two epochs read each pair about as
often. Each epoch reads half of the unrelated pairs, drawn again. The embeddings of characters start from random numbers
and are learned. The rate falls linearly.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from suwen.inference.relations.candidates import gaps
from suwen.inference.relations.inputs import EncodedDocument
from suwen.tagging.vocabulary import SEP, CharacterVocabulary
from suwen.training.relations.data import LabeledDocument

AROUND, LONGEST, SEPARATORS = 10, 150, 2
EPOCHS, BATCH, RATE = 4, 128, 2e-3
UNRELATED = 0.5
"""Share of the unrelated pairs that an epoch reads."""
POOL = 64 * BATCH
"""Pairs that are sorted by length together."""
SCORED_AT_ONCE = 512
NEVER = 0.0
"""The probability of pairs that are not looked at."""


@dataclass(frozen=True)
class PairTexts:
    """The pairs of a document as texts.

    Parameters
    ----------
    encoded
        The document.
    period, separator
        The ids of ``。`` and of what stands where a text was cut.
    """

    encoded: EncodedDocument
    period: int
    separator: int

    @property
    def near(self) -> NDArray[np.intp]:
        """The pairs with at most one ``。`` between their arguments, those with short texts first."""
        mentions, pairs = self.encoded.mentions, self.encoded.candidates
        begins = np.minimum(mentions.ends[pairs.heads], mentions.ends[pairs.tails])
        ends = np.maximum(np.maximum(mentions.starts[pairs.heads], mentions.starts[pairs.tails]), begins)
        periods = np.concatenate([[0], np.cumsum(self.encoded.characters == self.period)])
        kept = np.flatnonzero(periods[ends] - periods[begins] <= 1)
        return kept[np.argsort((ends - begins)[kept], kind="stable")]

    def arrays(self, pairs: NDArray[np.intp]) -> dict[str, NDArray]:
        """Return the inputs of the network for some pairs: characters ``[P, LONGEST]``, distance ``[P]``."""
        mentions, heads, tails = (
            self.encoded.mentions,
            self.encoded.candidates.heads[pairs],
            self.encoded.candidates.tails[pairs],
        )
        starts, ends = mentions.starts, mentions.ends
        begin = np.maximum(np.minimum(starts[heads], starts[tails]) - AROUND, 0)[:, None]
        end = np.minimum(np.maximum(ends[heads], ends[tails]) + AROUND, len(self.encoded.characters))[:, None]
        length = np.minimum(end - begin, LONGEST)
        column = np.arange(LONGEST)[None]
        half = (LONGEST - SEPARATORS) // 2
        cut = (end - begin > LONGEST) & (column >= half)
        places = np.where(cut, end - LONGEST + column, begin + column)
        there = column < length
        separators = cut & (column < half + SEPARATORS)
        text = there & ~separators
        places = np.minimum(places, len(self.encoded.characters) - 1)
        characters = np.where(separators, self.separator, self.encoded.characters[places])

        def inside(ends_of: NDArray) -> NDArray[np.bool_]:
            return text & (places >= starts[ends_of][:, None]) & (places < ends[ends_of][:, None])

        return {
            "characters": np.where(there, characters, 0).astype(np.int32),
            "types": np.where(text, (self.encoded.tags[places] + 1) // 2, 0).astype(np.int8),
            "masks": np.stack([inside(heads), inside(tails), there], axis=1),
            "distance": np.log1p(gaps(mentions, heads, tails)).astype(np.float32),
        }


class PairNetwork(nn.Module):
    """The network."""

    def __init__(self, characters: int, types: int, width: int = 100, channels: int = 64) -> None:
        super().__init__()
        self.characters = nn.Embedding(characters, width)
        # Loud embeddings of characters would drown those of types.
        nn.init.normal_(self.characters.weight, std=0.1)
        self.types = nn.Embedding(types + 1, 2)
        self.first = nn.Conv1d(width + 2, channels, 3, padding=1)
        self.second = nn.Conv1d(channels, channels, 3, padding=1)
        self.output = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(3 * channels + 1, channels), nn.ReLU(), nn.Linear(channels, 1)
        )

    def forward(self, characters: Tensor, types: Tensor, masks: Tensor, distance: Tensor) -> Tensor:
        """Score pairs, ``[P]``."""
        there = masks[:, 2:].float()
        states = torch.cat([self.characters(characters), self.types(types)], dim=2).transpose(1, 2) * there
        states = torch.relu(self.first(states)) * there
        states = torch.relu(self.second(states)) * there
        # The states are not negative, so that 0 is as good as leaving out.
        pooled = [(states * masks[:, [mask]]).amax(dim=2) for mask in range(3)]
        return self.output(torch.cat([*pooled, distance[:, None]], dim=1))[:, 0]


@dataclass(frozen=True)
class PairCNN:
    """A trained network: it has the `probabilities` of `suwen.inference.relations.predictor.PairModel`."""

    network: PairNetwork
    period: int
    separator: int

    def probabilities(self, encoded: EncodedDocument, characters: int = 0) -> NDArray[np.float64]:
        """Score all candidates of a document, float64 ``[P]``."""
        del characters
        texts = PairTexts(encoded, self.period, self.separator)
        found = np.full(len(encoded.candidates), NEVER)
        self.network.eval()
        with torch.inference_mode():
            near = texts.near
            for start in range(0, len(near), SCORED_AT_ONCE):
                pairs = near[start : start + SCORED_AT_ONCE]
                found[pairs] = self.network(**_tensors(texts.arrays(pairs))).sigmoid().double().numpy()
        return found


def train_cnn(
    documents: Sequence[LabeledDocument], vocabulary: CharacterVocabulary, types: int, seed: int = 0
) -> PairCNN:
    """Train the network on the near pairs of documents, with one thread."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    network = PairNetwork(len(vocabulary), types)
    model = PairCNN(network, int(vocabulary.ids("。")[0]), vocabulary.id(SEP))
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    loss_of = nn.BCEWithLogitsLoss()
    draws = np.random.default_rng(seed)
    table, right = _table(documents, model)
    pairs_read = right.sum() + UNRELATED * (len(right) - right.sum())
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, int(EPOCHS * pairs_read / BATCH) + 1)
    for epoch in range(EPOCHS):
        network.train()
        losses, started = [], time.process_time()
        for pairs in _batches(table["masks"][:, 2].sum(axis=1), right, draws):
            arrays = {name: array[pairs] for name, array in table.items()}
            with torch.autocast("cpu", torch.bfloat16):
                scores = network(**_tensors(arrays)).float()
            loss = loss_of(scores, torch.from_numpy(right[pairs]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"CNN epoch {epoch + 1} loss {np.mean(losses):.4f} {time.process_time() - started:.0f} s", flush=True)
    return model


def _table(documents: Sequence[LabeledDocument], model: PairCNN) -> tuple[dict[str, NDArray], NDArray[np.float32]]:
    """Return the inputs and targets of all near pairs of documents."""
    tables, rights = [], []
    for document in documents:
        texts = PairTexts(document.encoded, model.period, model.separator)
        if len(near := texts.near):
            tables.append(texts.arrays(near))
            rights.append(document.targets[near])
    return {name: np.concatenate([one[name] for one in tables]) for name in tables[0]}, np.concatenate(rights)


def _batches(
    lengths: NDArray[np.integer], right: NDArray[np.float32], draws: np.random.Generator
) -> Iterator[NDArray[np.intp]]:
    """Yield the pairs of an epoch in random batches of texts with about the same length."""
    order = draws.permutation(np.flatnonzero((right > 0) | (draws.random(len(right)) < UNRELATED)))
    for start in range(0, len(order), POOL):
        pool = order[start : start + POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches = [pool[first : first + BATCH] for first in range(0, len(pool), BATCH)]
        for number in draws.permutation(len(batches)):
            yield batches[number]


def _tensors(arrays: dict[str, NDArray]) -> dict[str, Tensor]:
    """Return the inputs of the network, no wider than the longest text."""
    width = int(arrays["masks"][:, 2].sum(axis=1).max())
    characters, types = (torch.from_numpy(arrays[name][:, :width]).long() for name in ("characters", "types"))
    masks = torch.from_numpy(arrays["masks"][:, :, :width])
    return {"characters": characters, "types": types, "masks": masks, "distance": torch.from_numpy(arrays["distance"])}
