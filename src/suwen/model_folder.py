"""Model folders: everything that determines a model's output, in one folder that is written completely or not at all.

``suwen.json`` holds the settings, ``manifest.json`` where the model comes from and the SHA-256 of the other files
(``README.md``, which people edit, excepted). A tagger's folder also holds ``vocab.txt``, ``bigrams.txt`` if it reads
pairs of characters, ``lexicon.npy`` if it reads words, and a per-character ``tokenizer.json`` for Hugging Face's
libraries; if it reads sub-words, ``subwords.json`` and ``words.txt`` in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import numpy as np

from suwen.errors import SuwenError, unknown_key
from suwen.files import StrPath, read_json, replacing_folder, sha256, write_bytes, write_json, write_text
from suwen.schema import Schema
from suwen.schemes import scheme_named
from suwen.tagging.alignment import PIECES, WORDS, Subwords
from suwen.tagging.calibration import Calibration
from suwen.tagging.decode import Transitions
from suwen.tagging.encode import Featurizer
from suwen.tagging.lexicon import LEXICON, WORD_IDS, Lexicon
from suwen.tagging.tokenizer import write_tokenizer
from suwen.tagging.vocabulary import BigramVocabulary, CharacterVocabulary
from suwen.text.view import ViewRules
from suwen.text.windows import WindowRules

__all__ = [
    "ModelFolder",
    "StoredModel",
    "TaggerSettings",
    "add_files",
    "check_keys",
    "read_manifest",
    "read_model_folder",
    "read_rules",
    "read_stored_model",
    "tagger_folder",
    "write_model_folder",
    "write_stored_model",
]

FORMAT_VERSION = 1
SETTINGS, MANIFEST, CARD = "suwen.json", "manifest.json", "README.md"
VOCABULARY, BIGRAMS = "vocab.txt", "bigrams.txt"
READ = (
    SETTINGS,
    VOCABULARY,
    BIGRAMS,
    LEXICON,
    PIECES,
    WORDS,
    "config.json",
    "model.safetensors",
    "dictionary.json",
    "hmm.json",
    "crf.crfsuite",
)
"""Files that are read if they exist, so they must be in the manifest; a graph is read only if it is."""

FEATURES = tuple(("input_ids", *bigrams, *words) for bigrams in ((), ("bigram_ids",)) for words in ((), WORD_IDS))

Decoding = Literal["crf", "legal", "argmax"]
Rules = TypeVar("Rules", ViewRules, WindowRules, Calibration)
Types = tuple[type, ...]


@dataclass(frozen=True, eq=False)
class TaggerSettings:
    """The settings that determine a tagger's output, apart from its vocabularies and weights.

    Parameters
    ----------
    schema
        The entity types.
    scheme
        The name of the tagging scheme, for example ``"BIO"``.
    view, windows
        How a text is normalized and cut up.
    features
        The names of the model's input arrays, as `Featurizer.names` gives them.
    special_tokens
        Whether a window is between ``[CLS]`` and ``[SEP]``.
    decoding
        ``crf``: the best path under the learned `transitions`; ``legal``: the best path that the scheme allows;
        ``argmax``: the best tag of each character.
    transitions
        The scores of the CRF; with ``crf`` only.
    calibration
        What makes confidences of marginals; None leaves them as they are.
    least_confidence
        Mentions with less confidence are not reported.
    """

    schema: Schema
    scheme: str
    view: ViewRules
    windows: WindowRules
    features: tuple[str, ...]
    special_tokens: bool
    decoding: Decoding
    transitions: Transitions | None = None
    calibration: Calibration | None = None
    least_confidence: float = 0.0

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags in the order of the emissions' last axis."""
        return scheme_named(self.scheme).tags(self.schema.labels)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values; `from_dict` reads them back exactly."""
        crf = self.transitions
        return {
            "schema": self.schema.to_dict(),
            "scheme": self.scheme,
            "view": asdict(self.view),
            "windows": asdict(self.windows),
            "features": list(self.features),
            "special_tokens": self.special_tokens,
            "decoding": self.decoding,
            "transitions": None
            if crf is None
            else {"start": crf.start.tolist(), "end": crf.end.tolist(), "matrix": crf.matrix.tolist()},
            "calibration": self.calibration and asdict(self.calibration),
            "least_confidence": self.least_confidence,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], path: Path | None = None) -> TaggerSettings:
        """Build settings from the values that `to_dict` made.

        Raises
        ------
        SuwenError
            S401 when a key is unknown, S404 when a scheme is, S407 when the label set is broken, S501 when a key is
            missing or its value is not of its kind.
        """
        # Folders of earlier releases have neither.
        values = {"calibration": None, "least_confidence": 0.0, **values}
        check_keys(
            values,
            {
                "schema": (dict,),
                "scheme": (str,),
                "view": (dict,),
                "windows": (dict,),
                "features": (list,),
                "special_tokens": (bool,),
                "decoding": (str,),
                "transitions": (dict, type(None)),
                "calibration": (dict, type(None)),
                "least_confidence": (float,),
            },
            path,
        )
        if tuple(values["features"]) not in FEATURES:
            raise SuwenError("S501", path, reason=f"it asks for unknown features: {values['features']}")
        if values["decoding"] not in get_args(Decoding):
            raise SuwenError(
                "S404", path, what="decoding", name=values["decoding"], known=", ".join(get_args(Decoding))
            )
        if (values["decoding"] == "crf") != (values["transitions"] is not None):
            raise SuwenError("S501", path, reason="transitions belong to the decoding 'crf', and to no other")
        schema = Schema.from_dict(values["schema"], path)
        scheme = scheme_named(values["scheme"])
        return cls(
            schema,
            scheme.name,
            read_rules(ViewRules, values["view"], path),
            read_rules(WindowRules, values["windows"], path),
            tuple(values["features"]),
            values["special_tokens"],
            values["decoding"],
            values["transitions"] and _transitions(values["transitions"], len(scheme.tags(schema.labels)), path),
            values["calibration"] and read_rules(Calibration, values["calibration"], path),
            values["least_confidence"],
        )


@dataclass(frozen=True, slots=True)
class StoredModel:
    """Content of every kind of model folder: the kind, its settings as JSON values, and the manifest."""

    path: Path
    model: str
    settings: dict[str, Any]
    manifest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A tagger's folder, without its weights."""

    path: Path
    settings: TaggerSettings
    featurizer: Featurizer
    manifest: dict[str, Any]


