"""The configuration of a pre-training run: a recipe, a size, and ``--set`` overrides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from suwen.errors import SuwenError
from suwen.files import read_json
from suwen.models.catalog import is_language_model
from suwen.pretraining.strategies import strategy_named
from suwen.requirements import TRAINING, segmenter_packages
from suwen.settings import Section, parse_settings, validated, with_overrides

__all__ = [
    "SIZES",
    "LanguageModelConfig",
    "PretrainingConfig",
    "load_language_model_config",
    "load_pretraining_config",
]

HEAD_WIDTH = 64


class ModelConfig(Section):
    """The encoder's architecture and size."""

    architecture: Literal["bert", "ngram-bert"] = "ngram-bert"
    """BERT as published, or `suwen.models.ngram_bert`, which learns more from little text."""
    layers: PositiveInt
    hidden: PositiveInt
    attention_heads: PositiveInt
    intermediate: PositiveInt
    positions: PositiveInt = 512
    bigram_buckets: PositiveInt = 32768
    """Rows of the table of character pairs (ngram-bert)."""
    bigram_width: PositiveInt = 64
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Used while pre-training only; the written encoder is configured with 0.1, BERT's value, for fine-tuning."""


class DataConfig(Section):
    """Settings for reading and cutting the texts."""

    layout: Literal["auto", "lines", "blank-lines", "documents"] = "auto"
    lengths: tuple[PositiveInt, ...] = (128, 512)
    """Positions of a sequence, one length after another: the curriculum."""
    shares: tuple[PositiveInt | NonNegativeFloat, ...] = (0.9, 0.1)
    """The share of the steps for each length. BERT's own: 90 % with 128 positions, 10 % with 512."""
    held_out: float = Field(default=0.01, gt=0, lt=1)
    minimum_count: PositiveInt = 2
    vocabulary_size: PositiveInt = 8000
    segmenter: Literal["thulac", "jieba", "none"] = "thulac"
    workers: NonNegativeInt = 0
    """Processes that prepare batches; 0 prepares them between the steps."""

    @model_validator(mode="after")
    def _matched(self) -> DataConfig:
        if len(self.lengths) != len(self.shares) or not self.lengths:
            raise ValueError("as many shares as lengths are needed")
        if min(self.lengths) < 8:
            raise ValueError("a sequence has at least 8 positions")
        if sum(self.shares) <= 0:
            raise ValueError("some share must be positive")
        return self


class MaskingConfig(Section):
    """Settings of masking."""

    share: float = Field(default=0.15, gt=0, lt=1)
    copies: PositiveInt = 10
    """With static masking: number of maskings, used in turn by the passes over the text (BERT's ``dupe_factor``)."""


class OptimizationConfig(Section):
    """Training: AdamW with linear warm-up and linear decay to 0."""

    learning_rate: float = Field(gt=0)
    steps: PositiveInt
    warmup: float = Field(default=0.05, ge=0, lt=1)
    batch_tokens: PositiveInt
    """Positions per batch and device."""
    weight_decay: NonNegativeFloat = 0.01
    max_gradient_norm: float = Field(default=1.0, gt=0)
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    muon: bool = False
    """Muon in the place of AdamW for the matrices of recurrent layers."""


class EvaluationConfig(Section):
    """The interval and the size of the evaluations on held-out text."""

    steps: NonNegativeInt = 0
    """Steps between evaluations; 0 makes 20 in the run."""
    characters: int = Field(default=200_000, ge=2)


class PretrainingConfig(Section):
    """All that decides a run, apart from texts, vocabulary, lexicon and the encoder that it continues from."""

    strategy: str
    size: str
    model: ModelConfig
    data: DataConfig
    masking: MaskingConfig
    optimization: OptimizationConfig
    evaluation: EvaluationConfig
    seed: NonNegativeInt = 0


