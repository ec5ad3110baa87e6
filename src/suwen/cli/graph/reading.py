"""Inputs of the commands that add documents to a graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suwen.document import Document
    from suwen.extraction.extract import Result
    from suwen.extraction.metadata import Metadata
    from suwen.graph.build import Problem
    from suwen.runs import Listener

__all__ = ["Reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """The inputs, and how they are read.

    Parameters
    ----------
    source, options
        The format of the inputs, and the options of its reader that were given.
    metadata
        A table with titles, years and more by document id.
    assertion
        Whether documents without assertions are marked by rules.
    extraction
        How entities and relations are extracted from inputs without any (`suwen.graph.articles.extracted`).
    """

    inputs: list[Path]
    source: str | None
    options: dict[str, Any]
    metadata: Path | None
    assertion: bool
    extraction: dict[str, Any]

    @contextmanager
    def documents(
        self, graph: Path, problem: Problem, faults: list[str], notes: list[str], listener: Listener
    ) -> Iterator[Iterator[Document]]:
        """Extract from articles, then stream all documents.

        Parameters
        ----------
        problem
            Receives what is wrong with single documents.
        faults
            Where the articles that could not be read are listed.
        notes
            Receives what was left out of the articles and of their folders.
        """
        from suwen.extraction.metadata import read_metadata
        from suwen.graph.articles import extracted, is_unannotated

        metadata = read_metadata(self.metadata) if self.metadata else None
        articles = [path for path in self.inputs if is_unannotated(path, self.source)]
        paths = [(path, self.source, self.options) for path in self.inputs if path not in articles]
        with ExitStack() as stack:
            if articles:
                found = extracted(articles, graph, listener, reading=self._article_options(), **self.extraction)
                path, result = stack.enter_context(found)
                if result is not None:
                    faults += _problem_lines(result, graph)
                    notes += _left_out(result)
                paths += [(path, "jsonl", {})] if path.exists() else []
            yield self._streamed(paths, metadata, problem)
            if metadata and metadata.unmatched:
                faults.append(
                    f"{self.metadata}: no document has the id {metadata.unmatched[0]!r} (of"
                    f" {len(metadata.unmatched):,} such rows)"
                )

    def _article_options(self) -> dict[str, Any]:
        known = {"encoding": self.options.get("encoding")}
        return {"format": self.source, **{name: value for name, value in known.items() if value is not None}}

    def _streamed(
        self, paths: list[tuple[Path, str | None, dict[str, Any]]], metadata: Metadata | None, problem: Problem
    ) -> Iterator[Document]:
        from suwen.concepts.assertion import with_assertions
        from suwen.formats import scan_corpus
        from suwen.graph.linking import assertions_in

        for path, source, options in paths:
            for located in scan_corpus(path, problem, source, **options):
                document = located.document
                if metadata:
                    document = metadata.describe(document)
                yield with_assertions(document) if self.assertion and not assertions_in(document) else document


def _problem_lines(result: Result, graph: Path) -> list[str]:
    """Return a line for each of the first articles that could not be read, and where all of them are listed."""
    from suwen.cli.extract import problem_line
    from suwen.extraction.extract import report_path

    return [*map(problem_line, result.problems), *([f"listed in {report_path(graph)}"] if result.report else [])]


def _left_out(result: Result) -> list[str]:
    """Return lines for the files that were not read, and for what was left out of the texts."""
    from suwen.cli.output import listed_counts, unread_lines

    advice = "extract from tables first: suwen extract TABLE -o OUT.jsonl --relations --text-column NAME"
    dropped = listed_counts(result.tally.dropped)
    return [*unread_lines(result.left_out, advice), *([f"left out of the texts: {dropped}"] if dropped else [])]
