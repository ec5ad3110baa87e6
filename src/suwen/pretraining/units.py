"""Words, phrases and entities of a corpus: the units that whole-word, phrase-level and entity-level masking hide.

Words come from a segmenter. Phrases are neighboring words that occur together far more often than by chance, entities
are terms of a lexicon and phrases that the corpus uses as terms. All of it works on arrays of ids, so that a corpus of
a hundred million characters takes minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.text.words import Segmenter, cut_all

__all__ = ["mark_entities", "mark_phrases", "word_begins"]

Flags = NDArray[np.bool_]
Ids = NDArray[np.integer]

LONGEST_TERM = 16
LEAST_TERM = 2
PHRASE_COUNT = 5
PHRASE_ASSOCIATION = 0.5
"""Normalized pointwise mutual information (Bouma, 2009) of words that make a phrase."""
PHRASE_ROUNDS = 2
"""Each round joins two units, so that a phrase has up to four words (as in word2phrase; Mikolov et al., 2013)."""
TERM_COUNT = 10
TERM_NEIGHBORS = 4
"""Minimum count of a phrase, and minimum number of different neighbors on both sides, to be treated as a term."""


def word_begins(passages: Sequence[str], segment: Segmenter) -> list[Flags]:
    """Return the word starts of each passage, bool ``[len(passage)]``."""
    found = []
    for passage, words in zip(passages, cut_all(segment, passages), strict=True):
        begins = np.zeros(len(passage), np.bool_)
        begins[[0, *list(accumulate(map(len, words)))[:-1]]] = True
        found.append(begins)
    return found


def mark_phrases(ids: Ids, words: Flags, joinable: Flags) -> Flags:
    """Return the starts of phrases: word starts without those inside a phrase, bool ``[N]``.

    Parameters
    ----------
    ids
        The text, ``[N]``.
    words
        Where words begin, ``[N]``.
    joinable
        Characters that a phrase may hold, ``[N]``: no punctuation, no separators.
    """
    begins = words.copy()
    begins[0] = True
    for _ in range(PHRASE_ROUNDS):
        starts = np.flatnonzero(begins)
        if len(starts) < 2:
            break
        names, plain = _unit_names(ids, starts), np.logical_and.reduceat(joinable, starts)
        together = plain[:-1] & plain[1:]
        association = np.where(together, _association(names), -1.0)
        # The stronger of two overlapping pairs wins; if they are equal, the earlier one.
        beaten = np.zeros(len(association), np.bool_)
        beaten[1:] |= association[:-1] >= association[1:]
        beaten[:-1] |= association[1:] > association[:-1]
        begins[starts[1:][(association >= PHRASE_ASSOCIATION) & ~beaten]] = False
    return begins


def mark_entities(
    ids: Ids, words: Flags, phrases: Flags, terms: Iterable[str], vocabulary: CharacterVocabulary
) -> Flags:
    """Return the starts of units, which are entities and all other words, bool ``[N]``.

    Entities are the terms, longest first where they overlap, and otherwise phrases that occur at least 10 times between
    at least 4 different neighbors on both sides.

    Parameters
    ----------
    terms
        The lexicon; what is longer than 16 characters, or holds a character that the vocabulary does not know, cannot
        be found.
    """
    begins = np.where(_term_units(ids, phrases), phrases, words)
    table = _random_table(len(vocabulary))
    hashed = table[ids]
    by_length: dict[int, set[int]] = {}
    for term in set(terms):
        term_ids = vocabulary.ids(term)
        if LEAST_TERM <= len(term) <= LONGEST_TERM and vocabulary.unk not in term_ids:
            by_length.setdefault(len(term), set()).add(int(_rolling(table[term_ids], len(term))[0]))
    taken = np.zeros(len(ids), np.bool_)
    for length in sorted(by_length, reverse=True):
        if length > len(ids):
            continue
        wanted = np.array(sorted(by_length[length]), np.uint64)
        for start in np.flatnonzero(np.isin(_rolling(hashed, length), wanted)).tolist():
            if not taken[start : start + length].any():
                taken[start : start + length] = True
                begins[start] = True
                begins[start + 1 : start + length] = False
                if start + length < len(begins):
                    begins[start + length] = True
    return begins


def _term_units(ids: Ids, phrases: Flags) -> Flags:
    """Return the characters of phrases that the corpus uses as terms, bool ``[N]``."""
    starts = np.flatnonzero(phrases)
    names, places = np.unique(_unit_names(ids, starts), return_inverse=True)
    counts = np.bincount(places)
    free = counts >= TERM_COUNT
    for own, other in ((places[1:], places[:-1]), (places[:-1], places[1:])):
        pairs = np.unique(own.astype(np.int64) * len(names) + other)
        free &= np.bincount(pairs // len(names), minlength=len(names)) >= TERM_NEIGHBORS
    lengths = np.diff(starts, append=len(ids))
    flags: Flags = np.repeat(free[places], lengths)
    return flags


def _association(names: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return normalized pointwise mutual information of each unit with the next; -1 for rare pairs."""
    unique, places = np.unique(names, return_inverse=True)
    counts = np.bincount(places)
    codes, pairs = np.unique(places[:-1].astype(np.int64) * len(unique) + places[1:], return_inverse=True)
    pair_counts = np.bincount(pairs, minlength=len(codes))
    total = len(names)
    together = np.log(pair_counts / total)
    apart = np.log(counts[codes // len(unique)] / total) + np.log(counts[codes % len(unique)] / total)
    strength = np.where(pair_counts < PHRASE_COUNT, -1.0, (together - apart) / np.maximum(-together, 1e-9))
    association: NDArray[np.float64] = strength[pairs]
    return association


def _unit_names(ids: Ids, starts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a 64-bit name of each unit: equal for equal characters, different for others but for chance."""
    place = np.arange(len(ids)) - np.repeat(starts, np.diff(starts, append=len(ids)))
    table = _random_table(int(ids.max()) + 1)
    powers = _random_table(256, 1)[np.minimum(place, 255)] | np.uint64(1)
    names: NDArray[np.uint64] = np.add.reduceat(table[ids] * powers, starts)
    return names


def _rolling(hashed: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    """Return a 64-bit name of each run of `length` characters, ``[N - length + 1]``."""
    powers = _random_table(LONGEST_TERM, 1) | np.uint64(1)
    total = np.zeros(len(hashed) - length + 1, np.uint64)
    for i in range(length):
        total += hashed[i : len(hashed) - length + 1 + i] * powers[i]
    return total


def _random_table(size: int, seed: int = 0) -> NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 2**64, size, np.uint64)