def write_stored_model(
    path: Path,
    model: str,
    settings: Mapping[str, Any],
    write_files: Callable[[Path], None],
    manifest: Mapping[str, Any],
    card: str,
) -> None:
    """Write a model folder of any kind, completely or not at all.

    Parameters
    ----------
    model
        The kind of model, which decides who reads the folder: ``"tagger"``, ``"dictionary"``, ...
    settings
        JSON values, without the keys ``format_version`` and ``model``.
    write_files
        Writes the other files into the folder that it is given.
    manifest
        Where the model comes from, as JSON values; ``files`` with the hashes is added.
    card
        The text of ``README.md``.

    Raises
    ------
    SuwenError
        S104 when `path` exists, S102 or S105 when it cannot be written.
    """
    with replacing_folder(path) as folder:
        write_json(folder / SETTINGS, {"format_version": FORMAT_VERSION, "model": model, **settings})
        write_files(folder)
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        hashes = {file.relative_to(folder).as_posix(): sha256(file) for file in files}
        write_text(folder / CARD, card)
        write_json(folder / MANIFEST, {**manifest, "files": hashes})


def add_files(path: Path, files: Mapping[str, bytes], notes: Mapping[str, Any]) -> None:
    """Add files to a model folder, or replace them.

    The folder can be read at any moment: a file that is being replaced is not in the manifest, and so is not looked at.

    Parameters
    ----------
    files
        Contents by name.
    notes
        What to say of them in the manifest, as JSON values by key.

    Raises
    ------
    SuwenError
        S501 when the manifest is missing or damaged, S102 or S105 when the folder cannot be written.
    """
    manifest = read_manifest(path)
    others = {name: value for name, value in manifest["files"].items() if name not in files}
    if len(others) < len(manifest["files"]):
        write_json(path / MANIFEST, {**manifest, "files": others})
    for name, content in files.items():
        write_bytes(path / name, content)
    hashes = {name: sha256(path / name) for name in files}
    write_json(path / MANIFEST, {**manifest, **notes, "files": dict(sorted({**others, **hashes}.items()))})


def read_stored_model(path: StrPath) -> StoredModel:
    """Read the files that all kinds of model folders share, and compare every file with its hash.

    Raises
    ------
    SuwenError
        S101 when there is nothing, S109 when it is a file, S501 when it is no whole model folder, S502 when it is of
        another format version, S503 when a file was changed.
    """
    path = Path(path)
    if not path.exists():
        raise SuwenError("S101", path)
    if not path.is_dir():
        raise SuwenError("S109", path, found="file", expected="model folder")
    settings = _read_object(path, SETTINGS)
    version = settings.pop("format_version", None)
    if version != FORMAT_VERSION:
        raise SuwenError("S502", path / SETTINGS, found=version, known=FORMAT_VERSION)
    model = settings.pop("model", None)
    if not isinstance(model, str):
        raise SuwenError("S501", path, reason=f"{SETTINGS} does not say which kind of model it is")
    manifest = read_manifest(path)
    _check_hashes(path, manifest["files"])
    return StoredModel(path, model, settings, manifest)


def read_manifest(path: StrPath) -> dict[str, Any]:
    """Return the manifest of a model folder, with the hashes of its files under ``files``.

    Raises
    ------
    SuwenError
        S501 when it is missing or damaged.
    """
    path = Path(path)
    manifest = _read_object(path, MANIFEST)
    if not isinstance(manifest.get("files"), dict):
        raise SuwenError("S501", path / MANIFEST, reason="it lists no files")
    return manifest


