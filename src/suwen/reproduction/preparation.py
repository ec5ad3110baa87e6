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
from suwen.reproduction.experiment import Experiment
from suwen.reproduction.material import Material, material_of
from suwen.reproduction.profile import Profile, Unit
from suwen.reproduction.system_run import DONE, FAILED, MANIFEST, settle
from suwen.runs import working_folder

__all__ = [
    "ENCODERS",
    "altered_file",
    "found_encoder",
    "is_damaged",
    "make_encoder",
    "make_generated",
    "notes_on",
    "read_notes",
]

ENCODERS = "encoders.json"


def found_encoder(name: str, experiment: Experiment) -> Path | None:
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


def notes_on(experiment: Experiment, places: Mapping[str, str]) -> dict[str, Any]:
    """Return the report on each encoder: its origin, the text that it has read, its losses."""
    unseen = unread(material_of(experiment.folder), experiment.documents).documents
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


def make_encoder(experiment: Experiment, name: str) -> dict[str, Any]:
    """Pre-train an encoder by its recipe, on the text of the train part and on what was given."""
    from suwen.pretraining.config import load_pretraining_config
    from suwen.pretraining.pretrain import pretrain
    from suwen.pretraining.texts import Texts

    folder, profile = experiment.folder, experiment.profile
    output = folder / "encoders" / name
    exclusion = unread(material_of(folder), experiment.documents)
    texts = Texts(
        (material_of(folder).text, *experiment.texts), exclusion=exclusion, cache=folder / "encoders" / "text"
    )
    config = load_pretraining_config(name, settings=profile.pretraining, seed=0)

    def made() -> dict[str, Any]:
        import torch

        settle()
        torch.set_num_threads(profile.threads)
        work = working_folder(output, "training")
        return pretrain(texts, output, config, work.exists(), experiment.device)

    return _outcome(made, lambda manifest: {"seconds": manifest["training"]["seconds"]})


def unread(material: Material, documents: Sequence[Document]) -> Exclusion:
    """Return what no encoder may read: dev and test of the group split, and documents of their groups."""
    readable = {path.relative_to(material.text).with_suffix("").as_posix() for path in material.text.rglob("*.txt")}
    hidden = [document for document in documents if document.id not in readable]
    names = sorted(document.id for document in hidden)
    description = {"unit": "group", "parts": ["dev", "test"], "documents": names}
    return Exclusion(frozenset(names), frozenset(group_of(document) for document in hidden), description)


def is_damaged(generated: Path) -> bool:
    """Return whether generated documents are no more what was generated, or whether nothing says what that was."""
    if not generated.is_file():
        return False
    try:
        return bool(read_json(_note(generated))["output"] != sha256(generated))
    except (SuwenError, LookupError, TypeError):
        return True


def _note(generated: Path) -> Path:
    return generated.with_suffix(".made-of.json")


def make_generated(folder: Path, unit: Unit, profile: Profile, encoder: str, device: str) -> dict[str, Any]:
    """Generate D' from the train part of a split."""
    material = material_of(folder)
    split = material.split(unit)
    output = material.generated_file(unit)
    config = load_augmentation_config("paper", options={"encoder": encoder}, settings=profile.augmentation)
    weights = {path.name: sha256(path) for path in sorted(Path(encoder).iterdir()) if path.is_file()}
    made_of = {"encoder": weights, "split": split.hash, "configuration": list(profile.augmentation)}
    note = _note(output)
    if output.is_file() and not is_damaged(output) and read_json(note) == {**made_of, "output": sha256(output)}:
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


def _outcome(make: Callable[[], dict[str, Any]], told: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    try:
        return {"state": DONE, **told(make())}
    except Exception as error:
        reason = str(error) if isinstance(error, SuwenError) else f"{type(error).__name__}: {error}"
        return {"state": FAILED, "error": " ".join(reason.split())}
