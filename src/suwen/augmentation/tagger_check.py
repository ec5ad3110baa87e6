"""Undoing edits after which a trained tagger finds other entities."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence

from suwen.augmentation.augmenters import Variant
from suwen.augmentation.edits import Edit, Moves, Recipe, derived
from suwen.corpus.sentences import sentence_spans
from suwen.document import Document
from suwen.inference.predictor import Extractor

__all__ = ["TaggerCheck"]


class TaggerCheck:
    """Compares the entities that a tagger finds in a sentence before and after its edits.

    Parameters
    ----------
    tagger
        The trained tagger. Each document is given to it alone, so that its batches cannot matter.
    """

    def __init__(self, tagger: Extractor) -> None:
        self._tagger = tagger
        self._last: tuple[Document, set[tuple[str, int, int]]] | None = None

    def kept(self, variant: Variant, edits: Sequence[Edit]) -> list[Edit]:
        """Return the edits of those sentences in which the tagger finds the same entities, moved."""
        if not edits:
            return []
        starts = [start for start, _ in sentence_spans(variant.document.text)]
        moves = Moves(edits)
        moved_starts = [moves(start) for start in starts]
        before: defaultdict[int, Counter[tuple[str, int, int]]] = defaultdict(Counter)
        for label, start, end in self._found_before(variant.document):
            before[bisect_right(starts, start)][label, moves(start), moves(end)] += 1
        edited = derived(variant.document, Recipe("", variant.document.id, 0, "", None, tuple(edits)))
        after: defaultdict[int, Counter[tuple[str, int, int]]] = defaultdict(Counter)
        for label, start, end in _keys(self._tagger(edited)):
            after[bisect_right(moved_starts, start)][label, start, end] += 1
        return [edit for edit in edits if before[place := bisect_right(starts, edit.start)] == after[place]]

    def _found_before(self, document: Document) -> set[tuple[str, int, int]]:
        if self._last is None or self._last[0] is not document:
            self._last = document, _keys(self._tagger(document))
        return self._last[1]


def _keys(document: Document) -> set[tuple[str, int, int]]:
    return {entity.key for entity in document.entities}
