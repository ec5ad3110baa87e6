"""Predictions of a masked language model at masked positions, the same in every batch.

Kernels round differently for batches of different shapes. So that nothing that is drawn depends on them, probabilities
are rounded to thousandths, and the few that lie so near to a rounding boundary (or so near to each other) that another
kernel could decide otherwise are computed again in double precision, where the difference is a million times smaller.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suwen.errors import SuwenError
from suwen.inference.batching import batches, pad
from suwen.models.pretrained import load_masked_lm
from suwen.models.sentencepiece import read_subwords
from suwen.tagging.vocabulary import CLS, MASK, SEP, CharacterVocabulary

__all__ = ["UNITS", "Candidates", "MaskedLanguageModel"]

UNITS = 1000
"""Probabilities are whole numbers of this part of 1."""

NOISE = 2e-5
"""The most by which a log-probability in single precision differs between batches, with room to spare."""

DIGITS = 1e-9
"""Log-probabilities in double precision are rounded to this, so that equal ones are equal."""

MOST_PLACES = 1024
"""A batch predicts no more positions at once: their logits fill the memory."""

MOST_PADDING = 128
"""Models round the size of their vocabulary up to a multiple of this and less; a larger gap is another vocabulary."""

Ids = NDArray[np.int32]
Places = NDArray[np.int64]
# For the places of one row: token ids [m, k], the most probable first, and their probabilities in UNITS [m, k].
Candidates = tuple[NDArray[np.int64], NDArray[np.int64]]


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
        The most tokens of a batch, padding included. Nothing that is predicted depends on it.
    """

    def __init__(
        self, model: Any, vocabulary: CharacterVocabulary, device: str = "cpu", batch_tokens: int = 8192
    ) -> None:
        try:
            self._model = model.eval().to(device)
        except (AssertionError, RuntimeError) as error:
            # Torch's two ways to say that it was built without CUDA, or that the name means nothing.
            raise SuwenError("S512", device=device, reason=str(error).partition("\n")[0]) from None
        self._double: Any = None
        self.vocabulary = vocabulary
        self.size = int(model.config.vocab_size)
        self.device = device
        self.batch_tokens = batch_tokens
        self._edges = vocabulary.id(CLS), vocabulary.id(SEP)
        self.mask = vocabulary.id(MASK)
        self.recomputed = 0
        """How many rows were computed again in double precision."""

    @classmethod
    def from_folder(cls, folder: Path, device: str = "cpu", batch_tokens: int = 8192) -> MaskedLanguageModel:
        """Load the model of a folder, in any layout.

        Raises
        ------
        SuwenError
            As `suwen.models.pretrained.load_masked_lm`; S505 when the vocabulary is of sub-words, or much smaller than
            the model's; S512 when the device cannot be used.
        """
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
        """The most characters of an input."""
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
        """The most probable allowed tokens at some places of some inputs.

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
        For each row the token ids and their probabilities (among all tokens of the model) in `UNITS`, ``[m, count]``
        each, the most probable first. Where fewer tokens are allowed, the last ones have the id -1.
        """
        bias = torch.zeros(allowed.shape, device=self.device).masked_fill_(
            torch.from_numpy(~allowed).to(self.device), -torch.inf
        )
        found: list[Candidates | None] = [None] * len(rows)
        again = []
        for batch in self._batches(rows, places):
            asked = [(rows[i], places[i], kinds[i]) for i in batch]
            ids, units, sure = _best(self._log_probabilities(self._model, asked) + bias[_kinds(asked)], count)
            begin = 0
            for i in batch:
                end = begin + len(places[i])
                found[i] = ids[begin:end], units[begin:end]
                if not sure[begin:end].all():
                    again.append(i)
                begin = end
        if again:
            self.recomputed += len(again)
            exact_bias = bias.double()
            for batch in self._batches([rows[i] for i in again], [places[i] for i in again]):
                chosen = [again[j] for j in batch]
                asked = [(rows[i], places[i], kinds[i]) for i in chosen]
                scores = self._log_probabilities(self._exact(), asked) + exact_bias[_kinds(asked)]
                ids, units = _exactly_best(scores, count)
                begin = 0
                for i in chosen:
                    end = begin + len(places[i])
                    found[i] = ids[begin:end], units[begin:end]
                    begin = end
        return [candidates for candidates in found if candidates is not None]

    def log_probability(self, text: str) -> tuple[float, int]:
        """The sum of the log-probabilities of a text's characters, each masked in turn, and their number.

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
            scores = self._log_probabilities(self._model, [(rows[i], places[i], places[i]) for i in batch])
            targets = torch.from_numpy(ids[known[batch]].astype(np.int64)).to(self.device)
            total += float(scores.gather(1, targets[:, None]).double().sum())
        return total, len(known)

    def _batches(self, rows: Sequence[Ids], places: Sequence[Places]) -> Iterator[list[int]]:
        """Batches of rows of similar length that predict a bounded number of positions."""
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

    def _log_probabilities(self, model: Any, asked: Sequence[tuple[Ids, Places, Places]]) -> Tensor:
        """The log-probabilities of all tokens at the places of the rows, ``[M, size]``."""
        first, last = self._edges
        arrays = [{"input_ids": np.concatenate(([first], row, [last]), dtype=np.int32)} for row, _, _ in asked]
        inputs = pad(arrays, {"input_ids": self.vocabulary.pad})
        width = inputs["input_ids"].shape[1]
        flat = np.concatenate([places + 1 + i * width for i, (_, places, _) in enumerate(asked)])
        tensors = {name: torch.from_numpy(array).to(self.device).long() for name, array in inputs.items()}
        with torch.inference_mode(), _only_at(model, torch.from_numpy(flat).to(self.device)):
            logits: Tensor = model(**tensors).logits[0]
            return logits.log_softmax(dim=1)

    def _exact(self) -> Any:
        if self._double is None:
            self._double = copy.deepcopy(self._model).double()
        return self._double


@contextmanager
def _only_at(model: Any, flat: Tensor) -> Iterator[None]:
    """Let the model's head see only some positions of the flattened batch, whatever its architecture: ``[1, M, H]``."""

    def gather(_: Any, __: Any, output: Any) -> Any:
        output["last_hidden_state"] = output["last_hidden_state"].flatten(0, 1)[flat][None]
        return output

    hook = model.base_model.register_forward_hook(gather)
    try:
        yield
    finally:
        hook.remove()


