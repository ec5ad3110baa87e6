"""One document through a language model: passages, requests, second tries, and only mentions whose place is certain."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from suwen.annotation.answers import Answers, request_key
from suwen.annotation.endpoint import Answer, EndpointSession, RequestError
from suwen.annotation.prompt import Prompt
from suwen.annotation.tags import TagReader
from suwen.document import Document, Entity, Span
from suwen.inference.predictor import SOURCES
from suwen.schemes import LabelSpan
from suwen.text.sentences import split_sentences
from suwen.text.view import View, make_view

__all__ = ["META", "Annotator", "Asked", "Outcome", "answer_lines"]

META = "preannotation"
"""The key of `Document.meta` that counts refused annotations."""

NO_ANSWER, HOLDS_TAG = "no answer", "holds what looks like a tag"
LINE = re.compile(r"\s*([0-9]{1,6})\s*[|｜](.*)")
THOUGHT_BEGINS, THOUGHT_ENDS = "<think>", "</think>"
FENCE = "```"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a sentence.

    Parameters
    ----------
    spans
        The mentions ``(label, start, end)`` in the sentence.
    refused
        Counts of refused mentions, by reason.
    reason
        Why the sentence has no annotation; None if its answer was taken.
    """

    spans: tuple[LabelSpan, ...] = ()
    refused: Counter[str] = field(default_factory=Counter)
    reason: str | None = None


def answer_lines(text: str) -> tuple[dict[int, list[str]], int]:
    """Read the numbered lines of an answer.

    Thoughts before the answer, also those that were cut off, and the marks of a code block are skipped.

    Returns
    -------
    tuple[dict[int, list[str]], int]
        The lines of each number, and how many lines have none.
    """
    lines: dict[int, list[str]] = {}
    others = 0
    # Some models leave out the opening tag of their reasoning.
    answer = text.rpartition(THOUGHT_ENDS)[2].partition(THOUGHT_BEGINS)[0]
    for row in answer.splitlines():
        if found := LINE.fullmatch(row):
            lines.setdefault(int(found[1]), []).append(found[2])
        elif row.strip() and not row.strip().startswith(FENCE):
            others += 1
    return lines, others


