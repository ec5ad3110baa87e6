"""Add entities to documents: windows, batches, emissions, blocks, entities.

Documents are read into a pool, whose blocks are batched by length, so that little is padded; worker threads score and
decode them while the next documents are read and the last ones are written. Each paragraph of a block is decoded whole,
and no mention crosses its ends. What is found does not depend on the batches, the threads or the other documents.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Event
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from suwen.corpus.split import Selection, whole_document
from suwen.document import Document, Entity
from suwen.files import require_no_frame
from suwen.inference.batching import batches, pad
from suwen.model_folder import TaggerSettings
from suwen.schema import Schema
from suwen.schemes import LabelSpan, ScoredSpan, scheme_named
from suwen.tagging.decode import (
    Transitions,
    argmax_spans,
    decode_spans,
    legal_transitions,
    span_marginals,
)
from suwen.tagging.encode import Arrays, Featurizer, Prepared, prepare
from suwen.text.view import View
from suwen.text.windows import Block

__all__ = ["BATCH_TOKENS", "SOURCES", "Extractor", "Predictor", "Scorer", "with_predictions"]

Emissions = NDArray[np.float32]

BATCH_TOKENS = 8192
"""Default number of tokens in a batch, padding included."""

POOLED_CHARACTERS = 2**18
"""Characters whose windows are batched together: enough for windows of equal length, and few enough for memory."""

POOL_SHARES = 16
"""Approximate number of pieces of work in a pool. It does not depend on the number of workers, because the batches, and
with them the last digit of a confidence, must not depend on the machine."""

DECODED_PARAGRAPHS = 128
"""Number of paragraphs that are decoded at once, whatever the batches of the scorer: the fastest on a CPU."""

DECODED_CHARACTERS = 2**15
"""Maximum characters that are decoded at once: of long paragraphs, fewer."""

POOLS_AHEAD = 1
"""Number of pools that wait behind the current one, so that no worker waits for the reader."""

SOURCES = ("brat", "doccano_record", "label_studio_task", "overrides")
"""Keys of a document's metadata about its earlier entities."""

SCORE_DIGITS = 6
"""The decimals of a confidence; more would be the noise of float32 arithmetic."""


class Scorer(Protocol):
    """Runs a model."""

    def emissions(self, inputs: Arrays) -> Emissions:
        """Score a batch.

        Parameters
        ----------
        inputs
            Arrays ``[B, T]`` by name: the features that the model reads, and ``attention_mask``.

        Returns
        -------
        Emissions
            Scores of the tags, float32 ``[B, T, K]``. What is in one row must not change with the others.
        """


class Extractor(ABC):
    """Finds entities; `suwen.load` returns one for any kind of model.

    Examples
    --------
    >>> import suwen
    >>> ner = suwen.load("model")  # doctest: +SKIP
    >>> document = ner("口服二甲双胍0.5g,每日三次")  # doctest: +SKIP
    >>> [(entity.label, document.mention(entity)) for entity in document.entities]  # doctest: +SKIP
    [('Method', '口服'), ('Drug', '二甲双胍'), ('Amount', '0.5g'), ('Frequency', '每日三次')]
    """

    learned_from: Mapping[str, Any] = MappingProxyType({})
    """The training data in the manifest of a loaded model; empty if it has none."""

    name: str = ""
    """The name of a loaded model, for people."""

    def __repr__(self) -> str:
        return f"<{' '.join(filter(None, (type(self).__name__, self.name)))}, {self.schema.sizes}>"

    @property
    @abstractmethod
    def schema(self) -> Schema:
        """The entity types that are found."""

    @abstractmethod
    def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
        """Find the entities of groups of selections, one group after the other, as `predict`.

        To the last digit of the confidences, the entities of a group do not depend on other groups.
        """

    def predict(self, selections: Iterable[Selection]) -> Iterator[Document]:
        """Find the entities of chosen sentences, otherwise as `pipe`.

        Parameters
        ----------
        selections
            Documents with the source spans to decide: only sentences that begin in one of them are decided. Their
            neighbors may be read as context.
        """
        return self.predict_groups([selections])

    def __call__(self, text: str | Document) -> Document:
        """Find the entities of a text.

        Returns
        -------
        Document
            The document (for a string a new one with the id ``text``) with the entities that were found; see
            `with_predictions`.
        """
        return next(self.pipe([_document(text, "text")]))

    def pipe(self, documents: Iterable[str | Document]) -> Iterator[Document]:
        """Find the entities of many documents, in their order, reading only a little ahead.

        Strings become documents with the ids ``text1``, ``text2`` …, by their place.

        Raises
        ------
        TypeError
            For a single string, whose characters would be as many texts, and for what is neither text nor document.
        SuwenError
            S132 for a data frame.
        """
        if isinstance(documents, str | Document):
            raise TypeError("pipe takes many texts or documents; call the model itself with a single one")
        require_no_frame(documents, "texts or documents")
        named = enumerate(documents, 1)
        return self.predict(whole_document(_document(one, f"text{number}")) for number, one in named)


