"""The configuration of a relation model's training: its sections and preset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from suwen.files import StrPath
from suwen.settings import Section, parse_settings, preset_settings, validated

__all__ = ["PRESETS", "ConfidenceConfig", "RelationConfig", "TreeConfig", "load_relation_config"]


class TreeConfig(Section):
    """Boosted trees of each of the two stages (LightGBM)."""

    count: PositiveInt = 150
    leaves: int = Field(default=63, ge=2, le=1024)
    learning_rate: float = Field(default=0.1, gt=0, le=1)
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


class ConfidenceConfig(Section):
    """Calibration of confidences and their threshold: fitted on dev, unless given."""

    slope: float | None = Field(default=None, ge=0)
    intercept: float | None = None
    thresholds: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    """Minimum confidence of a reported relation, by relation type."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> ConfidenceConfig:
        if (self.slope is None) != (self.intercept is None):
            raise ValueError("slope and intercept go together")
        return self


class RelationConfig(Section):
    """All that decides a run, apart from the data."""

    preset: str
    trees: TreeConfig = TreeConfig()
    candidates: CandidateConfig = CandidateConfig()
    confidence: ConfidenceConfig = ConfidenceConfig()
    seed: int = Field(default=0, ge=0, lt=2**32)


PRESETS: dict[str, dict[str, Any]] = {"best": {}}
"""The best settings on LCDD's dev part are the defaults."""


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