def write_model_folder(
    path: Path,
    settings: TaggerSettings,
    featurizer: Featurizer,
    write_weights: Callable[[Path], None],
    manifest: Mapping[str, Any],
    card: str,
) -> None:
    """Write a tagger's folder, completely or not at all.

    Parameters
    ----------
    write_weights
        Writes ``config.json`` and ``model.safetensors`` into the folder that it is given.
    manifest, card
        As in `write_stored_model`.

    Raises
    ------
    SuwenError
        S104 when `path` exists, S102 or S105 when it cannot be written.
    """

    def write_files(folder: Path) -> None:
        featurizer.characters.write(folder / VOCABULARY)
        if featurizer.bigrams is not None:
            featurizer.bigrams.write(folder / BIGRAMS)
        if featurizer.lexicon is not None:
            featurizer.lexicon.write(folder / LEXICON)
        if featurizer.subwords is not None:
            # A tokenizer per character would give other ids.
            featurizer.subwords.write(folder)
        else:
            write_tokenizer(folder, featurizer)
        write_weights(folder)

    write_stored_model(path, "tagger", settings.to_dict(), write_files, manifest, card)


def read_model_folder(path: StrPath) -> ModelFolder:
    """Read a tagger's folder, but not its weights.

    Raises
    ------
    SuwenError
        As `read_stored_model` and `tagger_folder`.
    """
    path = Path(path)
    return tagger_folder(read_stored_model(path))


def tagger_folder(stored: StoredModel) -> ModelFolder:
    """Read the tagger in a folder whose shared part was read already.

    Raises
    ------
    SuwenError
        As `TaggerSettings.from_dict`; S109 when the folder holds another kind of model.
    """
    path = stored.path
    if stored.model != "tagger":
        raise SuwenError("S109", path, found=f"{stored.model} model", expected="tagger")
    settings = TaggerSettings.from_dict(stored.settings, path / SETTINGS)
    characters = CharacterVocabulary.read(path / VOCABULARY)
    bigrams = BigramVocabulary.read(path / BIGRAMS, characters) if "bigram_ids" in settings.features else None
    subwords = Subwords.read(path, characters)
    lexicon = Lexicon.read(path / LEXICON) if WORD_IDS[0] in settings.features else None
    featurizer = Featurizer(characters, bigrams, settings.special_tokens, subwords, lexicon)
    return ModelFolder(path, settings, featurizer, stored.manifest)


def check_keys(values: Mapping[str, Any], kinds: Mapping[str, Types], path: Path | None) -> None:
    """Check that exactly these keys are there and that each value is of one of its kinds.

    Raises
    ------
    SuwenError
        S401 when a key is unknown, S501 when one is missing or its value is of another kind.
    """
    for key in values:
        if key not in kinds:
            raise unknown_key(key, list(kinds), path)
    for key, allowed in kinds.items():
        if key not in values:
            raise SuwenError("S501", path, reason=f"the key {key!r} is missing")
        # Not isinstance: True is an int.
        if type(values[key]) not in allowed:
            expected = " or ".join(kind.__name__ for kind in allowed)
            raise SuwenError("S501", path, reason=f"{key!r} is {values[key]!r}, expected {expected}")


def _read_object(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if not path.is_file():
        if (folder / "fold-1" / name).is_file():
            raise SuwenError("S501", folder, reason=f"it holds the models of folds, such as {folder / 'fold-1'}")
        raise SuwenError("S501", folder, reason=f"{name} is missing")
    try:
        values = read_json(path)
    except SuwenError as error:
        raise SuwenError("S501", path, error.line, reason=error.text) from None
    if not isinstance(values, dict):
        raise SuwenError("S501", path, reason="it holds no JSON object")
    return values


def _check_hashes(folder: Path, hashes: dict[str, Any]) -> None:
    for name in READ:
        if name not in hashes and (folder / name).is_file():
            raise SuwenError("S503", folder, name=name)
    missing = [name for name in hashes if not (folder / name).is_file()]
    if missing:
        raise SuwenError("S501", folder, reason=f"{', '.join(missing)} missing")
    for name, expected in hashes.items():
        if sha256(folder / name) != expected:
            raise SuwenError("S503", folder, name=name)


def read_rules(kind: type[Rules], values: dict[str, Any], path: Path | None) -> Rules:
    """Build view or window rules, or a calibration, from their JSON values.

    Raises
    ------
    SuwenError
        As `check_keys`.
    """
    check_keys(values, {field.name: (type(field.default),) for field in fields(kind)}, path)
    return kind(**values)


def _transitions(values: dict[str, Any], count: int, path: Path | None) -> Transitions:
    shapes = {"start": (count,), "end": (count,), "matrix": (count, count)}
    check_keys(values, dict.fromkeys(shapes, (list,)), path)
    arrays = {}
    for name, shape in shapes.items():
        try:
            arrays[name] = np.asarray(values[name], np.float32)
        except (TypeError, ValueError):
            raise SuwenError("S501", path, reason=f"the transitions' {name!r} holds more than numbers") from None
        if arrays[name].shape != shape:
            raise SuwenError("S501", path, reason=f"the transitions' {name!r} is not of shape {shape}")
    return Transitions(**arrays)
