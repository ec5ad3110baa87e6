"""Make a corpus: the functions `suwen.sample`, `suwen.preannotate` and `suwen.agree`."""

# ruff: noqa: A002 (`format` is the word for it)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from suwen.api.tasks import require_seed
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath, paths_of, require_outside
from suwen.requirements import require_packages
from suwen.runs import Listener, Progress, silent

if TYPE_CHECKING:
    from suwen.annotation.agreement import Agreement
    from suwen.annotation.preannotation import PreannotationReport
    from suwen.annotation.prompt import Prompt
    from suwen.annotation.sampling import Sample
    from suwen.api.scoring import Corpus
    from suwen.schema import Schema

__all__ = ["agree", "preannotate", "sample"]


def sample(
    pool: StrPath | Sequence[StrPath],
    *,
    documents: int | None = None,
    characters: int | None = None,
    model: StrPath | None = None,
    annotated: Corpus = (),
    per_group: int | None = None,
    group_field: str | None = None,
    method: Literal["uncertain", "random"] = "uncertain",
    seed: int = 0,
    format: str | None = None,
    text_column: str | None = None,
    id_column: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    device: str = "cpu",
    listener: Listener = silent,
) -> Sample:
    """Choose the documents to annotate next (see `suwen.annotation.sampling`).

    Parameters
    ----------
    pool
        Folders, files or patterns, read as `suwen.extract` reads them.
    documents, characters
        Maximum number of documents, and of characters; at least one of them is needed.
    model
        The model whose confidences count; by default the bundled model.
    annotated
        Documents that are already annotated.
    per_group, group_field
        Maximum documents of one journal issue, and the metadata field that names it.
    method
        ``uncertain``, or ``random`` as a baseline.
    seed
        Seed of the method ``random``.
    format, encoding
        Format and encoding of the pool; detected by default.
    text_column, id_column
        The columns of text and id, in tables and JSON Lines of other programs.
    sheet
        The sheet of Excel files; by default the only one with content.
    device
        The device of the model.
    listener
        Receives the number of documents that the model has read.

    Raises
    ------
    SuwenError
        S305 for a group field that no document has, S402 for a number below 1, S404 for an unknown method, S410 for a
        group field without `per_group`, S921 without a bound, S922 when the pool has no document
        to choose, S923 when the model gives no confidences; as `suwen.load` and `suwen.read_corpus`.

    Examples
    --------
    >>> import suwen
    >>> found = suwen.sample("articles/", documents=20, per_group=2)  # doctest: +SKIP
    >>> suwen.write_corpus(found.documents, "next.jsonl", "jsonl")  # doctest: +SKIP
    """
    from suwen.annotation.sampling import Budget, candidates_in, choose_documents, draw_documents
    from suwen.annotation.texts import texts_in
    from suwen.api.scoring import documents_of
    from suwen.corpus.splitting import groups_of
    from suwen.extraction.finding import find_inputs
    from suwen.extraction.inputs import ReadingOptions
    from suwen.loading import load

    if method not in ("uncertain", "random"):
        raise SuwenError("S404", what="method", name=method, known="uncertain, random")
    require_seed(seed)
    budget = Budget(documents, characters, per_group, group_field)
    known = documents_of(annotated)
    problems: list[SuwenError] = []
    options = ReadingOptions(format, text_column, id_column, encoding, sheet)
    inputs = find_inputs(paths_of(pool), options)
    texts = list(texts_in(inputs, problems))
    if problems and not texts:
        raise problems[0]
    candidates, left_out = candidates_in(texts, known)
    groups_of(candidates, group_field)  # which refuses a field that none of them has
    if method == "random":
        found = draw_documents(candidates, budget, seed)
    else:
        blank = (Document(document.id, document.text) for document in candidates)
        predicted: list[Document] = []
        for document in load(model, device=device).pipe(blank):
            predicted.append(document)
            listener(Progress("documents", len(predicted), len(candidates)))
        found = choose_documents(candidates, predicted, known, budget)
    found.left_out.update(left_out)
    found.problems.extend(problems)
    found.unread.update(inputs.left_out)
    return found


