"""Rank likely names for a mention by shared character bigrams: candidates are shown to a person, never merged."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from suwen.concepts.abbreviations import LEAST_COMPARED, within_one_edit
from suwen.concepts.normalization import normalize

__all__ = ["BigramIndex", "Candidate"]

LEAST_SIMILARITY = 0.35
OCR_RATIO = 20
"""A surface is a likely misreading of a name that is one edit away and at least this many times as frequent."""

_NUMBERS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A name, its bigram Jaccard similarity in [0, 1], and the reason: ``similar`` or ``OCR variant``."""

    name: str
    similarity: float
    reason: str = "similar"


class BigramIndex:
    """Finds the names that share most character bigrams with a mention.

    Parameters
    ----------
    names
        The names; with a frequency each, likely misreadings are marked.
    """

    def __init__(self, names: Iterable[str] | Counter[str]) -> None:
        self._counts = names if isinstance(names, Counter) else Counter(names)
        self._names = sorted(self._counts)
        self._bigrams = [_bigrams(normalize(name)) for name in self._names]
        self._holding: defaultdict[str, list[int]] = defaultdict(list)
        for number, bigrams in enumerate(self._bigrams):
            for bigram in bigrams:
                self._holding[bigram].append(number)

    def search(self, mention: str, limit: int = 5) -> list[Candidate]:
        """Return the best names, without those that have the mention's own key or other numbers (1型, 2型)."""
        key = normalize(mention)
        wanted = _bigrams(key)
        shared = Counter(number for bigram in wanted for number in self._holding.get(bigram, ()))
        found = []
        for number, count in shared.items():
            name = self._names[number]
            known = normalize(name)
            if known == key or _NUMBERS.findall(known) != _NUMBERS.findall(key):
                continue
            similarity = count / (len(wanted) + len(self._bigrams[number]) - count)
            near = len(known) >= LEAST_COMPARED and within_one_edit(key, known)
            if near or similarity >= LEAST_SIMILARITY:
                is_frequent = self._counts[name] >= OCR_RATIO * max(self._counts[mention], 1)
                found.append(Candidate(name, similarity, "OCR variant" if near and is_frequent else "similar"))
        return sorted(found, key=lambda one: (one.reason != "OCR variant", -one.similarity, one.name))[:limit]


def _bigrams(key: str) -> frozenset[str]:
    return frozenset(key[start : start + 2] for start in range(max(len(key) - 1, 1)))
