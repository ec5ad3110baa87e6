"""Pre-annotate files with a language model: read, ask in parallel, write; resumable at any point."""

from __future__ import annotations

import json
import shutil
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from suwen.annotation.annotator import NO_ANSWER, Annotator, Asked
from suwen.annotation.answers import Answers
from suwen.annotation.endpoint import Endpoint, EndpointSession
from suwen.annotation.prompt import Prompt
from suwen.annotation.texts import texts_in
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.extraction.finding import find_inputs
from suwen.extraction.inputs import DEFAULT_OPTIONS, Inputs, ReadingOptions
from suwen.files import StrPath, folder_for, holding, os_error, require_new
from suwen.formats import WRITABLE, format_named_by, jsonl, write_corpus
from suwen.runs import Listener, Progress, check_work, open_work, silent, working_folder

__all__ = ["JOB", "Preannotation", "PreannotationReport", "preannotate"]

JOB = "preannotation"
ANSWERS = "answers.jsonl"
PRIVATE_FOLDER = 0o700
RESERVED = {"model", "messages", "stream"}
"""Keys of a request that are no parameters."""
WAITING_DOCUMENTS = 64
"""Maximum number of documents that wait for their answers."""


@dataclass
class PreannotationReport:
    """The counts of a run.

    Parameters
    ----------
    counts
        ``documents``, ``characters``, ``sentences``, ``entities``, and of the answers what `Annotator.counts` has.
    requests
        ``requests``, and what was repeated, by reason.
    refused_sentences, refused_mentions
        Counts of sentences without annotation, by reason.
    problems
        Problems of reading.
    not_held
        Counts of what the output format could not hold, by kind.
    unread
        How many files of the folders are not read, by their extension.
    """

    counts: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    refused_sentences: Counter[str] = field(default_factory=Counter)
    refused_mentions: Counter[str] = field(default_factory=Counter)
    problems: list[SuwenError] = field(default_factory=list)
    not_held: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)

    @property
    def is_partial(self) -> bool:
        """Return whether a file could not be read or a sentence got no answer."""
        return bool(self.problems or self.refused_sentences[NO_ANSWER])

    def cost(self, prompt_price: float, completion_price: float) -> float:
        """Return the cost of the answers of this run, given the prices of a million tokens.

        Answers from the cache cost nothing; those without a count of tokens are not in it.
        """
        return (self.counts["prompt tokens"] * prompt_price + self.counts["completion tokens"] * completion_price) / 1e6

    def to_dict(self) -> dict[str, Any]:
        """Return all counts as JSON values."""
        counters = ("counts", "requests", "refused_sentences", "refused_mentions", "not_held")
        values = {name: dict(+getattr(self, name)) for name in counters}
        return values | {"not_read": dict(self.unread), "problems": list(map(str, self.problems))}


@dataclass(frozen=True)
class Preannotation:
    """A run that can begin.

    Parameters
    ----------
    inputs
        The files to read.
    output
        The file or folder to write.
    format
        The format of the output, one of `WRITABLE`.
    endpoint, prompt
        Whom to ask, and what.
    parallel
        Number of parallel requests.
    cache
        A file of answers that outlasts the run; by default they are kept until it ends well.
    attempts, passage, parameters
        As `Annotator`.
    """

    inputs: Inputs
    output: Path
    format: str
    endpoint: Endpoint
    prompt: Prompt
    parallel: int = 4
    cache: Path | None = None
    attempts: int = 2
    passage: int = 500
    parameters: dict[str, Any] = field(default_factory=lambda: {"temperature": 0})

    def run(self, resume: bool = False, listener: Listener = silent) -> PreannotationReport:
        """Write the output.

        Raises
        ------
        SuwenError
            S104 when the output exists, S507, S508 and S511 as `open_work`, S903 or S904 when the endpoint is down or
            refuses; then all answers so far are kept for ``resume``.
        """
        require_new(self.output)
        session = EndpointSession(self.endpoint)
        report = PreannotationReport(requests=session.counts, unread=self.inputs.left_out)
        work = working_folder(self.output, JOB)
        try:
            with folder_for(self.output):
                open_work(work, self._identity(), resume)
                work.chmod(PRIVATE_FOLDER)
                try:
                    with holding(work):
                        self._write(session, work, report, listener)
                except BaseException:
                    # With nothing to continue from, the same command begins again.
                    if not (resume or report.counts["answers"]):
                        shutil.rmtree(work, ignore_errors=True)
                    raise
                # Sentences without an answer can be asked about again.
                if not report.refused_sentences[NO_ANSWER]:
                    shutil.rmtree(work)
        except OSError as error:
            raise os_error(error, work) from None
        finally:
            session.close()
        return report

    def _write(self, session: EndpointSession, work: Path, report: PreannotationReport, listener: Listener) -> None:
        answers = Answers(self.cache or work / ANSWERS)
        try:
            settings = self.passage, self.attempts, self.parameters
            annotator = Annotator(session, self.prompt, answers, *settings, report.counts)
            texts = list(texts_in(self.inputs, report.problems))
            if not texts:
                raise report.problems[0] if report.problems else SuwenError("S108", expected="a text")
            documents = _annotated(texts, annotator, self.parallel, report, listener)
            report.not_held += write_corpus(documents, self.output, self.format)
        finally:
            answers.close()

    def _identity(self) -> dict[str, Any]:
        shown = self.prompt.shown if self.prompt.examples else 0
        prompt = {"instructions": self.prompt.instructions, "examples": shown, "passage": self.passage}
        return {"model": self.endpoint.model, "prompt": prompt, "parameters": self.parameters, "format": self.format}