def _kinds(asked: Sequence[tuple[Ids, Places, Places]]) -> Tensor:
    return torch.from_numpy(np.concatenate([kinds for _, _, kinds in asked]))


def _best(scores: Tensor, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The best tokens, their probabilities in `UNITS`, and for which rows no other kernel can find otherwise."""
    top = scores.topk(min(count + 1, scores.shape[1]), dim=1)
    values = top.values.double()
    scaled = values.exp() * UNITS
    # What rounds to 0 is never drawn, so that its rank does not matter; the first (but one) may be taken all the same.
    matters = scaled[:, :-1] * (1 + NOISE) >= 0.5
    matters[:, :2] = True
    close = (values[:, :-1] - values[:, 1:] <= 2 * NOISE) & matters
    on_edge = (scaled - scaled.floor() - 0.5).abs() <= scaled * NOISE
    sure = ~(close.any(dim=1) | on_edge[:, :count].any(dim=1))
    ids, units = _as_arrays(top.indices, values, count)
    return ids, units, sure.cpu().numpy()


def _exactly_best(scores: Tensor, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The best tokens and their probabilities in `UNITS`; of equally probable ones the smaller id comes first."""
    rounded = (scores / DIGITS).round() * DIGITS
    top = rounded.sort(dim=1, descending=True, stable=True)
    return _as_arrays(top.indices[:, :count], top.values[:, :count], count)


def _as_arrays(indices: Tensor, values: Tensor, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ids = torch.where(values.isneginf(), -1, indices)[:, :count].cpu().numpy()
    units = (values[:, :count].exp() * UNITS + 0.5).floor().long().cpu().numpy()
    missing = count - ids.shape[1]
    if missing > 0:
        ids = np.pad(ids, ((0, 0), (0, missing)), constant_values=-1)
        units = np.pad(units, ((0, 0), (0, missing)))
    return ids, units
