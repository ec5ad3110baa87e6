"""Pretrained models from checkpoints, with every tensor accounted for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from suwen.errors import SuwenError
from suwen.models.checkpoints import Checkpoint, read_checkpoint
from suwen.models.vocabularies import read_vocabulary
from suwen.tagging.vocabulary import CLS, MASK, SEP, CharacterVocabulary

__all__ = ["load_encoder", "load_masked_lm", "load_state", "quiet"]

# Pre-training leaves these heads; an encoder has no use for them. Position ids were saved as a buffer once.
HEADS = re.compile(
    r"(cls|classifier|lm_head|predictions|lm_predictions|mask_predictions|discriminator_predictions|"
    r"generator_predictions|generator_lm_head|qa_outputs)\.|(.*\.)?(pooler\..*|(position|token_type)_ids$)"
)
SHOWN = 5


def load_encoder(folder: Path) -> Any:
    """Load the encoder of a checkpoint in any layout, in fp32, without its pooling and task layers.

    Raises
    ------
    SuwenError
        As `suwen.models.checkpoints.read_checkpoint`; S506 when the architecture is unknown, S504 when tensors of the
        encoder are missing, left over or of another shape.
    """
    from transformers import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING

    checkpoint = read_checkpoint(folder)
    # The token classification class is the one way to leave the pooling layer out that all architectures share.
    model, missing, unexpected = _load(checkpoint, MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING)
    prefix = f"{model.base_model_prefix}."
    _require_tensors(folder, [name for name in missing if name.startswith(prefix)], unexpected)
    return model.base_model


def load_masked_lm(folder: Path) -> tuple[Any, CharacterVocabulary]:
    """Load an encoder with the head that predicts masked characters, and its vocabulary.

    Returns
    -------
    tuple[Any, CharacterVocabulary]
        The transformers library's model (``input_ids``, ``attention_mask`` to ``logits``) in fp32 and evaluation mode.

    Raises
    ------
    SuwenError
        As `load_encoder`; S513 when the checkpoint has no trained head, or not all of it; S505 when the vocabulary has
        no ``[MASK]`` or is larger than the model's.
    """
    from transformers import MODEL_FOR_MASKED_LM_MAPPING

    checkpoint = read_checkpoint(folder)
    vocabulary = read_vocabulary(folder, (CLS, SEP, MASK))
    model, missing, unexpected = _load(checkpoint, MODEL_FOR_MASKED_LM_MAPPING)
    prefix = f"{model.base_model_prefix}."
    head = [name for name in missing if not name.startswith(prefix)]
    _require_tensors(folder, [name for name in missing if name.startswith(prefix)], unexpected)
    if head:
        raise SuwenError("S513", folder, missing=_some(head))
    if len(vocabulary) > model.config.vocab_size:
        reason = f"the vocabulary has {len(vocabulary)} tokens, the model {model.config.vocab_size}"
        raise SuwenError("S505", folder, reason=reason)
    return model.eval(), vocabulary


def _load(checkpoint: Checkpoint, classes: Mapping[Any, Any]) -> tuple[Any, list[str], list[str]]:
    """Build the model of a checkpoint; with the names that are missing, and those left over or of another shape."""
    from huggingface_hub.errors import StrictDataclassError
    from transformers import CONFIG_MAPPING

    from suwen.models.ngram_bert import register

    register()
    folder = checkpoint.folder
    kind = checkpoint.config["model_type"]
    options = {key: value for key, value in checkpoint.config.items() if key not in ("model_type", "dtype")}
    try:
        config = CONFIG_MAPPING[kind].from_dict(options)
        model_class = classes[type(config)]
    except KeyError:
        raise SuwenError("S506", folder, advice=f"{kind!r} is not an architecture of the BERT family") from None
    except (StrictDataclassError, TypeError, ValueError, AttributeError) as error:
        raise SuwenError("S506", folder, advice=f"correct its configuration ({_on_one_line(error)})") from None
    with quiet():
        try:
            model, info = model_class.from_pretrained(
                None,
                config=config,
                state_dict=dict(checkpoint.tensors),
                dtype=torch.float32,
                output_loading_info=True,
                # They are reported by name below.
                ignore_mismatched_sizes=True,
            )
        except (ValueError, RuntimeError, TypeError) as error:
            raise SuwenError("S506", folder, advice=f"correct its configuration ({_on_one_line(error)})") from None
    shapes = [
        f"{name} {tuple(found)} instead of {tuple(wanted)}" for name, found, wanted in sorted(info["mismatched_keys"])
    ]
    unexpected = sorted(name for name in info["unexpected_keys"] if not HEADS.match(name))
    return model, sorted(info["missing_keys"]), shapes + unexpected


def load_state(model: nn.Module, state: Mapping[str, Tensor], folder: Path) -> None:
    """Load tensors by name.

    Raises
    ------
    SuwenError
        S504 when names or shapes differ.
    """
    own = model.state_dict()
    other_shapes = [name for name in own.keys() & state.keys() if own[name].shape != state[name].shape]
    unexpected = sorted([*(state.keys() - own.keys()), *other_shapes])
    _require_tensors(folder, sorted(own.keys() - state.keys()), unexpected)
    model.load_state_dict(state)


def _require_tensors(folder: Path, missing: list[str], unexpected: list[str]) -> None:
    """Refuse a checkpoint that lacks tensors, or has others.

    Raises
    ------
    SuwenError
        S504, which names the first few.
    """
    if missing or unexpected:
        raise SuwenError("S504", folder, missing=_some(missing), unexpected=_some(unexpected))


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "") or "none"


def _on_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the reports and progress bars of the library; suwen has its own."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
