"""Which neighbors to show, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from suwen.graph.aggregates import EdgeCounts
from suwen.graph.evidence import since_condition

__all__ = ["ALL", "Asserted", "Filters", "Order", "Reviewed"]

Asserted = Literal["with", "without", "only"]
Reviewed = Literal["all", "accepted", "rejected", "unreviewed"]
Order = Literal["rank", "documents", "confidence"]
Condition = tuple[str, list[Any]]

_ASSERTED: dict[Asserted, tuple[str, Callable[[EdgeCounts], bool]]] = {
    "with": ("1", lambda counts: True),
    "without": ("edge.affirmed > 0", lambda counts: counts.affirmed > 0),
    "only": ("edge.negated + edge.hypothetical > 0", lambda counts: counts.negated + counts.hypothetical > 0),
}

_JUDGED = """
    SELECT edge.id FROM verdict
    CROSS JOIN evidence ON evidence.key = verdict.key
    CROSS JOIN mention AS head ON head.id = evidence.head
    CROSS JOIN mention AS tail ON tail.id = evidence.tail
    CROSS JOIN form AS head_form ON head_form.id = head.form
    CROSS JOIN form AS tail_form ON tail_form.id = tail.form
    CROSS JOIN edge ON edge.head = head_form.concept AND edge.tail = tail_form.concept
        AND edge.relation = evidence.relation
    WHERE verdict.value = 'accept'
"""
_REVIEWED: dict[Reviewed, str] = {
    "all": "edge.rank >= 0",
    "accepted": f"edge.id IN ({_JUDGED})",
    "rejected": "edge.rejected > 0",
    "unreviewed": f"edge.rejected = 0 AND edge.id NOT IN ({_JUDGED})",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which edges of a concept to show, and in which order.

    Parameters
    ----------
    relations, types
        The relation types, and the entity types of the neighbors; empty for all.
    confidence
        The least confidence of an edge.
    since, until
        Count the evidence of documents of these years of publication alone. A `since` below 1000 is the number of a
        build.
    assertion
        ``with`` negated and hypothetical edges, ``without`` those that are never affirmed, or ``only`` those with
        negated or hypothetical evidence.
    reviewed
        The edges with accepted evidence, with rejected evidence, or without a verdict. ``all`` leaves out those of
        which all evidence was rejected.
    order
        The figure by which edges are ordered, the largest first; ties are ordered by rank.
    """

    relations: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    confidence: float = 0.0
    since: int | None = None
    until: int | None = None
    assertion: Asserted = "with"
    reviewed: Reviewed = "all"
    order: Order = "rank"

    @property
    def is_dated(self) -> bool:
        """Return whether the figures of edges are those of some documents alone."""
        return (self.since, self.until) != (None, None)

    def of_edges(self, other: str) -> Condition:
        """Return the condition on the table ``edge`` alone, so that its indexes order the answer.

        Parameters
        ----------
        other
            The column of the neighbor, ``head`` or ``tail``.
        """
        conditions: list[str] = [_REVIEWED[self.reviewed]]
        values: list[Any] = []
        for value, names in (
            ("(SELECT name FROM relation WHERE id = edge.relation)", self.relations),
            (f"(SELECT type FROM concept WHERE id = edge.{other})", self.types),
        ):
            if names:
                conditions.append(f"{value} IN ({', '.join('?' * len(names))})")
                values += names
        if not self.is_dated:
            conditions.append(_ASSERTED[self.assertion][0])
            if self.confidence > 0:
                conditions.append("edge.confidence >= ?")
                values.append(self.confidence)
        return " AND ".join(conditions), values

    def of_documents(self) -> Condition:
        """Return the condition on the table ``document``."""
        condition, value = since_condition(self.since)
        if self.until is None:
            return condition, [value]
        return f"{condition} AND document.year <= ?", [value, self.until]

    def admits(self, counts: EdgeCounts) -> bool:
        """Return whether an edge of these figures is shown, where they are those of some documents alone."""
        is_counted = counts.documents > 0 or (self.reviewed == "rejected" and counts.rejected > 0)
        return is_counted and counts.confidence >= self.confidence and _ASSERTED[self.assertion][1](counts)


ALL = Filters()
