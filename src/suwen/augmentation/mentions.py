"""Mentions replaced by others of the same type (mention replacement of Dai and Adel, 2020)."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from suwen.augmentation.augmenters import Proposal, Request, chosen, word_edits
from suwen.augmentation.config import MentionConfig
from suwen.corpus.split import Selection
from suwen.document import Entity
from suwen.text.view import make_view

__all__ = ["MentionReplacement"]

CHOICE, REPLACEMENT = 0, 1


class MentionReplacement:
    """The augmenter ``mention``.

    Parameters
    ----------
    training
        Where the mentions come from.
    config
        The configuration.
    """

    def __init__(self, training: Sequence[Selection], config: MentionConfig) -> None:
        self._rate = config.rate
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for selection in training:
            view = make_view(selection.document.text)
            for entity in selection.gold:
                span = view.to_view(entity.start, entity.end)
                mention = view.text[slice(*span)] if span else ""
                if mention.strip() and "\n" not in mention and not _is_discontinuous(selection.document.text, entity):
                    found[entity.label][mention] += 1
        self._pools = {label: Pool(counts, config.draw == "distinct") for label, counts in found.items()}

    def propose(self, requests: Sequence[Request]) -> list[Proposal]:
        """Replace mentions of several documents."""
        return [self._propose(request) for request in requests]

    def _propose(self, request: Request) -> Proposal:
        reading, proposal = request.reading, Proposal()
        owned, begins = set(reading.owned(request.variant.spans)), [start for start, _ in reading.sentences]
        free: list[tuple[tuple[int, int], Entity]] = []
        for entity in reading.document.entities:
            span = reading.view.to_view(entity.start, entity.end)
            if span is None or bisect_right(begins, span[0]) - 1 not in owned:
                continue
            proposal.counts["mentions"] += 1
            alone = (reading.layers[slice(*span)] == 1).all() and not request.taken[slice(*span)].any()
            whole = "\n" not in reading.text(span) and not _is_discontinuous(reading.document.text, entity)
            # A break inside a single piece would end up at the end of the new mention.
            broken = not entity.fragments and len(reading.view.to_source(*span)) > 1
            if alone and whole and not broken and entity.label in self._pools:
                free.append((span, entity))
        proposal.counts["replaceable"] += len(free)
        if not free:
            return proposal
        starts = [span[0] for span, _ in free]
        draws = request.draws.uniform(CHOICE, starts)[:, 0]
        numbers = request.draws.uniform(REPLACEMENT, starts)[:, 0]
        for index in chosen(self._rate, draws):
            span, entity = free[index]
            new = self._pools[entity.label].draw(reading.text(span), float(numbers[index]))
            if new is None:
                proposal.counts["without a choice"] += 1
                continue
            characters = [new] + [""] * (span[1] - span[0] - 1)
            proposal.edits += word_edits(reading, span, characters, "mention", span[0])
            proposal.counts["replaced"] += 1
        return proposal


def _is_discontinuous(text: str, entity: Entity) -> bool:
    """Return whether something other than white space lies between the fragments."""
    gaps = zip(entity.pieces, entity.pieces[1:], strict=False)
    return any(text[end:start].strip() for (_, end), (start, _) in gaps)


class Pool:
    """Surfaces to draw from.

    Parameters
    ----------
    counts
        How often each occurs.
    distinct
        Whether all are equally likely.
    """

    def __init__(self, counts: Counter[str], distinct: bool = False) -> None:
        # Sorted, so that the order of the documents does not matter.
        self._surfaces = sorted(counts)
        self._weights = np.array([1 if distinct else counts[surface] for surface in self._surfaces])
        self._places = {surface: place for place, surface in enumerate(self._surfaces)}

    def draw(self, other_than: str, number: float) -> str | None:
        """Return the surface at this place in [0, 1) of the pool, never `other_than`; None when there is no other."""
        weights = self._weights
        if other_than in self._places:
            weights = weights.copy()
            weights[self._places[other_than]] = 0
        sums = np.cumsum(weights)
        if not sums.size or not sums[-1]:
            return None
        return self._surfaces[int(np.searchsorted(sums, number * sums[-1], side="right"))]
