"""Encoders with their pre-training heads, computing logits only at predicted positions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor
from torch.nn import functional
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining, PreTrainedModel

from suwen.models.checkpoints import read_checkpoint
from suwen.models.ngram_bert import NgramBertConfig, NgramBertForMaskedLM, NgramBertForPreTraining
from suwen.models.pretrained import load_masked_lm
from suwen.pretraining.config import ModelConfig
from suwen.tagging.vocabulary import PAD, CharacterVocabulary

__all__ = ["PackedBert", "PackedBertWithPairs", "new_model", "read_base", "write_encoder"]

FINE_TUNING_DROPOUT = 0.1
PAIR_HEADS = ("bert.pooler.", "cls.seq_relationship.")


class _Packed:
    """The loss of packed sequences (no padding, hence no attention mask)."""

    # The Trainer must not scale a loss that is already a mean.
    accepts_loss_kwargs = False

    def forward(
        self,
        input_ids: Tensor,
        positions: Tensor,
        targets: Tensor,
        token_type_ids: Tensor | None = None,
        next_sentence_label: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute the mean loss at the masked positions, plus that of next-sentence prediction.

        Parameters
        ----------
        input_ids, token_type_ids
            ``[B, L]``.
        positions, targets
            Places in the flattened batch and the characters that belong there, ``[M]``.
        next_sentence_label
            ``[B]``, 1 where the second segment does not follow the first; None without that objective.
        """
        output = self.bert(input_ids=input_ids, token_type_ids=token_type_ids)  # type: ignore[attr-defined]
        hidden = output.last_hidden_state.flatten(0, 1)[positions]
        heads = self.cls  # type: ignore[attr-defined]
        total = functional.cross_entropy(heads.predictions(hidden).float(), targets, reduction="sum")
        loss = total / max(1, len(targets))
        result = {"masked_loss": loss.detach(), "total": total.detach()}
        if next_sentence_label is not None:
            logits = heads.seq_relationship(output.pooler_output).float()
            pair_loss = functional.cross_entropy(logits, next_sentence_label)
            result["pair_loss"] = pair_loss.detach()
            loss = loss + pair_loss
        return {"loss": loss, **result}


class PackedBert(_Packed, BertForMaskedLM):  # type: ignore[misc]
    """For recipes without next-sentence prediction."""


class PackedBertWithPairs(_Packed, BertForPreTraining):  # type: ignore[misc]
    """For recipes with next-sentence prediction."""


class PackedNgramBert(_Packed, NgramBertForMaskedLM):
    """For recipes without next-sentence prediction."""


class PackedNgramBertWithPairs(_Packed, NgramBertForPreTraining):
    """For recipes with next-sentence prediction."""


# By architecture: the configuration, the classes for training without and with pairs, and those that are written.
ARCHITECTURES: dict[str, tuple[Any, Any, Any, Any, Any]] = {
    "bert": (BertConfig, PackedBert, PackedBertWithPairs, BertForMaskedLM, BertForPreTraining),
    "ngram-bert": (
        NgramBertConfig,
        PackedNgramBert,
        PackedNgramBertWithPairs,
        NgramBertForMaskedLM,
        NgramBertForPreTraining,
    ),
}


def new_model(config: ModelConfig, vocabulary: CharacterVocabulary, paired: bool) -> PreTrainedModel:
    """Build an encoder of random weights.

    Parameters
    ----------
    paired
        Whether it predicts the next sentence too.
    """
    options: dict[str, Any] = {
        "vocab_size": len(vocabulary),
        "hidden_size": config.hidden,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.attention_heads,
        "intermediate_size": config.intermediate,
        "max_position_embeddings": config.positions,
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": config.dropout,
        "pad_token_id": vocabulary.id(PAD),
    }
    if config.architecture == "ngram-bert":
        options |= {
            "bigram_buckets": config.bigram_buckets,
            "bigram_width": config.bigram_width,
            # Scaled to the width (Nguyen and Salazar 2019): BERT's 0.02 leaves a narrow encoder almost blind at first.
            "initializer_range": (2 / (5 * config.hidden)) ** 0.5,
        }
    configuration, single, pairs, *_ = ARCHITECTURES[config.architecture]
    return (pairs if paired else single)(configuration(**options))


def read_base(folder: Path, config: ModelConfig, paired: bool) -> PreTrainedModel:
    """Load an encoder with its masked-language-model head, in any layout, to continue from.

    Heads for pairs of sentences are taken over where the checkpoint has them and start again where it has not.

    Raises
    ------
    SuwenError
        As `suwen.models.pretrained.load_masked_lm`.
    """
    source, _ = load_masked_lm(folder)
    options = source.config.to_dict()
    options |= {"hidden_dropout_prob": config.dropout, "attention_probs_dropout_prob": config.dropout}
    configuration, single, pairs, *_ = ARCHITECTURES[config.architecture]
    model = (pairs if paired else single)(configuration.from_dict(options))
    heads = {name: tensor for name, tensor in read_checkpoint(folder).tensors.items() if name.startswith(PAIR_HEADS)}
    model.load_state_dict({**source.state_dict(), **(heads if paired else {})}, strict=False)
    return model


def write_encoder(model: PreTrainedModel, folder: Path) -> None:
    """Write ``config.json`` and ``model.safetensors`` under the names of the transformers library's own classes."""
    configuration, _, _, single, pairs = ARCHITECTURES[model.config.model_type]
    config = configuration.from_dict(model.config.to_dict())
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = FINE_TUNING_DROPOUT
    plain = (pairs if isinstance(model, BertForPreTraining) else single)(config)
    plain.load_state_dict({name: tensor.float().cpu() for name, tensor in model.state_dict().items()})
    plain.save_pretrained(folder)
    # The library makes the weights private; they get the permissions of the file beside them.
    (folder / "model.safetensors").chmod((folder / "config.json").stat().st_mode)
