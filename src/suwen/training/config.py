"""The configuration of a tagger's training: its sections and presets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from suwen.bundled import encoder_name
from suwen.errors import SuwenError
from suwen.files import StrPath
from suwen.models.catalog import encoder_width, is_language_model
from suwen.settings import Section, parse_settings, preset_settings, validated

__all__ = [
    "PRESETS",
    "SCRATCH",
    "TEACHERS_WEIGHT",
    "BaseEncoder",
    "DistillationConfig",
    "EvaluationConfig",
    "TrainingConfig",
    "load_training_config",
    "pretrained_rate",
    "with_teachers",
]

SCRATCH = ("bilstm", "bigru", "cnn", "transformer")
"""Encoders that start from random weights; ``transformer`` has BERT's architecture."""

EMBEDDED = ("bilstm", "bigru", "cnn")
"""Encoders of embeddings alone, for which the preset `best` is made."""

Probability = Field(ge=0, lt=1)


class EncoderConfig(Section):
    """The encoder: from characters to vectors.

    `name` is one of `SCRATCH`, or a pretrained encoder; the sizes below it describe encoders that start from random
    weights, and the BiLSTM that reads the states of character language models.
    """

    name: str = "bilstm"
    initialization: Literal["pretrained", "random"] = "pretrained"
    """For a pretrained encoder, ``random`` uses its architecture and vocabulary, but not its weights."""
    transfer: Literal["fine-tuning", "feature-extraction"] = "fine-tuning"
    embedding: PositiveInt = 128
    hidden: PositiveInt = 128
    layers: PositiveInt = 1
    attention_heads: PositiveInt = 4
    dropout: float = Probability
    masking: float = Field(default=0.0, ge=0, lt=1)
    """Share of the characters that a transformer reads as [MASK] while it learns to tag."""
    bigrams: bool = False
    bigram_embedding: PositiveInt = 64
    minimum_count: PositiveInt = 2
    minimum_bigram_count: PositiveInt = 3
    language_models: Literal["states", "weights", "both"] = "states"
    """The use of character language models: the tagger reads their states, or starts from their weights, or both."""
    state_width: NonNegativeInt = 0
    """Their states are mapped to this many features before the BiLSTM reads them: faster; 0 leaves them as they are."""
    words: str = ""
    """A file of word vectors in word2vec's text format: words that begin, continue and end at a character are read."""
    word_dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of these that are left out, while the tagger learns."""


class HeadConfig(Section):
    """The head: from vectors to tags."""

    name: Literal["fc", "crf", "lstm-crf", "bilstm-crf"] = "crf"
    hidden: PositiveInt = 128
    dropout: float = Probability
    scheme: Literal["BIO", "BIOES", "BMES"] = "BIO"
    decoding: Literal["argmax", "legal"] = "legal"
    """Without a CRF: the best tag of each character, or the best sequence that the scheme allows."""


class InputConfig(Section):
    """Sizes of the model's inputs, in characters (see `suwen.text.windows`)."""

    join_wrapped_lines: bool = True
    length: PositiveInt = 510
    overlap: NonNegativeInt = 128
    context: NonNegativeInt = 0
    pack: NonNegativeInt = 0


class OptimizationConfig(Section):
    """Settings of AdamW, with separate learning rates for encoder, head and CRF."""

    weight_decay: NonNegativeFloat = 0.01
    epochs: PositiveInt
    least_steps: NonNegativeInt = 0
    """Minimum number of steps: a small corpus gets more epochs than `epochs`."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup: float = Field(default=0.0, ge=0, lt=1)
    """Share of the steps in which the rates rise from 0."""
    max_gradient_norm: float = Field(default=1.0, gt=0)
    average: float = Field(default=0.0, ge=0, lt=1)
    """Decay of the exponential moving average of the weights that is scored and kept; 0 keeps the last weights."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    learning_rate: float = Field(gt=0)
    head_learning_rate: float = Field(gt=0)
    crf_learning_rate: float = Field(gt=0)
    batch_sentences: NonNegativeInt = 0
    """Windows per batch; 0 fills batches up to `batch_tokens`."""
    batch_tokens: PositiveInt = 4096
    lists: float = Field(default=0.0, ge=0, le=1)
    """Share of the sentences with at least three items that are learned again as lists, one item a line."""
    records: float = Field(default=0.0, ge=0, le=1)
    """Share of the sentences with at least two entities that are learned again as records: names and values alone."""
    features_gigabytes: NonNegativeFloat = 16.0
    """Disk budget in GB for caching the outputs of a frozen encoder; 0 turns the cache off."""


