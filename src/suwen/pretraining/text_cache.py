"""The corpus as ids on disk: built once, then mapped into memory, whatever the number of runs that read it.

A cache folder holds one folder per combination of texts, vocabulary and rules, named by its hash. In it are
``train.ids`` and ``held_out.ids``: the characters of all passages, each passage followed by ``[SEP]``. Beside it is one
folder per way of finding units with ``train.units``, a byte per character (see `suwen.pretraining.strategies.Level`).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.errors import SuwenError
from suwen.files import adding_folder, read_json, write_json
from suwen.pretraining.passages import Layout, Source, passages
from suwen.pretraining.strategies import Level
from suwen.pretraining.units import mark_entities, mark_phrases, word_begins
from suwen.tagging.vocabulary import CLS, MASK, SEP, CharacterVocabulary
from suwen.text.chunks import chunks
from suwen.text.words import segmenter_named

__all__ = ["Notes", "TextCache", "TextRules", "checked_vocabulary", "open_text", "open_units"]

Notes = Callable[[str], None]
SECONDS_BETWEEN_NOTES = 10.0
VERSION = 1
HELD_OUT_GRAIN = 1_000_000
CUT_AT_ONCE = 2**17
"""Characters of the passages that are segmented at once."""


@dataclass(frozen=True, slots=True)
class TextRules:
    """Settings for converting texts to ids.

    Parameters
    ----------
    layout
        How passages are separated in a file.
    held_out
        The share of the passages that is never learned from. Which ones depends only on their characters, so it is
        the same in every run, and so that copies of a passage are on one side.
    minimum_count, vocabulary_size
        Where the vocabulary comes from the texts: minimum count of a character, and maximum number of tokens.
    """

    layout: Layout = "auto"
    held_out: float = 0.01
    minimum_count: int = 2
    vocabulary_size: int = 8000


@dataclass(frozen=True)
class TextCache:
    """Texts as ids.

    Parameters
    ----------
    vocabulary
        The characters' ids.
    train, held_out
        Ids with ``[SEP]`` after each passage, uint16 or int32 ``[N]``, mapped from disk.
    sources
        What each text holds: name, hash, passages, characters, characters that the vocabulary does not know.
    folder
        Where the cache is.
    """

    vocabulary: CharacterVocabulary
    train: NDArray[np.integer]
    held_out: NDArray[np.integer]
    sources: list[dict[str, Any]]
    folder: Path


def checked_vocabulary(vocabulary: CharacterVocabulary, path: Path | None = None) -> CharacterVocabulary:
    """Return the vocabulary, if it has the special tokens that pre-training needs.

    Raises
    ------
    SuwenError
        S505 when ``[CLS]``, ``[SEP]`` or ``[MASK]`` is missing.
    """
    for special in (CLS, SEP, MASK):
        if special not in vocabulary.tokens:
            raise SuwenError("S505", path, reason=f"the vocabulary has no {special}")
    return vocabulary


def open_text(
    sources: Sequence[Source], given: CharacterVocabulary | None, rules: TextRules, cache: Path, notes: Notes
) -> TextCache:
    """Return the cached ids of texts, built first where they are not there.

    Parameters
    ----------
    given
        The vocabulary; None takes it from the texts.
    notes
        Receives what is being done, now and then.

    Raises
    ------
    SuwenError
        As `suwen.pretraining.passages.passages`; S520 when there is too little text to hold any out.
    """
    hashes = [source.hash() for source in sources]
    tokens = None if given is None else hashlib.sha256("\n".join(given.tokens).encode()).hexdigest()
    key = _key(VERSION, hashes, tokens, rules.layout, rules.held_out, rules.minimum_count, rules.vocabulary_size)
    folder = cache / key
    if not (folder / "text.json").is_file():
        vocabulary = given or _vocabulary_of(sources, rules, notes)
        with adding_folder(folder) as temporary:
            rows = _write_ids(sources, hashes, vocabulary, rules, temporary, notes)
            vocabulary.write(temporary / "vocab.txt")
            write_json(temporary / "text.json", {"sources": rows})
    vocabulary = CharacterVocabulary.read(folder / "vocab.txt")
    kind = _id_type(vocabulary)
    train, held_out = (np.memmap(folder / f"{part}.ids", kind, "r") for part in ("train", "held_out"))
    return TextCache(vocabulary, train, held_out, read_json(folder / "text.json")["sources"], folder)


def open_units(
    text: TextCache, sources: Sequence[Source], rules: TextRules, segmenter: str, terms: frozenset[str], notes: Notes
) -> NDArray[np.uint8]:
    """Open the cached units of the training text, a bit per `Level`, uint8 ``[N]``; build them if missing.

    Raises
    ------
    SuwenError
        As `suwen.text.words.segmenter_named` and its segmenters.
    """
    folder = text.folder.with_name(f"{text.folder.name}-{_key(segmenter, sorted(terms))}")
    if not (folder / "train.units").is_file():
        words = _words_of(text, sources, rules, segmenter, notes)
        notes("finding phrases")
        known = np.array([len(token) == 1 and token.isalnum() for token in text.vocabulary.tokens])
        phrases = mark_phrases(text.train, words, known[text.train])
        notes("finding entities")
        entities = mark_entities(text.train, words, phrases, terms, text.vocabulary)
        units = np.full(len(words), 1 << Level.CHARACTER, np.uint8)
        for level, begins in ((Level.WORD, words), (Level.PHRASE, phrases), (Level.ENTITY, entities)):
            units |= begins.astype(np.uint8) << np.uint8(level)
        with adding_folder(folder) as temporary:
            units.tofile(temporary / "train.units")
    return np.memmap(folder / "train.units", np.uint8, "r")


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]


def _id_type(vocabulary: CharacterVocabulary) -> type[np.integer[Any]]:
    return np.uint16 if len(vocabulary) <= 1 << 16 else np.int32


def _is_held_out(passage: str, share: float) -> bool:
    digest = hashlib.blake2b(passage.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % HELD_OUT_GRAIN < share * HELD_OUT_GRAIN


def _vocabulary_of(sources: Sequence[Source], rules: TextRules, notes: Notes) -> CharacterVocabulary:
    texts = (passage for source in sources for passage in passages(source, rules.layout))
    counted = _noted(texts, "counting characters", notes)
    return CharacterVocabulary.from_texts(counted, rules.minimum_count, rules.vocabulary_size)


def _write_ids(
    sources: Sequence[Source],
    hashes: Sequence[str],
    vocabulary: CharacterVocabulary,
    rules: TextRules,
    folder: Path,
    notes: Notes,
) -> list[dict[str, Any]]:
    kind, end = _id_type(vocabulary), vocabulary.id(SEP)
    rows = []
    with (folder / "train.ids").open("wb") as train, (folder / "held_out.ids").open("wb") as held_out:
        for source, digest in zip(sources, hashes, strict=True):
            row: dict[str, Any] = {
                "name": source.path.name,
                "sha256": digest,
                "files": len(source.files),
                "excluded": list(source.excluded),
                **dict.fromkeys(("passages", "characters", "unknown", "held_out_passages", "held_out_characters"), 0),
            }
            for passage in _noted(passages(source, rules.layout), f"reading {source.path.name}", notes):
                ids = vocabulary.ids(passage)
                aside = _is_held_out(passage, rules.held_out)
                (held_out if aside else train).write(np.append(ids, end).astype(kind).tobytes())
                prefix = "held_out_" if aside else ""
                row[f"{prefix}passages"] += 1
                row[f"{prefix}characters"] += len(passage)
                row["unknown"] += int((ids == vocabulary.unk).sum())
            rows.append(row)
    for part in ("passages", "held_out_passages"):
        if not any(row[part] for row in rows):
            count = sum(row["passages"] + row["held_out_passages"] for row in rows)
            raise SuwenError(
                "S520", found=f"{count} passages", reason="some are needed for training and some are held out"
            )
    return rows


def _words_of(
    text: TextCache, sources: Sequence[Source], rules: TextRules, segmenter: str, notes: Notes
) -> NDArray[np.bool_]:
    """Return the word starts of the training text; every separator is a word."""
    segment = segmenter_named(segmenter)
    begins = np.ones(len(text.train), np.bool_)
    texts = (passage for source in sources for passage in passages(source, rules.layout))
    noted = _noted(texts, f"cutting into words with {segmenter}", notes)
    place = 0
    kept = (passage for passage in noted if not _is_held_out(passage, rules.held_out))
    for some in chunks(kept, CUT_AT_ONCE):
        for passage, found in zip(some, word_begins(some, segment), strict=True):
            begins[place : place + len(passage)] = found
            place += len(passage) + 1
    assert place == len(begins)
    return begins


def _noted(texts: Iterator[str], what: str, notes: Notes) -> Iterator[str]:
    """Yield the texts and report progress."""
    started = last = time.monotonic()
    characters = 0
    for text in texts:
        yield text
        characters += len(text)
        now = time.monotonic()
        if now - last > SECONDS_BETWEEN_NOTES:
            notes(f"{what}: {characters / 1e6:.1f} M characters, {characters / (now - started):,.0f} a second")
            last = now
