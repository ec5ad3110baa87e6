"""Batches of windows of similar length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Sampler

from suwen.tagging.encode import Example, TaughtExample

__all__ = ["Collator", "LengthBatches"]

# Lengths are rounded up to this, so that windows of nearly the same length can change places between epochs.
GRAIN = 8


class LengthBatches(Sampler[list[int]]):
    """Batches by length: windows of like length are batched together, and the batches come in random order.

    Where a batch begins depends on the lengths alone, so that every epoch has the same number of steps; which windows
    of a length fill it, and the order of the batches, are drawn again from (seed, epoch).

    Parameters
    ----------
    lengths
        The length of each window's arrays.
    sentences
        Windows per batch; 0 fills each batch up to `tokens`, padding included.
    tokens
        Tokens per batch.
    seed
        The seed of all draws.
    """

    def __init__(self, lengths: Sequence[int], sentences: int, tokens: int, seed: int) -> None:
        self._rounded = -(-np.asarray(lengths) // GRAIN) * GRAIN
        self._seed = seed
        self._epoch = 0
        ordered = np.sort(self._rounded)[::-1]
        starts = [0]
        while starts[-1] < len(ordered):
            size = sentences or max(1, tokens // int(ordered[starts[-1]]))
            starts.append(min(starts[-1] + size, len(ordered)))
        self._bounds = list(pairwise(starts))

    def set_epoch(self, epoch: int) -> None:
        """Draw the batches of this epoch from the next iteration on."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._bounds)

    def __iter__(self) -> Iterator[list[int]]:
        draw = np.random.default_rng((self._seed, self._epoch))
        order = np.lexsort((draw.random(len(self._rounded)), -self._rounded))
        for batch in draw.permutation(len(self._bounds)):
            start, end = self._bounds[batch]
            yield order[start:end].tolist()


class Collator:
    """Pads windows to the longest of their batch.

    Parameters
    ----------
    padding
        The id that fills each array after its end, by name.
    """

    def __init__(self, padding: dict[str, int]) -> None:
        self._padding = padding

    def __call__(self, examples: Sequence[Example | TaughtExample]) -> dict[str, Tensor]:
        """Stack examples, all of one kind, into tensors as `suwen.models.tagger.Tagger.forward` takes them."""
        arrays = {name: [example.inputs[name] for example in examples] for name in examples[0].inputs}
        batch = {name: _stack(rows, self._padding[name]) for name, rows in arrays.items()}
        lengths = torch.tensor([len(example.inputs["input_ids"]) for example in examples])
        batch["attention_mask"] = (torch.arange(batch["input_ids"].shape[1]) < lengths[:, None]).long()
        gold = [example.tags for example in examples if isinstance(example, Example)]
        taught = [example for example in examples if isinstance(example, TaughtExample)]
        if gold:
            batch["tags"] = _stack(gold, 0)
        else:
            batch["unary"] = pad_sequence([torch.from_numpy(np.array(one.unary)) for one in taught], True)
            batch["moves"] = torch.from_numpy(np.stack([one.moves for one in taught]))
        batch["core_start"] = torch.tensor([example.core[0] for example in examples])
        batch["core_length"] = torch.tensor([example.core[1] - example.core[0] for example in examples])
        return batch


def _stack(rows: Sequence[NDArray[np.integer]], padding: int) -> Tensor:
    stacked = np.full((len(rows), max(map(len, rows))), padding, np.int64)
    for target, row in zip(stacked, rows, strict=True):
        target[: len(row)] = row
    return torch.from_numpy(stacked)
