"""One run: a system trained on one split with one seed, and scored; a function of its configuration and its data."""

from __future__ import annotations

import gc
import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from suwen.corpus.split import Selection, whole
from suwen.document import Document, Entity
from suwen.errors import ResumeError, SuwenError
from suwen.evaluation.analysis import analyze
from suwen.evaluation.scores import training_mentions
from suwen.evaluation.strict import Pair, pair_documents
from suwen.files import read_json, read_text, sha256, write_json, write_text
from suwen.formats import read_corpus
from suwen.loading import load
from suwen.reproduction.material import Material, material_of
from suwen.reproduction.paper import BEST, RECIPES, SYSTEMS, System
from suwen.reproduction.profile import Profile, Unit, system_config
from suwen.schema import LCDD
from suwen.training.config import TrainingConfig
from suwen.training.data import TrainingData, select_data

__all__ = [
    "AGAIN",
    "DONE",
    "FAILED",
    "FEATURES",
    "MANIFEST",
    "RESULT",
    "Run",
    "damaged_file",
    "encoder_of",
    "paired",
    "perform_run",
    "preload",
    "run_folder",
    "run_key",
]

DONE, FAILED, AGAIN = "done", "failed", "again"
RESULT, MANIFEST, ENTITIES, KEY, MODEL = "result.json", "manifest.json", "entities.jsonl", "key", "model"
FEATURES = "features"
"""Subfolder of a running experiment for the cached outputs of frozen encoders, shared by runs with the same encoder."""


@dataclass(frozen=True, slots=True)
class Run:
    """A system on a split with a seed."""

    system: str
    unit: Unit
    seed: int

    @property
    def name(self) -> str:
        """``group/bert-fc-s0``: its folder below ``runs``."""
        return f"{self.unit}/{self.system}-s{self.seed}"


def run_folder(folder: Path, run: Run) -> Path:
    """Return the folder of a run's result."""
    return folder / "runs" / run.name


def encoder_of(system: System, profile: Profile) -> str | None:
    """Return the name of the pretrained encoder that a system needs, if it does."""
    name = profile.best_encoder if system.encoder == BEST else system.encoder
    return name if name in RECIPES else None


