"""Words as the package ``thulac`` cuts them, from its model files, for many lines at once.

THULAC (Sun et al., 2016; Li & Sun, 2009) gives each character one of four tags by a linear model of the characters
around it, and joins what its dictionaries know. The package does that in Python, a character at a time. Here the same
is computed with arrays. The words are those of the package's version 0.2.2, its peculiarities included; its rules for
time words (which never apply, since they compare characters with numbers) have no counterpart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suwen.text.chunks import chunks
from suwen.text.segmenters.double_array import NOWHERE, ROOT, DoubleArray, Ints
from suwen.text.segmenters.thulac_decoding import TagSet, best_begins
from suwen.text.segmenters.thulac_tags import BEGIN, BREAK, END, MIDDLE, SINGLE, admitted, kept_characters

__all__ = ["Thulac"]

Codes = NDArray[np.uint32]
Flags = NDArray[np.bool_]

BATCH_CHARACTERS = 2**16
"""Characters of the lines that are segmented at once: enough to be fast, in some 30 MB."""

TAGS_BY_DIGIT = {"0": BEGIN, "1": MIDDLE, "2": END, "3": SINGLE}
DICTIONARIES = ("ns.dat", "idiom.dat", "singlepun.dat")
"""Place names, idioms and compound punctuation: applied in this order."""

BOUNDARY = "#"
SEPARATOR = ord(" ")
"""Separates the characters from the number of the feature in the trie of features."""
FIRST_HALF, LAST_HALF, TO_FULL = 33, 127, 65248
"""Range of half-width characters, and their distance to the full-width forms, which the model knows."""

FEATURES = ((0, "1", 0), (0, "2", 1), (0, "3", -1), (1, "1", 1), (1, "2", 0), (1, "3", 2), (1, "4", -1))
"""Features of one character (0) or a pair (1): number, and distance from the first character to the position."""

OUTSIDE = 2**30
"""The code between lines, where no dictionary entry continues."""


@dataclass(frozen=True)
class Thulac:
    """The segmenter.

    Parameters
    ----------
    tagset
        The tags and their transitions.
    features
        The trie of features; values are rows of `weights`.
    weights
        The scores that a feature gives to the tags, int32 ``[F, 4]``.
    dictionaries
        Each joins words to the longest entry that they make up.
    """

    tagset: TagSet
    features: DoubleArray
    weights: NDArray[np.int32]
    dictionaries: tuple[DoubleArray, ...]

    @classmethod
    def read(cls, folder: Path) -> Thulac:
        """Read the model of a folder; its large files are mapped into memory.

        Raises
        ------
        OSError
            When a file cannot be read.
        """
        model = np.asarray(np.memmap(folder / "cws_model.bin", "<i4", "r"))
        tags = tuple(TAGS_BY_DIGIT[line[0]] for line in (folder / "cws_label.txt").read_text("utf-8").splitlines())
        # Two sizes, the transitions, the weights.
        size = len(tags)
        body = 2 + size * size
        return cls(
            TagSet(tags, model[2:body].reshape(size, size).astype(np.int64)),
            DoubleArray.read(folder / "cws_dat.bin"),
            model[body:].reshape(-1, size),
            tuple(DoubleArray.read(folder / name) for name in DICTIONARIES),
        )

    def cut(self, lines: Sequence[str]) -> list[list[str]]:
        """Return the words of each line; of several blanks in a row only the first is among them.

        Parameters
        ----------
        lines
            Without line breaks.
        """
        return [words for batch in chunks(lines, BATCH_CHARACTERS) for words in self._cut(batch)]

    def _cut(self, lines: Sequence[str]) -> list[list[str]]:
        full = [line for line in lines if line]
        if not full:
            return [[] for _ in lines]
        # Two breaks between lines: features look at two characters on either side.
        text = f"{BREAK * 2}{(BREAK * 2).join(full)}{BREAK * 2}"
        codes = _codes(text)
        kept = kept_characters(codes)
        read = codes[kept]
        inside = read != ord(BREAK)
        bounds = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        starts, ends = bounds[::2], bounds[1::2]
        masks = admitted(codes, text, starts, ends)
        lengths = np.cumsum(ends - starts)
        begins = np.zeros(len(read), np.bool_)
        begins[inside] = best_begins(self.tagset, self._scores(read)[inside], masks[inside], np.append(0, lengths[:-1]))
        for dictionary in self.dictionaries:
            _join(dictionary, read, begins)
        string = text if kept.all() else read.tobytes().decode("utf-32-le", "surrogatepass")
        words = _words(string, begins, starts, ends)
        return [next(words) if line else [] for line in lines]

    def _scores(self, codes: Codes) -> NDArray[np.int32]:
        """Return the score of each tag at each character, ``[N, 4]``."""
        keys = np.where(codes == ord(BREAK), ord(BOUNDARY), codes).astype(np.int64)
        keys[(keys >= FIRST_HALF) & (keys <= LAST_HALF)] += TO_FULL
        root = np.full(len(keys), ROOT, np.int64)
        single = self.features.step(root, self.features.values(root), keys)
        pair = self.features.step(single[0][:-1], single[1][:-1], keys[1:])
        kinds = [self.features.step(*node, SEPARATOR) for node in (single, pair)]
        # A row of four int32 is fetched as one number of 16 bytes.
        rows = self.weights.view(np.complex128)[:, 0]
        scores = np.zeros((len(keys), self.weights.shape[1]), np.int32)
        for kind, number, shift in FEATURES:
            leaves, values = self.features.step(*kinds[kind], ord(number))
            known = leaves != NOWHERE
            given = rows.take(np.where(known, values, 0)).view(np.int32).reshape(-1, 4)
            given[~known] = 0
            first, last = max(0, -shift), min(len(given), len(scores) - shift)
            scores[first + shift : last + shift] += given[first:last]
        return scores


def _codes(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _words(text: str, begins: Flags, starts: Ints, ends: Ints) -> Iterator[list[str]]:
    """Yield the words of each line, from where they begin."""
    begins = begins.copy()
    begins[ends] = True
    cuts = np.flatnonzero(begins)
    first, last = np.searchsorted(cuts, starts).tolist(), np.searchsorted(cuts, ends).tolist()
    places = cuts.tolist()
    for begin, end in zip(first, last, strict=True):
        yield [text[one:other] for one, other in pairwise(places[begin : end + 1])]


def _join(dictionary: DoubleArray, codes: Codes, begins: Flags) -> None:
    """Join each word, from left to right, with those after it to the longest entry that they make up together.

    Parameters
    ----------
    codes
        The characters, ``[N]``, with breaks around the lines.
    begins
        Where words begin, ``[N]``; changed.
    """
    between = codes == ord(BREAK)
    keys = np.where(between, OUTSIDE, codes).astype(np.int64)
    edges = begins | between
    words = np.flatnonzero(begins)
    longest = np.full(len(words), NOWHERE, np.int64)
    # Those that are still on a path in the dictionary: which word, where in the text, whether it is past its own end.
    numbers, places, past = np.arange(len(words)), words, np.zeros(len(words), np.bool_)
    nodes = np.full(len(words), ROOT, np.int64)
    bases = dictionary.values(nodes)
    while len(numbers):
        nodes, bases = dictionary.step(nodes, bases, keys[places])
        places = places + 1
        edge = edges[places % len(edges)]
        # A word of null characters alone leads back to the root, and is no beginning of anything.
        on = (nodes != NOWHERE) & ~(edge & ~past & (nodes == ROOT))
        numbers, places, past, edge, nodes, bases = (array[on] for array in (numbers, places, past, edge, nodes, bases))
        entry = edge & past
        entry[entry] = dictionary.ends(nodes[entry], bases[entry])
        longest[numbers[entry]] = places[entry]
        past |= edge
    done = 0
    for start, end in zip(words[longest != NOWHERE].tolist(), longest[longest != NOWHERE].tolist(), strict=True):
        if start >= done:
            begins[start + 1 : end] = False
            done = end