class LanguageModelSize(Section):
    """The size of a forward and a backward character language model."""

    embedding: PositiveInt = 128
    hidden: PositiveInt = 256
    """Units of each LSTM."""
    layers: PositiveInt = 1
    dropout: float = Field(default=0.0, ge=0, lt=1)


class StreamConfig(Section):
    """Settings for the texts of language models."""

    layout: Literal["auto", "lines", "blank-lines", "documents"] = "auto"
    held_out: float = Field(default=0.01, gt=0, lt=1)
    minimum_count: PositiveInt = 2
    vocabulary_size: PositiveInt = 8000
    length: PositiveInt = 64
    """Characters per stream and step: how far back gradients go."""
    fresh: float = Field(default=0.1, ge=0, lt=1)
    """Share of the streams that forget what they have read at a step; taggers read short windows."""
    workers: NonNegativeInt = 0
    """Processes that prepare batches; 0 prepares them between the steps."""


class LanguageModelConfig(Section):
    """All that decides a run of ``--encoder bilstm``, apart from texts and vocabulary."""

    model: LanguageModelSize = LanguageModelSize()
    data: StreamConfig = StreamConfig()
    optimization: OptimizationConfig
    evaluation: EvaluationConfig = EvaluationConfig()
    seed: NonNegativeInt = 0


LANGUAGE_MODEL_OPTIMIZATION = {
    "learning_rate": 8e-3,
    "steps": 6000,
    "batch_tokens": 4096,
    "warmup": 0.02,
    "muon": True,
}

# layers, width, learning rate, positions per batch, steps
SIZES: dict[str, tuple[int, int, float, int, int]] = {
    "mini": (2, 128, 3e-3, 2048, 30_000),
    "small": (4, 256, 1e-3, 16384, 50_000),
    "medium": (6, 384, 7e-4, 32768, 100_000),
    "large": (8, 512, 5e-4, 65536, 100_000),
    "base": (12, 768, 1e-4, 131072, 250_000),
}
"""``mini`` is meant for two CPU cores, ``base`` is the size of the published encoders; heads are 64 wide."""

WARM_RATE = 0.5
"""A run that continues from trained weights starts with this part of the size's learning rate."""


