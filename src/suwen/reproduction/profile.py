"""The profiles of ``suwen reproduce``: how large the experiments are, and with which settings they are run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, PositiveInt, model_validator

from suwen.augmentation.config import load_augmentation_config
from suwen.errors import SuwenError
from suwen.pretraining.config import load_pretraining_config
from suwen.reproduction.paper import BEST, RECIPES, System
from suwen.settings import Section, parse_settings, validated, with_overrides
from suwen.training.baselines import BaselineConfig, load_baseline_config
from suwen.training.config import TrainingConfig, load_training_config

__all__ = ["PROFILES", "UNITS", "Profile", "Unit", "load_profile", "system_config"]

Unit = Literal["sentence", "document", "group", "entity"]
UNITS: tuple[Unit, ...] = ("sentence", "document", "group", "entity")
"""The units of the splits; ``entity`` is the experiment with the split by entity."""

Settings = tuple[str, ...]
Seeds = tuple[int, ...]


class SeedsConfig(Section):
    """The seeds that each system is trained with on each split; the baselines have one, whatever stands here."""

    sentence: Seeds = (0,)
    document: Seeds = (0,)
    group: Seeds = (0, 1, 2)
    entity: Seeds = (0,)

    @model_validator(mode="after")
    def _distinct(self) -> SeedsConfig:
        for unit in UNITS:
            seeds = getattr(self, unit)
            if len(set(seeds)) < len(seeds) or any(seed < 0 for seed in seeds):
                raise ValueError(f"the seeds of {unit} must be different and not negative")
        return self


class Profile(Section):
    """All that decides the experiments, apart from corpus, texts and encoders.

    The settings are those of ``--set`` in ``suwen train``, ``pretrain`` and ``augment``.
    """

    name: str
    encoders: Literal["published", "own"]
    """``published``: use the published encoders; ``own``: small ones that are pre-trained here."""
    fraction: float = Field(default=1.0, gt=0, le=1)
    """The share of the documents that is used, of each part of the group split alike."""
    test_fraction: float = Field(default=1.0, gt=0, le=1)
    """The share of the test part of the group split; claims are judged there, and few documents decide nothing."""
    seeds: SeedsConfig = SeedsConfig()
    split_seed: int = Field(default=0, ge=0)
    training: Settings = ()
    """Settings of every row of the paper, on top of Table 3."""
    scratch: Settings = ()
    """Settings of the rows that start from random weights, on top of `training`."""
    best_encoder: str = "roberta"
    best: Settings = ()
    """Settings of the project's own system, on top of the preset ``best``."""
    feature_crf: Settings = ()
    augmentation: Settings = ()
    """Settings on top of the preset ``paper`` of ``suwen augment``."""
    pretraining: Settings = ()
    threads: PositiveInt = 1
    """Threads of a run on the CPU: another number gives other roundings, so it is part of the experiment."""


# Table 3's rate is for encoders of width 768; as in the preset `best`, narrower ones get more, by the square.
MINI_RATE = "1.8e-3"

PROFILES: dict[str, dict[str, Any]] = {
    "paper": {"encoders": "published", "threads": 4},
    "mini": {
        "encoders": "own",
        "training": [
            f"optimization.learning_rate={MINI_RATE}",
            f"optimization.head_learning_rate={MINI_RATE}",
            "optimization.crf_learning_rate=1e-2",
            "evaluation.steps=0",
            # All rows are trained equally long; the checkpoint with the best dev F1 is kept.
            'evaluation.stop="never"',
        ],
        "pretraining": ["data.lengths=[128]"],
    },
    "smoke": {
        "encoders": "own",
        "fraction": 0.5,
        "test_fraction": 0.5,
        "seeds": {"group": [0, 1]},
        "training": [
            "encoder.embedding=24",
            "encoder.hidden=24",
            "head.hidden=24",
            "optimization.learning_rate=1e-2",
            "optimization.head_learning_rate=1e-2",
            "optimization.crf_learning_rate=1e-2",
            "optimization.batch_sentences=16",
            "optimization.epochs=2",
            "evaluation.steps=0",
            'evaluation.stop="never"',
        ],
        "best": [
            "optimization.learning_rate=1e-2",
            "optimization.head_learning_rate=1e-2",
            "optimization.batch_tokens=512",
            "optimization.average=0.9",
            "optimization.epochs=3",
            "optimization.least_steps=0",
        ],
        "feature_crf": ["iterations=10"],
        "augmentation": ['words.segmenter="jieba"'],
        "pretraining": [
            "model.layers=1",
            "model.hidden=32",
            "model.bigram_buckets=512",
            "model.bigram_width=16",
            "data.lengths=[64]",
            'data.segmenter="jieba"',
            "data.held_out=0.05",
            "optimization.batch_tokens=512",
            "optimization.steps=30",
            "evaluation.steps=30",
        ],
    },
}
"""``paper``: published encoders, Table 3; ``mini``: encoders pre-trained small, all else equal; ``smoke``: a minute."""


def load_profile(name: str, settings: Sequence[str] = ()) -> Profile:
    """Return a profile, with ``key=value`` settings instead of its own: ``fraction=0.2``, ``seeds.group=[0]``.

    The settings of all rows are tried, so that a mistake in one is found now and not after hours.

    Raises
    ------
    SuwenError
        S404 for an unknown profile, S401 for a misspelt key, S402 for a bad value.
    """
    if name not in PROFILES:
        raise SuwenError("S404", what="profile", name=name, known=", ".join(PROFILES))
    values: Mapping[str, Any] = {"name": name, **PROFILES[name]}
    profile = validated(Profile, with_overrides(values, parse_settings(settings)))
    for system in (System("bert"), System("bilstm"), System(BEST, "crf"), System("dictionary"), System("feature-crf")):
        system_config(system, profile, 0)
    load_augmentation_config("paper", settings=profile.augmentation)
    for recipe in RECIPES if profile.encoders == "own" else ():
        load_pretraining_config(recipe, settings=profile.pretraining)
    return profile


def system_config(
    system: System, profile: Profile, seed: int, encoder: str | None = None
) -> TrainingConfig | BaselineConfig:
    """Return the training configuration of a system.

    Parameters
    ----------
    encoder
        Where its pretrained encoder is; by default the name of the recipe.

    Raises
    ------
    SuwenError
        S401 for a misspelt key, S402 for a bad value.
    """
    if system.baseline:
        return load_baseline_config(system.encoder, settings=profile.feature_crf * (system.encoder == "feature-crf"))
    if system.encoder == BEST:
        name = encoder or profile.best_encoder
        return load_training_config("best", options={"encoder.name": name, "seed": seed}, settings=profile.best)
    options = {
        "encoder.name": encoder or system.encoder,
        "encoder.transfer": "feature-extraction" if system.frozen else "fine-tuning",
        "head.name": system.head,
        "seed": seed,
    }
    settings = (*profile.training, *(profile.scratch if not system.pretrained else ()))
    return load_training_config("paper", options=options, settings=settings)