class EvaluationConfig(Section):
    """The interval of the evaluations on dev, and early stopping."""

    steps: NonNegativeInt = 0
    """Steps between evaluations; 0 evaluates after every epoch, or 20 times where there are more epochs."""
    stop: Literal["loss", "f1", "never"] = "f1"
    """End early when the dev loss rises, or when the dev F1 does not."""
    patience: PositiveInt = 3
    """Evaluations in a row without a better value before the run ends."""


class ConfidenceConfig(Section):
    """Confidences and what to do with low ones (see `suwen.tagging.calibration`): fitted on dev, unless given."""

    slope: float | None = Field(default=None, ge=0)
    intercept: float | None = None
    least: float | None = Field(default=None, ge=0, le=1)
    """Mentions with less confidence are not reported; None takes what gives the highest F1 on the dev part."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> ConfidenceConfig:
        if (self.slope is None) != (self.intercept is None):
            raise ValueError("slope and intercept go together")
        return self


class DistillationConfig(Section):
    """The weight of teachers, if there are any (see `suwen.training.distillation`)."""

    weight: float | None = Field(default=None, ge=0, le=1)
    """The teachers' share in the target of annotated text; the rest is the annotation's. None without teachers."""


class TrainingConfig(Section):
    """All that decides a run, apart from the data."""

    preset: str
    encoder: EncoderConfig
    head: HeadConfig
    inputs: InputConfig
    optimization: OptimizationConfig
    evaluation: EvaluationConfig
    confidence: ConfidenceConfig = ConfidenceConfig()
    distillation: DistillationConfig = DistillationConfig()
    seed: int = Field(default=0, ge=0, lt=2**32)


@dataclass(frozen=True, slots=True)
class BaseEncoder:
    """The encoder of a trained model that a run continues: its name there, its width, and whether it is recurrent."""

    name: str
    width: int | None = None
    recurrent: bool = False


PRESETS: dict[str, dict[str, Any]] = {
    # Table 3 of the paper. Where it states nothing: linear decay without warm-up, at most 510 characters, an end at the
    # first evaluation with a higher loss than the one before.
    "paper": {
        "encoder": {"dropout": 0.1},
        "head": {"name": "fc", "dropout": 0.1, "decoding": "argmax"},
        "inputs": {"length": 510, "context": 0, "pack": 0},
        "optimization": {
            "learning_rate": 5e-5,
            "head_learning_rate": 5e-5,
            "crf_learning_rate": 5e-5,
            "weight_decay": 0.01,
            "epochs": 6,
            "batch_sentences": 32,
        },
        "evaluation": {"steps": 1000, "stop": "loss", "patience": 1},
        "confidence": {"least": 0.0},
    },
    "best": {
        "encoder": {"dropout": 0.5, "hidden": 160, "bigrams": True},
        "head": {"name": "crf", "dropout": 0.5},
        "inputs": {"length": 320, "context": 24, "pack": 256, "overlap": 64},
        "optimization": {
            "learning_rate": 2e-3,
            "head_learning_rate": 2e-3,
            "crf_learning_rate": 1e-2,
            "weight_decay": 0.01,
            "epochs": 8,
            "least_steps": 600,
            "warmup": 0.05,
            "batch_tokens": 4096,
            "max_gradient_norm": 5.0,
            "average": 0.995,
        },
        "evaluation": {"stop": "f1", "patience": 3},
    },
}
"""``paper`` follows Table 3; ``best`` is what worked best in this project's own experiments."""

