"""Masked batches: each one a function of the seed and its number, so that a run continues exactly where it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from suwen.draws import random_key, uniform_numbers
from suwen.errors import SuwenError
from suwen.pretraining.packing import Packer, Sequences
from suwen.pretraining.strategies import Level, Strategy, draw_positions
from suwen.pretraining.text_cache import TextCache
from suwen.tagging.vocabulary import MASK, SEP, CharacterVocabulary

__all__ = ["HeldOut", "MaskedBatches", "MaskingRules", "Phase", "corrupt", "phases"]

# Keeps the draws for different purposes apart.
PAIRS, ORDER, MASKS = 1, 2, 3
HELD_OUT_SEED = 20220414
MASKED, KEPT = 0.8, 0.9
"""Bounds for the chosen positions: 80 % become ``[MASK]``, 10 % a random character, 10 % stay (Devlin et al. 2019)."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Steps `start` to `end` with sequences of one length."""

    start: int
    end: int
    length: int


def phases(lengths: Sequence[int], shares: Sequence[float], steps: int) -> list[Phase]:
    """Assign the steps of a run to sequence lengths, in this order, by their shares."""
    bounds = [round(steps * share / sum(shares)) for share in accumulate(shares, initial=0.0)]
    return [Phase(start, end, length) for (start, end), length in zip(pairwise(bounds), lengths, strict=True)]


@dataclass(frozen=True, slots=True)
class MaskingRules:
    """Settings for masking positions.

    Parameters
    ----------
    share
        The share of the characters.
    copies
        With static masking, the number of drawings that passes over the text take turns in: BERT's ``dupe_factor``.
    """

    share: float = 0.15
    copies: int = 10