def preannotate(
    inputs: StrPath | Sequence[StrPath],
    output: StrPath,
    *,
    endpoint: str,
    model: str,
    guideline: str = "",
    examples: Corpus = (),
    schema: Schema | None = None,
    shown_examples: int = 8,
    format: str | None = None,
    text_column: str | None = None,
    id_column: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    to: str | None = None,
    parallel: int = 4,
    retries: int = 5,
    timeout: float = 120.0,
    attempts: int = 2,
    passage: int = 500,
    parameters: Mapping[str, Any] | None = None,
    cache: StrPath | None = None,
    allow_remote: bool = False,
    resume: bool = False,
    listener: Listener = silent,
) -> PreannotationReport:
    """Annotate texts with a large language model; only mentions with certain offsets are kept.

    Parameters
    ----------
    inputs
        Folders, files or patterns, read as `suwen.extract` reads them.
    output
        The file or folder to write.
    endpoint, model
        The address of an OpenAI-compatible endpoint, and the name that the model has there. The API key is read from
        the environment variable ``SUWEN_API_KEY``.
    guideline
        The text of an annotation guideline.
    examples, shown_examples
        Annotated documents, and how many of their most similar sentences a request shows.
    schema
        The labels; by default those of the examples, or LCDD's.
    format, encoding
        Format and encoding of the inputs; detected by default.
    text_column, id_column
        The columns of text and id, in tables and JSON Lines of other programs.
    sheet
        The sheet of Excel files; by default the only one with content.
    to
        The format of the output; by default that of its extension, or JSON Lines.
    parallel, retries, timeout
        Parallel requests, retries of each, and its timeout in seconds.
    attempts
        Attempts for a sentence with an unusable answer.
    passage
        Characters of consecutive sentences in a request.
    parameters
        More parameters of a request, for example ``max_tokens``; the temperature is 0.
    cache
        A file that keeps the answers for later runs.
    allow_remote
        Whether the texts may be sent to another machine.
    resume
        Whether to continue an unfinished run.
    listener
        Receives the number of characters that are done.

    Raises
    ------
    SuwenError
        S104 when the output exists, S127 when it is inside an input folder, S402 for a number out of range, S404 for
        an unknown format, S405 when httpx2 is not installed, S507, S508 or S511 as the run was unfinished or not, S901
        to S904 for the endpoint.

    Examples
    --------
    >>> import suwen
    >>> report = suwen.preannotate(  # doctest: +SKIP
    ...     "articles/", "pre.jsonl", endpoint="http://127.0.0.1:8000/v1", model="qwen3"
    ... )
    >>> report.counts["entities"], report.refused_mentions  # doctest: +SKIP
    """
    from suwen.annotation.endpoint import Endpoint
    from suwen.annotation.preannotation import preannotate as run
    from suwen.api.scoring import documents_of
    from suwen.extraction.inputs import ReadingOptions

    # Before examples are read, which may take a while.
    require_packages("httpx2")
    require_outside(output, paths_of(inputs))
    asked = Endpoint(endpoint, model, allow_remote, timeout, retries)
    return run(
        paths_of(inputs),
        output,
        asked,
        _prompt(documents_of(examples), schema, guideline, shown_examples),
        format=to,
        options=ReadingOptions(format, text_column, id_column, encoding, sheet),
        parallel=parallel,
        cache=cache,
        attempts=attempts,
        passage=passage,
        parameters={"temperature": 0, **(parameters or {})},
        resume=resume,
        listener=listener,
    )


def _prompt(examples: Sequence[Document], schema: Schema | None, guideline: str, shown: int) -> Prompt:
    """Put the prompt together."""
    from suwen.annotation.prompt import Examples, Prompt
    from suwen.schema import LCDD, Schema

    if shown < 1:
        raise SuwenError("S402", key="shown_examples", reason=f"{shown} is not a positive number")
    labels = {entity.label for document in examples for entity in document.entities}
    schema = schema or (Schema.of_labels(labels) if labels else LCDD)
    return Prompt(schema, guideline, Examples(examples, schema.labels) if examples else None, shown)


def agree(annotators: Mapping[str, Corpus], *, seed: int = 0) -> Agreement:
    """Measure the agreement of every two annotators on the documents that both have.

    Parameters
    ----------
    annotators
        The corpus of each annotator, by name; documents are matched by id.
    seed
        Seed of the bootstrap over documents.

    Raises
    ------
    SuwenError
        S941 for fewer than two annotators, S942 when no two have a document in common, S943 when a text differs; as
        `suwen.read_corpus`.

    Examples
    --------
    >>> import suwen
    >>> found = suwen.agree({"anna": "anna.json", "bo": "bo.json"})  # doctest: +SKIP
    >>> found.pairs[0].strict.value, found.pairs[0].kappa.value  # doctest: +SKIP
    >>> found.write_html("disagreements.html")  # doctest: +SKIP
    """
    from suwen.annotation.agreement import agree as compare
    from suwen.api.scoring import documents_of

    require_seed(seed)
    return compare({name: documents_of(corpus) for name, corpus in annotators.items()}, seed)
