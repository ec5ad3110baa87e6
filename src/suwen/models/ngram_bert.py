"""A BERT for little computing: character pairs in the input, rotary positions, norms before the layers.

Small encoders on a CPU see a thousandth of the text that published ones saw. What helps most there is to spare the
layers what a table can tell: each position enters with its character and with the pair that it forms with the character
before it (hashed, Svenstrup et al. 2017), mixed over the neighboring positions; distance enters attention by rotation
(Su et al. 2021); and norms stand before each layer (Xiong et al. 2020), which bears high learning rates.

Everything else is BERT: the pre-training heads, their names, the classes for tasks.
"""

from __future__ import annotations

import torch
from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    AutoModelForTokenClassification,
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertForTokenClassification,
)
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.models.bert.modeling_bert import BertPooler, BertPreTrainedModel

__all__ = [
    "NgramBertConfig",
    "NgramBertForMaskedLM",
    "NgramBertForPreTraining",
    "NgramBertForTokenClassification",
    "NgramBertModel",
    "register",
]

# Two odd numbers without a common factor spread pairs of ids over the buckets.
FIRST_FACTOR, SECOND_FACTOR = 36_313, 27_191
NEIGHBORS = 1
ROTARY_BASE = 10_000.0


@strict
class NgramBertConfig(BertConfig):  # type: ignore[misc]
    """BERT's configuration with the size of the table of character pairs."""

    model_type = "ngram-bert"

    bigram_buckets: int = 32768
    bigram_width: int = 64


class NgramEmbeddings(nn.Module):
    """Characters and hashed pairs of characters, mixed with those of the neighboring positions."""

    def __init__(self, config: NgramBertConfig) -> None:
        super().__init__()
        self.padding, self.buckets = config.pad_token_id or 0, config.bigram_buckets
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.bigram_embeddings = nn.Embedding(config.bigram_buckets, config.bigram_width)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        width = config.hidden_size + config.bigram_width
        self.mix = nn.Linear((2 * NEIGHBORS + 1) * width, config.hidden_size)

    def forward(self, ids: Tensor, mask: Tensor | None, segments: Tensor | None) -> Tensor:
        """Map ids ``[B, T]`` to vectors ``[B, T, hidden]``; padding (0 in `mask`) has no part in its neighbors'."""
        if mask is not None:
            ids = ids.masked_fill(mask == 0, self.padding)
        before = functional.pad(ids[:, :-1], (1, 0), value=self.padding)
        pairs = (before * FIRST_FACTOR + ids * SECOND_FACTOR) % self.buckets
        characters = self.word_embeddings(ids)
        vectors = torch.cat([characters, self.bigram_embeddings(pairs)], dim=2)
        if mask is not None:
            vectors = vectors * mask[..., None].to(vectors.dtype)
        left = functional.pad(vectors[:, :-1], (0, 0, 1, 0))
        right = functional.pad(vectors[:, 1:], (0, 0, 0, 1))
        mixed: Tensor = characters + self.mix(torch.cat([left, vectors, right], dim=2))
        if segments is not None:
            mixed = mixed + self.token_type_embeddings(segments)
        return mixed


class Layer(nn.Module):
    """Attention and a feed-forward network, each behind its norm and beside its input."""

    def __init__(self, config: NgramBertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.attention_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_output = nn.Linear(width, width)
        self.feed_forward_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.intermediate = nn.Linear(width, config.intermediate_size)
        self.output = nn.Linear(config.intermediate_size, width)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden: Tensor, mask: Tensor | None, cosine: Tensor, sine: Tensor) -> Tensor:
        """Map ``[B, T, width]`` to the same shape; `mask` is true where a key may be looked at, ``[B, 1, 1, T]``."""
        batch, length, width = hidden.shape
        joined = self.query_key_value(self.attention_norm(hidden)).view(batch, length, 3, self.heads, -1)
        query, key, value = joined.permute(2, 0, 3, 1, 4).unbind(0)
        attended = functional.scaled_dot_product_attention(
            _rotated(query, cosine, sine), _rotated(key, cosine, sine), value, attn_mask=mask
        )
        hidden = hidden + self.dropout(self.attention_output(attended.transpose(1, 2).reshape(batch, length, width)))
        inner = functional.gelu(self.intermediate(self.feed_forward_norm(hidden)))
        result: Tensor = hidden + self.dropout(self.output(inner))
        return result


