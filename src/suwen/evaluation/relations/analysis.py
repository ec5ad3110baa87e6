"""Scores of predicted relations, the gold relations that could not have been found, and each error with its kind.

All gold relations stay in the denominator, those that no model of the label set can find too.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from suwen.document import Entity, Span
from suwen.evaluation.relations.matching import match_overlapping_relations
from suwen.evaluation.relations.pairs import RelationKey, RelationPair, is_whole, owned_relations, relation_counts
from suwen.evaluation.reliability import Reliability, reliability_of
from suwen.evaluation.significance import Interval, bootstrap_interval
from suwen.evaluation.strict import Score, StrictScores
from suwen.schema import Schema
from suwen.text.distance import SentenceEnds, gap

__all__ = [
    "DISTANCES",
    "KINDS",
    "REASONS",
    "Kind",
    "Reason",
    "RelationAnalysis",
    "RelationCase",
    "RelationScores",
    "analyze_relations",
]

Kind = Literal["missed", "spurious", "boundary", "type"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Reason = Literal[
    "missing_argument", "self_relation", "unknown_type", "no_such_types", "other_name", "too_far", "no_entity"
]
REASONS: tuple[Reason, ...] = get_args(Reason)

DISTANCES = ("0", "1", "2+")
"""The number of sentence ends (``。！？``) between the arguments."""


@dataclass(frozen=True, slots=True)
class RelationScores:
    """All figures of predicted relations; `strict` is the one to quote."""

    documents: int
    strict: StrictScores
    strict_f1_interval: Interval | None
    """The interval of strict micro-F1, by document; None for a single document."""
    relaxed: Score
    """Same type, and both arguments share a character with those of the gold relation; one to one."""
    by_distance: Mapping[str, Score]
    """Strict, by how many ends of sentences stand between the arguments (`DISTANCES`)."""
    entities: Score
    """Strict, of the entities that the relations were looked for between."""
    out_of_reach: Mapping[Reason, int]
    """The gold relations that could not have been found, by reason."""
    repeated: int
    """Gold relations that repeat another one; they count once."""
    reliability: Reliability | None
    """The reliability of the confidences; None if the predictions have none."""

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        return {
            "documents": self.documents,
            "strict_relation": self.strict.to_dict(),
            "strict_relation_micro_f1_interval": self.strict_f1_interval and self.strict_f1_interval.to_dict(),
            "relaxed_relation": self.relaxed.to_dict(),
            "strict_relation_by_sentence_ends_between": {
                name: score.to_dict() for name, score in self.by_distance.items()
            },
            "strict_entity": self.entities.to_dict(),
            "gold_out_of_reach": dict(self.out_of_reach),
            "gold_repeated": self.repeated,
            "reliability": self.reliability and self.reliability.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class RelationCase:
    """One error: ``type`` joins the right hulls, ``boundary`` has the right type and arguments that overlap."""

    kind: Kind
    document_id: str
    gold: RelationKey | None
    predicted: RelationKey | None
    score: float | None
    """The confidence of the prediction."""
    reason: Reason | None
    """The reason why the gold relation could not be found."""


@dataclass(frozen=True, slots=True)
class RelationAnalysis:
    """Scores, and errors in the order of the text."""

    scores: RelationScores
    cases: tuple[RelationCase, ...]

    @property
    def errors(self) -> dict[Kind, int]:
        """Return how many cases there are of each kind."""
        counts = Counter(case.kind for case in self.cases)
        return {kind: counts[kind] for kind in KINDS}

    def to_dict(self) -> dict[str, Any]:
        """Return the scores and the number of errors by kind as JSON values."""
        return {**self.scores.to_dict(), "errors": self.errors}


def analyze_relations(
    pairs: Sequence[RelationPair], schema: Schema, reach: int | None = None, resamples: int = 1_000, seed: int = 0
) -> RelationAnalysis:
    """Score predicted relations and sort out their errors.

    Parameters
    ----------
    pairs
        The documents of one part with their predictions.
    schema
        The relation types and the entity types that they join.
    reach
        The maximum number of characters between arguments that the model looks at; None for any number.
    resamples, seed
        Of the bootstrap interval.
    """
    reasons = [_out_of_reach(pair, schema, reach) for pair in pairs]
    cases = tuple(case for pair, why in zip(pairs, reasons, strict=True) for case in _cases(pair, why))
    counts = relation_counts(pairs)
    strict = counts.scores()
    overlapping = sum(case.kind == "boundary" for case in cases)
    judged = [
        (score, key in pair.right)
        for pair in pairs
        for key, score in pair.predicted_relations.items()
        if score is not None
    ]
    scores = RelationScores(
        documents=len(pairs),
        strict=strict,
        strict_f1_interval=bootstrap_interval(counts, resamples, seed),
        relaxed=Score(strict.micro.matched + overlapping, strict.micro.gold, strict.micro.predicted),
        by_distance=_by_distance(pairs),
        entities=_summed((pair.gold_keys & pair.predicted_keys, pair.gold_keys, pair.predicted_keys) for pair in pairs),
        out_of_reach=_sum_of_reasons(reasons),
        repeated=sum(pair.repeated for pair in pairs),
        reliability=reliability_of([score for score, _ in judged], [right for _, right in judged]),
    )
    return RelationAnalysis(scores, cases)


def _summed(sides: Iterable[tuple[Collection[Any], ...]]) -> Score:
    matched = gold = predicted = 0
    for both, ours, theirs in sides:
        matched, gold, predicted = matched + len(both), gold + len(ours), predicted + len(theirs)
    return Score(matched, gold, predicted)


def _by_distance(pairs: Sequence[RelationPair]) -> dict[str, Score]:
    counts = {name: [0, 0, 0] for name in DISTANCES}
    for pair in pairs:
        ends = SentenceEnds(pair.predicted.text)
        for kind, keys in enumerate((pair.right, pair.gold_relations, pair.predicted_relations)):
            for _, head, tail in keys:
                if not isinstance(head, str) and not isinstance(tail, str):
                    counts[DISTANCES[min(ends.between(head, tail), 2)]][kind] += 1
    return {name: Score(*numbers) for name, numbers in counts.items()}


def _sum_of_reasons(reasons: Iterable[Mapping[RelationKey, Reason | None]]) -> dict[Reason, int]:
    counts = Counter(reason for found in reasons for reason in found.values())
    return {reason: counts[reason] for reason in REASONS if counts[reason]}


def _out_of_reach(pair: RelationPair, schema: Schema, reach: int | None) -> dict[RelationKey, Reason | None]:
    """Return why each gold relation could not have been found; None where it could."""
    entities: dict[str | None, Entity] = {}
    for entity in pair.gold.document.entities:
        entities.setdefault(entity.id, entity)
    joined = {kind.name: (kind.head, kind.tail) for kind in schema.relations}
    there = {entity.key for entity in pair.predicted.entities}
    found: dict[RelationKey, Reason | None] = {}
    for key, relation in owned_relations(pair.gold.document, pair.gold):
        head, tail = entities.get(relation.head), entities.get(relation.tail)
        reason = _reason(relation.label, head, tail, joined, there, reach)
        # If several lines have the same relation, one that can be found is enough.
        if reason is None or key not in found:
            found[key] = reason
    return found


def _reason(
    label: str,
    head: Entity | None,
    tail: Entity | None,
    joined: Mapping[str, tuple[str, str]],
    there: Collection[tuple[str, int, int]],
    reach: int | None,
) -> Reason | None:
    if head is None or tail is None:
        return "missing_argument"
    if head is tail:
        return "self_relation"
    if label not in joined:
        return "unknown_type"
    if (head.label, tail.label) != joined[label]:
        return "other_name" if (head.label, tail.label) in joined.values() else "no_such_types"
    start, end = gap((head.start, head.end), (tail.start, tail.end))
    if reach is not None and end - start > reach:
        return "too_far"
    return None if head.key in there and tail.key in there else "no_entity"


def _cases(pair: RelationPair, reasons: Mapping[RelationKey, Reason | None]) -> list[RelationCase]:
    """Return the errors of a document; each relation is in one case at most."""
    missed = sorted((key for key in pair.gold_relations if key not in pair.right), key=_order)
    spurious = sorted((key for key in pair.predicted_relations if key not in pair.right), key=_order)
    cases: list[tuple[Kind, RelationKey | None, RelationKey | None]] = []
    by_arguments: defaultdict[tuple[Span | str, Span | str], deque[RelationKey]] = defaultdict(deque)
    for key in filter(is_whole, spurious):
        by_arguments[key[1:]].append(key)
    cases += [("type", key, waiting.popleft()) for key in missed if (waiting := by_arguments[key[1:]])]
    taken = {key for _, *both in cases for key in both}
    missed, spurious = ([key for key in keys if key not in taken] for keys in (missed, spurious))
    cases += [("boundary", ours, theirs) for ours, theirs in match_overlapping_relations(missed, spurious)]
    taken = {key for _, *both in cases for key in both}
    cases += [("missed", key, None) for key in missed if key not in taken]
    cases += [("spurious", None, key) for key in spurious if key not in taken]
    cases.sort(key=lambda case: _order(case[1] or case[2]))
    return [
        RelationCase(
            kind,
            pair.predicted.id,
            gold,
            predicted,
            None if predicted is None else pair.predicted_relations[predicted],
            None if gold is None else reasons[gold],
        )
        for kind, gold, predicted in cases
    ]


def _order(key: RelationKey | None) -> tuple[Any, ...]:
    assert key is not None
    label, *ends = key
    return (*((-1, end) if isinstance(end, str) else (*end, "") for end in ends), label)
