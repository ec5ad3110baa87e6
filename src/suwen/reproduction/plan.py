"""Plan of the runs: those that the wanted tables need, the tables that share them, and their cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from suwen.augmentation.config import load_augmentation_config
from suwen.corpus.splitting import RATIO
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.pretraining.config import pretraining_packages
from suwen.reproduction.paper import (
    ADDED,
    AUGMENTING,
    BY_ENTITY,
    CLAIMS,
    EXTRA_TABLES,
    FROM_SCRATCH,
    SYSTEMS,
    TABLE_NAMES,
    TABLES,
    Claim,
    systems_of,
)
from suwen.reproduction.profile import UNITS, Profile, Unit, system_config
from suwen.reproduction.system_run import Run, encoder_of
from suwen.requirements import TRAINING
from suwen.training.config import TrainingConfig

__all__ = ["claims_of", "estimated_seconds", "plan_runs", "plan_to_dict", "required_packages", "tables_of"]

SECONDS_PER_MILLION = {
    "pretrained": 150.0,
    "frozen": 22.0,
    "recurrent": 140.0,
    "dictionary": 65.0,
    "hmm": 45.0,
    "feature-crf": 430.0,
}
"""Seconds of one busy core for a million characters and one epoch, with encoders of 2 x 128 (measured on LCDD)."""

PUBLISHED = 40.0
"""Factor of the time of a published encoder on a CPU."""

EVALUATION = 0.35
"""Cost of predicting a character, relative to training on it."""


def tables_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return the tables that were asked for, in order; all of them when none was named.

    Raises
    ------
    SuwenError
        S404 for a table that the paper does not have.
    """
    for name in names:
        if name not in TABLE_NAMES:
            raise SuwenError("S404", what="table", name=name, known=", ".join(TABLE_NAMES))
    return tuple(name for name in TABLE_NAMES if name in names or not names)


def claims_of(tables: Collection[str]) -> tuple[Claim, ...]:
    """Return the claims that these tables carry."""
    return tuple(claim for claim in CLAIMS if set(claim.tables) <= set(tables))


def plan_runs(profile: Profile, tables: Collection[str]) -> list[Run]:
    """Return the runs for these tables, each once, the most informative first.

    The sentence split has every row, as in the paper. The document and the group split have the rows that carry a
    claim, and those that were added; the group split, on which claims are judged, has further seeds.
    """
    shared = systems_of(tables)
    carrying = {name for claim in claims_of(tables) for name in claim.systems}
    added = systems_of([ADDED] if ADDED in tables else [])
    rows: dict[Unit, Collection[str]] = {
        "sentence": shared,
        "document": carrying | set(added),
        "group": carrying | set(added),
        "entity": systems_of([BY_ENTITY] if BY_ENTITY in tables else []),
    }
    runs = [
        (place, UNITS.index(unit), Run(name, unit, seed))
        for unit in UNITS
        for place, seed in enumerate(getattr(profile.seeds, unit))
        for name in shared
        if name in rows[unit] and not (SYSTEMS[name].baseline and place)
    ]
    return [run for _, _, run in sorted(runs, key=lambda entry: entry[:2])]


def required_packages(runs: Sequence[Run], profile: Profile, encoders: Path | None = None) -> tuple[str, ...]:
    """Return the packages of the extras that the runs need, with what is made for them.

    Parameters
    ----------
    encoders
        A folder with encoders by name; those need not be pre-trained.
    """
    systems = [SYSTEMS[run.system] for run in runs]
    packages = [*TRAINING, *["pycrfsuite"] * any(system.encoder == "feature-crf" for system in systems)]
    wanted = {name for system in systems if (name := encoder_of(system, profile))}
    if any(system.augmented for system in systems):
        wanted.add(AUGMENTING)
        packages += load_augmentation_config("paper", settings=profile.augmentation).packages
    if profile.encoders == "own":
        made = [name for name in wanted if encoders is None or not (encoders / name).is_dir()]
        packages += [package for name in made for package in pretraining_packages(name, profile.pretraining)]
    return tuple(dict.fromkeys(packages))


def estimated_seconds(run: Run, profile: Profile, documents: Sequence[Document]) -> float:
    """Estimate how long a run takes on one core; only the proportions are reliable."""
    system = SYSTEMS[run.system]
    config = system_config(system, profile, run.seed)
    characters = sum(len(document.text) for document in documents) * profile.fraction / 1e6
    learnt, dev, test = (size / sum(RATIO) * characters for size in RATIO)
    if run.unit == "group":
        test *= max(profile.fraction, profile.test_fraction) / profile.fraction
    if not isinstance(config, TrainingConfig):
        return characters * SECONDS_PER_MILLION[system.encoder]
    pretrained = system.encoder not in FROM_SCRATCH
    rate = SECONDS_PER_MILLION["frozen" if system.frozen else "pretrained" if pretrained else "recurrent"]
    if pretrained and profile.encoders == "published":
        rate *= PUBLISHED
    copies = 2 if system.augmented else 1
    return rate * (config.optimization.epochs * (copies * learnt + EVALUATION * dev) + EVALUATION * test)


def plan_to_dict(
    runs: Sequence[Run], profile: Profile, tables: Collection[str], documents: Sequence[Document]
) -> dict[str, Any]:
    """Return the plan as JSON values: every run with the tables that share it and its estimated seconds."""
    shared: Mapping[str, Sequence[str]] = systems_of(tables)
    rows = [
        {
            "run": run.name,
            "system": run.system,
            "unit": run.unit,
            "seed": run.seed,
            "tables": list(shared[run.system]),
            "seconds": round(estimated_seconds(run, profile, documents), 1),
        }
        for run in runs
    ]
    return {
        "profile": profile.model_dump(mode="json"),
        "tables": list(tables),
        "runs": rows,
        "seconds": round(sum(estimated_seconds(run, profile, documents) for run in runs)),
        "rows_of_tables": sum(len(table.rows) for name, table in {**TABLES, **EXTRA_TABLES}.items() if name in tables),
        "systems": len(shared),
    }
