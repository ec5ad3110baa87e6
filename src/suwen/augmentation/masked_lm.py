"""Predictions of a masked language model at masked positions, the same in every batch.

Kernels round differently for batches of different shapes. So that nothing that is drawn depends on them, probabilities
are rounded to half a percent, and the few that lie so near to a rounding boundary (or so near to each other) that
another kernel could decide otherwise are computed again in double precision, where the difference is a million times
smaller.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suwen.errors import SuwenError
from suwen.files import StrPath
from suwen.inference.batching import batches, pad
from suwen.models.pretrained import load_masked_lm
from suwen.models.sentencepiece import read_subwords
from suwen.tagging.vocabulary import CLS, MASK, SEP, CharacterVocabulary

__all__ = ["UNITS", "Candidates", "MaskedLanguageModel"]

UNITS = 200
"""Probabilities are whole numbers of this part of 1. The finer it is, the more inputs are computed twice."""

NOISE = 1e-4
"""The most by which a log-probability in single precision is off, with room to spare.

Measured against double precision it was 1e-5 in a trained encoder of 2 layers.
"""

DIGITS = 1e-9
"""Log-probabilities in double precision are rounded to this, so that equal ones are equal."""

BATCH_TOKENS = {"cpu": 2048}
"""Default tokens of a batch: on a CPU, batches whose activations fit its cache are the fastest."""

LARGE_BATCH = 32768

MOST_PLACES = 1024
"""A batch predicts no more positions at once: their logits fill the memory."""

ROWS_IN_CACHE = 16

APART = ("bert", "electra", "ernie", "roberta")
"""Architectures whose last layer computes each position separately after attention."""

MOST_PADDING = 128
"""Models round the size of their vocabulary up to a multiple of this and less; a larger gap is another vocabulary."""

Ids = NDArray[np.int32]
Places = NDArray[np.int64]
# For the places of one row: token ids [m, k], the most probable first, and their probabilities in UNITS [m, k].
Candidates = tuple[NDArray[np.int64], NDArray[np.int64]]
# Input, places, kinds; and choices, their log-probabilities, whether a row is sure.
_Question = tuple[Ids, Places, Places]
_Best = tuple[Tensor, Tensor, Tensor]


class MaskedLanguageModel:
    """A trained masked language model, never trained here.

    Parameters
    ----------
    model
        A model of the transformers library that predicts masked tokens, in fp32.
    vocabulary
        Its tokens.
    device
        ``cpu``, ``cuda`` …
    batch_tokens
        Maximum tokens of a batch, padding included; None chooses a fast value for the device. Predictions do not depend
        on it.
    """

    def __init__(
        self, model: Any, vocabulary: CharacterVocabulary, device: str = "cpu", batch_tokens: int | None = None
    ) -> None:
        try:
            self._model = model.eval().to(device)
        except (AssertionError, RuntimeError) as error:
            # Torch raises the first if it was built without CUDA, the second for an unknown name.
            raise SuwenError("S512", device=device, reason=str(error).partition("\n")[0]) from None
        self._double: Any = None
        self.vocabulary = vocabulary
        self.size = int(model.config.vocab_size)
        self.device = device
        self.batch_tokens = batch_tokens or BATCH_TOKENS.get(device, LARGE_BATCH)
        self._edges = vocabulary.id(CLS), vocabulary.id(SEP)
        self.mask = vocabulary.id(MASK)
        self.recomputed = 0
        """The number of rows that were computed again in double precision."""

    @classmethod
    def from_folder(cls, folder: StrPath, device: str = "cpu", batch_tokens: int | None = None) -> MaskedLanguageModel:
        """Load the model of a folder, in any layout.

        Raises
        ------
        SuwenError
            As `suwen.models.pretrained.load_masked_lm`; S505 when the vocabulary is of sub-words, or much smaller than
            the model's; S512 when the device cannot be used.
        """
        folder = Path(folder)
        model, vocabulary = load_masked_lm(folder)
        if read_subwords(folder, vocabulary) is not None:
            raise SuwenError("S505", folder, reason="it reads sub-words, characters cannot be masked in it")
        size = int(model.config.vocab_size)
        if size - len(vocabulary) >= MOST_PADDING:
            reason = f"the vocabulary has {len(vocabulary)} tokens, the model {size}: they do not belong together"
            raise SuwenError("S505", folder, reason=reason)
        return cls(model, vocabulary, device, batch_tokens)

    @property
    def longest(self) -> int:
        """The maximum number of characters of an input."""
        config = self._model.config
        # RoBERTa's positions begin after that of its padding.
        offset = (config.pad_token_id or 0) + 1 if "roberta" in config.model_type else 0
        return int(config.max_position_embeddings) - offset - 2

    def candidates(
        self,
        rows: Sequence[Ids],
        places: Sequence[Places],
        kinds: Sequence[Places],
        allowed: NDArray[np.bool_],
        count: int,
    ) -> list[Candidates]:
        """Return the most probable allowed tokens at some places of some inputs.

        Parameters
        ----------
        rows
            The inputs: ids of characters, ``[T]`` each, without ``[CLS]`` and ``[SEP]``, which are put around them.
        places
            For each row, which of its positions are asked for, ``[m]``.
        kinds
            For each of these, the row of `allowed` that says which tokens may stand there, ``[m]``.
        allowed
            ``[kinds, size]``.
        count
            How many tokens are wanted.

        Returns
        -------
        list[Candidates]
            For each row the token ids and their probabilities (among all tokens of the model) in `UNITS`,
            ``[m, count]`` each, the most probable first. Where fewer tokens are allowed, the last ones have the id -1.
        """
        if (allowed == allowed[0]).all():
            kinds = [np.zeros_like(kind) for kind in kinds]
        questions = list(zip(rows, places, kinds, strict=True))
        choices = [torch.from_numpy(np.flatnonzero(row)).to(self.device) for row in allowed]
        found: dict[int, Candidates] = {}
        unsure = self._find(self._model, _best, dict(enumerate(questions)), choices, count, found)
        if unsure:
            self.recomputed += len(unsure)
            self._find(self._exact(), _exactly_best, {i: questions[i] for i in unsure}, choices, count, found)
        return [found[i] for i in range(len(rows))]

    def _find(
        self,
        model: Any,
        best: Callable[[Tensor, Tensor, int], _Best],
        questions: Mapping[int, _Question],
        choices: Sequence[Tensor],
        count: int,
        found: dict[int, Candidates],
    ) -> list[int]:
        """Answer questions by number; returns those whose answer another kernel might give otherwise."""
        numbers = list(questions)
        unsure = []
        for batch in self._batches([questions[i][0] for i in numbers], [questions[i][1] for i in numbers]):
            asked = [numbers[j] for j in batch]
            logits = self._logits(model, [questions[i][:2] for i in asked])
            # A few rows at a time: their exponentials stay in the cache.
            totals = torch.cat([some.logsumexp(dim=1, keepdim=True) for some in torch.split(logits, ROWS_IN_CACHE)])
            kinds = np.concatenate([questions[i][2] for i in asked])
            ids = np.full((len(kinds), count), -1, np.int64)
            units = np.zeros((len(kinds), count), np.int64)
            sure = np.ones(len(kinds), np.bool_)
            for kind in np.unique(kinds):
                members = np.flatnonzero(kinds == kind)
                at = torch.from_numpy(members).to(self.device)
                rows = logits if len(members) == len(kinds) else logits[at]
                scores, allowed = _restricted(rows, choices[kind], count)
                places, values, certain = best(scores, totals[at], count)
                width = places.shape[1]
                ids[members, :width] = allowed[places].cpu().numpy()
                units[members, :width] = (values.exp() * UNITS + 0.5).floor().long().cpu().numpy()
                sure[members] = certain.cpu().numpy()
            ends = np.cumsum([len(questions[i][1]) for i in asked])
            for i, end in zip(asked, ends.tolist(), strict=True):
                begin = end - len(questions[i][1])
                found[i] = ids[begin:end], units[begin:end]
                if not sure[begin:end].all():
                    unsure.append(i)
        return unsure

    def log_probability(self, text: str) -> tuple[float, int]:
        """Return the sum of the log-probabilities of a text's characters, each masked in turn, and their number.

        This is the pseudo-log-likelihood of Salazar et al. (2020). Characters that the vocabulary does not know, white
        space among them, are read but not counted.
        """
        ids = self.vocabulary.ids(text)[: self.longest].astype(np.int32)
        known = np.flatnonzero(ids != self.vocabulary.unk)
        rows = np.repeat(ids[None], len(known), axis=0)
        rows[np.arange(len(known)), known] = self.mask
        total = 0.0
        places = [np.array([place]) for place in known]
        for batch in self._batches(list(rows), places):
            scores = self._logits(self._model, [(rows[i], places[i]) for i in batch]).log_softmax(dim=1)
            targets = torch.from_numpy(ids[known[batch]].astype(np.int64)).to(self.device)
            total += float(scores.gather(1, targets[:, None]).double().sum())
        return total, len(known)

    def _batches(self, rows: Sequence[Ids], places: Sequence[Places]) -> Iterator[list[int]]:
        """Yield batches of rows of similar length that predict a bounded number of positions."""
        for batch in batches([len(row) + 2 for row in rows], self.batch_tokens):
            part: list[int] = []
            size = 0
            for i in batch:
                if part and size + len(places[i]) > MOST_PLACES:
                    yield part
                    part, size = [], 0
                part.append(i)
                size += len(places[i])
            yield part

    def _logits(self, model: Any, asked: Sequence[tuple[Ids, Places]]) -> Tensor:
        """Return the logits of all tokens at the places of the rows, ``[M, size]``."""
        first, last = self._edges
        arrays = [{"input_ids": np.concatenate(([first], row, [last]), dtype=np.int32)} for row, _ in asked]
        inputs = pad(arrays, {"input_ids": self.vocabulary.pad})
        width = inputs["input_ids"].shape[1]
        flat = np.concatenate([places + 1 + i * width for i, (_, places) in enumerate(asked)])
        tensors = {name: torch.from_numpy(array).to(self.device).long() for name, array in inputs.items()}
        with torch.inference_mode(), _only_at(model, torch.from_numpy(flat).to(self.device)):
            logits: Tensor = model(**tensors).logits[0]
            return logits

    def _exact(self) -> Any:
        if self._double is None:
            self._double = copy.deepcopy(self._model).double()
        return self._double


@contextmanager
def _only_at(model: Any, flat: Tensor) -> Iterator[None]:
    """Pass only some positions of the flattened batch to the model's head, in any architecture: ``[1, M, H]``.

    Where it can be, so does the feed-forward part of the last layer.
    """

    def gather(_: Any, __: Any, output: Any) -> Any:
        if isinstance(output, tuple):
            return output[0].flatten(0, 1)[flat][None], *output[1:]
        output["last_hidden_state"] = output["last_hidden_state"].flatten(0, 1)[flat][None]
        return output

    apart = model.config.model_type in APART and not model.config.chunk_size_feed_forward
    module = model.base_model.encoder.layer[-1].attention if apart else model.base_model
    hook = module.register_forward_hook(gather)
    try:
        yield
    finally:
        hook.remove()


def _restricted(logits: Tensor, allowed: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the logits of allowed tokens, with their ids; if most are allowed, all logits, the others -inf."""
    size = logits.shape[1]
    if len(allowed) <= max(count, size // 2):
        return logits.index_select(1, allowed), allowed
    banned = torch.ones(size, dtype=torch.bool, device=logits.device)
    banned[allowed] = False
    with torch.inference_mode():
        return logits.index_fill_(1, banned.nonzero()[:, 0], -torch.inf), torch.arange(size, device=logits.device)


def _best(scores: Tensor, totals: Tensor, count: int) -> _Best:
    """Return the best choices, and the rows for which no other kernel could choose or round differently."""
    top = scores.topk(min(count + 1, scores.shape[1]), dim=1)
    values = (top.values - totals).double()
    scaled = values.exp() * UNITS
    # Probabilities that round to 0 are never sampled, so their rank does not matter, except for the first two.
    matters = scaled[:, :-1] * (1 + NOISE) >= 0.5
    matters[:, :2] = True
    close = (values[:, :-1] - values[:, 1:] <= 2 * NOISE) & matters
    on_edge = (scaled - scaled.floor() - 0.5).abs() <= scaled * NOISE
    sure = ~(close.any(dim=1) | on_edge[:, :count].any(dim=1))
    return top.indices[:, :count], values[:, :count], sure


def _exactly_best(scores: Tensor, totals: Tensor, count: int) -> _Best:
    """Return the best choices; of equally probable ones the smaller id comes first."""
    rounded = ((scores - totals) / DIGITS).round() * DIGITS
    top = rounded.sort(dim=1, descending=True, stable=True)
    return top.indices[:, :count], top.values[:, :count], torch.ones(len(scores), dtype=torch.bool)