@dataclass
class Annotator:
    """Annotates documents through an endpoint.

    Parameters
    ----------
    session
        The endpoint.
    prompt
        What it is asked.
    answers
        The answers that are known.
    passage
        How many characters of consecutive sentences a request asks about; a longer sentence is alone.
    attempts
        Attempts for a sentence with an unusable answer; from the second on, it is sent alone.
    parameters
        More parameters of a request, for example ``temperature``.
    """

    session: EndpointSession
    prompt: Prompt
    answers: Answers
    passage: int = 500
    attempts: int = 2
    parameters: dict[str, Any] = field(default_factory=lambda: {"temperature": 0})
    counts: Counter[str] = field(default_factory=Counter)
    """Answers, tokens, and remarks on unusual answers."""

    def __post_init__(self) -> None:
        self._tags = TagReader(self.prompt.schema.labels)
        self._lock = Lock()

    @property
    def version(self) -> str:
        """Return the name of the model and a hash of everything that all requests have in common."""
        common = [self.prompt.instructions, self.parameters, self.passage, self.attempts, self.prompt.shown]
        return f"{self.session.endpoint.model} {request_key(common)[:12]}"

    def submit(self, document: Document, pool: ThreadPoolExecutor) -> Asked:
        """Ask about a document in the background."""
        view = make_view(document.text)
        sentences = [span for span in split_sentences(view) if view.text[slice(*span)].strip()]
        passages = [
            (part, pool.submit(self._annotate, document, [view.text[slice(*span)] for span in part]))
            for part in _passages(sentences, self.passage)
        ]
        return Asked(document, view, passages)

    def _annotate(self, document: Document, sentences: Sequence[str]) -> list[Outcome]:
        """Return the outcome of each sentence of a passage."""
        askable = [i for i, sentence in enumerate(sentences) if not self._tags.holds_tag(sentence)]
        outcomes = [Outcome(reason=HOLDS_TAG)] * len(sentences)
        found = self._ask(document, [sentences[i] for i in askable], 1) if askable else []
        for i, outcome in zip(askable, found, strict=True):
            outcomes[i] = outcome
            for attempt in range(2, self.attempts + 1):
                if outcomes[i].reason in (None, NO_ANSWER):
                    break
                self._count("sentences asked about again")
                (outcomes[i],) = self._ask(document, [sentences[i]], attempt)
        return outcomes

    def _ask(self, document: Document, sentences: Sequence[str], attempt: int) -> list[Outcome]:
        """Ask about some sentences in one request."""
        messages = self.prompt.messages(sentences, document)
        key = request_key([self.session.endpoint.model, messages, self.parameters, attempt])
        answer = self.answers.get(key)
        if answer is not None:
            self._count("answers from the cache")
            self.session.has_accepted = True
        else:
            try:
                answer = self.session.ask(messages, self.parameters)
            except RequestError:
                return [Outcome(reason=NO_ANSWER)] * len(sentences)
            self.answers.put(key, answer)
            self._count_answer(answer)
        lines, others = answer_lines(answer.text)
        others += sum(len(rows) for number, rows in lines.items() if not 1 <= number <= len(sentences))
        self._count("lines that were not asked for", others)
        self._count("answers that were cut off", int(answer.is_cut))
        return [self._outcome(sentence, lines.get(number, [])) for number, sentence in enumerate(sentences, 1)]

    def _outcome(self, sentence: str, rows: Sequence[str]) -> Outcome:
        if not rows:
            return Outcome(reason="missing in the answer")
        found = [self._tags.align(sentence, row) for row in dict.fromkeys(rows)]
        if len(found) > 1:
            mentions = sum(len(one.spans) + one.refused.total() for one in found)
            refused = Counter({"in a sentence that came twice": mentions} if mentions else {})
            return Outcome((), refused, "came twice, with other tags")
        self._count("lines that came twice", len(rows) - 1)
        return Outcome(found[0].spans, found[0].refused, "altered" if found[0].is_altered else None)

    def _count(self, what: str, times: int = 1) -> None:
        with self._lock:
            self.counts[what] += times

    def _count_answer(self, answer: Answer) -> None:
        with self._lock:
            self.counts["answers"] += 1
            if answer.prompt_tokens is None or answer.completion_tokens is None:
                self.counts["answers without a count of tokens"] += 1
            self.counts["prompt tokens"] += answer.prompt_tokens or 0
            self.counts["completion tokens"] += answer.completion_tokens or 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A document whose answers are pending."""

    document: Document
    view: View
    passages: Sequence[tuple[Sequence[Span], Future[list[Outcome]]]]

    def outcomes(self) -> Iterator[tuple[Span, Outcome]]:
        """Wait for the answers and return each sentence, in offsets of the view, with its outcome.

        Raises
        ------
        SuwenError
            What ended the run.
        """
        for sentences, future in self.passages:
            yield from zip(sentences, future.result(), strict=True)

    def annotated(self, outcomes: Iterable[tuple[Span, Outcome]], version: str) -> Document:
        """Return the document with the accepted mentions as its annotations, and counts of the rejected ones."""
        entities: list[Entity] = []
        refused: Counter[str] = Counter()
        failed: list[dict[str, Any]] = []
        count = 0
        for (begin, finish), outcome in outcomes:
            count += 1
            refused += outcome.refused
            if outcome.reason is not None:
                pieces = self.view.to_source(begin, finish)
                failed.append({"start": pieces[0][0], "end": pieces[-1][1], "reason": outcome.reason})
            for label, start, end in outcome.spans:
                pieces = self.view.to_source(begin + start, begin + end)
                fragments = pieces if len(pieces) > 1 else ()
                entities.append(Entity(label, pieces[0][0], pieces[-1][1], fragments, f"T{len(entities) + 1}"))
        figures = {"sentences": count, "refused_sentences": failed, "refused_mentions": dict(refused)}
        meta = {key: value for key, value in self.document.meta.items() if key not in SOURCES}
        meta |= {"model": version, META: figures}
        return replace(self.document, entities=tuple(entities), relations=(), attributes=(), notes=(), meta=meta)


def _passages(sentences: Sequence[Span], most: int) -> Iterator[list[Span]]:
    """Return consecutive sentences of at most `most` characters together."""
    passage: list[Span] = []
    for sentence in sentences:
        if passage and sentence[1] - passage[0][0] > most:
            yield passage
            passage = []
        passage.append(sentence)
    if passage:
        yield passage
