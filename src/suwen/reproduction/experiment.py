"""An experiment: its folder, its choices, and the check that it continues as it began."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suwen.corpus.split import corpus_hash
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import read_json, require_new_or_empty, sha256, write_json
from suwen.reproduction.material import write_material
from suwen.reproduction.paper import RECIPES
from suwen.reproduction.profile import Profile

__all__ = ["EXPERIMENT", "Experiment", "open_experiment"]

EXPERIMENT = "experiment.json"
FORMAT = 2
"""Format version of the folder; since 2, a run's result has the hashes of its files."""

FIXED = ("name", "encoders", "fraction", "test_fraction", "split_seed", "augmentation", "pretraining")
"""Settings that cannot change when an experiment continues; other settings change only their own runs."""


@dataclass(frozen=True)
class Experiment:
    """An opened experiment.

    Parameters
    ----------
    folder
        Where everything is kept.
    profile, device
        How it is run.
    documents
        The whole corpus, of which the profile may use a fraction.
    encoders
        A folder with encoders, named by recipe, that need not be made; None makes all.
    texts
        Further texts that the encoders made here read.
    keep_models
        Whether the trained models stay.
    """

    folder: Path
    profile: Profile
    documents: Sequence[Document]
    device: str = "cpu"
    encoders: Path | None = None
    texts: tuple[Path, ...] = ()
    keep_models: bool = False


def open_experiment(experiment: Experiment, corpus: Path, resume: bool) -> None:
    """Begin an experiment, or continue one after checking that it is the same.

    Raises
    ------
    SuwenError
        S531 when one is there and `resume` is false, S104 when something else is, S507 when there is none to resume,
        S530 when its folder is half-written, S508 when it was begun with another corpus, other texts or encoders, or
        other choices that all runs depend on, and as `write_material`.
    """
    profile = {name: value for name, value in experiment.profile.model_dump(mode="json").items() if name in FIXED}
    record = {"format": FORMAT, "corpus": corpus_hash(experiment.documents), "profile": profile, **_given(experiment)}
    if resume:
        _check_record(experiment.folder, record)
        _check_material(experiment, corpus)
    else:
        _begin(experiment, record, corpus)


def _begin(experiment: Experiment, record: dict[str, Any], corpus: Path) -> None:
    """Write the first files; where that fails, the folder is as it was, there and empty or not there."""
    folder = experiment.folder
    if (folder / EXPERIMENT).is_file():
        raise SuwenError("S531", folder)
    was_there = folder.exists()
    require_new_or_empty(folder)
    try:
        write_material(folder, experiment.documents, experiment.profile, corpus)
    except SuwenError:
        if folder.exists():
            shutil.rmtree(folder)
        if was_there:
            folder.mkdir()
        raise
    # Last, so that a folder without it never began.
    write_json(folder / EXPERIMENT, record)


def _check_record(folder: Path, record: dict[str, Any]) -> None:
    """Check that an experiment was begun with the same choices."""
    stored = _read_record(folder)
    if stored.get("corpus") != record["corpus"]:
        found = f"corpus (hash {str(stored.get('corpus'))[:12]}, this is {record['corpus'][:12]})"
        raise SuwenError("S508", folder, what=found)
    for name, value in record["profile"].items():
        if stored["profile"].get(name) != value:
            raise SuwenError("S508", folder, what=f"profile ({name})")
    for name in ("texts", "encoders"):
        if stored.get(name) != record[name]:
            raise SuwenError("S508", folder, what=f"files for --{name}")


def _read_record(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        raise SuwenError("S507", folder, reason="there is no such folder")
    if not (folder / EXPERIMENT).is_file():
        raise SuwenError("S530", folder, reason=f"it has no {EXPERIMENT}")
    try:
        stored = read_json(folder / EXPERIMENT)
    except SuwenError as error:
        raise SuwenError("S530", folder, reason=f"{EXPERIMENT} cannot be read: {error.text}") from None
    if not isinstance(stored, dict) or stored.get("format") != FORMAT or not isinstance(stored.get("profile"), dict):
        raise SuwenError("S530", folder, reason=f"{EXPERIMENT} is not of this release")
    return stored


def _check_material(experiment: Experiment, corpus: Path) -> None:
    """Check that the folder's documents and splits are those that the corpus gives."""
    folder = experiment.folder
    for name in ("corpus.jsonl", *(f"splits/{unit}.json" for unit in ("sentence", "document", "group"))):
        if not (folder / name).is_file():
            raise SuwenError("S530", folder, reason=f"{name} is missing")
    with tempfile.TemporaryDirectory() as place:
        again = Path(place) / "material"
        write_material(again, experiment.documents, experiment.profile, corpus)
        for file in sorted(file for file in again.rglob("*") if file.is_file()):
            name = file.relative_to(again).as_posix()
            if not (folder / name).is_file() or (folder / name).read_bytes() != file.read_bytes():
                raise SuwenError("S530", folder, reason=f"{name} is not what this corpus gives")


def _given(experiment: Experiment) -> dict[str, Any]:
    """Return the texts and encoders that were given: with others, rows are not comparable."""
    texts = [
        [sha256(file) for file in ([path] if path.is_file() else sorted(path.rglob("*"))) if file.is_file()]
        for path in experiment.texts
    ]
    folder = experiment.encoders
    encoders = None if folder is None else sorted(name for name in RECIPES if (folder / name).is_dir())
    return {"texts": texts, "encoders": encoders}
