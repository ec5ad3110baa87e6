"""Shared parts of all augmenters: documents to make, and draws that depend only on their purpose."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suwen.augmentation.config import STEPS
from suwen.augmentation.edits import Edit
from suwen.augmentation.words import Flags, Reading
from suwen.corpus.generated import generated_id
from suwen.document import Document, Span
from suwen.draws import random_key, uniform_numbers

__all__ = ["Augmenter", "Draws", "Proposal", "Request", "Variant", "chosen", "word_edits"]


@dataclass(frozen=True)
class Variant:
    """A document to generate.

    Parameters
    ----------
    document
        The original.
    copy
        The number of the copy, from 1.
    method
        The method or composition.
    spans
        The parts of the original that it consists of; None for all of it.
    """

    document: Document
    copy: int
    method: str
    spans: tuple[Span, ...] | None = None

    @property
    def id(self) -> str:
        """Its id."""
        return generated_id(self.document.id, self.method, self.copy)

    @property
    def characters(self) -> int:
        """The length of the source text."""
        return sum(end - start for start, end in self.spans or [(0, len(self.document.text))])


class Draws:
    """Uniform numbers for one method on one variant.

    Parameters
    ----------
    seed
        The seed of the run.
    variant
        What they are for: the document's id and the copy count, nothing else.
    step
        The method.
    """

    def __init__(self, seed: int, variant: Variant, step: str) -> None:
        name = int.from_bytes(hashlib.sha256(variant.document.id.encode()).digest()[:16])
        self._parts = (seed, name, variant.copy, STEPS.index(step))
        self._keys: dict[int, int] = {}

    def uniform(self, purpose: int, rows: Sequence[int], columns: int = 1) -> NDArray[np.float64]:
        """Return numbers in [0, 1), float64 ``[len(rows), columns]``; a row's do not depend on the other rows."""
        if purpose not in self._keys:
            self._keys[purpose] = random_key(*self._parts, purpose)
        return uniform_numbers(self._keys[purpose], np.asarray(rows, np.int64), columns)


@dataclass(frozen=True)
class Request:
    """The request to an augmenter.

    Parameters
    ----------
    variant
        The document to generate.
    reading
        Its original as words.
    edits
        What earlier methods changed and later ones leave alone.
    draws
        Where all randomness comes from.
    """

    variant: Variant
    reading: Reading
    edits: Sequence[Edit]
    draws: Draws

    @cached_property
    def taken(self) -> Flags:
        """Return the characters of the view that were changed already, bool ``[len(view)]``."""
        return self.reading.taken((edit.start, edit.end) for edit in self.edits)


@dataclass
class Proposal:
    """The changes of an augmenter in one document, and its counts."""

    edits: list[Edit] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Augmenter(Protocol):
    """One method."""

    def propose(self, requests: Sequence[Request]) -> list[Proposal]:
        """Find edits for several documents at once; those of one do not depend on the others."""
        ...


def chosen(rate: float, draws: NDArray[np.float64]) -> list[int]:
    """Choose about the rate of several items, at least one if there is one; none at rate 0.

    Parameters
    ----------
    draws
        A uniform number for each item, ``[n]``.

    Returns
    -------
    list[int]
        Their indices, ascending.
    """
    if not rate or not len(draws):
        return []
    count = max(1, round(rate * len(draws)))
    return sorted(np.argsort(draws, kind="stable")[:count].tolist())


def word_edits(
    reading: Reading, span: Span, new: Sequence[str], method: str, word: int, probability: float | None = None
) -> list[Edit]:
    """Return the edits that replace a span of the view, one for each stretch between line breaks.

    Parameters
    ----------
    new
        What takes the place of each character of the view; empty for none.
    """
    text, source = reading.document.text, reading.view.source
    edits = []
    for start, end in reading.view.to_source(*span):
        first, last = np.searchsorted(source, (start, end))
        replacement = "".join(new[first - span[0] : last - span[0]])
        if replacement != text[start:end]:
            edits.append(Edit(start, end, text[start:end], replacement, method, word, probability))
    return edits
