"""Preparation of the runs: encoders, found or pre-trained, and generated documents."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from suwen.augmentation.config import load_augmentation_config
from suwen.augmentation.corpus import augment_corpus, record_folder
from suwen.corpus.splitting import group_of
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import read_json, sha256, write_json
from suwen.models.catalog import find_encoder
from suwen.pretraining.passages import Exclusion
from suwen.reproduction.engine import Engine, Job, Observer
from suwen.reproduction.experiment import Experiment
from suwen.reproduction.material import Material, material_of
from suwen.reproduction.paper import AUGMENTING
from suwen.reproduction.profile import Profile, Unit
from suwen.reproduction.system_run import AGAIN, DONE, FAILED, MANIFEST, preload
from suwen.runs import working_folder

__all__ = ["Preparation", "altered_file", "read_notes"]

ENCODERS = "encoders.json"


class Preparation:
    """Makes the inputs of the runs; `failures` holds the reasons of failures, by name."""

    def __init__(self, experiment: Experiment, engine: Engine, observer: Observer) -> None:
        self.experiment, self.engine, self.observer = experiment, engine, observer
        self.failures: dict[str, str] = {}

    def find_encoders(self, names: Sequence[str]) -> dict[str, str]:
        """Return where each encoder is, or will be when it is made."""
        places: dict[str, str] = {}
        for name in names:
            try:
                found = _found_encoder(name, self.experiment)
            except SuwenError as error:
                self._end(f"encoder/{name}", {"state": FAILED, "error": str(error)})
                continue
            places[name] = str(found or self.experiment.folder / "encoders" / name)
        return places

    def make_encoders(self, places: Mapping[str, str]) -> None:
        """Pre-train the encoders that are missing, and those that were made here and altered since."""
        folder = self.experiment.folder
        for name, place in places.items():
            made_here = Path(place).parent == folder / "encoders" and Path(place).is_dir()
            altered = altered_file(Path(place)) if made_here else None
            if altered is not None:
                reason = f"{altered} is not what 'suwen pretrain' wrote"
                self.observer(f"encoder/{name}", {"state": AGAIN, "error": reason})
                shutil.rmtree(place)
        missing = [name for name in places if not Path(places[name]).is_dir()]
        self._carry_out([Job(f"encoder/{name}", _make_encoder, (self.experiment, name)) for name in missing])
        write_json(folder / ENCODERS, _notes_on(self.experiment, places))

    def generate(self, units: Sequence[Unit], places: Mapping[str, str]) -> None:
        """Generate the documents for each of these splits, if they are not there."""
        experiment = self.experiment
        for unit in units:
            if _is_damaged(material_of(experiment.folder).generated_file(unit)):
                self.observer(f"augmentation/{unit}", {"state": AGAIN, "error": "it is not what was generated"})
        reason = self.failures.get(f"encoder/{AUGMENTING}")
        if reason is not None:
            self.failures |= {f"augmentation/{unit}": reason for unit in units}
            return
        jobs = []
        for unit in units:
            arguments = (experiment.folder, unit, experiment.profile, places[AUGMENTING], experiment.device)
            jobs.append(Job(f"augmentation/{unit}", _make_generated, arguments))
        self._carry_out(jobs)

    def _carry_out(self, jobs: Sequence[Job]) -> None:
        for name, result in self.engine(jobs, lambda name: self.observer(name, None)):
            self._end(name, result)

    def _end(self, name: str, result: dict[str, Any]) -> None:
        if result["state"] == FAILED:
            self.failures[name] = result["error"]
        self.observer(name, result)


def _found_encoder(name: str, experiment: Experiment) -> Path | None:
    """Return the folder of an existing encoder; None if it must be made.

    Raises
    ------
    SuwenError
        S503 when a file of it is not what `suwen pretrain` wrote, S506 when a published one is not found.
    """
    given = experiment.encoders / name if experiment.encoders else None
    if given is not None and given.is_dir():
        altered = altered_file(given) if (given / MANIFEST).is_file() else None
        if altered is not None:
            raise SuwenError("S503", given, name=altered)
        return given.resolve()
    if experiment.profile.encoders == "published":
        return find_encoder(name).resolve()
    return None


def altered_file(encoder: Path) -> str | None:
    """Return the name of a file that differs from the encoder's manifest, or of the manifest; else None."""
    try:
        files = dict(read_json(encoder / MANIFEST)["files"])
    except (SuwenError, LookupError, TypeError, ValueError):
        return MANIFEST
    for name, written in files.items():
        if not (encoder / name).is_file() or sha256(encoder / name) != written:
            return str(name)
    return None


