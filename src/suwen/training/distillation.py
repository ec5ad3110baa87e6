"""Learning from trained taggers: what they think of every character, of annotated and of other articles.

The teachers' scores are averaged, and the student learns their distribution over tag sequences: posterior distillation
(Wang et al., 2020, "Structure-level knowledge distillation for multilingual sequence labeling", section 3.2), here from
exact expected counts. In annotated text the target is a mixture of that distribution and of the annotation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from suwen.corpus.split import Selection, corpus_hash, whole
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import read_json, write_json
from suwen.inference.batching import batches, pad
from suwen.inference.predictor import Predictor
from suwen.models.crf import CRF
from suwen.schemes import scheme_named
from suwen.tagging.encode import Example, Prepared, TaughtExample, prepare
from suwen.tagging.lattice import legal_transitions
from suwen.text.windows import Window
from suwen.training.build import Untrained

__all__ = ["Distillation", "Progress", "Teacher", "Teachers", "teach"]

PORTION = 512
"""So many windows are judged between two entries in the record; a kill loses no more than these."""

RECORD, UNARY, MOVES = "targets.json", "unary.npy", "moves.npy"

Counts = NDArray[np.floating]
Inputs = dict[str, NDArray[np.int32]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Teacher:
    """A trained tagger, its name, and the hash of its manifest."""

    name: str
    hash: str
    predictor: Predictor


@dataclass(frozen=True)
class Distillation:
    """What a student learns from beside annotations.

    Parameters
    ----------
    teachers
        Trained taggers.
    texts
        Articles that only the teachers annotate; annotations in them are not looked at.
    weight
        The teachers' share in the target of annotated text, in [0, 1]; elsewhere it is all theirs.
    """

    teachers: Sequence[Teacher]
    texts: Sequence[Document]
    weight: float

    def describe(self) -> dict[str, Any]:
        """Teachers and texts as JSON values."""
        return {
            "teachers": [{"name": teacher.name, "hash": teacher.hash} for teacher in self.teachers],
            "texts": {
                "documents": len(self.texts),
                "characters": sum(len(document.text) for document in self.texts),
                "data_hash": corpus_hash(self.texts) if self.texts else None,
            },
        }


class Teachers:
    """The average of several taggers, as one CRF.

    Parameters
    ----------
    teachers
        The taggers.
    start
        The student.

    Raises
    ------
    SuwenError
        S406 when a teacher has other tags than the student, or one of them reads sub-words.
    """

    def __init__(self, teachers: Sequence[Teacher], start: Untrained) -> None:
        tags = start.settings.tags
        scheme = scheme_named(start.settings.scheme)
        self.crf = CRF(tags, scheme)
        self._teachers: list[tuple[Predictor, NDArray[np.int64]]] = []
        for teacher in teachers:
            _check(teacher, start)
            own = teacher.predictor.settings
            order = np.array([own.tags.index(tag) for tag in tags])
            self._teachers.append((teacher.predictor, order))
            scores = own.transitions or legal_transitions(own.tags, scheme)
            for parameter, values in (
                (self.crf.start, scores.start[order]),
                (self.crf.end, scores.end[order]),
                (self.crf.transitions, scores.matrix[np.ix_(order, order)]),
            ):
                parameter.data += torch.from_numpy(np.ascontiguousarray(values)) / len(teachers)

    def judge(self, documents: Sequence[Prepared]) -> list[tuple[Counts, Counts]]:
        """What the average thinks of each window of documents: ``unary`` and ``moves`` of `TaughtExample`, in order."""
        arrays = [[teacher.featurizer.prepared_arrays(one) for teacher, _ in self._teachers] for one in documents]
        places = [(i, window) for i, one in enumerate(documents) for window in _windows(one)]
        found: list[Any] = [None] * len(places)
        lengths = [window.end - window.start for _, window in places]
        rows = list(batches(lengths, min(teacher.batch_tokens for teacher, _ in self._teachers)))
        workers = max(1, *(teacher.workers for teacher, _ in self._teachers))

        def judge_batch(row: list[int]) -> list[tuple[Counts, Counts]]:
            return self._batch([(arrays[places[i][0]], places[i][1]) for i in row])

        with ThreadPoolExecutor(workers) as executor:
            for row, judged in zip(rows, executor.map(judge_batch, rows), strict=True):
                for i, one in zip(row, judged, strict=True):
                    found[i] = one
        return found

    def _batch(self, windows: Sequence[tuple[list[Inputs], Window]]) -> list[tuple[Counts, Counts]]:
        sizes = [window.core_end - window.core_start for _, window in windows]
        average = np.zeros((len(windows), max(sizes), len(self.crf.start)), np.float32)
        for number, (teacher, order) in enumerate(self._teachers):
            featurizer = teacher.featurizer
            inputs = pad([featurizer.window(ids[number], window) for ids, window in windows], featurizer.padding)
            scored = teacher.scorer.emissions(inputs)
            for row, scores, size, (_, window) in zip(average, scored, sizes, windows, strict=True):
                first = window.core_start - window.start + featurizer.offset
                row[:size] += scores[first : first + size, order] / len(self._teachers)
        unary, moves = self.crf.expected_counts(torch.from_numpy(average), torch.tensor(sizes))
        return [
            (tags[:size].astype(np.float16), pairs.astype(np.float32))
            for size, tags, pairs in zip(sizes, unary.numpy(), moves.numpy(), strict=True)
        ]


def _check(teacher: Teacher, start: Untrained) -> None:
    """Refuse a teacher whose opinion says nothing about the student's tags."""
    own, student = teacher.predictor.settings, start.settings
    unlike = set(own.schema.labels) ^ set(student.schema.labels)
    if unlike:
        reason = f"a student with other entity types ({', '.join(sorted(unlike))})"
    elif own.scheme != student.scheme:
        reason = f"a student with the scheme {student.scheme} (the teacher has {own.scheme})"
    elif teacher.predictor.featurizer.subwords or start.featurizer.subwords:
        reason = "an encoder that reads sub-words"
    else:
        return
    advice = "take teachers that were trained on the same entity types, with the same scheme, and read characters"
    raise SuwenError("S406", first=f"--teacher {teacher.name}", second=reason, advice=advice)


