"""Distillation: learn the scores of trained taggers for annotated and unlabeled articles.

The teachers' scores are averaged, and the student learns their distribution over tag sequences: posterior distillation
(Wang et al., 2020, "Structure-level knowledge distillation for multilingual sequence labeling", section 3.2), here from
exact expected counts. In annotated text the target is a mixture of that distribution and of the annotation. Teachers
that were trained on folds (`suwen train --folds`) score only the annotated documents that they have not seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from suwen.bundled import model_path
from suwen.corpus.split import Selection, corpus_hash, whole_document
from suwen.document import Document
from suwen.errors import ResumeError, SuwenError
from suwen.files import StrPath, read_json, sha256, write_json
from suwen.formats import read_corpus
from suwen.hub import origin_of
from suwen.inference.batching import batches, pad
from suwen.inference.predictor import Predictor
from suwen.loading import load
from suwen.model_folder import SETTINGS, read_manifest
from suwen.models.crf import CRF
from suwen.runs import RECORD as RUN
from suwen.runs import Listener, Progress
from suwen.schemes import scheme_named
from suwen.tagging.encode import Arrays, Example, Prepared, TaughtExample, prepare
from suwen.tagging.lattice import legal_transitions
from suwen.text.windows import Window
from suwen.training.build import TaggerParts

__all__ = ["Distillation", "Teacher", "Teachers", "certain", "read_distillation", "teach"]

CHUNK = 512
"""Number of windows between two entries in the record; a kill loses at most these."""

RECORD, UNARY, MOVES = "targets.json", "unary.float16", "moves.float32"

Counts = NDArray[np.floating]
_Place = tuple[Prepared, Window]


@dataclass(frozen=True)
class Teacher:
    """A trained tagger, its name, the hash of its manifest, and its training data."""

    name: str
    hash: str
    predictor: Predictor
    data: Mapping[str, Any]

    def may_score(self, document: str) -> bool:
        """Return whether it scores an annotated document: one of a fold scores only what it has not seen."""
        fold = self.data.get("fold")
        return fold is None or document not in fold["documents"]


@dataclass(frozen=True)
class Distillation:
    """The training data of a student in addition to annotations.

    Parameters
    ----------
    teachers
        Trained taggers.
    texts
        Articles that only the teachers annotate; annotations in them are not looked at.
    weight
        The teachers' share in the target of annotated text, in [0, 1]; elsewhere it is all theirs.
    sources
        The names of the files and folders that hold the texts.
    """

    teachers: Sequence[Teacher]
    texts: Sequence[Document]
    weight: float
    sources: Sequence[str] = ()

    def describe(self) -> dict[str, Any]:
        """Return teachers and texts as JSON values."""
        return {
            "teachers": [{"name": teacher.name, "hash": teacher.hash} for teacher in self.teachers],
            "texts": {
                "sources": list(self.sources),
                "documents": len(self.texts),
                "characters": sum(len(document.text) for document in self.texts),
                "data_hash": corpus_hash(self.texts) if self.texts else None,
            },
        }


def read_distillation(
    teachers: Sequence[StrPath], texts: Sequence[StrPath], weight: float | None, device: str = "cpu"
) -> Distillation:
    """Load teachers and read the texts that they annotate.

    Parameters
    ----------
    teachers
        Model folders, and folders of ``suwen train --folds``, which stand for the models of all their folds.

    Raises
    ------
    SuwenError
        S406 for a teacher that is no tagger, such as a dictionary, and for teachers or texts that come twice; S511 for
        an unfinished run of folds; S106 for an empty text.
    """
    loaded: list[Teacher] = []
    for path in chain.from_iterable(map(_models_in, teachers)):
        predictor = load(path, device=device)
        if not isinstance(predictor, Predictor):
            advice = "take taggers alone"
            raise SuwenError("S406", first=f"--teacher {path}", second="a model that is no tagger", advice=advice)
        manifest = path / "manifest.json"
        teacher = Teacher(origin_of(path), sha256(manifest), predictor, read_manifest(path).get("data", {}))
        if teacher.hash in (other.hash for other in loaded):
            raise SuwenError("S406", first=f"--teacher {path}", second="itself", advice="name each teacher once")
        loaded.append(teacher)
    documents: list[Document] = []
    seen: set[str] = set()
    for path in map(Path, texts):
        for document in read_corpus(path):
            if not document.text.strip():
                file = path / f"{document.id}.txt"
                raise SuwenError("S106", file if file.is_file() else path)
            if document.text in seen:
                advice = "give each article once"
                raise SuwenError("S406", first=f"the text {document.id!r}", second="an equal one", advice=advice)
            seen.add(document.text)
            documents.append(document)
    assert weight is not None
    return Distillation(loaded, documents, weight, [Path(path).name for path in texts])


def _models_in(path: StrPath) -> list[Path]:
    """Return the folder of a model, or those of all folds."""
    folder = model_path(path)
    record = folder / RUN
    if (folder / SETTINGS).is_file() or not record.is_file():
        return [folder]
    count, _ = read_json(record).get("folds", (0, ""))
    models = [folder / f"fold-{number}" for number in range(1, count + 1)]
    if not all(model.is_dir() for model in models):
        raise SuwenError("S511", folder)
    return models or [folder]


class Teachers:
    """Several taggers, each of which scores the documents that it has not seen.

    Parameters
    ----------
    teachers
        The taggers.
    start
        The student.
    annotated
        The ids of the annotated documents.

    Raises
    ------
    SuwenError
        S406 when a teacher has other tags than the student, when one of them reads sub-words, and when all teachers
        are of folds that a document was in.
    """

    def __init__(self, teachers: Sequence[Teacher], start: TaggerParts, annotated: Iterable[str] = ()) -> None:
        for teacher in teachers:
            _check(teacher, start)
        self._teachers, self._start = teachers, start
        self._averages: dict[tuple[int, ...], _Average] = {}
        for document in annotated:
            if not self._scorers(document):
                advice = "give the models of all folds"
                second = f"the document {document!r}, which all teachers have seen"
                raise SuwenError("S406", first="--teacher", second=second, advice=advice)

    def _scorers(self, document: str | None) -> tuple[int, ...]:
        """Return which teachers score an annotated document, or one that is not annotated (None)."""
        return tuple(i for i, teacher in enumerate(self._teachers) if document is None or teacher.may_score(document))

    def score(self, windows: Sequence[_Place], annotated: Sequence[str | None]) -> list[tuple[Counts, Counts]]:
        """Return the teachers' scores of windows: ``unary`` and ``moves`` of `TaughtExample`, in their order.

        Parameters
        ----------
        annotated
            The id of each window's document if that is annotated.
        """
        by_scorers: dict[tuple[int, ...], list[int]] = {}
        for i, document in enumerate(annotated):
            by_scorers.setdefault(self._scorers(document), []).append(i)
        found: list[Any] = [None] * len(windows)
        for scorers, places in by_scorers.items():
            if scorers not in self._averages:
                self._averages[scorers] = _Average([self._teachers[i] for i in scorers], self._start)
            scored = self._averages[scorers].score([windows[i] for i in places])
            for i, one in zip(places, scored, strict=True):
                found[i] = one
        return found


class _Average:
    """The average of several taggers, as one CRF."""

    def __init__(self, teachers: Sequence[Teacher], start: TaggerParts) -> None:
        tags = start.settings.tags
        scheme = scheme_named(start.settings.scheme)
        self.crf = CRF(tags, scheme)
        self._teachers: list[tuple[Predictor, NDArray[np.int64]]] = []
        for teacher in teachers:
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

    def score(self, windows: Sequence[_Place]) -> list[tuple[Counts, Counts]]:
        """Return the average scores of windows: ``unary`` and ``moves`` of `TaughtExample`, in their order."""
        documents = {id(document): document for document, _ in windows}
        arrays = {
            key: [teacher.featurizer.prepared_arrays(document) for teacher, _ in self._teachers]
            for key, document in documents.items()
        }
        found: list[Any] = [None] * len(windows)
        lengths = [window.end - window.start for _, window in windows]
        rows = list(batches(lengths, min(teacher.batch_tokens for teacher, _ in self._teachers)))
        workers = max(1, *(teacher.workers for teacher, _ in self._teachers))

        def score_batch(row: list[int]) -> list[tuple[Counts, Counts]]:
            return self._batch([(arrays[id(windows[i][0])], windows[i][1]) for i in row])

        with ThreadPoolExecutor(workers) as executor:
            for row, scored in zip(rows, executor.map(score_batch, rows), strict=True):
                for i, one in zip(row, scored, strict=True):
                    found[i] = one
        return found

    def _batch(self, windows: Sequence[tuple[list[Arrays], Window]]) -> list[tuple[Counts, Counts]]:
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


def _check(teacher: Teacher, start: TaggerParts) -> None:
    """Refuse a teacher with other tags than the student."""
    own, student = teacher.predictor.settings, start.settings
    unlike = set(own.schema.labels) ^ set(student.schema.labels)
    if unlike:
        reason = f"a student with other entity types ({', '.join(sorted(unlike))})"
        advice = "name the teacher's types with --schema, or take teachers that were trained on the same"
    elif own.scheme != student.scheme:
        reason = f"a student with the scheme {student.scheme}"
        advice = f"set head.scheme={own.scheme}, or take teachers with the same scheme"
    elif teacher.predictor.featurizer.subwords or start.featurizer.subwords:
        reason = "an encoder that reads sub-words"
        advice = "take teachers and an encoder that read characters"
    else:
        return
    raise SuwenError("S406", first=f"--teacher {teacher.name}", second=reason, advice=advice)


def teach(
    teachers: Teachers,
    start: TaggerParts,
    train: Sequence[Selection],
    gold: Sequence[Example],
    distillation: Distillation,
    work: Path,
    listener: Listener,
) -> list[TaughtExample]:
    """Let the teachers score annotated and other text.

    Parameters
    ----------
    start
        The student, which says how text is cut into windows.
    train, gold
        The annotated selections, and their windows in the same order.
    work
        The working folder, where the targets are kept; existing targets are not computed again.
    listener
        Receives the number of characters that are scored, and their total.

    Returns
    -------
    list[TaughtExample]
        The windows of the annotated text, then those of the other texts. Their targets stay on disk.
    """
    settings = start.settings
    documents = [
        prepare(selection.document.text, settings.view, settings.windows, selection.spans)
        for selection in [*train, *map(whole_document, distillation.texts)]
    ]
    ids = [*(selection.document.id for selection in train), *([None] * len(distillation.texts))]
    windows = [(one, window) for one in documents for block in one.blocks for window in block.windows]
    annotated = [name for name, one in zip(ids, documents, strict=True) for block in one.blocks for _ in block.windows]
    sizes = [window.core_end - window.core_start for _, window in windows]
    ends = list(accumulate(sizes))
    targets = _Targets(work, sizes, len(settings.tags), _fingerprint(windows))
    for first in range(0, len(windows), CHUNK):
        last = min(first + CHUNK, len(windows))
        if last > targets.scored:
            scored = teachers.score(windows[first:last], annotated[first:last])
            for i, example in enumerate(gold[first:last]):
                scored[i] = _mixed(*scored[i], example, distillation.weight)
            targets.append(first, scored)
        listener(Progress("characters scored", ends[last - 1], ends[-1]))
    examples: list[TaughtExample] = []
    arrays: dict[int, Arrays] = {}
    for (document, window), (unary, moves) in zip(windows, targets.read(), strict=True):
        if id(document) not in arrays:
            arrays = {id(document): start.featurizer.prepared_arrays(document)}
        begin = window.core_start - window.start + start.featurizer.offset
        core = (begin, begin + len(unary))
        inputs = start.featurizer.window(arrays[id(document)], window)
        examples.append(TaughtExample(inputs, core, unary, moves))
    return examples


def _fingerprint(windows: Sequence[_Place]) -> str:
    """Return the hash of all windows in their order: targets are found by their place alone."""
    total = hashlib.sha256()
    for document, window in windows:
        bounds = window.start, window.end, window.core_start, window.core_end
        total.update(f"{bounds} {document.view.text[window.start : window.end]}\n".encode())
    return total.hexdigest()


class _Targets:
    """The targets of all windows, on disk, one after the other, and a record of how many are there.

    Raises
    ------
    SuwenError
        S508 when those that are there are of other windows, S507 when they are damaged.
    """

    def __init__(self, work: Path, sizes: Sequence[int], tags: int, fingerprint: str) -> None:
        self._ends = [0, *accumulate(sizes)]
        self._tags = tags
        self._fingerprint = fingerprint
        self._record, self._unary, self._moves = work / RECORD, work / UNARY, work / MOVES
        self.scored = 0
        if self._record.exists():
            record = read_json(self._record)
            if record.get("fingerprint") != fingerprint:
                raise ResumeError("S508", work, what="text, or order of the texts or of the corpus")
            self.scored = record["windows"]
            needed = self._bytes(self.scored)
            there = (path.stat().st_size if path.exists() else 0 for path in (self._unary, self._moves))
            for path, least, size in zip((self._unary, self._moves), needed, there, strict=True):
                if size < least:
                    raise ResumeError("S507", work, reason=f"{path.name} is damaged")

    def _bytes(self, windows: int) -> tuple[int, int]:
        """Return the lengths of the two files with this number of windows."""
        unary = self._ends[windows] * self._tags * np.dtype(np.float16).itemsize
        return unary, windows * self._tags**2 * np.dtype(np.float32).itemsize

    def append(self, first: int, scored: Sequence[tuple[Counts, Counts]]) -> None:
        """Write the targets of windows from `first` on.

        Raises
        ------
        SuwenError
            S124 when the disk is full.
        """
        columns: tuple[tuple[Path, list[Counts]], ...] = (
            (self._unary, [unary.astype(np.float16) for unary, _ in scored]),
            (self._moves, [moves.astype(np.float32) for _, moves in scored]),
        )
        for (path, arrays), start in zip(columns, self._bytes(first), strict=True):
            try:
                # Not a memory map: a full disk would end the process with a signal, without a message.
                with path.open("r+b" if first else "wb") as file:
                    file.seek(start)
                    file.write(b"".join(array.tobytes() for array in arrays))
            except OSError as error:
                raise SuwenError("S124", path, reason=error.strerror) from None
        self.scored = first + len(scored)
        write_json(self._record, {"windows": self.scored, "fingerprint": self._fingerprint})

    def read(self) -> Iterator[tuple[Counts, Counts]]:
        """Yield all targets, read from the disk when they are used."""
        count = len(self._ends) - 1
        unary = np.memmap(self._unary, np.float16, "r", shape=(self._ends[-1], self._tags))
        moves = np.memmap(self._moves, np.float32, "r", shape=(count, self._tags, self._tags))
        for i, (start, end) in enumerate(pairwise(self._ends)):
            yield unary[start:end], moves[i]


def _mixed(unary: Counts, moves: Counts, gold: Example, weight: float) -> tuple[Counts, Counts]:
    """Return the teachers' counts and those of the gold tags, with the former's weight."""
    own = certain(gold, unary.shape[1])
    return weight * unary + (1 - weight) * own.unary, weight * moves + (1 - weight) * own.moves


def certain(gold: Example, tags: int) -> TaughtExample:
    """Return an example whose target is its annotation alone, as counts."""
    unary, moves = np.zeros((len(gold.tags), tags), np.float16), np.zeros((tags, tags), np.float32)
    unary[np.arange(len(gold.tags)), gold.tags] = 1
    np.add.at(moves, (gold.tags[:-1], gold.tags[1:]), 1)
    return TaughtExample(gold.inputs, gold.core, unary, moves)
