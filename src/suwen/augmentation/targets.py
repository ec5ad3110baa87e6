"""Number and originals of the generated documents."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from suwen.augmentation.augmenters import Variant
from suwen.augmentation.config import AugmentationConfig
from suwen.corpus.sentences import sentence_spans
from suwen.corpus.split import Selection
from suwen.document import Span

__all__ = ["variants_of"]


def variants_of(selections: Sequence[Selection], config: AugmentationConfig) -> list[Variant]:
    """Return the documents to generate, those of one original side by side.

    With `target.mentions`, sentences that hold mentions of rare labels are copied too, as documents of their own; what
    is copied depends on all selections, how each copy is changed only on its own document.
    """
    copies = _copies(selections, config)
    variants = []
    for selection, number, rare in zip(selections, copies, _rare_sentences(selections, config, copies), strict=True):
        document = selection.document
        spans = None if _is_whole(selection) else selection.spans
        parts: list[tuple[Span, ...] | None] = [*([spans] * number), *rare]
        variants += [Variant(document, copy, config.method, part) for copy, part in enumerate(parts, 1)]
    return variants


def _is_whole(selection: Selection) -> bool:
    place = 0
    for start, end in selection.spans:
        if start != place:
            return False
        place = end
    return place == len(selection.document.text)


def _copies(selections: Sequence[Selection], config: AugmentationConfig) -> list[int]:
    """Return the copies of each document."""
    wanted = config.target.documents
    if not wanted:
        return [config.target.copies] * len(selections)
    each, more = divmod(wanted, len(selections))
    # Who gets one more is drawn by name, so that the order of the documents does not matter.
    names = [selection.document.id for selection in selections]
    favored = set(sorted(names, key=lambda name: hashlib.sha256(f"{config.seed}/{name}".encode()).digest())[:more])
    return [each + (name in favored) for name in names]


def _rare_sentences(
    selections: Sequence[Selection], config: AugmentationConfig, copies: Sequence[int]
) -> list[list[tuple[Span, ...]]]:
    """Return the sentences to copy beside each document, once for each further copy.

    Round by round, all sentences that hold a mention of a label with too few mentions are copied, until each label has
    its number or the most copies are made.
    """
    wanted = config.target.mentions
    chosen: list[list[tuple[Span, ...]]] = [[] for _ in selections]
    if not wanted:
        return chosen
    have: Counter[str] = Counter()
    for selection, number in zip(selections, copies, strict=True):
        have.update({label: (1 + number) * mentions for label, mentions in _labels(selection).items()})
    held = [list(_sentences(selection)) for selection in selections]
    for _ in range(config.target.most_copies):
        rare = {label for label, mentions in have.items() if mentions < wanted}
        if not rare:
            break
        for index in range(len(selections)):
            parts = [(span, labels) for span, labels in held[index] if not rare.isdisjoint(labels)]
            if parts:
                chosen[index].append(tuple(span for span, _ in parts))
            for _, labels in parts:
                have.update(labels)
    return chosen


def _labels(selection: Selection) -> Counter[str]:
    return Counter(entity.label for entity in selection.gold)


def _sentences(selection: Selection) -> Iterator[tuple[Span, Counter[str]]]:
    """Yield the owned sentences that hold whole entities, with these by label."""
    entities = sorted(selection.gold, key=lambda entity: entity.start)
    starts = [entity.start for entity in entities]
    for start, end in sentence_spans(selection.document.text):
        inside = entities[bisect_left(starts, start) : bisect_left(starts, end)]
        whole = Counter(entity.label for entity in inside if entity.end <= end)
        if whole and selection.owns(start):
            yield (start, end), whole
