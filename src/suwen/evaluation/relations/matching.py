"""Matching of relations whose arguments overlap."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from suwen.evaluation.relations.pairs import RelationKey, is_whole

__all__ = ["match_overlapping_relations"]


def match_overlapping_relations(
    gold: Sequence[RelationKey], predicted: Sequence[RelationKey]
) -> Iterator[tuple[RelationKey, RelationKey]]:
    """Pair relations of the same type both of whose arguments overlap, one to one: as many as can be."""
    groups: defaultdict[str, tuple[list[RelationKey], list[RelationKey]]] = defaultdict(lambda: ([], []))
    for side, keys in enumerate((gold, predicted)):
        for key in filter(is_whole, keys):
            groups[key[0]][side].append(key)
    for ours, theirs in groups.values():
        if ours and theirs:
            for i, j in _matching(_overlaps(ours, theirs)):
                yield ours[i], theirs[j]


def _overlaps(ours: Sequence[RelationKey], theirs: Sequence[RelationKey]) -> NDArray[np.bool_]:
    """Return which relations overlap in both arguments, ``[len(ours), len(theirs)]``."""
    first, second = (np.array([key[1:] for key in keys]).reshape(-1, 1, 2, 2) for keys in (ours, theirs))
    second = second.transpose(1, 0, 2, 3)
    found: NDArray[np.bool_] = np.all((first[..., 0] < second[..., 1]) & (second[..., 0] < first[..., 1]), axis=-1)
    return found


def _matching(fits: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return a largest matching of rows with columns, by augmenting paths."""
    columns = [np.flatnonzero(row).tolist() for row in fits]
    row_of: dict[int, int] = {}
    for root in range(len(columns)):
        came_from: dict[int, int] = {}
        waiting = deque([root])
        while waiting:
            row = waiting.popleft()
            fresh = [column for column in columns[row] if column not in came_from]
            came_from.update(dict.fromkeys(fresh, row))
            free = next((column for column in fresh if column not in row_of), None)
            if free is not None:
                _augment(free, came_from, row_of, root)
                break
            waiting.extend(row_of[column] for column in fresh)
    return sorted((row, column) for column, row in row_of.items())


def _augment(column: int, came_from: Mapping[int, int], row_of: dict[int, int], root: int) -> None:
    """Move each row on the path to a free column by one."""
    column_of = {row: taken for taken, row in row_of.items()}
    while True:
        row = came_from[column]
        row_of[column] = row
        if row == root:
            return
        column = column_of[row]
