"""Carry out the plan: make the material, run each run once, and record failures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from suwen.errors import SuwenError
from suwen.files import holding, read_json, write_json
from suwen.reproduction.engine import Engine, Job, Observer
from suwen.reproduction.experiment import Experiment
from suwen.reproduction.material import material_of
from suwen.reproduction.paper import AUGMENTING, RECIPES, SYSTEMS
from suwen.reproduction.plan import estimated_seconds
from suwen.reproduction.preparation import Preparation
from suwen.reproduction.profile import Profile
from suwen.reproduction.system_run import (
    AGAIN,
    DONE,
    FAILED,
    FEATURES,
    RESULT,
    Run,
    damaged_file,
    encoder_of,
    perform_run,
    run_folder,
    run_key,
)

__all__ = ["failure", "finished", "missing_input", "perform"]


def perform(experiment: Experiment, runs: Sequence[Run], engine: Engine, observer: Observer) -> dict[str, str]:
    """Make the inputs of the runs, then the runs that are not done.

    Returns
    -------
    dict[str, str]
        Why encoders and generated documents could not be made, by their name; the runs that need them fail.

    Raises
    ------
    SuwenError
        S125 when another process is at work in the folder.
    """
    with holding(experiment.folder):
        units = sorted({run.unit for run in runs if SYSTEMS[run.system].augmented})
        preparation = Preparation(experiment, engine, observer)
        places = preparation.find_encoders(_needed_encoders(runs, experiment.profile, augmenting=bool(units)))
        preparation.make_encoders(places)
        preparation.generate(units, places)
        _train(experiment, runs, places, preparation.failures, engine, observer)
        return preparation.failures


def _needed_encoders(runs: Sequence[Run], profile: Profile, augmenting: bool) -> list[str]:
    """Return the encoders of the runs, and the one that generates documents, in the paper's order."""
    names = {name for run in runs if (name := encoder_of(SYSTEMS[run.system], profile))}
    return sorted(names | ({AUGMENTING} if augmenting else set()), key=[*RECIPES].index)


def _train(
    experiment: Experiment,
    runs: Sequence[Run],
    places: Mapping[str, str],
    failures: Mapping[str, str],
    engine: Engine,
    observer: Observer,
) -> None:
    """Make the runs that are not done."""
    folder = experiment.folder
    jobs = list(_jobs(experiment, runs, places, failures, observer))
    by_name = {run.name: run for run in runs}
    for name, result in engine(jobs, lambda name: observer(name, None)):
        if "key" not in result:
            # The process died before it could report.
            result = failure(by_name[name], result["error"])
            write_json(run_folder(folder, by_name[name]) / RESULT, result)
        observer(name, result)
    shutil.rmtree(folder / FEATURES, ignore_errors=True)


def _jobs(
    experiment: Experiment,
    runs: Sequence[Run],
    places: Mapping[str, str],
    failures: Mapping[str, str],
    observer: Observer,
) -> Iterator[Job]:
    """Yield the jobs for the runs that are not done; those that cannot be run are reported as failed."""
    folder, profile = experiment.folder, experiment.profile
    material = material_of(folder)
    for run in runs:
        reason = missing_input(run, profile, failures)
        if reason is not None:
            observer(run.name, failure(run, reason))
            continue
        encoder = encoder_of(SYSTEMS[run.system], profile)
        place = places[encoder] if encoder else None
        key = run_key(run, profile, material, Path(place) if place else None, experiment.device)
        done = finished(folder, run)
        why = reason_to_repeat(folder, run, done, key)
        if done is not None and not why:
            observer(run.name, done)
            continue
        if why:
            observer(run.name, {"state": AGAIN, "error": why})
        options = (folder, run, profile, place, key, experiment.device, experiment.keep_models)
        yield Job(run.name, perform_run, options, estimated_seconds(run, profile, experiment.documents))


def missing_input(run: Run, profile: Profile, failures: Mapping[str, str]) -> str | None:
    """Return why a run cannot be made or kept: an input that it needs is missing. None if nothing is missing."""
    system = SYSTEMS[run.system]
    encoder = encoder_of(system, profile)
    needs = [f"encoder/{encoder}"] * bool(encoder) + [f"augmentation/{run.unit}"] * system.augmented
    return next((failures[need] for need in needs if need in failures), None)


def reason_to_repeat(folder: Path, run: Run, result: Mapping[str, Any] | None, key: str) -> str | None:
    """Return why the result of a run must be made again; None if it is valid, or if there is none yet."""
    if result is None:
        return f"{RESULT} cannot be read" if (run_folder(folder, run) / RESULT).is_file() else None
    if result["state"] != DONE:
        return "it failed"
    if result["key"] != key:
        return "it was made with other settings, or learned from something else"
    damaged = damaged_file(folder, run, result)
    return None if damaged is None else f"{damaged} is not what the run wrote"


def failure(run: Run, reason: str) -> dict[str, Any]:
    """Return the result of a run that did not start. It is not written, so that earlier results stay."""
    cost = {"seconds": 0.0, "cpu_seconds": 0.0}
    return {"key": None, **asdict(run), "state": FAILED, "error": reason, "cost": cost}


def finished(folder: Path, run: Run) -> dict[str, Any] | None:
    """Return the result of a run that has ended, well or not; None when it has not, or when its file is damaged."""
    try:
        result = read_json(run_folder(folder, run) / RESULT)
    except SuwenError:
        return None
    whole = isinstance(result, dict) and {"state", "key", "cost"} <= result.keys()
    return result if whole and (result["state"] == FAILED or "files" in result) else None
