"""Encoders: from arrays of ids to one vector per position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from suwen.models.convolutional import DilatedConvolutions
from suwen.models.language_model import FrozenEncoder
from suwen.models.pretrained import load_encoder
from suwen.models.recurrent import Cell, Recurrent
from suwen.models.vocabularies import read_vocabulary
from suwen.models.word_vectors import WordVectors

__all__ = ["Masking", "RecurrentEncoder", "TransformerEncoder", "read_vocabulary"]


class RecurrentEncoder(nn.Module):
    """Embeddings of characters, and of character pairs where given, under a BiLSTM, BiGRU (Table 5) or CNN.

    Parameters
    ----------
    cell
        ``lstm``, ``gru``, or ``cnn`` for `suwen.models.convolutional.DilatedConvolutions`.
    characters, bigrams
        Vocabulary sizes; no pairs when `bigrams` is 0.
    embedding, bigram_embedding
        Their embedding widths.
    hidden, layers, dropout
        Units per direction (a CNN has twice as many features), stacked layers or blocks, dropout probability on
        embeddings and between layers.
    words
        Vectors of the words of a lexicon, read beside the characters.
    language_model
        Character language models whose states are read beside the characters. They do not learn.
    state_width
        The states are mapped to this many features first, by a matrix that learns; 0 leaves them as they are.
    """

    def __init__(
        self,
        cell: Cell | Literal["cnn"],
        characters: int,
        embedding: int,
        hidden: int,
        layers: int,
        dropout: float,
        bigrams: int = 0,
        bigram_embedding: int = 0,
        words: WordVectors | None = None,
        language_model: FrozenEncoder | None = None,
        state_width: int = 0,
    ) -> None:
        super().__init__()
        self.options = {
            "cell": cell,
            "characters": characters,
            "embedding": embedding,
            "hidden": hidden,
            "layers": layers,
            "dropout": dropout,
            "bigrams": bigrams,
            "bigram_embedding": bigram_embedding,
            "state_width": state_width,
        }
        self.characters = nn.Embedding(characters, embedding)
        self.bigrams = nn.Embedding(bigrams, bigram_embedding) if bigrams else None
        self.words = words
        self.language_model = None if language_model is None else language_model.requires_grad_(False)
        self.kept_states: Callable[..., Tensor] | None = None
        """Answers in the place of the language models while the tagger learns (see `suwen.training.features`)."""
        width = embedding + (bigram_embedding if bigrams else 0) + (words.width if words else 0)
        self.states = nn.Linear(language_model.width, state_width) if language_model and state_width else None
        width += (state_width or language_model.width) if language_model else 0
        self.dropout = nn.Dropout(dropout)
        self.recurrent: Recurrent | DilatedConvolutions
        if cell == "cnn":
            self.recurrent = DilatedConvolutions(width, 2 * hidden, layers, dropout)
        else:
            self.recurrent = Recurrent(cell, width, hidden, layers, dropout=dropout)
        self.width = self.recurrent.width
        for table in (self.characters, self.bigrams):
            if table is not None:
                # Unit-variance vectors would drown the first updates; this is the usual scale for tagging models.
                nn.init.uniform_(table.weight, -((3 / table.embedding_dim) ** 0.5), (3 / table.embedding_dim) ** 0.5)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, bigram_ids: Tensor | None = None, **word_ids: Tensor
    ) -> Tensor:
        """Map int64 ids ``[B, T]`` and a mask ``[B, T]`` (1 at real positions) to vectors ``[B, T, width]``."""
        embedded = self.characters(input_ids)
        if self.bigrams is not None:
            assert bigram_ids is not None
            embedded = torch.cat([embedded, self.bigrams(bigram_ids)], dim=2)
        if self.language_model is not None:
            states = (self.kept_states or self.language_model)(input_ids=input_ids, attention_mask=attention_mask)
            embedded = torch.cat([embedded, states if self.states is None else self.states(states)], dim=2)
        embedded = self.dropout(embedded)
        if self.words is not None:
            embedded = torch.cat([embedded, self.words(**word_ids)], dim=2)
        output: Tensor = self.recurrent(embedded, attention_mask.sum(1))
        return output


@dataclass(frozen=True)
class Masking:
    """Hides characters from an encoder that learns to tag, so that it uses the context of a mention.

    Dropout of whole words (Gal and Ghahramani 2016, section 4) with the token that pre-training knows as a gap.

    Parameters
    ----------
    share
        The probability of each position.
    token
        The id of ``[MASK]``.
    """

    share: float = 0.0
    token: int = 0

    def __call__(self, ids: Tensor) -> Tensor:
        """Replace ids ``[B, T]`` at random."""
        return ids.masked_fill(torch.rand(ids.shape, device=ids.device) < self.share, self.token)


class TransformerEncoder(nn.Module):
    """Any encoder of the transformers library (BERT, ELECTRA, DeBERTa, …) without its pooling and task layers.

    Parameters
    ----------
    config
        The encoder's configuration as a dictionary with a ``model_type``.
    words
        Vectors of the words of a lexicon, put beside what the encoder says.
    """

    def __init__(self, config: dict[str, Any], words: WordVectors | None = None) -> None:
        super().__init__()
        from transformers import AutoConfig, AutoModelForTokenClassification

        from suwen.models.ngram_bert import register

        register()
        options = {key: value for key, value in config.items() if key not in ("model_type", "dtype", "architectures")}
        self.config = AutoConfig.for_model(config["model_type"], **options)
        # The token classification class is the one way to leave the pooling layer out that all architectures share.
        self.model = AutoModelForTokenClassification.from_config(self.config).base_model
        self.words = words
        self.masking = Masking()

    @property
    def width(self) -> int:
        """The numbers in a vector."""
        return int(self.config.hidden_size) + (self.words.width if self.words else 0)

    @property
    def prefix(self) -> str:
        """The name of the encoder inside the library's task models, for example ``bert``."""
        return str(self.model.base_model_prefix)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **word_ids: Tensor) -> Tensor:
        """Map int64 ids ``[B, T]`` and a mask ``[B, T]`` (1 at real positions) to vectors ``[B, T, width]``."""
        if self.training and self.masking.share:
            input_ids = self.masking(input_ids)
        output: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        if self.words is not None:
            output = torch.cat([output, self.words(**word_ids)], dim=2)
        return output

    @classmethod
    def from_folder(cls, folder: Path) -> TransformerEncoder:
        """Load a pretrained encoder in fp32, in any layout that `suwen.models.checkpoints` reads.

        Raises
        ------
        SuwenError
            As `suwen.models.pretrained.load_encoder`: S506 when it is no such folder, S504 when tensors are missing or
            left over, S509 when a file is damaged, S514 when one asks for code.
        """
        model = load_encoder(folder)
        encoder = cls.__new__(cls)
        nn.Module.__init__(encoder)
        encoder.config, encoder.model = model.config, model
        encoder.words = None
        encoder.masking = Masking()
        return encoder
