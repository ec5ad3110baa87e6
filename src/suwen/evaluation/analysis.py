"""Error analysis: each wrong mention with its kind, and the confusion of types."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from suwen.document import Entity
from suwen.evaluation.scores import (
    Pair,
    Scores,
    TrainingMentions,
    familiarity,
    match_overlapping,
    score_selections,
    surface,
)

__all__ = ["KINDS", "Analysis", "Case", "Kind", "Pair", "analyze"]

Kind = Literal["missed", "spurious", "boundary", "type", "boundary_and_type"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Case:
    """One error.

    ``missed`` has no prediction and ``spurious`` no gold mention that it overlaps and that is not explained otherwise;
    ``boundary`` has the right label on another hull, ``type`` the right hull with another label,
    ``boundary_and_type`` neither, but common characters.
    """

    kind: Kind
    document_id: str
    gold: Entity | None
    predicted: Entity | None
    seen: bool | None
    """True if the training part has the mention (the gold one; the predicted one if spurious) with this label."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """Scores, errors in the order of the text, and the confusion of types."""

    scores: Scores
    cases: tuple[Case, ...]
    confusion: Mapping[tuple[str, str], int]
    """Counts of gold label (``""``: none) and predicted label (``""``: none).

    Right mentions and boundary errors are both on the diagonal; a row adds up to the gold mentions of its label, a
    column to the predicted ones.
    """

    @property
    def errors(self) -> dict[Kind, int]:
        """Return how many cases there are of each kind."""
        counts = Counter(case.kind for case in self.cases)
        return {kind: counts[kind] for kind in KINDS}

    def to_dict(self) -> dict[str, Any]:
        """Return the scores, the number of errors by kind, and the confusion as JSON values."""
        confusion = sorted(self.confusion.items(), key=lambda item: (-item[1], item[0]))
        return {
            **self.scores.to_dict(),
            "errors": self.errors,
            "confusion": [{"gold": ours, "predicted": theirs, "count": count} for (ours, theirs), count in confusion],
        }


def analyze(pairs: Sequence[Pair], training: TrainingMentions | None = None) -> Analysis:
    """Score predictions in every view and sort out their errors.

    Each mention is in one case at most: first those with the same hull are paired, then overlapping ones of the same
    label, then overlapping ones of any label, each time as many as can be.

    Parameters
    ----------
    pairs
        The documents of one part with their predictions.
    training
        Training documents (see `suwen.evaluation.scores.training_mentions`).
    """
    confusion: Counter[tuple[str, str]] = Counter()
    cases: list[Case] = []
    for pair in pairs:
        found = sorted(_cases(pair, training), key=_position)
        cases += found
        confusion.update(
            (case.gold.label if case.gold else "", case.predicted.label if case.predicted else "") for case in found
        )
        confusion.update((label, label) for label, _, _ in pair.gold_keys & pair.predicted_keys)
    return Analysis(score_selections(pairs, training), tuple(cases), dict(confusion))


def _position(case: Case) -> tuple[int, int, str]:
    entity = case.gold or case.predicted
    assert entity is not None
    return entity.start, entity.end, entity.label


def _cases(pair: Pair, training: TrainingMentions | None) -> Iterator[Case]:
    right = pair.gold_keys & pair.predicted_keys
    gold = {entity.key: entity for entity in pair.gold.gold if entity.key not in right}
    predicted = {
        entity.key: entity
        for entity in pair.predicted.entities
        if entity.key in pair.predicted_keys and entity.key not in right
    }
    missed, spurious = list(gold.values()), list(predicted.values())

    def case(kind: Kind, gold: Entity | None, predicted: Entity | None) -> Case:
        entity = gold or predicted
        assert entity is not None
        seen = None
        if training is not None:
            words = surface(pair.predicted.text, entity.start, entity.end)
            seen = familiarity(entity.label, words, training) == "seen"
        return Case(kind, pair.predicted.id, gold, predicted, seen)

    stages: tuple[tuple[Kind, Callable[[Entity], Hashable]], ...] = (
        ("type", lambda entity: (entity.start, entity.end)),
        ("boundary", lambda entity: entity.label),
        ("boundary_and_type", lambda entity: None),
    )
    for kind, group in stages:
        matched, missed, spurious = _match_within(missed, spurious, group)
        for one, other in matched:
            yield case(kind, one, other)
    for entity in missed:
        yield case("missed", entity, None)
    for entity in spurious:
        yield case("spurious", None, entity)


def _match_within(
    gold: list[Entity], predicted: list[Entity], group: Callable[[Entity], Hashable]
) -> tuple[list[tuple[Entity, Entity]], list[Entity], list[Entity]]:
    """Pair overlapping mentions of the same group; the pairs, and what is left over on each side."""
    groups: defaultdict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, entities in enumerate((gold, predicted)):
        for index, entity in enumerate(entities):
            groups[group(entity)][side].append(index)
    matched = [
        (ours[i], theirs[j])
        for ours, theirs in groups.values()
        for i, j in match_overlapping(_hulls(gold, ours), _hulls(predicted, theirs))
    ]
    taken_gold, taken_predicted = {i for i, _ in matched}, {j for _, j in matched}
    return (
        [(gold[i], predicted[j]) for i, j in matched],
        [entity for i, entity in enumerate(gold) if i not in taken_gold],
        [entity for j, entity in enumerate(predicted) if j not in taken_predicted],
    )


def _hulls(entities: list[Entity], indices: list[int]) -> list[tuple[int, int]]:
    return [(entities[index].start, entities[index].end) for index in indices]