# The rate, dropout and masking of `best` were chosen for a BiLSTM; transformers have these, unless they are set.
PRETRAINED_RATE = 5e-5
"""For the published width; narrower encoders want more, by the square of the width (chosen on LCDD's dev part)."""
PUBLISHED_WIDTH = 768
GREATEST_RATE = 2e-3
RANDOM_TRANSFORMER_RATE = 1e-3
TEACHERS_WEIGHT = 0.5
TRANSFORMER_DROPOUT = 0.1
TRANSFORMER_HEAD_DROPOUT = 0.3
TRANSFORMER_MASKING = 0.15
"""Without it the small encoders overfit from the third epoch on (LCDD's dev part)."""


def load_training_config(
    preset: str = "best",
    file: StrPath | None = None,
    options: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
    base_encoder: BaseEncoder | None = None,
) -> TrainingConfig:
    """Put a configuration together: preset, then file, then options, then ``key=value`` settings; later ones win.

    Parameters
    ----------
    file
        A TOML file with the tables of `TrainingConfig`; its ``preset`` wins over the argument.
    options
        Values by dotted key.
    settings
        Strings such as ``optimization.epochs=3``; the value is TOML, or a plain string.
    base_encoder
        That of the trained model that the run continues from, if it does. That model decides encoder, head and
        inputs.

    Raises
    ------
    SuwenError
        S401 for a misspelt key, S402 for a bad value, S403 for broken TOML, S404 for an unknown preset, S406 for a key
        that the base model decides.
    """
    file = None if file is None else Path(file)
    merged = preset_settings(PRESETS, preset, file, {**(options or {}), **parse_settings(settings)})
    if base_encoder is not None:
        _refuse_inherited(merged.given)
    values = merged.values
    if isinstance(name := values["encoder"].get("name"), str):
        values["encoder"] = {**values["encoder"], "name": encoder_name(name)}
    if merged.preset == "best":
        for (table, name), value in _fitted(values["encoder"], base_encoder).items():
            if name not in merged.given.get(table, {}):
                values[table] = {**values[table], name: value}
    return validated(TrainingConfig, values, file)


def with_teachers(config: TrainingConfig, taught: bool) -> TrainingConfig:
    """Give the teachers their default weight, or refuse a weight without teachers.

    Raises
    ------
    SuwenError
        S406 for a weight without teachers.
    """
    if not taught and config.distillation.weight is not None:
        advice = "name a trained model, or leave the setting out"
        raise SuwenError("S406", first="distillation.weight", second="a run without --teacher", advice=advice)
    if not taught or config.distillation.weight is not None:
        return config
    return config.model_copy(update={"distillation": DistillationConfig(weight=TEACHERS_WEIGHT)})


def pretrained_rate(width: int | None) -> float:
    """Return the learning rate of `best` for a pretrained encoder of this width; None is the published width."""
    return float(f"{min(GREATEST_RATE, PRETRAINED_RATE * (PUBLISHED_WIDTH / (width or PUBLISHED_WIDTH)) ** 2):.2g}")


def _fitted(encoder: Mapping[str, Any], base: BaseEncoder | None) -> dict[tuple[str, str], float]:
    """Return the values of the preset `best` for this encoder that differ from those for a BiLSTM."""
    name = base.name if base else encoder.get("name", "bilstm")
    if (base and base.recurrent) or name in EMBEDDED or (not base and is_language_model(str(name))):
        return {}
    if base:
        rate = pretrained_rate(base.width)
    elif name == "transformer" or encoder.get("initialization") == "random":
        rate = RANDOM_TRANSFORMER_RATE
    else:
        rate = pretrained_rate(encoder_width(str(name)))
    return {
        ("optimization", "learning_rate"): rate,
        ("encoder", "dropout"): TRANSFORMER_DROPOUT,
        ("encoder", "masking"): TRANSFORMER_MASKING,
        ("head", "dropout"): TRANSFORMER_HEAD_DROPOUT,
    }


def _refuse_inherited(values: Mapping[str, Any]) -> None:
    """Refuse settings that a trained model has already fixed."""
    for table in ("encoder", "head", "inputs"):
        for key in values.get(table, {}):
            if (table, key) != ("encoder", "transfer"):
                advice = "the trained model decides it; leave it out, or train anew"
                raise SuwenError("S406", first="--from", second=f"{table}.{key}", advice=advice)
