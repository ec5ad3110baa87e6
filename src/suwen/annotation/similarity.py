"""Similarity of documents: TF-IDF vectors of character bigrams, which need no word segmenter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["BigramVectors"]

HIGHEST_POINT = 21
"""Bits of a code point: two of them fit into 64 bits."""


class BigramVectors:
    """Sparse unit vectors of texts, with one weight for each character bigram; white space is left out.

    A bigram that occurs n times has the weight (1 + log n) · (1 + log((1 + N) / (1 + df))), where df of the N texts
    have it (Salton and Buckley 1988).

    Parameters
    ----------
    texts
        N texts; the inverse document frequency is theirs.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        found = [_bigrams(text) for text in texts]
        lengths = np.array([len(points) for points, _ in found], np.int64)
        rows = np.repeat(np.arange(len(found)), lengths)
        points = np.concatenate([points for points, _ in found]) if found else np.zeros(0, np.int64)
        counts = np.concatenate([counts for _, counts in found]) if found else np.zeros(0, np.int64)
        self._vocabulary, columns = np.unique(points, return_inverse=True)
        frequency = np.bincount(columns, minlength=len(self._vocabulary))
        self._inverse = 1 + np.log((1 + len(texts)) / (1 + frequency))
        weights = (1 + np.log(counts)) * self._inverse[columns]
        norms = np.sqrt(np.bincount(rows, weights**2, len(texts)))
        weights /= norms[rows]
        self._ends = np.cumsum(lengths)
        self._columns, self._weights = columns, weights
        # By bigram, so that a query looks only at the texts that share one with it.
        order = np.argsort(columns, kind="stable")
        self._rows_by_bigram, self._weights_by_bigram = rows[order], weights[order]
        self._starts = np.concatenate(([0], np.cumsum(frequency)))

    def similarities(self, index: int) -> NDArray[np.float64]:
        """Return the cosine of text `index` with each text, ``[N]``; 0 with a text of less than two characters."""
        own = slice(self._ends[index - 1] if index else 0, self._ends[index])
        return self._cosines(self._columns[own], self._weights[own])

    def similarities_to(self, text: str) -> NDArray[np.float64]:
        """Return the cosine of another text with each text, ``[N]``; bigrams that none of them has do not count."""
        points, counts = _bigrams(text)
        places = np.searchsorted(self._vocabulary, points)
        known = places < len(self._vocabulary)
        known[known] = self._vocabulary[places[known]] == points[known]
        columns = places[known]
        weights = (1 + np.log(counts[known])) * self._inverse[columns]
        return self._cosines(columns, weights / max(np.linalg.norm(weights), 1.0))

    def _cosines(self, columns: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the products of a vector with each of the N texts."""
        starts, counts = self._starts[columns], self._starts[columns + 1] - self._starts[columns]
        # The places start, start + 1, … of every bigram, one after the other.
        shifts = np.repeat(starts - np.concatenate(([0], np.cumsum(counts)))[:-1], counts)
        places = shifts + np.arange(len(shifts))
        products = self._weights_by_bigram[places] * np.repeat(weights, counts)
        return np.bincount(self._rows_by_bigram[places], products, len(self._ends)).astype(np.float64)


def _bigrams(text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct bigrams of a text as numbers, and how often each occurs."""
    points = np.frombuffer("".join(text.split()).encode("utf-32-le"), "<u4").astype(np.int64)
    found, counts = np.unique((points[:-1] << HIGHEST_POINT) | points[1:], return_counts=True)
    return found, counts
