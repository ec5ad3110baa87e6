"""Agreement of annotators on the same texts: entities, characters, relations, and the differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isnan
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.annotation.annotators import Annotations, by_document
from suwen.annotation.kappa import alpha, character_types, confusion, kappa, without_o
from suwen.corpus.split import whole_document
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.evaluation.analysis import Analysis, analyze
from suwen.evaluation.scores import overlap_score
from suwen.evaluation.significance import Interval, percentile_interval
from suwen.evaluation.strict import Pair, Score, first_difference
from suwen.files import StrPath

__all__ = ["Agreement", "Measure", "PairAgreement", "agree"]

RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure and its bootstrap interval over documents; NaN where it is not defined."""

    value: float
    interval: Interval | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return both as JSON values."""
        value = None if isnan(self.value) else self.value
        return {"value": value, "interval": self.interval and self.interval.to_dict()}


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two annotators.

    Parameters
    ----------
    first, second
        Their names.
    documents
        How many documents both have.
    analysis
        The second scored on the first: F1 is the same in both directions. Its confusion of types and its errors are
        the disagreements (``missed``: the first alone, ``spurious``: the second alone).
    strict, partial
        F1 of entities: type and both offsets; same type and a common character, one to one. NaN where neither has one.
    kappa, kappa_without_o
        Cohen's kappa over characters.
    relations
        Relations with the same type and the same arguments, among those whose arguments both have annotated.
    boundaries
        Counts of the differences of start and end in characters (second minus first), for overlapping mentions of one
        type.
    hidden
        How many mentions lie under longer ones and are not in the view by character.
    """

    first: str
    second: str
    documents: int
    analysis: Analysis
    strict: Measure
    partial: Measure
    kappa: Measure
    kappa_without_o: Measure
    relations: Score
    boundaries: Mapping[str, Counter[int]]
    hidden: int

    def __repr__(self) -> str:
        figures = f"strict F1: {self.strict.value:.3f}, kappa: {self.kappa.value:.3f}"
        return f"<PairAgreement {self.name}, documents: {self.documents:,}, {figures}>"

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first} – {self.second}"

    @property
    def relation_f1(self) -> float:
        """F1 of the relations on shared entities; NaN where neither annotator has one."""
        return self.relations.f1 if self.relations.gold + self.relations.predicted else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        by_type = self.analysis.scores.strict.by_type
        pairs = sorted(self.analysis.confusion.items(), key=lambda item: (-item[1], item[0]))
        return {
            "first": self.first,
            "second": self.second,
            "documents": self.documents,
            "strict_entity_f1": self.strict.to_dict(),
            "partial_entity_f1": self.partial.to_dict(),
            "character_kappa": self.kappa.to_dict(),
            "character_kappa_without_o": self.kappa_without_o.to_dict(),
            "by_type": {
                label: {"f1": score.f1, "both": score.matched, "first": score.gold, "second": score.predicted}
                for label, score in by_type.items()
            },
            "relation_f1_on_shared_entities": self.relations.f1,
            "relations": {
                "both": self.relations.matched, "first": self.relations.gold, "second": self.relations.predicted
            },
            "disagreements": self.analysis.errors,
            "confusion": [{"first": ours, "second": theirs, "count": count} for (ours, theirs), count in pairs],
            "boundaries": {
                side: {f"{by:+d}": count for by, count in sorted(counts.items())}
                for side, counts in self.boundaries.items()
            },
            "mentions_under_longer_ones": self.hidden,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two annotators or more, each two on the documents that both have.

    Parameters
    ----------
    annotators
        The documents of each that another one has too.
    pairs
        Every two of them that have a document in common.
    alpha
        Krippendorff's alpha over characters, with O.
    hidden
        How many mentions lie under longer ones and are not in the view by character.
    left_out
        For each annotator, the number of documents without another annotator.
    """

    annotators: Annotations
    pairs: Sequence[PairAgreement]
    alpha: float
    hidden: int
    left_out: Mapping[str, int]

    def __repr__(self) -> str:
        figures = f"strict F1: {self.mean(lambda pair: pair.strict.value):.3f}, alpha: {self.alpha:.3f}"
        return f"<Agreement of {', '.join(self.annotators)}, documents: {self.documents:,}, {figures}>"

    @property
    def documents(self) -> int:
        """The number of documents that are compared."""
        return len(by_document(self.annotators))

    def mean(self, figure: Callable[[PairAgreement], float]) -> float:
        """Return the mean of a figure over the pairs that define it; NaN if none does."""
        values = [value for pair in self.pairs if not isnan(value := figure(pair))]
        return fmean(values) if values else float("nan")

    def write_html(self, path: StrPath, title: str = "") -> None:
        """Write a page that shows the figures and each disagreement in its text.

        Raises
        ------
        SuwenError
            S101, S102 or S105 when it cannot be written.
        """
        from suwen.annotation.agreement_page import write_agreement_page

        write_agreement_page(path, self, title or f"一致性 Agreement: {', '.join(self.annotators)}")

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        means = {
            "strict_entity_f1": self.mean(lambda pair: pair.strict.value),
            "partial_entity_f1": self.mean(lambda pair: pair.partial.value),
            "character_kappa": self.mean(lambda pair: pair.kappa.value),
            "character_kappa_without_o": self.mean(lambda pair: pair.kappa_without_o.value),
            "relation_f1_on_shared_entities": self.mean(lambda pair: pair.relation_f1),
        }
        return {
            "annotators": list(self.annotators),
            "documents": self.documents,
            "left_out": dict(self.left_out),
            "mean_of_pairs": {name: None if isnan(value) else value for name, value in means.items()},
            "krippendorff_alpha": None if isnan(self.alpha) else self.alpha,
            "pairs": [pair.to_dict() for pair in self.pairs],
        }


def agree(annotations: Annotations, seed: int = 0) -> Agreement:
    """Compare every two annotators on the documents that both have.

    Parameters
    ----------
    annotations
        The documents of each annotator, without those whose annotation was cancelled; documents are matched by ids.
    seed
        Of the bootstrap, which draws documents.

    Raises
    ------
    SuwenError
        S941 for fewer than two annotators, S942 when no two have a document in common, S943 when a text differs.
    """
    if len(annotations) < 2:
        raise SuwenError("S941")
    annotated = {name: [one for one in documents if one.is_annotated] for name, documents in annotations.items()}
    common = [found for found in by_document(annotated) if len(found) > 1]
    if not common:
        ours, theirs = list(annotated.values())[:2]
        raise SuwenError("S942", first=_some(ours), second=_some(theirs))
    for found in common:
        (name, one), *others = found.items()
        for other, document in others:
            _require_same_text(one, document, name, other)
    labels = sorted({entity.label for found in common for one in found.values() for entity in one.entities})
    typed = [{name: character_types(one, labels) for name, one in found.items()} for found in common]
    pairs = []
    for first, second in combinations(annotated, 2):
        rows = [(found, types) for found, types in zip(common, typed, strict=True) if {first, second} <= found.keys()]
        if rows:
            pairs.append(_pair_agreement(first, second, rows, labels, seed))
    shared = {name: [found[name] for found in common if name in found] for name in annotated}
    return Agreement(
        shared,
        pairs,
        alpha((np.stack([array for array, _ in types.values()]) for types in typed), len(labels)),
        sum(hidden for types in typed for _, hidden in types.values()),
        {name: len(documents) - len(shared[name]) for name, documents in annotated.items()},
    )


def _some(documents: Sequence[Document]) -> str:
    return ", ".join(document.id for document in documents[:3]) or "none"


def _require_same_text(first: Document, second: Document, name: str, other: str) -> None:
    if first.text != second.text:
        place = first_difference(first.text, second.text)
        raise SuwenError("S943", document=first.id, first=name, second=other, place=place)


Types = tuple[NDArray[np.int64], int]


def _pair_agreement(
    first: str,
    second: str,
    rows: Sequence[tuple[Mapping[str, Document], Mapping[str, Types]]],
    labels: Sequence[str],
    seed: int,
) -> PairAgreement:
    """Compare two annotators on documents that both have, each given with its types by character."""
    pairs = [Pair(whole_document(found[first]), found[second]) for found, _ in rows]
    types = [(own[first], own[second]) for _, own in rows]
    analysis = analyze(pairs)
    micro, nothing = analysis.scores.strict.micro, Measure(float("nan"))
    is_empty = not (micro.gold or micro.predicted)
    partial = np.array([_counts(overlap_score(pair)) for pair in pairs], np.float64)
    cells = np.array([confusion(one, other, len(labels)) for (one, _), (other, _) in types])
    flat = cells.reshape(len(pairs), -1).astype(np.float64)

    def kappas(weights: NDArray[np.float64], counted: NDArray[np.float64]) -> NDArray[np.float64]:
        size = len(labels) + 1
        return kappa((weights @ counted).reshape(-1, size, size))

    bare = without_o(cells).reshape(len(pairs), -1).astype(np.float64)
    return PairAgreement(
        first,
        second,
        len(rows),
        analysis,
        nothing if is_empty else Measure(micro.f1, analysis.scores.strict_f1_interval),
        nothing if is_empty else _measure(lambda weights: _f1(weights @ partial), len(pairs), seed),
        _measure(lambda weights: kappas(weights, flat), len(pairs), seed),
        _measure(lambda weights: kappas(weights, bare), len(pairs), seed),
        _relation_score(pairs),
        _boundaries(analysis),
        sum(hidden for sides in types for _, hidden in sides),
    )


def _counts(score: Score) -> tuple[int, int, int]:
    return score.matched, score.gold, score.predicted


def _f1(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F1 of ``[..., 3]`` totals: matched, first, second."""
    return 2 * totals[..., 0] / np.maximum(totals[..., 1] + totals[..., 2], 1)


def _measure(statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]], units: int, seed: int) -> Measure:
    """Return a statistic of all documents with its bootstrap interval over documents."""
    value = float(statistic(np.ones((1, units)))[0])
    interval = percentile_interval(statistic, units, RESAMPLES, seed)
    # A draw without any annotation has no kappa.
    return Measure(value, None if interval is None or isnan(interval.low) else interval)


def _relation_score(pairs: Sequence[Pair]) -> Score:
    """Return relations between entities that both annotators have."""
    matched = first = second = 0
    for pair in pairs:
        shared = pair.gold_keys & pair.predicted_keys
        sides = []
        for document in (pair.gold.document, pair.predicted):
            keys = {entity.id: entity.key for entity in document.entities if entity.key in shared}
            ends = [(one.label, keys.get(one.head), keys.get(one.tail)) for one in document.relations]
            sides.append({row for row in ends if row[1] is not None and row[2] is not None})
        matched += len(sides[0] & sides[1])
        first += len(sides[0])
        second += len(sides[1])
    return Score(matched, first, second)


def _boundaries(analysis: Analysis) -> dict[str, Counter[int]]:
    """Count by how much starts and ends differ where the type is the same."""
    found: dict[str, Counter[int]] = {"start": Counter(), "end": Counter()}
    for case in analysis.cases:
        if case.kind == "boundary" and case.gold is not None and case.predicted is not None:
            found["start"][case.predicted.start - case.gold.start] += 1
            found["end"][case.predicted.end - case.gold.end] += 1
    return found
