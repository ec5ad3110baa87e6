"""An experiment: its folder, its choices, and the check that it continues as it began."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suwen.corpus.split import corpus_hash
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import read_json, sha256, write_json
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
    folder = experiment.folder
    record = folder / EXPERIMENT
    corpus_now = corpus_hash(experiment.documents)
    profile = {name: value for name, value in experiment.profile.model_dump(mode="json").items() if name in FIXED}
    if not resume:
        if record.is_file():
            raise SuwenError("S531", folder)
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise SuwenError("S104", folder)
        _begin(folder, lambda: write_material(folder, experiment.documents, experiment.profile, corpus))
        # Last, so that a folder without it never began.
        write_json(record, {"format": FORMAT, "corpus": corpus_now, "profile": profile, **_given(experiment)})
        return
    if not folder.exists():
        raise SuwenError("S507", folder, reason="there is no such folder")
    if not record.is_file():
        raise SuwenError("S530", folder, reason=f"it has no {EXPERIMENT}")
    try:
        stored = read_json(record)
    except SuwenError as error:
        raise SuwenError("S530", folder, reason=f"{EXPERIMENT} cannot be read: {error.text}") from None
    if not isinstance(stored, dict) or stored.get("format") != FORMAT or not isinstance(stored.get("profile"), dict):
        raise SuwenError("S530", folder, reason=f"{EXPERIMENT} is not of this release")
    if stored.get("corpus") != corpus_now:
        found = f"corpus (hash {str(stored.get('corpus'))[:12]}, this is {corpus_now[:12]})"
        raise SuwenError("S508", folder, what=found)
    for name, value in profile.items():
        if stored["profile"].get(name) != value:
            raise SuwenError("S508", folder, what=f"profile ({name})")
    for name, value in _given(experiment).items():
        if stored.get(name) != value:
            raise SuwenError("S508", folder, what=f"files for --{name}")
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


def _begin(folder: Path, write: Callable[[], None]) -> None:
    """Write the first files; where that fails, the folder is as it was, there and empty or not there."""
    was_there = folder.exists()
    try:
        write()
    except SuwenError:
        if folder.exists():
            shutil.rmtree(folder)
        if was_there:
            folder.mkdir()
        raise