def preannotate(
    paths: Iterable[StrPath],
    output: StrPath,
    endpoint: Endpoint,
    prompt: Prompt,
    *,
    format: str | None = None,  # noqa: A002 (it is the word for it)
    options: ReadingOptions = DEFAULT_OPTIONS,
    parallel: int = 4,
    cache: StrPath | None = None,
    attempts: int = 2,
    passage: int = 500,
    parameters: Mapping[str, Any] = MappingProxyType({"temperature": 0}),
    resume: bool = False,
    listener: Listener = silent,
) -> PreannotationReport:
    """Annotate the texts of files with a language model.

    Parameters
    ----------
    paths
        Files, folders or patterns, as ``suwen extract`` reads them; annotations of records are left out.
    output
        The file or folder to write.
    format
        Its format; by default that of its extension, or JSON Lines.
    options
        Options for reading files.
    parallel, cache, attempts, passage, parameters
        See `Preannotation`.
    resume
        Whether to continue an unfinished run.

    Raises
    ------
    SuwenError
        S402 for a number below 1 and for parameters that a request cannot hold, S404 for an unknown format, S406 when
        the cache is the output; as `find_inputs` and `Preannotation.run`.
    """
    for key, value in (("parallel", parallel), ("attempts", attempts), ("passage", passage)):
        if value < 1:
            raise SuwenError("S402", key=key, reason=f"{value} is not a positive number")
    _check_parameters(parameters)
    if cache is not None and Path(cache).absolute() == Path(output).absolute():
        raise SuwenError("S406", first="--cache", second="-o with the same file", advice="choose another file")
    format = format or format_named_by(output) or jsonl.NAME  # noqa: A001
    if format not in WRITABLE:
        raise SuwenError("S404", what="format", name=format, known=", ".join(WRITABLE))
    check_work(working_folder(output, JOB), resume)
    inputs = find_inputs(list(paths), options, output)
    kept = None if cache is None else Path(cache)
    settings = parallel, kept, attempts, passage, dict(parameters)
    return Preannotation(inputs, Path(output), format, endpoint, prompt, *settings).run(resume, listener)


def _check_parameters(parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that suwen sets itself, and those that JSON cannot hold."""
    for key in sorted(RESERVED & parameters.keys()):
        raise SuwenError("S402", key=key, reason="suwen sets it itself")
    for key, value in parameters.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise SuwenError("S402", key=key, reason=f"it cannot be JSON: {error}") from None


def _annotated(
    documents: Sequence[Document],
    annotator: Annotator,
    parallel: int,
    report: PreannotationReport,
    listener: Listener,
) -> Iterator[Document]:
    """Return the documents with the mentions that the model finds, in their order."""
    pool = ThreadPoolExecutor(parallel)
    waiting: deque[Asked] = deque()
    total = sum(len(document.text) for document in documents)

    def finish() -> Document:
        document = _finished(waiting.popleft(), annotator, report)
        tokens = report.counts["prompt tokens"] + report.counts["completion tokens"]
        listener(Progress("characters", report.counts["characters"], total, f"{tokens:,} tokens"))
        return document

    try:
        for document in documents:
            waiting.append(annotator.submit(document, pool))
            while len(waiting) > WAITING_DOCUMENTS or sum(len(one.passages) for one in waiting) > 4 * parallel:
                yield finish()
        while waiting:
            yield finish()
        annotator.session.require_acceptance()
    finally:
        # Requests that were sent are waited for: their answers are paid for, and are kept.
        annotator.session.stop()
        pool.shutdown(cancel_futures=True)


def _finished(asked: Asked, annotator: Annotator, report: PreannotationReport) -> Document:
    """Wait for the answers of a document and count them."""
    outcomes = list(asked.outcomes())
    document = asked.annotated(outcomes, annotator.version)
    counts = report.counts
    counts["documents"] += 1
    counts["characters"] += len(document.text)
    counts["sentences"] += len(outcomes)
    counts["entities"] += len(document.entities)
    for _, outcome in outcomes:
        report.refused_mentions += outcome.refused
        if outcome.reason is not None:
            report.refused_sentences[outcome.reason] += 1
    return document