def _document(text: str | Document, name: str) -> Document:
    if not isinstance(text, str | Document):
        raise TypeError(f"expected a text or a Document, not {type(text).__name__}; use pipe() for many documents")
    return Document(name, text) if isinstance(text, str) else text


def with_predictions(document: Document, view: View, spans: Iterable[ScoredSpan]) -> Document:
    """Replace the annotations of a document by predicted entities.

    They are numbered T1, T2, … in reading order. Relations, attributes, notes and the metadata under `SOURCES` go too:
    they are about its earlier entities. All else stays.

    Parameters
    ----------
    view
        The document's view.
    spans
        What was found, in offsets of the view.
    """
    entities: list[Entity] = []
    for label, start, end, score in sorted(spans, key=lambda span: span[1:3]):
        pieces = view.to_source(start, end)
        # A mention of line breaks only becomes empty.
        if pieces:
            fragments = pieces if len(pieces) > 1 else ()
            number = f"T{len(entities) + 1}"
            hull = pieces[0][0], pieces[-1][1]
            entities.append(Entity(label, *hull, fragments, number, round(score, SCORE_DIGITS)))
    meta = {key: value for key, value in document.meta.items() if key not in SOURCES}
    return replace(document, entities=tuple(entities), relations=(), attributes=(), notes=(), meta=meta)


@dataclass(slots=True)
class _Reading:
    """A document on its way."""

    document: Document
    prepared: Prepared
    arrays: Arrays
    undecided: int
    """The number of blocks that are not decoded yet."""
    spans: list[ScoredSpan] = field(default_factory=list)
    """The entities found, in the model's positions."""


@dataclass(frozen=True, slots=True)
class _Scored:
    """The emissions of some blocks, and the paragraphs in them."""

    emissions: Emissions
    """Emissions of all characters, ``[n, K]``."""
    places: list[tuple[int, int, int]]
    """For each paragraph its block, and its start and end counted from the block's start."""
    firsts: NDArray[np.int64]
    """The row of each paragraph's first character."""
    lengths: NDArray[np.int64]

    def emissions_of(self, rows: list[int]) -> Emissions:
        """Return the emissions of paragraphs, the longest first, ``[B, T, K]``; beyond a length stand any."""
        steps = np.arange(self.lengths[rows[0]])
        firsts = self.firsts[rows, None]
        return self.emissions[np.where(steps < self.lengths[rows, None], firsts + steps, firsts)]


_Work = list[tuple[_Reading, Block]]
_Found = list[list[ScoredSpan]]