def load_pretraining_config(
    strategy: str, size: str = "mini", settings: Sequence[str] = (), base: Path | None = None, seed: int = 0
) -> PretrainingConfig:
    """Put a configuration together: recipe and size, then ``key=value`` settings.

    Parameters
    ----------
    base
        The folder of an encoder to continue from; its sizes take the place of `size` and of the recipe's shape.

    Raises
    ------
    SuwenError
        S401 for a misspelt key, S402 for a bad value, S404 for an unknown strategy or size, S406 for sizes beside
        `base`, S506 when `base` is no BERT, and as `suwen.models.checkpoints.read_checkpoint`.
    """
    recipe = strategy_named(strategy)
    if size not in SIZES:
        raise SuwenError("S404", what="size", name=size, known=", ".join(SIZES))
    layers, hidden, rate, tokens, steps = SIZES[size]
    if recipe.shallow:
        # 12 x 768 becomes 3 x 1024, as ERNIE-tiny has it.
        layers, hidden = max(1, layers // 4), HEAD_WIDTH * round(hidden * 4 / 3 / HEAD_WIDTH)
    overrides = parse_settings(settings)
    model: dict[str, Any] = {"layers": layers, "hidden": hidden}
    if size == "base":
        model["architecture"] = "bert"
    if base is not None:
        _refuse_sizes(overrides)
        model = _sizes_of(base)
        size, rate = "", rate * WARM_RATE
    values: dict[str, Any] = {
        "strategy": strategy,
        "size": size,
        "model": model,
        "data": {},
        "masking": {},
        "optimization": {"learning_rate": rate, "steps": steps, "batch_tokens": tokens},
        "evaluation": {},
        "seed": seed,
    }
    values = with_overrides(values, overrides)
    if "lengths" in values["data"] and "shares" not in values["data"]:
        count = len(values["data"]["lengths"]) if isinstance(values["data"]["lengths"], list) else 1
        values["data"]["shares"] = [1.0] * count
    sizes = values["model"]
    if isinstance(sizes.get("hidden"), int):
        sizes.setdefault("attention_heads", max(1, sizes["hidden"] // HEAD_WIDTH))
        sizes.setdefault("intermediate", 4 * sizes["hidden"])
    config = validated(PretrainingConfig, values)
    if config.model.hidden % config.model.attention_heads:
        raise SuwenError("S402", key="model.attention_heads", reason=f"it does not divide {config.model.hidden}")
    if max(config.data.lengths) > config.model.positions:
        raise SuwenError("S402", key="data.lengths", reason=f"the encoder has {config.model.positions} positions")
    return config


def load_language_model_config(
    settings: Sequence[str] = (), base: Path | None = None, seed: int = 0
) -> LanguageModelConfig:
    """Put the configuration of ``--encoder bilstm`` together from its defaults and ``key=value`` settings.

    Parameters
    ----------
    base
        Language models to start from, which decide the sizes.

    Raises
    ------
    SuwenError
        S401 for a misspelt key, S402 for a bad value, S406 for sizes beside `base`, S506 when `base` is something else.
    """
    values: dict[str, Any] = {"optimization": LANGUAGE_MODEL_OPTIMIZATION, "seed": seed}
    overrides = parse_settings(settings)
    if base is not None:
        stored = read_json(base / "config.json") if is_language_model(base) else {}
        sizes = {name: stored.get(name) for name in ("embedding", "hidden", "layers")}
        # Joined and stacked encoders are read by taggers alone.
        if "cell" in stored or not all(isinstance(size, int) for size in sizes.values()):
            raise SuwenError("S506", base, advice="name a folder that 'suwen pretrain --encoder bilstm' wrote")
        _refuse_sizes(overrides)
        values["model"] = sizes
    config = validated(LanguageModelConfig, with_overrides(values, overrides))
    if config.data.length > config.optimization.batch_tokens:
        reason = f"it is more than optimization.batch_tokens = {config.optimization.batch_tokens}"
        raise SuwenError("S402", key="data.length", reason=reason)
    return config


def pretraining_packages(strategy: str | None, settings: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the packages of the extras that pre-training by this strategy needs; None stands for language models."""
    if strategy is None or not strategy_named(strategy).needs_words:
        return TRAINING
    return (*TRAINING, *segmenter_packages(str(parse_settings(settings).get("data.segmenter", DataConfig().segmenter))))


def _refuse_sizes(overrides: Mapping[str, Any]) -> None:
    if any(key.split(".")[0] == "model" and key != "model.dropout" for key in overrides):
        advice = "leave it out: the encoder's own size is kept"
        raise SuwenError("S406", first="--from", second="another model size", advice=advice)


def _sizes_of(base: Path) -> dict[str, Any]:
    # It loads torch, which settings alone do not need.
    from suwen.models.checkpoints import read_checkpoint

    stored = read_checkpoint(base).config
    kinds = get_args(ModelConfig.model_fields["architecture"].annotation)
    if stored["model_type"] not in kinds:
        raise SuwenError("S506", base, advice=f"only a BERT can be trained on, this is {stored['model_type']!r}")
    # Sizes that a published configuration does not state are those of BERT.
    defaults = {
        "layers": ("num_hidden_layers", 12),
        "hidden": ("hidden_size", 768),
        "attention_heads": ("num_attention_heads", 12),
        "intermediate": ("intermediate_size", 3072),
        "positions": ("max_position_embeddings", 512),
        "bigram_buckets": ("bigram_buckets", 32768),
        "bigram_width": ("bigram_width", 64),
    }
    return {"architecture": stored["model_type"]} | {
        name: stored.get(key, default) for name, (key, default) in defaults.items()
    }
