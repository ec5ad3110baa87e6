"""Documents that are nearly copies of each other, found without comparing all pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from suwen.document import Document

__all__ = ["NearCopy", "held_out_copy", "near_copies", "resemblance", "sketch"]

SHINGLE = 8
"""Characters per shingle: long enough that texts on one subject share few."""
SAMPLE_ONE_IN = 16
LEAST_SAMPLE = 32
SKETCH = 16
FACTOR = 0x9E3779B97F4A7C15
FEW = 8 * SKETCH
CROWDED = 16
"""A shingle in more documents than this is boilerplate, or a text with many copies."""

Shingles = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class NearCopy:
    """Two documents, by id in order, and their resemblance in [0, 1]."""

    first: str
    second: str
    resemblance: float


def near_copies(documents: Sequence[Document], least: float = 0.5) -> list[NearCopy]:
    """Return the pairs of documents that resemble each other, the closest first.

    The resemblance is the share of shingles (runs of 8 characters, white space removed) that both have among those
    that either has (Broder 1997, On the resemblance and containment of documents). Candidates are pairs that share
    sampled shingles; for them it is exact. Of many copies of one text, each is paired with some of the others, so that
    all of them hang together.

    Parameters
    ----------
    documents
        In any order; the result does not depend on it.
    least
        The smallest resemblance to report.
    """
    by_id = {document.id: document for document in sorted(documents, key=lambda document: document.id)}
    samples = {name: _sample(_shingles(document.text)) for name, document in by_id.items()}
    found = []
    for (first, second), shared in _candidates(samples).items():
        estimate = shared / (len(samples[first]) + len(samples[second]) - shared)
        # The estimate is off by chance; half the threshold leaves room for that and spares nearly all comparisons.
        if estimate < least / 2:
            continue
        resemblance = _resemblance(_shingles(by_id[first].text), _shingles(by_id[second].text))
        if resemblance >= least:
            found.append(NearCopy(first, second, resemblance))
    return sorted(found, key=lambda pair: (-pair.resemblance, pair.first, pair.second))


def held_out_copy(texts: Sequence[Document], held_out: Sequence[Document], least: float = 0.8) -> NearCopy | None:
    """Return the first text that holds a held-out document, or most of it, or is a part of one.

    Here the resemblance is the share of shingles that both have among those of the one that has fewer (Broder's
    containment), so that many documents joined into one text are found too.

    Parameters
    ----------
    least
        The smallest share to report.

    Returns
    -------
    NearCopy | None
        The text, the held-out document, and the share; None if there is no such pair.
    """
    held = [(document.id, _shingles(document.text)) for document in held_out]
    held = [(name, shingles) for name, shingles in held if len(shingles)]
    if not held:
        return None
    every = np.unique(np.concatenate([shingles for _, shingles in held]))
    smallest = min(len(shingles) for _, shingles in held)
    for text in texts:
        own = _shingles(text.text)
        common = own[np.isin(own, every, assume_unique=True)]
        if not len(common) or len(common) < least * min(len(own), smallest):
            continue
        for name, shingles in held:
            share = len(np.intersect1d(common, shingles, assume_unique=True)) / min(len(own), len(shingles))
            if share >= least:
                return NearCopy(text.id, name, share)
    return None


def sketch(text: str) -> bytes:
    """Return the `SKETCH` smallest hashes of a text's shingles, little-endian 64-bit integers.

    The share of hashes that two texts have in common estimates their resemblance.
    """
    hashes = _hashes(text)
    if len(hashes) > FEW:
        # Sorting all of them would take longer than the rest.
        least = np.unique(np.partition(hashes, FEW)[:FEW])
        if len(least) >= SKETCH:
            hashes = least
    return np.unique(hashes)[:SKETCH].astype("<u8").tobytes()


def resemblance(first: str, second: str) -> float:
    """Return the share of shingles that two texts have in common (see `near_copies`)."""
    return _resemblance(_shingles(first), _shingles(second))


def _shingles(text: str) -> Shingles:
    """Return the distinct hashes of all runs of `SHINGLE` characters, ascending; one for a shorter text."""
    return np.unique(_hashes(text))


def _hashes(text: str) -> Shingles:
    """Return the hashes of all runs of `SHINGLE` characters without white space, in the order of the text."""
    codes = np.frombuffer("".join(text.split()).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    if not len(codes):
        return codes
    hashes = _polynomials(codes, min(SHINGLE, len(codes)))
    # A polynomial of similar characters gives similar values; the smallest must be as good as random (splitmix64).
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(factor)
    return hashes


def _polynomials(codes: Shingles, length: int) -> Shingles:
    """Return the value of a polynomial (modulo 2⁶⁴) for each run of `length` characters, from those of its halves."""
    if length == 1:
        return codes
    half = length // 2
    first, second = _polynomials(codes, half), _polynomials(codes, length - half)
    factor = np.uint64(pow(FACTOR, length - half, 2**64))
    count = len(codes) - length + 1
    return first[:count] * factor + second[half : half + count]


def _sample(shingles: Shingles) -> Shingles:
    """Return the smallest hashes: the same ones in every document that has them."""
    below = int(np.searchsorted(shingles, np.uint64(2**64 // SAMPLE_ONE_IN)))
    return shingles[: max(below, LEAST_SAMPLE)]


def _candidates(samples: dict[str, Shingles]) -> Counter[tuple[str, str]]:
    """Return how many sampled shingles each pair of documents shares."""
    holders: dict[int, list[str]] = {}
    for name, sample in samples.items():
        for shingle in sample.tolist():
            holders.setdefault(shingle, []).append(name)
    return Counter(pair for names in holders.values() for pair in _pairs(names))


def _pairs(names: list[str]) -> Iterator[tuple[str, str]]:
    """Return all pairs of few documents, neighbors only of many: that keeps the work linear."""
    return combinations(names, 2) if len(names) <= CROWDED else pairwise(names)


def _resemblance(first: Shingles, second: Shingles) -> float:
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)