def _notes_on(experiment: Experiment, places: Mapping[str, str]) -> dict[str, Any]:
    """Return the report on each encoder: its origin, the text that it has read, its losses."""
    unseen = _unread(material_of(experiment.folder), experiment.documents).documents
    notes = {}
    for name, place in places.items():
        made_here = Path(place).parent == experiment.folder / "encoders"
        published = experiment.profile.encoders == "published" and experiment.encoders is None
        weights = {file.name: sha256(file) for file in sorted(Path(place).glob("*.safetensors"))}
        note: dict[str, Any] = {
            "weights": weights,
            "origin": "made here" if made_here else "published" if published else "given",
        }
        manifest = read_json(Path(place) / MANIFEST) if (Path(place) / MANIFEST).is_file() else {}
        base = manifest.get("base") or {}
        if "held_out" in manifest:
            note |= {
                "base": base.get("name"),
                "base_tokens": base.get("training", {}).get("tokens"),
                "steps": manifest["training"]["steps"],
                "tokens": manifest["training"]["tokens"],
                "loss": manifest["held_out"]["loss"],
                "unigram_loss": manifest["held_out"]["unigram_loss"],
            }
        excluded = set((manifest.get("excluded") or {}).get("documents", ()))
        note["read_test"] = not published and not unseen <= excluded
        notes[name] = note
    return notes


def read_notes(folder: Path) -> dict[str, Any]:
    """Read the notes on the encoders from when they were found or made; empty before that."""
    path = folder / ENCODERS
    return dict(read_json(path)) if path.is_file() else {}


def _make_encoder(experiment: Experiment, name: str) -> dict[str, Any]:
    """Pre-train an encoder by its recipe, on the text of the train part and on what was given."""
    from suwen.pretraining.config import load_pretraining_config
    from suwen.pretraining.pretrain import pretrain
    from suwen.pretraining.texts import Texts

    folder, profile = experiment.folder, experiment.profile
    output = folder / "encoders" / name
    exclusion = _unread(material_of(folder), experiment.documents)
    texts = Texts(
        (material_of(folder).text, *experiment.texts), exclusion=exclusion, cache=folder / "encoders" / "text"
    )
    config = load_pretraining_config(name, settings=profile.pretraining, seed=0)

    def made() -> dict[str, Any]:
        import torch

        preload()
        torch.set_num_threads(profile.threads)
        work = working_folder(output, "training")
        return pretrain(texts, output, config, work.exists(), experiment.device)

    return _outcome(made, lambda manifest: {"seconds": manifest["training"]["seconds"]})


def _unread(material: Material, documents: Sequence[Document]) -> Exclusion:
    """Return the documents that no encoder may read: dev and test of the group split, and their groups."""
    readable = {path.relative_to(material.text).with_suffix("").as_posix() for path in material.text.rglob("*.txt")}
    hidden = [document for document in documents if document.id not in readable]
    names = sorted(document.id for document in hidden)
    description = {"unit": "group", "parts": ["dev", "test"], "documents": names}
    return Exclusion(frozenset(names), frozenset(group_of(document) for document in hidden), description)


def _is_damaged(generated: Path) -> bool:
    """Return whether generated documents have changed since, or have no record."""
    if not generated.is_file():
        return False
    try:
        return bool(read_json(_note(generated))["output"] != sha256(generated))
    except (SuwenError, LookupError, TypeError):
        return True


def _note(generated: Path) -> Path:
    return generated.with_suffix(".made-of.json")


def _make_generated(folder: Path, unit: Unit, profile: Profile, encoder: str, device: str) -> dict[str, Any]:
    """Generate D' from the train part of a split."""
    material = material_of(folder)
    split = material.split(unit)
    output = material.generated_file(unit)
    config = load_augmentation_config("paper", options={"encoder": encoder}, settings=profile.augmentation)
    weights = {path.name: sha256(path) for path in sorted(Path(encoder).iterdir()) if path.is_file()}
    made_of = {"encoder": weights, "split": split.hash, "configuration": list(profile.augmentation)}
    note = _note(output)
    if output.is_file() and not _is_damaged(output) and read_json(note) == {**made_of, "output": sha256(output)}:
        return {"state": DONE, "kept": True}

    def made() -> dict[str, Any]:
        work = output.with_name(f"{output.name}.unfinished")
        for path in (output, record_folder(output)):
            if path.exists() and not work.exists():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        result = augment_corpus(material.documents_of(unit), output, config, split, resume=work.exists(), device=device)
        write_json(note, {**made_of, "output": sha256(output)})
        return result.manifest

    return _outcome(made, lambda manifest: {"documents": manifest["documents"]})


def _outcome(
    make: Callable[[], dict[str, Any]], describe: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    try:
        return {"state": DONE, **describe(make())}
    except Exception as error:
        reason = str(error) if isinstance(error, SuwenError) else f"{type(error).__name__}: {error}"
        return {"state": FAILED, "error": " ".join(reason.split())}
