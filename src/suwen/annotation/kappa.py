"""Agreement by character, corrected for chance: Cohen's kappa for two annotators, Krippendorff's alpha for more.

A character has one type or none (O); of nested and overlapping mentions the longest counts (see
`suwen.schemes.flatten`). White space is left out. O is by far the most frequent: kappa without O looks only at
characters that at least one of the two has annotated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from suwen.document import Document
from suwen.schemes import flatten

__all__ = ["alpha", "character_types", "confusion", "kappa", "without_o"]

Counts = NDArray[np.int64]


def character_types(document: Document, labels: Sequence[str]) -> tuple[NDArray[np.int64], int]:
    """Return the type of each visible character.

    Parameters
    ----------
    labels
        The types; their numbers begin with 1, and 0 is O.

    Returns
    -------
    tuple[NDArray[np.int64], int]
        The types, int64 ``[n]``, and the number of mentions that lie under longer ones.
    """
    numbers = {label: number for number, label in enumerate(labels, 1)}
    types = np.zeros(len(document.text), np.int64)
    by_key = {entity.key: entity for entity in document.entities}
    kept, dropped = flatten(by_key)
    for key in kept:
        for start, end in by_key[key].pieces:
            types[start:end] = numbers[key[0]]
    visible = np.array([not character.isspace() for character in document.text], np.bool_)
    return types[visible], len(dropped)


def confusion(first: NDArray[np.int64], second: NDArray[np.int64], labels: int) -> Counts:
    """Count how often each type of the first annotator meets each of the second: int64 ``[labels + 1, labels + 1]``."""
    size = labels + 1
    return np.bincount(first * size + second, minlength=size * size).reshape(size, size).astype(np.int64)


def without_o(counts: Counts) -> Counts:
    """Return the counts without the characters that have no annotation, ``[..., K, K]``."""
    reduced = counts.copy()
    reduced[..., 0, 0] = 0
    return reduced


def kappa(counts: NDArray[np.float64] | Counts) -> NDArray[np.float64]:
    """Compute Cohen's kappa (1960) of matrices of counts ``[..., K, K]``; NaN where chance alone would agree fully."""
    total = counts.sum(axis=(-2, -1))
    safe = np.maximum(total, 1)
    observed = np.trace(counts, axis1=-2, axis2=-1) / safe
    expected = (counts.sum(axis=-1) * counts.sum(axis=-2)).sum(axis=-1) / safe**2
    is_defined = (total > 0) & (expected < 1)
    found: NDArray[np.float64] = np.full(np.shape(total), np.nan)
    np.divide(observed - expected, 1 - expected, out=found, where=is_defined)
    return found


def alpha(documents: Iterable[NDArray[np.int64]], labels: int) -> float:
    """Compute Krippendorff's alpha for nominal data (2004, chapter 11).

    Parameters
    ----------
    documents
        For each document the type that each of its annotators, two or more, gives to each character,
        ``[annotators, characters]``.

    Returns
    -------
    float
        NaN where there is but one type.
    """
    observed, total = 0.0, np.zeros(labels + 1)
    for types in documents:
        annotators, characters = types.shape
        counts = np.zeros((characters, labels + 1), np.int64)
        for row in types:
            counts[np.arange(characters), row] += 1
        total += counts.sum(axis=0)
        observed += (annotators**2 - (counts**2).sum(axis=1)).sum() / (annotators - 1)
    expected = (total.sum() ** 2 - (total**2).sum()) / (total.sum() - 1)
    return float(1 - observed / expected) if expected else float("nan")
