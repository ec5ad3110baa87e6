"""Choose the documents to annotate next: those with the most information for the cost of reading them.

A document's score is the weighted mean of three figures in [0, 1]:

- the expected number of *uncertain entities* per 100 characters: the sum of 1 − p over the mentions that a model
  finds, where p is the confidence of each. Counting tags is among the best criteria of Kohl et al. (2024);
- *rare types*: the found mentions per 100 characters, each divided by the square root of how many of its type are
  annotated or chosen already;
- *novelty*: 1 − the largest cosine similarity with a document that is annotated or chosen already.

The cost of a document is its number of characters, so that long documents are not preferred.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.annotation.similarity import BigramVectors
from suwen.corpus.splitting import group_of
from suwen.document import Document
from suwen.errors import SuwenError

__all__ = ["Budget", "Choice", "Sample", "candidates_in", "choose_documents", "draw_documents"]

UNCERTAIN, RARE, NOVEL = 0.5, 0.25, 0.25
"""The weights of the three figures; they were set before any measurement, and not tuned."""

FIGURES = ("uncertain", "rare", "novelty", "score")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget of annotation.

    Parameters
    ----------
    documents, characters
        The most of each; None for any number.
    per_group
        The maximum number of documents of one group (a journal issue, see `suwen.corpus.splitting.group_of`).
    group_field
        The metadata field that names the group.

    Raises
    ------
    SuwenError
        S402 for a number below 1, S410 for a group field that bounds nothing, S921 when neither documents nor
        characters are bounded.
    """

    documents: int | None = None
    characters: int | None = None
    per_group: int | None = None
    group_field: str | None = None

    def __post_init__(self) -> None:
        for key in ("documents", "characters", "per_group"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise SuwenError("S402", key=key, reason=f"{value} is not a positive number")
        if self.group_field is not None and self.per_group is None:
            raise SuwenError("S410", first="--group-field", second="--per-group", advice="give both, or neither")
        if self.documents is None and self.characters is None:
            raise SuwenError("S921")


@dataclass(frozen=True, slots=True)
class Choice:
    """A document to annotate, and why.

    Parameters
    ----------
    document
        The document of the pool.
    uncertain
        The expected number of uncertain entities per 100 characters.
    rare
        The figure for rare types, per 100 characters.
    novelty
        1 − the largest similarity with an earlier document.
    score
        The weighted mean of the three, each divided by the largest of the pool.

    All four are None for a document that was drawn at random.
    """

    document: Document
    uncertain: float | None = None
    rare: float | None = None
    novelty: float | None = None
    score: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the id, the length and the figures as JSON values."""
        figures = {key: getattr(self, key) for key in FIGURES}
        known = {key: round(value, 4) for key, value in figures.items() if value is not None}
        return {"document": self.document.id, "characters": len(self.document.text), **known}


@dataclass(frozen=True, slots=True)
class Sample:
    """The chosen documents, the best first.

    Parameters
    ----------
    choices
        The documents, and why each was chosen.
    left_out
        Counts of documents that were left out, by reason.
    problems
        Problems of reading.
    unread
        How many files of the folders are not read, by their extension.
    """

    choices: Sequence[Choice]
    left_out: Counter[str]
    problems: list[SuwenError] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)

    def __repr__(self) -> str:
        return f"<Sample, documents: {len(self.choices):,}, characters: {self.characters:,}>"

    @property
    def documents(self) -> list[Document]:
        """The chosen documents, each with its rank and figures under ``meta["sample"]``."""
        return [
            replace(choice.document, meta={**choice.document.meta, "sample": {"rank": rank, **choice.to_dict()}})
            for rank, choice in enumerate(self.choices, 1)
        ]

    @property
    def characters(self) -> int:
        """Return the number of characters to annotate."""
        return sum(len(choice.document.text) for choice in self.choices)


@dataclass
class _Usage:
    """The rest of a budget."""

    budget: Budget
    documents: int = 0
    characters: int = 0
    groups: Counter[str] = field(default_factory=Counter)

    def exclusion_reason(self, document: Document) -> str | None:
        """Return why a document cannot be chosen any more; None if it can."""
        budget = self.budget
        if budget.documents is not None and self.documents >= budget.documents:
            return "documents beyond the wanted number"
        if budget.characters is not None and self.characters + len(document.text) > budget.characters:
            return "documents beyond the wanted number of characters"
        if budget.per_group is not None and self.groups[group_of(document, budget.group_field)] >= budget.per_group:
            return "documents of a group that has enough"
        return None

    def include(self, document: Document) -> None:
        """Count a document that was chosen."""
        self.documents += 1
        self.characters += len(document.text)
        self.groups[group_of(document, self.budget.group_field)] += 1


def candidates_in(pool: Sequence[Document], annotated: Sequence[Document] = ()) -> tuple[list[Document], Counter[str]]:
    """Return the documents of a pool that can be chosen, and how many cannot, by reason.

    Left out are texts without a visible character, texts that are annotated already (whatever their id), and later
    copies of a text.

    Raises
    ------
    SuwenError
        S922 when none is left.
    """
    known, seen = {document.text for document in annotated}, set[str]()
    kept: list[Document] = []
    left_out: Counter[str] = Counter()
    for document in pool:
        if not document.text.strip():
            left_out["empty texts"] += 1
        elif document.text in known:
            left_out["documents that are annotated already"] += 1
        elif document.text in seen:
            left_out["copies of another document"] += 1
        else:
            kept.append(document)
        seen.add(document.text)
    if not kept:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items()) or "it has no document"
        raise SuwenError("S922", reason=reasons)
    return kept, left_out


def draw_documents(candidates: Sequence[Document], budget: Budget, seed: int = 0) -> Sample:
    """Draw documents at random, within the budget: the baseline of `choose_documents`."""
    shuffled = sorted(candidates, key=lambda document: document.id)
    random.Random(seed).shuffle(shuffled)  # noqa: S311
    usage = _Usage(budget)
    choices = []
    left_out: Counter[str] = Counter()
    for document in shuffled:
        if reason := usage.exclusion_reason(document):
            left_out[reason] += 1
            continue
        usage.include(document)
        choices.append(Choice(document))
    return Sample(choices, left_out)


def choose_documents(
    candidates: Sequence[Document], predicted: Sequence[Document], annotated: Sequence[Document], budget: Budget
) -> Sample:
    """Choose documents one after the other, each time the one with the highest score that the budget allows.

    Parameters
    ----------
    candidates
        The documents of the pool, in any order: the result does not depend on it.
    predicted
        The same documents with the entities that a model finds, each with a confidence.
    annotated
        Documents that are already annotated.

    Raises
    ------
    SuwenError
        S923 when a mention has no confidence.
    """
    order = sorted(range(len(candidates)), key=lambda index: candidates[index].id)
    documents = [candidates[index] for index in order]
    figures = _Figures([predicted[index] for index in order], annotated)
    usage = _Usage(budget)
    choices: list[Choice] = []
    rest = list(range(len(documents)))
    while allowed := [index for index in rest if usage.exclusion_reason(documents[index]) is None]:
        rare, scores = figures.scores()
        best = max(allowed, key=scores.__getitem__)
        usage.include(documents[best])
        shown = figures.uncertain[best], rare[best], figures.novelty[best], scores[best]
        choices.append(Choice(documents[best], *map(float, shown)))
        figures.take(best)
        rest.remove(best)
    return Sample(choices, Counter(filter(None, (usage.exclusion_reason(documents[index]) for index in rest))))


class _Figures:
    """The three figures of all documents of a pool.

    Parameters
    ----------
    predicted
        N documents with found mentions.
    annotated
        Documents that are already annotated.
    """

    def __init__(self, predicted: Sequence[Document], annotated: Sequence[Document]) -> None:
        labels = sorted({entity.label for document in (*predicted, *annotated) for entity in document.entities})
        columns = {label: column for column, label in enumerate(labels)}
        hundreds = np.array([len(document.text) for document in predicted]) / 100
        self._found = np.array([_counts(document, columns) for document in predicted]).reshape(len(predicted), -1)
        self._density = self._found / hundreds[:, None]
        self._known = sum((_counts(document, columns) for document in annotated), np.zeros(len(columns)))
        self.uncertain: Floats = np.array(list(map(_uncertain, predicted))) / hundreds
        texts = [document.text for document in predicted]
        self._vectors = BigramVectors([*texts, *(document.text for document in annotated)])
        self.novelty: Floats = np.ones(len(predicted))
        for index in range(len(annotated)):
            self._compare(len(predicted) + index)

    def scores(self) -> tuple[Floats, Floats]:
        """Return the figure for rare types and the score of each document, both ``[N]``."""
        rare: Floats = self._density @ (1 / np.sqrt(1 + self._known))
        score: Floats = UNCERTAIN * _scaled(self.uncertain) + RARE * _scaled(rare) + NOVEL * self.novelty
        return rare, score

    def take(self, index: int) -> None:
        """Count the mentions and the words of a chosen document as known."""
        self._known += self._found[index]
        self._compare(index)

    def _compare(self, index: int) -> None:
        similar = self._vectors.similarities(index)[: len(self.novelty)]
        self.novelty = np.minimum(self.novelty, np.clip(1 - similar, 0, 1))


def _counts(document: Document, columns: dict[str, int]) -> Floats:
    """Count how many mentions a document has of each label."""
    counts = np.zeros(len(columns))
    for entity in document.entities:
        counts[columns[entity.label]] += 1
    return counts


def _uncertain(document: Document) -> float:
    """Return the expected number of uncertain entities."""
    total = 0.0
    for entity in document.entities:
        if entity.score is None:
            raise SuwenError("S923", document.id)
        total += 1 - entity.score
    return total


def _scaled(figures: Floats) -> Floats:
    """Return the figures divided by the largest."""
    largest = figures.max(initial=0)
    return figures / largest if largest > 0 else figures
