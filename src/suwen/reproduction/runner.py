"""Carry out the plan: make the material, run each run once, and record failures."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from suwen.errors import SuwenError
from suwen.files import holding, read_json, write_json
from suwen.reproduction.engine import Engine, Job
from suwen.reproduction.experiment import Experiment
from suwen.reproduction.material import material_of
from suwen.reproduction.paper import AUGMENTING, RECIPES, SYSTEMS
from suwen.reproduction.plan import estimated_seconds
from suwen.reproduction.preparation import (
    ENCODERS,
    altered_file,
    found_encoder,
    is_damaged,
    make_encoder,
    make_generated,
    notes_on,
)
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

__all__ = ["Observer", "failure", "finished", "hindrance", "perform"]

Observer = Callable[[str, dict[str, Any] | None], None]
"""Receives what begins (None), what has ended (its result), and what was damaged and is made again (state `AGAIN`)."""


def perform(experiment: Experiment, runs: Sequence[Run], engine: Engine, observer: Observer) -> dict[str, str]:
    """Make what the runs need, then make the runs that are not done.

    Returns
    -------
    Why encoders and generated documents could not be made, by their name; the runs that need them fail.

    Raises
    ------
    SuwenError
        S125 when another process is at work in the folder.
    """
    with holding(experiment.folder):
        return _perform(experiment, runs, engine, observer)


def _perform(experiment: Experiment, runs: Sequence[Run], engine: Engine, observer: Observer) -> dict[str, str]:
    folder, profile, device = experiment.folder, experiment.profile, experiment.device
    failures: dict[str, str] = {}

    def carry_out(jobs: Sequence[Job]) -> None:
        for name, result in engine(jobs, lambda name: observer(name, None)):
            if result["state"] == FAILED:
                failures[name] = result["error"]
            observer(name, result)

    systems = [SYSTEMS[run.system] for run in runs]
    wanted = {name for system in systems if (name := encoder_of(system, profile))}
    units = sorted({run.unit for run in runs if SYSTEMS[run.system].augmented})
    needed = sorted(wanted | ({AUGMENTING} if units else set()), key=[*RECIPES].index)
    places: dict[str, str] = {}
    for name in needed:
        try:
            found = found_encoder(name, experiment)
        except SuwenError as error:
            failures[f"encoder/{name}"] = str(error)
            observer(f"encoder/{name}", {"state": FAILED, "error": str(error)})
            continue
        places[name] = str(found or folder / "encoders" / name)
    for name, place in places.items():
        made_here = Path(place).parent == folder / "encoders" and Path(place).is_dir()
        altered = altered_file(Path(place)) if made_here else None
        if altered is not None:
            observer(f"encoder/{name}", {"state": AGAIN, "error": f"{altered} is not what 'suwen pretrain' wrote"})
            shutil.rmtree(place)
    missing = [name for name in places if not Path(places[name]).is_dir()]
    carry_out([Job(f"encoder/{name}", make_encoder, (experiment, name)) for name in missing])
    write_json(folder / ENCODERS, notes_on(experiment, places))
    for unit in units:
        if is_damaged(material_of(folder).generated_file(unit)):
            observer(f"augmentation/{unit}", {"state": AGAIN, "error": "it is not what was generated"})
    if units and f"encoder/{AUGMENTING}" not in failures:
        carry_out(
            [
                Job(
                    f"augmentation/{unit}",
                    make_generated,
                    (folder, unit, profile, places[AUGMENTING], device),
                )
                for unit in units
            ]
        )
    elif units:
        failures |= {f"augmentation/{unit}": failures[f"encoder/{AUGMENTING}"] for unit in units}
    jobs = list(_jobs(experiment, runs, places, failures, observer))
    by_name = {run.name: run for run in runs}
    for name, result in engine(jobs, lambda name: observer(name, None)):
        if "key" not in result:
            # The process died, and could not say so itself.
            result = failure(by_name[name], result["error"])
            write_json(run_folder(folder, by_name[name]) / RESULT, result)
        observer(name, result)
    shutil.rmtree(folder / FEATURES, ignore_errors=True)
    return failures


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
        reason = hindrance(run, profile, failures)
        if reason is not None:
            observer(run.name, failure(run, reason))
            continue
        encoder = encoder_of(SYSTEMS[run.system], profile)
        place = places[encoder] if encoder else None
        key = run_key(run, profile, material, Path(place) if place else None, experiment.device)
        done = finished(folder, run)
        why = why_again(folder, run, done, key)
        if done is not None and not why:
            observer(run.name, done)
            continue
        if why:
            observer(run.name, {"state": AGAIN, "error": why})
        options = (folder, run, profile, place, key, experiment.device, experiment.keep_models)
        yield Job(run.name, perform_run, options, estimated_seconds(run, profile, experiment.documents))


def hindrance(run: Run, profile: Profile, failures: Mapping[str, str]) -> str | None:
    """Return why a run cannot be made or kept: an input that it needs is missing. None if nothing is missing."""
    system = SYSTEMS[run.system]
    encoder = encoder_of(system, profile)
    needs = [f"encoder/{encoder}"] * bool(encoder) + [f"augmentation/{run.unit}"] * system.augmented
    return next((failures[need] for need in needs if need in failures), None)


def why_again(folder: Path, run: Run, result: Mapping[str, Any] | None, key: str) -> str | None:
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