class NgramBertModel(BertPreTrainedModel):  # type: ignore[misc]
    """The encoder.

    Parameters
    ----------
    config
        Its sizes. There is no limit to the length of an input but ``max_position_embeddings``, kept for BERT's sake.
    add_pooling_layer
        Whether there is a vector for the sequence, for next-sentence prediction.
    """

    config_class = NgramBertConfig
    _no_split_modules = ("Layer",)

    def __init__(self, config: NgramBertConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.embeddings = NgramEmbeddings(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.final_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.pooler = BertPooler(config) if add_pooling_layer else None
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Return the table of characters."""
        return self.embeddings.word_embeddings

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        """Exchange the table of characters."""
        self.embeddings.word_embeddings = value

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        **_: object,
    ) -> BaseModelOutputWithPooling:
        """Map ids and a mask (1 at real positions, left-aligned) ``[B, T]`` to vectors ``[B, T, hidden]``."""
        hidden = self.dropout(self.embeddings(input_ids, attention_mask, token_type_ids))
        visible = None if attention_mask is None else attention_mask[:, None, None, :].bool()
        width = self.config.hidden_size // self.config.num_attention_heads
        cosine, sine = _rotations(input_ids.shape[1], width, hidden)
        for layer in self.layers:
            hidden = layer(hidden, visible, cosine, sine)
        hidden = self.final_norm(hidden)
        pooled = None if self.pooler is None else self.pooler(hidden)
        return BaseModelOutputWithPooling(last_hidden_state=hidden, pooler_output=pooled)


class NgramBertForMaskedLM(BertForMaskedLM):  # type: ignore[misc]
    """The encoder with the head that predicts masked characters."""

    config_class = NgramBertConfig

    def __init__(self, config: NgramBertConfig) -> None:
        super().__init__(config)
        self.bert = NgramBertModel(config, add_pooling_layer=False)
        self.post_init()


class NgramBertForPreTraining(BertForPreTraining):  # type: ignore[misc]
    """The encoder with the heads that predict masked characters and the next sentence."""

    config_class = NgramBertConfig

    def __init__(self, config: NgramBertConfig) -> None:
        super().__init__(config)
        self.bert = NgramBertModel(config)
        self.post_init()


class NgramBertForTokenClassification(BertForTokenClassification):  # type: ignore[misc]
    """The encoder with a linear layer that classifies each position."""

    config_class = NgramBertConfig

    def __init__(self, config: NgramBertConfig) -> None:
        super().__init__(config)
        self.bert = NgramBertModel(config, add_pooling_layer=False)
        self.post_init()


def _rotations(length: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of the angles of each position, ``[length, width / 2]``."""
    speeds = ROTARY_BASE ** (-torch.arange(0, width, 2, device=like.device, dtype=torch.float32) / width)
    angles = torch.arange(length, device=like.device, dtype=torch.float32)[:, None] * speeds
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def _rotated(vectors: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotate each pair of features of ``[B, heads, T, width]`` by the angle of its position."""
    if torch.onnx.is_in_onnx_export():
        # One pass over memory instead of seven.
        first_position = torch.zeros(1, dtype=torch.int64)
        rotated: Tensor = torch.onnx.ops.symbolic(
            "com.microsoft::RotaryEmbedding",
            (vectors, first_position, cosine, sine),
            dtype=torch.float32,
            shape=vectors.shape,
            version=1,
        )
        return rotated
    first, second = vectors.chunk(2, dim=3)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=3)


def register() -> None:
    """Make the architecture known to the transformers library's Auto classes."""
    AutoConfig.register(NgramBertConfig.model_type, NgramBertConfig, exist_ok=True)
    for auto, model in (
        (AutoModel, NgramBertModel),
        (AutoModelForMaskedLM, NgramBertForMaskedLM),
        (AutoModelForPreTraining, NgramBertForPreTraining),
        (AutoModelForTokenClassification, NgramBertForTokenClassification),
    ):
        auto.register(NgramBertConfig, model, exist_ok=True)