def run_key(run: Run, profile: Profile, material: Material, encoder: Path | None, device: str) -> str:
    """Return the hash of all that decides a run: its result is made again when this changes, and only then."""
    system = SYSTEMS[run.system]
    config = system_config(system, profile, run.seed)
    generated = material.generated_file(run.unit)
    values = {
        "configuration": config.model_dump(),
        "encoder": _weights(encoder) if encoder else {},
        "split": material.split(run.unit).hash,
        "corpus": material.split(run.unit).data_hash,
        "generated": sha256(generated) if system.augmented else None,
        "threads": profile.threads,
        "device": device,
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@cache
def _weights(encoder: Path) -> dict[str, str]:
    """Return the hashes of an encoder's files, without its card and its manifest."""
    files = sorted(path for path in encoder.iterdir() if path.is_file())
    return {path.name: sha256(path) for path in files if path.suffix != ".md" and path.name != MANIFEST}


def perform_run(
    folder: Path, run: Run, profile: Profile, encoder: str | None, key: str, device: str, keep_model: bool
) -> dict[str, Any]:
    """Train and score, continue an interrupted attempt, and write the result.

    Returns
    -------
    dict[str, Any]
        The result as in ``result.json``, also if the run fails: other runs must not be affected.
    """
    place = run_folder(folder, run)
    if place.exists() and (not (place / KEY).is_file() or read_text(place / KEY) != key):
        shutil.rmtree(place)
    write_text(place / KEY, key)
    started, cpu = time.monotonic(), time.process_time()
    result: dict[str, Any] = {"key": key, **asdict(run)}
    try:
        result |= {"state": DONE, **_trained_and_scored(place, material_of(folder), run, profile, encoder, device)}
    except Exception as error:
        reason = str(error) if isinstance(error, SuwenError) else f"{type(error).__name__}: {error}"
        result |= {"state": FAILED, "error": " ".join(reason.split())}
    if result["state"] == DONE:
        result["files"] = {name: sha256(place / name) for name in (MANIFEST, ENTITIES)}
    # An interrupted training has the total time of its parts.
    seconds = max(time.monotonic() - started, result.get("training", {}).get("seconds", 0.0))
    result["cost"] = {"seconds": seconds, "cpu_seconds": time.process_time() - cpu}
    write_json(place / RESULT, result)
    if not keep_model:
        shutil.rmtree(place / MODEL, ignore_errors=True)
    return result


def damaged_file(folder: Path, run: Run, result: Mapping[str, Any]) -> str | None:
    """Return the name of a file that has changed since a successful run wrote it; None if there is none."""
    place = run_folder(folder, run)
    for name, written in result["files"].items():
        if not (place / name).is_file() or sha256(place / name) != written:
            return str(name)
    return None


def _trained_and_scored(
    place: Path, material: Material, run: Run, profile: Profile, encoder: str | None, device: str
) -> dict[str, Any]:
    system = SYSTEMS[run.system]
    split = material.split(run.unit)
    data = select_data(material.documents_of(run.unit), split, "train", run.seed)
    original = data.train
    if system.augmented:
        data = _with_generated(data, material.generated_file(run.unit))
    if not (place / MODEL).exists():
        _train(place / MODEL, data, run, profile, encoder, device, material.folder / FEATURES)
    test = split.select(material.documents_of(run.unit), "test")
    extractor = load(place / MODEL, device="cpu" if system.baseline else device, threads=profile.threads)
    predicted = extractor.predict(test)
    pairs = pair_documents(test, predicted)
    lines = [json.dumps([pair.predicted.id, sorted(pair.predicted_keys)], ensure_ascii=False) for pair in pairs]
    write_text(place / ENTITIES, "".join(f"{line}\n" for line in lines))
    manifest = read_json(place / MODEL / MANIFEST)
    # References to folders of this machine, and to files that are not kept.
    manifest.pop("files", None)
    if encoder is not None:
        manifest["configuration"]["encoder"]["name"] = encoder_of(system, profile)
    write_json(place / MANIFEST, manifest)
    training = manifest["training"]
    curve = [
        [entry["step"], entry["epoch"], entry["eval_f1"], entry["eval_loss"]]
        for entry in training.get("evaluations", [])
    ]
    return {
        "test": analyze(pairs, training_mentions(original)).to_dict(),
        # Counts of each test document, in the split's order, for paired tests.
        "by_document": [
            [len(pair.gold_keys & pair.predicted_keys), len(pair.predicted_keys), len(pair.gold_keys)] for pair in pairs
        ],
        "dev": manifest["scores"].get("dev"),
        "training": {"seconds": training["seconds"], "steps": training.get("steps"), "curve": curve},
        "data": manifest["data"],
    }


def _with_generated(data: TrainingData, generated: Path) -> TrainingData:
    """Return the training part with the documents that were generated from it: D ∪ D'."""
    added = whole(read_corpus(generated))
    description = {
        **data.description,
        "generated": {
            "documents": len(added),
            "entities": sum(len(one.document.entities) for one in added),
            "hash": sha256(generated),
        },
    }
    return TrainingData([*data.train, *added], data.dev, description)


@cache
def preload() -> None:
    """Import the modules of every run, and exempt them from garbage collection, which each training triggers."""
    import suwen.training.taggers

    assert suwen.training.taggers
    gc.freeze()


def _train(
    model: Path, data: TrainingData, run: Run, profile: Profile, encoder: str | None, device: str, features: Path
) -> None:
    config = system_config(SYSTEMS[run.system], profile, run.seed, encoder)
    if not isinstance(config, TrainingConfig):
        from suwen.training.baselines import train_baseline

        train_baseline(data, model, config, LCDD)
        return
    preload()
    import torch

    from suwen.runs import working_folder
    from suwen.training.taggers import train_tagger

    torch.set_num_threads(profile.threads)
    work = working_folder(model, "training")
    try:
        train_tagger(data, model, config, LCDD, resume=work.exists(), device=device, features=features)
    except ResumeError:
        # The existing run cannot be continued: it was killed before it began, or the encoder has moved.
        shutil.rmtree(work)
        train_tagger(data, model, config, LCDD, device=device, features=features)


def paired(folder: Path, run: Run, test: Sequence[Selection]) -> list[Pair]:
    """Return the test documents with the predictions of a finished run.

    Raises
    ------
    SuwenError
        S308 when they are other documents.
    """
    found: Mapping[str, Iterable[tuple[str, int, int]]] = dict(
        json.loads(line) for line in read_text(run_folder(folder, run) / ENTITIES).splitlines()
    )
    predicted = [
        Document(one.document.id, one.document.text, tuple(Entity(*key) for key in found[one.document.id]))
        for one in test
        if one.document.id in found
    ]
    return pair_documents(test, predicted)
