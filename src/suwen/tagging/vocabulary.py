"""Vocabularies that turn characters and pairs of characters into ids, one code point at a time."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suwen.errors import SuwenError
from suwen.files import read_text, write_text

__all__ = ["CLS", "MASK", "PAD", "SEP", "UNK", "BigramVocabulary", "CharacterVocabulary"]

PAD, UNK, CLS, SEP, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
CODE_POINTS = 0x110000

Ids = NDArray[np.int32]


class CharacterVocabulary:
    """Maps every code point to one id, so that positions cannot drift.

    A character is looked up as it is, then in lower case, then in its compatibility form (full width, ``Ⅱ`` stays one
    code point only where NFKC gives one); what remains, white space included, is ``[UNK]``.

    Parameters
    ----------
    tokens
        The tokens in the order of their ids. Tokens of several characters (specials, word pieces) keep their ids but
        are never the result of a lookup.

    Raises
    ------
    SuwenError
        S505 when ``[PAD]`` or ``[UNK]`` is missing.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        self._index = {token: i for i, token in enumerate(self.tokens)}
        for special in (PAD, UNK):
            if special not in self._index:
                raise SuwenError("S505", reason=f"the vocabulary has no {special}")
        self.pad, self.unk = self._index[PAD], self._index[UNK]
        # -1: not looked up yet. Filled on demand, because most code points never occur.
        self._table = np.full(CODE_POINTS, -1, np.int32)

    def __len__(self) -> int:
        return len(self.tokens)

    def id(self, token: str) -> int:
        """Return the id of a token as it is in the vocabulary.

        Raises
        ------
        SuwenError
            S505 when it is not there.
        """
        try:
            return self._index[token]
        except KeyError:
            raise SuwenError("S505", reason=f"the vocabulary has no {token}") from None

    def ids(self, text: str) -> Ids:
        """Return the ids of a text, one per code point: int32 ``[len(text)]``."""
        points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        ids = self._table[points]
        if ids.size and ids.min() < 0:
            for point in np.unique(points[ids < 0]):
                self._table[point] = self._lookup(chr(point))
            ids = self._table[points]
        return ids

    def _lookup(self, character: str) -> int:
        for form in (character, character.lower(), unicodedata.normalize("NFKC", character).lower()):
            if len(form) == 1 and form in self._index:
                return self._index[form]
        return self.unk

    @classmethod
    def from_texts(cls, texts: Iterable[str], minimum: int = 2, limit: int | None = None) -> CharacterVocabulary:
        """Return the lower-cased characters that occur at least `minimum` times, most frequent first.

        With a `limit` there are no more tokens than that, specials included.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(character for character in text.lower() if not character.isspace())
        kept = [character for character, count in counts.items() if count >= minimum]
        kept.sort(key=lambda character: (-counts[character], character))
        return cls((PAD, UNK, CLS, SEP, MASK, *kept)[:limit])

    @classmethod
    def read(cls, path: Path) -> CharacterVocabulary:
        """Read a ``vocab.txt``: one token a line, maybe with its id in a second column, as in ERNIE's releases."""
        lines = [line.removesuffix("\r") for line in read_text(path).split("\n")]
        if not lines[-1]:
            lines.pop()
        if all(line.endswith(f"\t{i}") for i, line in enumerate(lines)):
            lines = [line.rpartition("\t")[0] for line in lines]
        return cls(lines)

    def write(self, path: Path) -> None:
        """Write a ``vocab.txt``, one token a line."""
        write_text(path, "".join(f"{token}\n" for token in self.tokens))


class BigramVocabulary:
    """Ids of pairs of neighboring characters; 0 is padding, 1 an unknown pair.

    Parameters
    ----------
    bigrams
        Strings of two characters in the order of their ids, from 2 on.
    characters
        The character vocabulary; a pair is known by the two character ids.
    """

    def __init__(self, bigrams: Sequence[str], characters: CharacterVocabulary) -> None:
        self.bigrams = tuple(bigrams)
        self._size = len(characters)
        codes = self._codes(characters.ids("".join(self.bigrams)))[::2] if self.bigrams else np.empty(0, np.int64)
        self._order = np.argsort(codes, kind="stable").astype(np.int32)
        self._sorted = codes[self._order]

    def __len__(self) -> int:
        return len(self.bigrams) + 2

    def _codes(self, ids: Ids) -> NDArray[np.int64]:
        return ids[:-1].astype(np.int64) * self._size + ids[1:]

    def ids(self, characters: Ids) -> Ids:
        """Return the ids of the pairs (this character, the next): int32 of the same length as the character ids.

        The last position has no pair and gets the unknown one.
        """
        pairs = np.ones(len(characters), np.int32)
        if len(characters) < 2 or not len(self._sorted):
            return pairs
        codes = self._codes(characters)
        places = np.minimum(np.searchsorted(self._sorted, codes), len(self._sorted) - 1)
        pairs[:-1] = np.where(self._sorted[places] == codes, self._order[places] + 2, 1)
        return pairs

    @classmethod
    def from_texts(cls, texts: Iterable[str], characters: CharacterVocabulary, minimum: int = 3) -> BigramVocabulary:
        """Return the pairs of known characters that occur at least `minimum` times, most frequent first."""
        counts: Counter[tuple[int, int]] = Counter()
        for text in texts:
            ids = characters.ids(text).tolist()
            counts.update(pairwise(ids))
        kept = [pair for pair, count in counts.items() if count >= minimum and characters.unk not in pair]
        kept.sort(key=lambda pair: (-counts[pair], pair))
        return cls([characters.tokens[first] + characters.tokens[second] for first, second in kept], characters)

    @classmethod
    def read(cls, path: Path, characters: CharacterVocabulary) -> BigramVocabulary:
        """Read a file with one pair a line."""
        return cls(read_text(path).split("\n")[:-1], characters)

    def write(self, path: Path) -> None:
        """Write one pair a line."""
        write_text(path, "".join(f"{bigram}\n" for bigram in self.bigrams))
