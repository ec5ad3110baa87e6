"""Frozen recurrent encoders whose states a tagger reads: character language models (ELMo, Flair) and others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from suwen.errors import SuwenError
from suwen.files import read_json
from suwen.models.checkpoints.huggingface import read_safetensors
from suwen.models.pretrained import load_state
from suwen.models.recurrent import Cell, Recurrent, mirrored
from suwen.models.vocabularies import read_vocabulary
from suwen.tagging.vocabulary import CharacterVocabulary

__all__ = [
    "FrozenEncoder",
    "JoinedEncoders",
    "LanguageModel",
    "StackedEncoder",
    "frozen_encoder",
    "read_frozen",
    "read_frozen_with_vocabulary",
]


class LanguageModel(nn.Module):
    """Embeddings under a forward and a backward LSTM, each trained to predict the next character it will read.

    The two directions share nothing but the embeddings, so that neither sees what the other predicts. The softmax
    layers belong to pre-training (`suwen.pretraining.language_model`).

    Parameters
    ----------
    characters
        Vocabulary size.
    embedding
        Width of the embeddings.
    hidden
        Units per direction.
    layers
        Stacked layers per direction.
    """

    def __init__(self, characters: int, embedding: int, hidden: int, layers: int = 1) -> None:
        super().__init__()
        self.options = {"characters": characters, "embedding": embedding, "hidden": hidden, "layers": layers}
        self.characters = nn.Embedding(characters, embedding)
        self.reading = Recurrent("lstm", embedding, hidden, layers, bidirectional=False)
        self.reading_back = Recurrent("lstm", embedding, hidden, layers, bidirectional=False)
        self.width = 2 * hidden
        nn.init.normal_(self.characters.weight, std=0.1)

    @property
    def directions(self) -> tuple[Recurrent, Recurrent]:
        """The forward and the backward LSTM."""
        return self.reading, self.reading_back

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Map int64 ids ``[B, T]`` and a mask ``[B, T]`` to the top states ``[B, T, 2 * hidden]``.

        Each sequence is read from zero states, so the result does not depend on the rest of the batch.
        """
        lengths = attention_mask.sum(1)
        embedded = self.characters(input_ids)
        ahead = self.reading(embedded, lengths)
        back = self.reading_back(mirrored(embedded, lengths), lengths)
        return torch.cat([ahead, mirrored(back, lengths)], dim=2)


class StackedEncoder(nn.Module):
    """Embeddings under bidirectional layers; the states are the embeddings and the output of every layer, side by side.

    Parameters
    ----------
    cell
        ``lstm`` or ``gru``.
    characters, embedding, hidden, layers
        Vocabulary size, width of the embeddings, units per direction, stacked layers.
    """

    def __init__(self, cell: Cell, characters: int, embedding: int, hidden: int, layers: int) -> None:
        super().__init__()
        sizes = {"characters": characters, "embedding": embedding, "hidden": hidden, "layers": layers}
        self.options = {"cell": cell, **sizes}
        self.characters = nn.Embedding(characters, embedding)
        inputs = [embedding, *[2 * hidden] * (layers - 1)]
        self.stack = nn.ModuleList(Recurrent(cell, width, hidden) for width in inputs)
        self.width = embedding + layers * 2 * hidden

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Map int64 ids ``[B, T]`` and a mask ``[B, T]`` to states ``[B, T, width]``."""
        states = [self.characters(input_ids)]
        for layer in self.stack:
            states.append(layer(states[-1], attention_mask.sum(1)))
        return torch.cat(states, dim=2)


class JoinedEncoders(nn.Module):
    """Several frozen encoders with one vocabulary, whose states stand side by side.

    Parameters
    ----------
    parts
        The encoders.
    """

    def __init__(self, parts: list[LanguageModel | StackedEncoder]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.options: dict[str, Any] = {"parts": [part.options for part in parts]}
        self.options["characters"] = parts[0].options["characters"]
        self.width = sum(part.width for part in parts)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Map int64 ids ``[B, T]`` and a mask ``[B, T]`` to states ``[B, T, width]``."""
        return torch.cat([part(input_ids, attention_mask) for part in self.parts], dim=2)


FrozenEncoder = LanguageModel | StackedEncoder | JoinedEncoders


def frozen_encoder(options: Mapping[str, Any]) -> FrozenEncoder:
    """Build the encoder that these options describe, as a configuration has them; other keys do not matter.

    Raises
    ------
    KeyError, TypeError, ValueError, RuntimeError
        When they describe none.
    """
    if "parts" in options:
        parts = [frozen_encoder(part) for part in options["parts"]]
        return JoinedEncoders([part for part in parts if not isinstance(part, JoinedEncoders)])
    sizes = {name: options[name] for name in ("characters", "embedding", "hidden", "layers")}
    return StackedEncoder(options["cell"], **sizes) if "cell" in options else LanguageModel(**sizes)


def read_frozen(folder: Path) -> FrozenEncoder:
    """Load the language models of an encoder folder, or what else its states come from, in fp32.

    Raises
    ------
    SuwenError
        S506 when the configuration is unusable, S504 when tensors are missing or left over, S509 when the weights are
        damaged.
    """
    config = read_json(folder / "config.json")
    try:
        model = frozen_encoder(config)
    except (KeyError, TypeError, ValueError, RuntimeError, IndexError) as error:
        raise SuwenError("S506", folder, advice=f"correct its configuration ({error!r})") from None
    load_state(model, read_safetensors(folder / "model.safetensors"), folder)
    return model


def read_frozen_with_vocabulary(folder: Path) -> tuple[FrozenEncoder, CharacterVocabulary]:
    """Load what `read_frozen` loads, and the vocabulary of its character ids.

    Raises
    ------
    SuwenError
        As `read_frozen`; S505 when the vocabulary is missing or has another size than the encoder.
    """
    model, vocabulary = read_frozen(folder), read_vocabulary(folder)
    if len(vocabulary) != model.options["characters"]:
        reason = f"the vocabulary has {len(vocabulary)} tokens, the encoder {model.options['characters']}"
        raise SuwenError("S505", folder, reason=reason)
    return model, vocabulary
