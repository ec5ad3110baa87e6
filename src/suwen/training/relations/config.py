"""The configuration of a relation model's training: its sections and preset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from suwen.files import StrPath
from suwen.settings import Section, parse_settings, preset_settings, validated
from suwen.training.config import EvaluationConfig, LoopConfig

__all__ = ["PRESETS", "ConfidenceConfig", "RelationConfig", "load_relation_config"]

Probability = Field(ge=0, lt=1)


class NetworkConfig(Section):
    """The network that scores a pair of mentions (see `suwen.models.relations`)."""

    hidden: PositiveInt = 96
    """The width of character and mention vectors."""
    pair: PositiveInt = 128
    """The width of pair vectors."""
    features: bool = True
    """Read the structural features."""
    competition: NonNegativeInt = 2
    """Rounds of comparison of a pair with the other candidates of its head and of its tail."""
    dropout: float = Probability
    feature_dropout: float = Probability
    """Share of the structural features that a pair does not see while training."""
    masking: float = Probability
    """Share of the mentions whose characters are hidden while training."""
    character_masking: float = Probability
    """Share of the other characters that are hidden while training."""
    minimum_count: PositiveInt = 3
    """Rarer characters are all read as one."""


class TreeConfig(Section):
    """Boosted trees over the structural features, whose scores are averaged with the network's (LightGBM)."""

    count: NonNegativeInt = 300
    """0 uses the network alone."""
    leaves: int = Field(default=63, ge=2, le=1024)
    learning_rate: float = Field(default=0.05, gt=0)
    least_pairs: PositiveInt = 60
    """Candidates in each leaf, at least."""
    feature_share: float = Field(default=0.5, gt=0, le=1)
    """Share of the features that each tree chooses from."""
    pair_share: float = Field(default=0.8, gt=0, le=1)
    """Share of the candidates that each tree learns from."""
    ridge: NonNegativeFloat = 5.0
    """L2 penalty of the leaves."""


class CandidateConfig(Section):
    """The pairs that are scored."""

    reach: NonNegativeInt = 200
    """The maximum number of characters between the two mentions."""


class RelationOptimizationConfig(LoopConfig):
    """Settings of training."""

    learning_rate: float = Field(gt=0)
    part_pairs: int = Field(default=200, ge=10)
    """Candidates that stand together in a document and are learned together, on average."""
    batch_parts: PositiveInt = 6
    """Number of these parts in a batch."""


class ConfidenceConfig(Section):
    """Confidences and what to do with low ones: fitted on dev, unless given."""

    slope: float | None = Field(default=None, ge=0)
    intercept: float | None = None
    thresholds: dict[str, float] = Field(default_factory=dict)
    """Minimum confidence of a reported relation, by relation type."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> ConfidenceConfig:
        if (self.slope is None) != (self.intercept is None):
            raise ValueError("slope and intercept go together")
        return self


class RelationConfig(Section):
    """All that decides a run, apart from the data."""

    preset: str
    network: NetworkConfig
    trees: TreeConfig = TreeConfig()
    candidates: CandidateConfig = CandidateConfig()
    optimization: RelationOptimizationConfig
    evaluation: EvaluationConfig
    confidence: ConfidenceConfig = ConfidenceConfig()
    seed: int = Field(default=0, ge=0, lt=2**32)


PRESETS: dict[str, dict[str, Any]] = {
    "best": {
        "network": {"dropout": 0.2, "feature_dropout": 0.05, "masking": 0.15, "character_masking": 0.05},
        "optimization": {
            "learning_rate": 2e-3,
            "weight_decay": 0.05,
            "epochs": 5,
            "least_steps": 600,
            "schedule": "cosine",
            "warmup": 0.05,
            "average": 0.995,
        },
        "evaluation": {"stop": "never"},
    },
}
"""The best settings on LCDD's dev part."""


def load_relation_config(
    preset: str = "best", file: StrPath | None = None, settings: Sequence[str] = ()
) -> RelationConfig:
    """Put a configuration together: preset, then TOML file, then ``key=value`` settings; later ones win.

    Raises
    ------
    SuwenError
        S401 for a misspelt key, S402 for a bad value, S403 for broken TOML, S404 for an unknown preset.
    """
    file = None if file is None else Path(file)
    return validated(RelationConfig, preset_settings(PRESETS, preset, file, parse_settings(settings)).values, file)