class Predictor(Extractor):
    """Finds entities with a tagger.

    Parameters
    ----------
    settings
        How text is cut up and tags become entities.
    featurizer
        Turns text into the model's arrays.
    scorer
        Runs the model.
    batch_tokens
        The maximum number of tokens, padding included, that a batch may hold; one longer window is a batch of its own.
    workers
        Number of threads that score and decode; 0: the calling thread does everything.
    """

    def __init__(
        self,
        settings: TaggerSettings,
        featurizer: Featurizer,
        scorer: Scorer,
        batch_tokens: int = BATCH_TOKENS,
        workers: int = 0,
    ) -> None:
        self.settings = settings
        self.featurizer = featurizer
        self.scorer = scorer
        self.batch_tokens = batch_tokens
        self.workers = workers
        self._tags = settings.tags
        self._scheme = scheme_named(settings.scheme)
        self._transitions = settings.transitions or legal_transitions(self._tags, self._scheme)
        self._after_break, self._before_break = _break_scores(self._transitions, self._tags.index("O"))

    @property
    def schema(self) -> Schema:
        """The entity types that the tagger finds."""
        return self.settings.schema

    def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
        """Find the entities of groups of selections (see `Extractor.predict_groups`)."""
        waiting: deque[_Reading] = deque()
        running: deque[list[tuple[_Work, Future[_Found]]]] = deque()
        executor = ThreadPoolExecutor(self.workers, "suwen") if self.workers else None
        stopped = Event()
        try:
            for pool in self._pools(groups, waiting):
                running.append([(work, self._begin(work, executor, stopped)) for work in self._batches(pool)])
                if len(running) > (POOLS_AHEAD if executor else 0):
                    _collect(running.popleft())
                yield from self._finished(waiting)
            while running:
                _collect(running.popleft())
                yield from self._finished(waiting)
            # Documents without a sentence, where no pool came after them.
            yield from self._finished(waiting)
        finally:
            stopped.set()
            if executor:
                executor.shutdown(cancel_futures=True)

    def _pools(self, groups: Iterable[Iterable[Selection]], waiting: deque[_Reading]) -> Iterator[_Work]:
        """Read documents, and yield their blocks whenever enough have come together or a group has ended."""
        for group in groups:
            pool: _Work = []
            pooled = 0
            for selection in group:
                reading = self._open(selection)
                waiting.append(reading)
                for block in reading.prepared.blocks:
                    pool.append((reading, block))
                    pooled += block.end - block.start
                    if pooled >= POOLED_CHARACTERS:
                        yield pool
                        pool, pooled = [], 0
            if pool:
                yield pool

    def _open(self, selection: Selection) -> _Reading:
        rules = self.settings.view, self.settings.windows
        prepared = prepare(selection.document.text, *rules, selection.spans, self.featurizer.subwords)
        return _Reading(selection.document, prepared, self.featurizer.prepared_arrays(prepared), len(prepared.blocks))

    def _batches(self, pool: _Work) -> Iterator[_Work]:
        """Batch the blocks by the length of their windows."""
        lengths = [sum(window.end - window.start for window in block.windows) for _, block in pool]
        for rows in batches(lengths, max(self.batch_tokens, sum(lengths) // POOL_SHARES)):
            yield [pool[i] for i in rows]

    def _begin(self, work: _Work, executor: ThreadPoolExecutor | None, stopped: Event) -> Future[_Found]:
        if executor:
            return executor.submit(self._decide, work, stopped)
        done: Future[_Found] = Future()
        done.set_result(self._decide(work, stopped))
        return done

    def marginals(
        self, document: Document, prepared: Prepared, spans: Sequence[Sequence[LabelSpan]]
    ) -> list[list[float]]:
        """Compute the exact probability of mentions, whether or not they would be found.

        Parameters
        ----------
        prepared
            The document's text as `suwen.tagging.encode.prepare` cut it by the settings of this predictor.
        spans
            For each block ``(label, start, end)``, counted from its start, none across a paragraph end; see
            `suwen.tagging.decode.span_marginals`.

        Returns
        -------
        list[list[float]]
            For each block its probabilities, not calibrated.
        """
        reading = _Reading(document, prepared, self.featurizer.prepared_arrays(prepared), len(prepared.blocks))
        found = [[0.0] * len(row) for row in spans]
        if not any(spans):
            return found
        scored = self._scored([(reading, block) for block in prepared.blocks], Event())
        asked: list[list[LabelSpan]] = [[] for _ in scored.places]
        origins: list[list[tuple[int, int]]] = [[] for _ in scored.places]
        for number, (block, start, end) in enumerate(scored.places):
            for i, (label, begin, finish) in enumerate(spans[block]):
                if start <= begin and finish <= end:
                    asked[number].append((label, begin - start, finish - start))
                    origins[number].append((block, i))
        for rows in _decoded_together(scored.lengths.tolist()):
            chosen = [asked[row] for row in rows]
            lengths = scored.lengths[rows]
            probabilities = span_marginals(
                scored.emissions_of(rows), lengths, self._transitions, self._tags, self._scheme, chosen
            )
            for row, values in zip(rows, probabilities, strict=True):
                for (block, i), value in zip(origins[row], values.tolist(), strict=True):
                    found[block][i] = value
        return found

    def _decide(self, work: _Work, stopped: Event) -> _Found:
        """Score and decode blocks; offsets count from the start of each block."""
        scored = self._scored(work, stopped)
        decoded: _Found = [[] for _ in scored.places]
        for rows in _decoded_together(scored.lengths.tolist()):
            for row, spans in zip(rows, self._decode(scored.emissions_of(rows), scored.lengths[rows]), strict=True):
                decoded[row] = spans
        found: _Found = [[] for _ in work]
        for (i, start, _), spans in zip(scored.places, decoded, strict=True):
            found[i] += [(label, start + begin, start + end, score) for label, begin, end, score in spans]
        return found

    def _scored(self, work: _Work, stopped: Event) -> _Scored:
        """Score blocks, and cut them into the paragraphs that are decoded."""
        sizes = [block.end - block.start for _, block in work]
        # The characters of all blocks, one block after the other.
        begins = np.concatenate(([0], np.cumsum(sizes)))
        emissions = self._emissions(work, begins, stopped)
        places = [
            (i, start - block.start, end - block.start)
            for i, (_, block) in enumerate(work)
            for start, end in block.paragraphs
        ]
        owners, starts, ends = np.array(places, np.int64).reshape(-1, 3).T
        firsts, lengths = begins[owners] + starts, ends - starts
        emissions[firsts[starts > 0]] += self._after_break
        emissions[(firsts + lengths - 1)[ends < np.diff(begins)[owners]]] += self._before_break
        return _Scored(emissions, places, firsts, lengths)

    def _emissions(self, work: _Work, begins: NDArray[np.int64], stopped: Event) -> Emissions:
        """Return the emissions of the blocks' characters, ``[begins[-1], K]``, each from the window that decides it."""
        windows = [(i, window) for i, (_, block) in enumerate(work) for window in block.windows]
        lengths = [window.end - window.start + 2 * self.featurizer.offset for _, window in windows]
        emissions = np.empty((begins[-1], len(self._tags)), np.float32)
        for rows in batches(lengths, self.batch_tokens):
            if stopped.is_set():
                # Do not wait for the rest, which may take a minute.
                raise CancelledError
            chosen = [windows[row] for row in rows]
            arrays = [self.featurizer.window(work[i][0].arrays, window) for i, window in chosen]
            scored = self.scorer.emissions(pad(arrays, self.featurizer.padding))
            for scores, (i, window) in zip(scored, chosen, strict=True):
                size = window.core_end - window.core_start
                here = window.core_start - window.start + self.featurizer.offset
                there = begins[i] + window.core_start - work[i][1].start
                emissions[there : there + size] = scores[here : here + size]
        return emissions

    def _finished(self, waiting: deque[_Reading]) -> Iterator[Document]:
        """Take the documents off the front of the queue that are decoded, so that they leave in the order they came."""
        while waiting and not waiting[0].undecided:
            reading = waiting.popleft()
            spans = reading.prepared.view_spans(self._confident_spans(reading.spans))
            yield with_predictions(reading.document, reading.prepared.view, spans)

    def _confident_spans(self, spans: list[ScoredSpan]) -> Iterator[ScoredSpan]:
        """Yield the spans with calibrated confidences, without those that have too little."""
        calibration, least = self.settings.calibration, self.settings.least_confidence
        confidences = [span[3] for span in spans]
        if calibration is not None:
            confidences = calibration(confidences).tolist()
        for (label, start, end, _), confidence in zip(spans, confidences, strict=True):
            if round(confidence, SCORE_DIGITS) >= least:
                yield label, start, end, confidence

    def _decode(self, emissions: Emissions, lengths: NDArray[np.int64]) -> list[list[ScoredSpan]]:
        if self.settings.decoding == "argmax":
            return argmax_spans(emissions, lengths, self._tags, self._scheme)
        return decode_spans(emissions, lengths, self._transitions, self._tags, self._scheme)


def _break_scores(transitions: Transitions, outside: int) -> tuple[Emissions, Emissions]:
    """Compute the scores to add to the emissions after and before a paragraph break within a block, ``[K]`` each.

    A CRF is trained on whole blocks, in which a paragraph break has the tag O. Given that tag, both sides are
    independent: the moves from and to O replace the scores of a sequence's start and end.
    """
    start, end, matrix = transitions.constrained
    legal = np.isfinite(start), np.isfinite(end)
    after, before = matrix[outside], matrix[:, outside]
    return (
        np.where(legal[0], after, 0) - np.where(legal[0], start, 0),
        np.where(legal[1], before, 0) - np.where(legal[1], end, 0),
    )


def _decoded_together(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield paragraphs of similar length, few enough to fit into a core's cache."""
    for rows in batches(lengths, DECODED_CHARACTERS):
        for start in range(0, len(rows), DECODED_PARAGRAPHS):
            yield rows[start : start + DECODED_PARAGRAPHS]


def _collect(pool: list[tuple[_Work, Future[_Found]]]) -> None:
    """Wait for a pool, and give each document its entities."""
    for work, future in pool:
        for (reading, block), spans in zip(work, future.result(), strict=True):
            reading.spans += [(label, block.start + start, block.start + end, p) for label, start, end, p in spans]
            reading.undecided -= 1
