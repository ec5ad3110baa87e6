"""The words of a lexicon that stand in a text, found at every position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from suwen.errors import SuwenError
from suwen.files import write_bytes
from suwen.tagging.vocabulary import CharacterVocabulary

__all__ = ["LEXICON", "LONGEST_WORD", "WORD_IDS", "Lexicon", "known_words"]

LEXICON = "lexicon.npy"
"""Its file in a model folder."""

WORD_IDS = ("word_begin_ids", "word_inside_ids", "word_end_ids")
LONGEST_WORD = 8
"""Maximum characters of a word; longer terms are looked up by the words that they consist of."""

# An odd number without a pattern in its bits: sums of ids times its powers spread over all 64 bits.
FACTOR = np.uint64(0x9E3779B97F4A7C15)
FILTER_BITS = 18
FILTER_SHIFT = np.uint64(64 - FILTER_BITS)

Ids = NDArray[np.int32]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class _Words:
    """The words of one length: their hashes in order, the id of each, and where in the filter they are."""

    hashes: Hashes
    ids: Ids
    there: NDArray[np.bool_]

    def find(self, hashes: Hashes) -> tuple[NDArray[np.intp], Ids]:
        """Return the places of the words found, and their ids."""
        # Most strings are no words: a table of bits, which fits into a core's cache, spares searching for them.
        places = np.flatnonzero(self.there[hashes >> FILTER_SHIFT])
        wanted = hashes[places]
        nearest = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        right = self.hashes[nearest] == wanted
        return places[right], self.ids[nearest[right]]


class Lexicon:
    """Finds, for each character, the longest word that begins there, that it is inside of, and that ends there.

    That is SoftLexicon (Ma et al. 2020, section 3.2) with the longest word of each of the sets B, M and E; words are
    no longer than `LONGEST_WORD`, and of two that are equally long the one that begins first is taken. A word is known
    by the hash of its character ids, which finds it in vectorized steps; it is no secret, since short words can be had
    back from it. SoftLexicon's set S (words of one character) is left out.

    Parameters
    ----------
    hashes
        uint64 ``[N, 2]``: length and hash of each word, in the order of their ids, from 1 on.
    """

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = hashes
        self._lengths: dict[int, _Words] = {}
        for length in np.unique(hashes[:, 0]).tolist():
            rows = np.flatnonzero(hashes[:, 0] == length)
            order = rows[np.argsort(hashes[rows, 1], kind="stable")]
            there = np.zeros(1 << FILTER_BITS, bool)
            there[hashes[rows, 1] >> FILTER_SHIFT] = True
            self._lengths[length] = _Words(hashes[order, 1], (order + 1).astype(np.int32), there)

    def __len__(self) -> int:
        """Return the number of ids; 0 stands for no word."""
        return len(self.hashes) + 1

    @classmethod
    def of_words(cls, words: Sequence[str], characters: CharacterVocabulary) -> Lexicon:
        """Return the lexicon of words that `known_words` has let pass."""
        return cls(np.array([(len(word), _hash(characters.ids(word))) for word in words], np.uint64).reshape(-1, 2))

    def ids(self, characters: Ids) -> dict[str, Ids]:
        """Return word ids of a text of character ids ``[T]``: int32 ``[T]`` each, 0 if there is no word."""
        begin, inside, end = found = tuple(np.zeros(len(characters), np.int32) for _ in WORD_IDS)
        codes = characters.astype(np.uint64)
        hashes = np.zeros(len(codes), np.uint64)
        for length in range(1, max(self._lengths, default=0) + 1):
            if length > len(codes):
                break
            hashes = hashes[: len(codes) - length + 1] * FACTOR + codes[length - 1 :]
            if length not in self._lengths:
                continue
            # Longer words come later, and take the places of shorter ones.
            places, words = self._lengths[length].find(hashes)
            begin[places] = words
            end[places + length - 1] = words
            for step in range(1, length - 1):
                inside[places + step] = words
        return dict(zip(WORD_IDS, found, strict=True))

    @classmethod
    def read(cls, path: Path) -> Lexicon:
        """Read a lexicon that `write` wrote.

        Raises
        ------
        SuwenError
            S501 when it is damaged.
        """
        try:
            hashes = np.load(path, allow_pickle=False)
        except (ValueError, EOFError, OSError, BadZipFile, MemoryError) as error:
            raise SuwenError("S501", path, reason=f"no lexicon ({error})") from None
        if not isinstance(hashes, np.ndarray) or hashes.dtype != np.uint64 or hashes.ndim != 2 or hashes.shape[1] != 2:
            raise SuwenError("S501", path, reason="no lexicon (it does not hold lengths and hashes of words)")
        if len(hashes) and not 1 <= int(hashes[:, 0].min()) <= int(hashes[:, 0].max()) <= LONGEST_WORD:
            raise SuwenError("S501", path, reason=f"a word of the lexicon is not 1 to {LONGEST_WORD} characters long")
        return cls(hashes)

    def write(self, path: Path) -> None:
        """Write NumPy's array format."""
        buffer = BytesIO()
        np.save(buffer, self.hashes, allow_pickle=False)
        write_bytes(path, buffer.getvalue())


def known_words(words: Sequence[str], characters: CharacterVocabulary) -> list[int]:
    """Return the places of usable words: short enough, of known characters, no duplicates."""
    kept: dict[tuple[int, ...], int] = {}
    for place, word in enumerate(words):
        if 1 < len(word) <= LONGEST_WORD:
            ids = tuple(characters.ids(word).tolist())
            if characters.unk not in ids:
                kept.setdefault(ids, place)
    return list(kept.values())


def _hash(ids: Ids) -> np.uint64:
    total = np.zeros(1, np.uint64)
    for one in ids.astype(np.uint64):
        total = total * FACTOR + one
    return np.uint64(total[0])
