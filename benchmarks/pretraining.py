"""Pre-training throughput: suwen's packed loop against a plain one that pads and computes logits everywhere.

Both train the same BERT with the same optimizer on the same passages, in the same process, in turn. The plain loop puts
one passage (cut where it is too long) into a row, pads every row to the maximum, and lets transformers compute the loss
from logits at all positions. What counts are characters of text per second; padding and special tokens do not.

    python benchmarks/pretraining.py [TEXT…] [--steps 8] [--layers 2] [--width 128] [--vocabulary 6000] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from transformers import BertConfig, BertForMaskedLM

import suwen
from suwen.draws import random_key, uniform_numbers
from suwen.pretraining.batches import MASKS, MaskedBatches, MaskingRules, Phase, corrupt
from suwen.pretraining.model import PackedBert
from suwen.pretraining.passages import Exclusion, find_sources
from suwen.pretraining.strategies import STRATEGIES, draw_positions
from suwen.pretraining.text_cache import TextCache, TextRules, open_text
from suwen.tagging.vocabulary import CLS, MASK, PAD, SEP, UNK, CharacterVocabulary

LENGTH = 128
ROWS = 32
ROUNDS = 3
WARM_UP = 2
SAMPLE = Path(suwen.__file__).parent / "data" / "sample"


def padded_rows(text: TextCache) -> list[np.ndarray]:
    """Return the passages as rows of at most LENGTH - 2 characters."""
    ids = np.asarray(text.train, np.int64)
    ends = np.flatnonzero(ids == text.vocabulary.id(SEP))
    room = LENGTH - 2
    passages = np.split(ids, ends + 1)
    return [piece[:-1][i : i + room] for piece in passages for i in range(0, max(0, len(piece) - 1), room)]


def plain_batches(text: TextCache) -> Callable[[int], tuple[dict[str, torch.Tensor], int]]:
    rows, vocabulary = padded_rows(text), text.vocabulary
    order = np.random.default_rng(0).permutation(len(rows))

    def batch(step: int) -> tuple[dict[str, torch.Tensor], int]:
        chosen = [rows[order[i % len(rows)]] for i in range(step * ROWS, (step + 1) * ROWS)]
        ids = np.full((ROWS, LENGTH), vocabulary.pad, np.int64)
        for target, row in zip(ids, chosen, strict=True):
            target[: len(row) + 2] = [vocabulary.id(CLS), *row, vocabulary.id(SEP)]
        attention = ids != vocabulary.pad
        maskable = attention & (ids != vocabulary.id(CLS)) & (ids != vocabulary.id(SEP)) & (ids != vocabulary.unk)
        chances = uniform_numbers(random_key(0, MASKS), np.arange(step * ROWS, (step + 1) * ROWS), 3 * LENGTH)
        positions = draw_positions(np.ones_like(maskable), maskable, 0.15, chances[:, :LENGTH])
        masked = corrupt(ids, positions, vocabulary, chances[:, LENGTH : 2 * LENGTH], chances[:, 2 * LENGTH :])
        arrays = {"input_ids": masked, "attention_mask": attention.astype(np.int64)}
        arrays["labels"] = np.where(positions, ids, -100)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}, sum(map(len, chosen))

    return batch


def packed_batches(text: TextCache) -> Callable[[int], tuple[dict[str, torch.Tensor], int]]:
    units = np.full(len(text.train), 1, np.uint8)
    plan = [Phase(0, 100_000, LENGTH)]
    batches = MaskedBatches(text, units, STRATEGIES["roberta"], MaskingRules(), plan, ROWS * LENGTH, 0)
    specials = torch.tensor([text.vocabulary.id(token) for token in (CLS, SEP)])

    def batch(step: int) -> tuple[dict[str, torch.Tensor], int]:
        tensors = batches[step]
        return tensors, int((~torch.isin(tensors["input_ids"], specials)).sum())

    return batch


class Loop:
    """A model with its optimizer, and the batches that it reads."""

    def __init__(self, model: torch.nn.Module, batches, device: str) -> None:
        self.model, self.batches, self.device = model.to(device).train(), batches, device
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
        self.step = 0

    def run(self, steps: int) -> float:
        """Characters per second."""
        characters, begun = 0, time.perf_counter()
        for _ in range(steps):
            tensors, count = self.batches(self.step)
            output = self.model(**{name: tensor.to(self.device) for name, tensor in tensors.items()})
            output["loss"].backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad()
            characters += count
            self.step += 1
        if self.device == "cuda":
            torch.cuda.synchronize()
        return characters / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="*", type=Path, default=[SAMPLE])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--vocabulary", type=int, default=6000, help="its size; unused tokens fill it up")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        rules = TextRules(layout="auto", held_out=0.05)
        sources = find_sources(options.texts, Exclusion())
        known = open_text(sources, None, rules, Path(folder), lambda note: None).vocabulary.tokens
        filler = [f"[unused{i}]" for i in range(options.vocabulary - len(known))]
        vocabulary = CharacterVocabulary([*known, *filler])
        assert {PAD, UNK, MASK} <= set(known)
        text = open_text(sources, vocabulary, rules, Path(folder), lambda note: None)
        lengths = [len(row) for row in padded_rows(text)]
        config = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=options.width,
            num_hidden_layers=options.layers,
            num_attention_heads=max(1, options.width // 64),
            intermediate_size=4 * options.width,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        loops = {
            "plain: padding, all logits": Loop(BertForMaskedLM(config), plain_batches(text), options.device),
            "suwen: packed, masked logits": Loop(PackedBert(config), packed_batches(text), options.device),
        }
        speeds: dict[str, list[float]] = {name: [] for name in loops}
        for loop in loops.values():
            loop.run(WARM_UP)
        for _ in range(ROUNDS):
            for name, loop in loops.items():
                speeds[name].append(loop.run(options.steps))
    plain, ours = (statistics.median(values) for values in speeds.values())
    title = f"{options.layers} x {options.width}, {len(vocabulary):,} tokens, {torch.get_num_threads()} thread(s)"
    table = Table("loop", "characters/s", "ratio", title=title)
    for (name, _), value in zip(speeds.items(), (plain, ours), strict=True):
        table.add_row(name, f"{value:,.0f}", f"{value / plain:.2f}")
    Console().print(table, f"rows of the plain loop hold {statistics.mean(lengths):.0f} of {LENGTH - 2} characters")
    if options.json:
        result = {"model": title, "device": options.device, "plain": plain, "suwen": ours, "ratio": ours / plain}
        options.json.write_text(json.dumps({**result, "rounds": speeds}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