def _windows(prepared: Prepared) -> Iterator[Window]:
    return (window for block in prepared.blocks for window in block.windows)


def teach(
    teachers: Teachers,
    start: Untrained,
    train: Sequence[Selection],
    gold: Sequence[Example],
    distillation: Distillation,
    work: Path,
    progress: Progress,
) -> list[TaughtExample]:
    """Let the teachers judge annotated and other text.

    Parameters
    ----------
    start
        The student, which says how text is cut into windows.
    train, gold
        The annotated selections, and their windows in the same order.
    work
        The working folder, where the targets are kept; what is there already is not judged again.
    progress
        Is told how many characters are judged, of how many.

    Returns
    -------
    The windows of the annotated text, then those of the other texts. Their targets stay on disk.
    """
    settings = start.settings
    documents = [
        prepare(selection.document.text, settings.view, settings.windows, selection.spans)
        for selection in [*train, *whole(distillation.texts)]
    ]
    sizes = np.array([window.core_end - window.core_start for one in documents for window in _windows(one)])
    ends = np.cumsum(sizes)
    unary, moves = _open_targets(work, int(ends[-1]), len(sizes), len(settings.tags))
    record = work / RECORD
    judged = read_json(record)["windows"] if record.exists() else 0
    first = 0
    for portion in _portions(documents):
        last = first + sum(1 for one in portion for _ in _windows(one))
        if last > judged:
            for i, (tags, pairs) in enumerate(teachers.judge(portion), first):
                if i < len(gold):
                    tags, pairs = _mixed(tags, pairs, gold[i], distillation.weight)
                unary[ends[i] - sizes[i] : ends[i]] = tags
                moves[i] = pairs
            unary.flush()
            moves.flush()
            write_json(record, {"windows": last})
        first = last
        progress(int(ends[last - 1]), int(ends[-1]))
    examples: list[TaughtExample] = []
    for one in documents:
        arrays = start.featurizer.prepared_arrays(one)
        for window in _windows(one):
            i = len(examples)
            begin = window.core_start - window.start + start.featurizer.offset
            core = (begin, begin + int(sizes[i]))
            inputs = start.featurizer.window(arrays, window)
            examples.append(TaughtExample(inputs, core, unary[ends[i] - sizes[i] : ends[i]], moves[i]))
    return examples


def _portions(documents: Sequence[Prepared]) -> Iterator[list[Prepared]]:
    """Documents with about `PORTION` windows together."""
    portion: list[Prepared] = []
    count = 0
    for one in documents:
        size = sum(1 for _ in _windows(one))
        if size:
            portion.append(one)
            count += size
        if count >= PORTION:
            yield portion
            portion, count = [], 0
    if portion:
        yield portion


def _open_targets(work: Path, characters: int, windows: int, tags: int) -> tuple[Any, Any]:
    """The two arrays on disk, new or as a run that was interrupted left them."""
    paths = work / UNARY, work / MOVES
    shapes = (characters, tags), (windows, tags, tags)
    if (work / RECORD).exists():
        return np.load(paths[0], mmap_mode="r+"), np.load(paths[1], mmap_mode="r+")
    return (
        np.lib.format.open_memmap(paths[0], "w+", np.float16, shapes[0]),
        np.lib.format.open_memmap(paths[1], "w+", np.float32, shapes[1]),
    )


def _mixed(unary: Counts, moves: Counts, gold: Example, weight: float) -> tuple[Counts, Counts]:
    """The teachers' counts and those of the gold tags, with the former's weight."""
    own_unary, own_moves = np.zeros_like(unary), np.zeros_like(moves)
    own_unary[np.arange(len(gold.tags)), gold.tags] = 1
    np.add.at(own_moves, (gold.tags[:-1], gold.tags[1:]), 1)
    return weight * unary + (1 - weight) * own_unary, weight * moves + (1 - weight) * own_moves
