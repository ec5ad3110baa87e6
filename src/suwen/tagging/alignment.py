"""Sub-word tokens and the characters they stand for.

Elsewhere one character is one position. An encoder with a sub-word vocabulary of its own (ERNIE-tiny's sentencepiece)
reads fewer, longer tokens: a tag then belongs to a token, and an entity whose edges are no token's edges cannot be
expressed. `Alignment` maps between the two, so that such entities can be counted and predictions have exact offsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suwen.document import Span
from suwen.errors import SuwenError
from suwen.files import read_text, write_text
from suwen.tagging.vocabulary import CharacterVocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["LONGEST_WORD", "Alignment", "Subwords"]


# The sign for a space in the pieces of sentencepiece.
SPACE = "▁"
# ERNIE-tiny matches the words of its dictionary by five characters and less.
LONGEST_WORD = 5
PIECES, WORDS = "subwords.json", "words.txt"


@dataclass(frozen=True, slots=True)
class Alignment:
    """The tokens of a text.

    Parameters
    ----------
    ids
        Their ids, int32 ``[n]``.
    starts, ends
        Which characters each stands for, int32 ``[n]``, from left to right and disjoint. A token that stands for none
        has ``start == end``: the space that sentencepiece puts before a word, and what follows the first of several
        tokens of one character (``Ⅱ`` as ``I I``).
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]

    def to_tokens(self, start: int, end: int) -> Span | None:
        """Return the tokens that stand for exactly these characters, or None when a token's edge is missing."""
        real = self.ends > self.starts
        first = np.flatnonzero(real & (self.starts == start))
        last = np.flatnonzero(real & (self.ends == end))
        return (int(first[0]), int(last[0]) + 1) if first.size and last.size else None

    def to_characters(self, start: int, end: int) -> Span | None:
        """Return the characters from the first to the last that some tokens stand for, or None when there are none."""
        real = np.flatnonzero(self.ends[start:end] > self.starts[start:end]) + start
        return (int(self.starts[real[0]]), int(self.ends[real[-1]])) if real.size else None

    def cover(self, spans: Iterable[Span]) -> list[Span]:
        """Return the tokens that begin within each of some sorted spans of characters, without spans that have none."""
        covered = [
            (int(np.searchsorted(self.starts, start)), int(np.searchsorted(self.starts, end))) for start, end in spans
        ]
        return [(first, last) for first, last in covered if last > first]


class Subwords:
    """Cuts text into words by a dictionary, and these into the pieces of a sentencepiece model.

    Parameters
    ----------
    tokenizer
        The sentencepiece model as a tokenizer of the tokenizers library.
    words
        The dictionary. Text is cut into its longest words from left to right before the pieces are looked for.
    vocabulary
        The ids of the pieces.
    """

    def __init__(self, tokenizer: Tokenizer, words: Iterable[str], vocabulary: CharacterVocabulary) -> None:
        self._tokenizer = tokenizer
        self._words = frozenset(words)
        self._ids = {token: i for i, token in enumerate(vocabulary.tokens)}
        self._unk = vocabulary.unk

    def align(self, text: str, spans: Sequence[Span]) -> Alignment:
        """Tokenize parts of a text, each on its own.

        Parameters
        ----------
        spans
            The parts (its sentences), sorted and disjoint. What lies between them gets no token.
        """
        ids: list[int] = []
        starts: list[int] = []
        ends: list[int] = []
        for start, end in spans:
            spaced, source = self._spaced(text, start, end)
            encoding = self._tokenizer.encode(spaced, add_special_tokens=False)
            after = start
            for piece, (first, last) in zip(encoding.tokens, encoding.offsets, strict=True):
                places = [place for place in source[first:last] if place >= 0]
                # Behind a space that was put in, there is its word.
                following = next((place for place in source[first : first + 2] if place >= 0), end)
                ids.append(self._ids.get(piece, self._unk))
                starts.append(max(after, following))
                ends.append(max(starts[-1], places[-1] + 1 if places else 0))
                after = ends[-1]
        return Alignment(np.array(ids, np.int32), np.array(starts, np.int32), np.array(ends, np.int32))

    def _spaced(self, text: str, start: int, end: int) -> tuple[str, list[int]]:
        """Return the words in lower case, each after a space; and where each character was (-1: nowhere)."""
        characters: list[str] = []
        source: list[int] = []
        position = start
        while position < end:
            length = next(
                (n for n in range(LONGEST_WORD, 1, -1) if text[position : min(position + n, end)] in self._words), 1
            )
            length = min(length, end - position)
            if text[position : position + length] != " ":
                characters.append(" ")
                source.append(-1)
                for place in range(position, position + length):
                    lower = text[place].lower()
                    # Some lower-case forms are two characters long (İ).
                    characters.append(lower if len(lower) == 1 else text[place])
                    source.append(place)
            position += length
        return "".join(characters), source

    def write(self, folder: Path) -> None:
        """Write the pieces and the dictionary into a model folder; `read` reads them."""
        write_text(folder / PIECES, self._tokenizer.to_str())
        write_text(folder / WORDS, "".join(f"{word}\n" for word in sorted(self._words)))

    @classmethod
    def read(cls, folder: Path, vocabulary: CharacterVocabulary) -> Subwords | None:
        """Read the sub-words that `write` wrote, or return None when the folder's model reads characters.

        Raises
        ------
        SuwenError
            S501 when the pieces cannot be read.
        """
        if not (folder / PIECES).is_file():
            return None
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_str(read_text(folder / PIECES))
        except Exception as error:
            # The library raises plain exceptions.
            raise SuwenError("S501", folder / PIECES, reason=f"it is not a tokenizer ({error})") from None
        return cls(tokenizer, read_text(folder / WORDS).split("\n")[:-1], vocabulary)
