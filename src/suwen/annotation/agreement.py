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

from suwen.annotation.kappa import alpha, character_types, confusion, kappa, without_o
from suwen.corpus.split import whole_document
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.evaluation.analysis import Analysis, analyze
from suwen.evaluation.scores import overlap_score
from suwen.evaluation.significance import Interval, percentile_interval
from suwen.evaluation.strict import Pair, Score
from suwen.files import StrPath

__all__ = ["Agreement", "Annotations", "Measure", "PairAgreement", "agree"]

RESAMPLES = 1_000
Annotations = Mapping[str, Sequence[Document]]
"""The documents of each annotator, by name."""


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
        How often the start and the end differ by so many characters (second minus first), where two mentions of one
        type overlap.
    hidden
        How many mentions lie under longer ones and are not in the view by character.
    """

    first: str
    second: str
    analysis: Analysis
    strict: Measure
    partial: Measure
    kappa: Measure
    kappa_without_o: Measure
    relations: Score
    boundaries: Mapping[str, Counter[int]]
    hidden: int

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        by_type = self.analysis.scores.strict.by_type
        pairs = sorted(self.analysis.confusion.items(), key=lambda item: (-item[1], item[0]))
        return {
            "first": self.first,
            "second": self.second,
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
    """Two annotators or more on the documents that all of them have.

    Parameters
    ----------
    annotators
        The documents of each, all in the same order.
    pairs
        Every two of them.
    alpha
        Krippendorff's alpha over characters, with O.
    left_out
        For each annotator, how many documents the others do not have.
    """

    annotators: Annotations
    pairs: Sequence[PairAgreement]
    alpha: float
    left_out: Mapping[str, int]

    @property
    def documents(self) -> int:
        """Count how many documents are compared."""
        return len(next(iter(self.annotators.values())))

    def mean(self, figure: Callable[[PairAgreement], float]) -> float:
        """Return the mean of a figure over the pairs for which it is defined; NaN where it is for none."""
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
            "relation_f1_on_shared_entities": self.mean(relation_f1),
        }
        return {
            "annotators": list(self.annotators),
            "documents": self.documents,
            "left_out": dict(self.left_out),
            "mean_of_pairs": {name: None if isnan(value) else value for name, value in means.items()},
            "krippendorff_alpha": None if isnan(self.alpha) else self.alpha,
            "pairs": [pair.to_dict() for pair in self.pairs],
        }


def relation_f1(pair: PairAgreement) -> float:
    """Return F1 of the relations on shared entities; NaN where neither annotator has one."""
    score = pair.relations
    return score.f1 if score.gold + score.predicted else float("nan")


def agree(annotations: Annotations, seed: int = 0) -> Agreement:
    """Compare annotators on the documents that all of them have.

    Parameters
    ----------
    annotations
        The documents of each annotator, without those whose annotation was cancelled; documents are matched by ids.
    seed
        Of the bootstrap, which draws documents.

    Raises
    ------
    SuwenError
        S941 for fewer than two annotators, S942 when no document is common to all, S943 when a text differs.
    """
    if len(annotations) < 2:
        raise SuwenError("S941")
    by_id = {
        name: {document.id: document for document in documents if document.is_annotated}
        for name, documents in annotations.items()
    }
    names = list(by_id)
    common = [name for name in by_id[names[0]] if all(name in documents for documents in by_id.values())]
    if not common:
        raise SuwenError("S942", first=_some(by_id[names[0]]), second=_some(by_id[names[1]]))
    for one in common:
        for other in names[1:]:
            _require_same_text(by_id[names[0]][one], by_id[other][one], names[0], other)
    shared = {name: [documents[one] for one in common] for name, documents in by_id.items()}
    labels = sorted({entity.label for documents in shared.values() for one in documents for entity in one.entities})
    types = {name: [character_types(document, labels) for document in documents] for name, documents in shared.items()}
    pairs = [
        _pair_agreement((first, second), (shared[first], shared[second]), (types[first], types[second]), labels, seed)
        for first, second in combinations(names, 2)
    ]
    rows = np.stack([np.concatenate([array for array, _ in types[name]]) for name in names])
    left_out = {name: len(documents) - len(common) for name, documents in by_id.items()}
    return Agreement(shared, pairs, alpha(rows, len(labels)), left_out)


def _some(ids: Mapping[str, object]) -> str:
    return ", ".join(list(ids)[:3]) or "none"


def _require_same_text(first: Document, second: Document, name: str, other: str) -> None:
    if first.text != second.text:
        both = enumerate(zip(first.text, second.text, strict=False))
        shorter = min(len(first.text), len(second.text))
        place = next((index for index, (ours, theirs) in both if ours != theirs), shorter)
        raise SuwenError("S943", document=first.id, first=name, second=other, place=place)


Types = Sequence[tuple[NDArray[np.int64], int]]


def _pair_agreement(
    names: tuple[str, str],
    documents: tuple[Sequence[Document], Sequence[Document]],
    types: tuple[Types, Types],
    labels: Sequence[str],
    seed: int,
) -> PairAgreement:
    pairs = [Pair(whole_document(one), other) for one, other in zip(*documents, strict=True)]
    analysis = analyze(pairs)
    micro, nothing = analysis.scores.strict.micro, Measure(float("nan"))
    is_empty = not (micro.gold or micro.predicted)
    partial = np.array([_counts(overlap_score(pair)) for pair in pairs], np.float64)
    cells = np.array([confusion(one, other, len(labels)) for (one, _), (other, _) in zip(*types, strict=True)])
    flat = cells.reshape(len(pairs), -1).astype(np.float64)

    def kappas(weights: NDArray[np.float64], counted: NDArray[np.float64]) -> NDArray[np.float64]:
        size = len(labels) + 1
        return kappa((weights @ counted).reshape(-1, size, size))

    bare = without_o(cells).reshape(len(pairs), -1).astype(np.float64)
    return PairAgreement(
        *names,
        analysis,
        nothing if is_empty else Measure(micro.f1, analysis.scores.strict_f1_interval),
        nothing if is_empty else _measure(lambda weights: _f1(weights @ partial), len(pairs), seed),
        _measure(lambda weights: kappas(weights, flat), len(pairs), seed),
        _measure(lambda weights: kappas(weights, bare), len(pairs), seed),
        _relation_score(pairs),
        _boundaries(analysis),
        sum(hidden for side in types for _, hidden in side),
    )


def _counts(score: Score) -> tuple[int, int, int]:
    return score.matched, score.gold, score.predicted


def _f1(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F1 of ``[..., 3]`` totals: matched, first, second."""
    return 2 * totals[..., 0] / np.maximum(totals[..., 1] + totals[..., 2], 1)


def _measure(statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]], units: int, seed: int) -> Measure:
    """Return a statistic of all documents, and its interval when documents are drawn again."""
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
