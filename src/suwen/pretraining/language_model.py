"""Training of character language models: adaptive softmax, long streams, states kept from step to step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import Dataset

from suwen.draws import random_key, uniform_numbers
from suwen.errors import SuwenError
from suwen.files import replacing, write_json
from suwen.models.catalog import LANGUAGE_MODEL
from suwen.models.language_model import LanguageModel
from suwen.pretraining.text_cache import TextCache

__all__ = ["HeldOutStreams", "StreamBatches", "TrainedLanguageModel", "write_language_model"]

CUTOFFS = (800, 2400)
"""The ranks at which the adaptive softmax begins a new cluster: the first 800 characters are 9 in 10 of a text."""
DIVISOR = 2.0
HELD_OUT_LENGTH = 256
"""About what a tagger reads at once; like a tagger, the held-out loss starts from zero states."""
STARTS = 3


class TrainedLanguageModel(nn.Module):
    """Language models with their softmax layers, which carry their states from one batch to the next.

    The states are part of the module's state, so that a checkpoint resumes exactly.

    Parameters
    ----------
    model
        What is kept.
    counts
        How often each token occurs in the text, ``[V]``; the adaptive softmax (Grave et al. 2017) orders tokens by it.
    rows
        Streams per batch.
    dropout
        Dropout probability on embeddings and on the LSTMs' output.
    """

    # The Trainer must not scale a loss that is already a mean.
    accepts_loss_kwargs = False
    ranks: Tensor
    states: Tensor

    def __init__(self, model: LanguageModel, counts: NDArray[np.integer], rows: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.model = model
        self.dropout = nn.Dropout(dropout)
        hidden, layers = model.options["hidden"], model.options["layers"]
        size = len(counts)
        cutoffs = [cutoff for cutoff in CUTOFFS if cutoff < size - 1] or [size - 1]
        self.softmaxes = nn.ModuleList(
            nn.AdaptiveLogSoftmaxWithLoss(hidden, size, cutoffs, div_value=DIVISOR) for _ in model.directions
        )
        ranks = np.empty(size, np.int64)
        ranks[np.argsort(-np.asarray(counts, np.int64), kind="stable")] = np.arange(size)
        self.register_buffer("ranks", torch.from_numpy(ranks))
        self.register_buffer("states", torch.zeros(len(self.softmaxes), 2, layers, rows, hidden))

    def forward(self, ids: Tensor, continued: Tensor | None = None) -> dict[str, Tensor]:
        """Compute the mean loss per character over both directions.

        Parameters
        ----------
        ids
            For each direction ``[B, T + 1]`` in the order in which it reads: ``[2, B, T + 1]``.
        continued
            Which streams continue from the last batch's states, bool ``[2, B]``; the others, and all streams if it is
            None, start from zero states.
        """
        losses = []
        for number, (recurrent, softmax) in enumerate(zip(self.model.directions, self.softmaxes, strict=True)):
            hidden = self.dropout(self.model.characters(ids[number, :, :-1]))
            for layer, lstm in enumerate(recurrent.forward_layers):
                start = None
                if continued is not None:
                    before = self.states[number, :, layer] * continued[number, :, None]
                    start = (before[0][None].contiguous(), before[1][None].contiguous())
                hidden, ended = lstm(hidden, start)
                if continued is not None:
                    with torch.no_grad():
                        self.states[number, :, layer] = torch.cat(ended).detach().float()
            targets = self.ranks[ids[number, :, 1:]].flatten()
            losses.append(softmax(self.dropout(hidden).flatten(0, 1), targets).loss.float())
        loss = torch.stack(losses).mean()
        return {"loss": loss, "total": loss.detach() * ids[0, :, 1:].numel()}


class StreamBatches(Dataset[dict[str, Tensor]]):
    """The batches of a run: item ``n`` continues where item ``n - 1`` ended.

    The text is cut into one stream per row. The backward direction reads the whole text from its end. After each pass
    the streams begin elsewhere, so that steps and rows fall on other characters.

    Parameters
    ----------
    text
        The corpus.
    rows, length
        Streams per batch, characters per stream and step (truncated back-propagation through time).
    steps
        Steps of the run.
    fresh
        The probability that a stream starts from zero states: a tagger's windows do.
    seed
        The seed of all draws.

    Raises
    ------
    SuwenError
        S520 when there is too little text for one step.
    """

    def __init__(self, text: TextCache, rows: int, length: int, steps: int, fresh: float, seed: int) -> None:
        self.rows, self.length, self.steps, self.fresh, self.seed = rows, length, steps, fresh, seed
        self._ids = text.train
        self.steps_per_pass = (len(self._ids) // rows - 1) // length
        if self.steps_per_pass < 1:
            needed = rows * (length + 1)
            raise SuwenError("S520", found=f"{len(self._ids):,} characters", reason=f"a step needs {needed:,}")

    def __len__(self) -> int:
        return self.steps

    def tokens_until(self, step: int) -> int:
        """Count the characters that the steps before this one read, in each direction."""
        return step * self.rows * self.length

    def passes(self) -> float:
        """Return how often the whole run sees the text."""
        return self.steps / self.steps_per_pass

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        number, place = divmod(step, self.steps_per_pass)
        draw = np.random.default_rng(random_key(self.seed, STARTS, number))
        shift = int(draw.integers(len(self._ids))) if number else 0
        width = len(self._ids) // self.rows
        starts = np.arange(self.rows)[:, None] * width + place * self.length + np.arange(self.length + 1)
        ahead = self._ids[(starts + shift) % len(self._ids)]
        back = self._ids[(len(self._ids) - 1 - starts - shift) % len(self._ids)]
        # A new pass begins elsewhere: no state fits.
        chances = uniform_numbers(random_key(self.seed, STARTS), np.array([step]), 2 * self.rows).reshape(2, self.rows)
        continued = (chances >= self.fresh) & (place > 0)
        ids = np.stack([ahead, back]).astype(np.int64)
        return {"ids": torch.from_numpy(ids), "continued": torch.from_numpy(continued)}


class HeldOutStreams:
    """Held-out text in short sequences, each read from zero states in both directions.

    Parameters
    ----------
    text
        The corpus.
    characters
        The maximum number of characters to score, from the beginning.
    tokens
        Characters per batch.
    """

    def __init__(self, text: TextCache, characters: int, tokens: int) -> None:
        ids = np.asarray(text.held_out[:characters], np.int64)
        length = min(HELD_OUT_LENGTH, len(ids) - 1)
        count = (len(ids) - 1) // length
        rows = max(1, tokens // length)
        places = np.arange(count)[:, None] * length + np.arange(length + 1)
        self.batches: list[dict[str, Tensor]] = []
        for first in range(0, count, rows):
            ahead = ids[places[first : first + rows]]
            self.batches.append({"ids": torch.from_numpy(np.stack([ahead, ahead[:, ::-1]]))})
        self.targets = torch.from_numpy(ids[1 : count * length + 1])

    def unigram_loss(self, text: TextCache) -> float:
        """Compute the loss in nats of guessing by the frequency in the training text alone."""
        counts = np.bincount(text.train, minlength=len(text.vocabulary)) + 1.0
        return float(-np.log(counts / counts.sum())[self.targets.numpy()].mean())


def write_language_model(model: LanguageModel, folder: Path) -> None:
    """Write ``config.json`` and ``model.safetensors``, in fp16 and without the softmax layers.

    A tagger needs no softmax. They are two thirds of what is trained, and training continues from a checkpoint.
    """
    config: dict[str, Any] = {"model_type": LANGUAGE_MODEL, **model.options, "dtype": "float16"}
    write_json(folder / "config.json", config)
    tensors = {name: tensor.detach().half().cpu().contiguous() for name, tensor in model.state_dict().items()}
    # safetensors makes files that only their owner may read.
    with replacing(folder / "model.safetensors") as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})