class MaskedBatches(Dataset[dict[str, Tensor]]):
    """The batches of a run.

    Item ``n`` holds int64 tensors: ``input_ids [B, L]`` with characters masked; ``positions [M]``, the chosen positions
    of the flattened batch, and ``targets [M]``, their characters; with pairs also ``token_type_ids [B, L]`` and
    ``next_sentence_label [B]`` (1: the segments do not belong together).

    Parameters
    ----------
    text, units
        The text and its units.
    strategy
        Chooses the positions.
    rules
        How many of them.
    plan
        The sequence length of each step.
    tokens
        Positions per batch, specials included.
    seed
        The seed of all draws.
    processes
        How many processes take part; step ``s`` consists of the items from ``s * processes`` on.

    Raises
    ------
    SuwenError
        S520 when the text is shorter than a sequence.
    """

    def __init__(
        self,
        text: TextCache,
        units: NDArray[np.uint8],
        strategy: Strategy,
        rules: MaskingRules,
        plan: Sequence[Phase],
        tokens: int,
        seed: int,
        processes: int = 1,
    ) -> None:
        self.strategy, self.rules, self.plan, self.tokens = strategy, rules, plan, tokens
        self._vocabulary, self._seed, self._processes = text.vocabulary, seed, processes
        self.packers = {
            phase.length: Packer(
                text.train, units, text.vocabulary, phase.length, strategy.next_sentence, random_key(seed, PAIRS)
            )
            for phase in plan
        }
        self._drawn: tuple[int, int, NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        return self.plan[-1].end * self._processes

    @property
    def main_length(self) -> int:
        """The sequence length of the most steps."""
        return max(self.plan, key=lambda phase: phase.end - phase.start).length

    def rows(self, phase: Phase) -> int:
        """Return the number of sequences per batch."""
        return max(1, self.tokens // phase.length)

    def passes(self) -> float:
        """Return how often the whole run sees the text."""
        return sum(
            (phase.end - phase.start) * self._processes * self.rows(phase) / len(self.packers[phase.length])
            for phase in self.plan
        )

    def tokens_until(self, step: int) -> int:
        """Count the positions that the steps before this one read, on all devices."""
        return self._processes * sum(
            max(0, min(step, phase.end) - phase.start) * self.rows(phase) * phase.length for phase in self.plan
        )

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        step = item // self._processes
        phase = next(phase for phase in self.plan if step < phase.end)
        packer, rows = self.packers[phase.length], self.rows(phase)
        begin = (item - phase.start * self._processes) * rows
        places = np.arange(begin, begin + rows)
        passes, offsets = np.divmod(places, len(packer))
        stage = step * len(self.strategy.stages) // self.plan[-1].end
        parts = [
            self._masked(packer, number, offsets[passes == number], stage) for number in np.unique(passes).tolist()
        ]
        return _joined(parts)

    def _masked(self, packer: Packer, number: int, offsets: NDArray[np.int64], stage: int) -> dict[str, Tensor]:
        """Return the sequences of one pass over the text."""
        numbers = self._order(packer.length, number)[offsets]
        drawing = number if self.strategy.dynamic else number % self.rules.copies
        sequences = packer.sequences(numbers, drawing)
        columns = packer.length
        key = random_key(self._seed, MASKS, packer.length, drawing)
        chances = uniform_numbers(key, numbers, 3 * columns + 1)
        chosen = self.strategy.mask(
            sequences.units, sequences.maskable, stage, self.rules.share, chances[:, : columns + 1]
        )
        ids = corrupt(
            sequences.ids, chosen, self._vocabulary, chances[:, columns + 1 : 2 * columns + 1], chances[:, -columns:]
        )
        return _tensors(sequences, ids, chosen)

    def _order(self, length: int, number: int) -> NDArray[np.int64]:
        """Return the order in which a pass takes the sequences."""
        if self._drawn is None or self._drawn[:2] != (length, number):
            draw = np.random.default_rng(random_key(self._seed, ORDER, length, number))
            self._drawn = length, number, draw.permutation(len(self.packers[length]))
        return self._drawn[2]


class HeldOut:
    """Held-out text in batches whose masks are the same for every recipe: 15 % of the characters, all ``[MASK]``.

    Parameters
    ----------
    text
        The corpus.
    length
        Positions of a sequence; fewer when there is less text.
    characters
        The maximum number of characters to score, from the beginning.
    tokens
        Positions per batch.

    Raises
    ------
    SuwenError
        S520 when the vocabulary knows none of the characters.
    """

    def __init__(self, text: TextCache, length: int, characters: int, tokens: int) -> None:
        ids = text.held_out[: max(characters, length)]
        length = min(length, len(ids) + 2)
        packer = Packer(ids, np.full(len(ids), 1 << Level.CHARACTER, np.uint8), text.vocabulary, length, False, 0)
        rows = max(1, tokens // length)
        self.batches: list[dict[str, Tensor]] = []
        for begin in range(0, len(packer), rows):
            numbers = np.arange(begin, min(begin + rows, len(packer)))
            sequences = packer.sequences(numbers, 0)
            chances = uniform_numbers(HELD_OUT_SEED, numbers, length)
            begins = np.ones_like(sequences.maskable)
            chosen = draw_positions(begins, sequences.maskable, MaskingRules().share, chances)
            masked = np.where(chosen, text.vocabulary.id(MASK), sequences.ids)
            self.batches.append(_tensors(sequences, masked, chosen))
        self.targets = torch.cat([batch["targets"] for batch in self.batches])
        if not len(self.targets):
            found = "the vocabulary knows no held-out character"
            raise SuwenError("S520", found=found, reason="some must be predicted")

    def unigram_loss(self, text: TextCache) -> float:
        """Return the loss in nats of guessing by frequency in the training text, the upper bound for a model."""
        counts = np.bincount(text.train, minlength=len(text.vocabulary)) + 1.0
        # A separator is never a target.
        counts[text.vocabulary.id(SEP)] = 0.0
        with np.errstate(divide="ignore"):
            logarithms = np.log(counts / counts.sum())
        return float(-logarithms[self.targets.numpy()].mean())


def corrupt(
    ids: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    vocabulary: CharacterVocabulary,
    fate: NDArray[np.float64],
    other: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Replace the chosen positions: 80 % by ``[MASK]``, 10 % by a random token, 10 % not at all.

    Parameters
    ----------
    ids, chosen
        ``[B, L]``.
    fate, other
        Uniform numbers ``[B, L]`` that decide which, and by which token.
    """
    random_ids = (other * len(vocabulary)).astype(np.int64)
    replaced = np.where(fate < MASKED, vocabulary.id(MASK), np.where(fate < KEPT, random_ids, ids))
    return np.where(chosen, replaced, ids)


def _tensors(sequences: Sequences, ids: NDArray[np.int64], chosen: NDArray[np.bool_]) -> dict[str, Tensor]:
    positions = np.flatnonzero(chosen)
    arrays = {"input_ids": ids, "positions": positions, "targets": sequences.ids.ravel()[positions]}
    if sequences.segments is not None and sequences.unrelated is not None:
        arrays |= {"token_type_ids": sequences.segments, "next_sentence_label": sequences.unrelated}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _joined(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Put the parts of a batch that spans two passes below one another."""
    if len(parts) == 1:
        return parts[0]
    offsets = accumulate((part["input_ids"].numel() for part in parts[:-1]), initial=0)
    shifted = [{**part, "positions": part["positions"] + offset} for part, offset in zip(parts, offsets, strict=True)]
    return {name: torch.cat([part[name] for part in shifted]) for name in parts[0]}
