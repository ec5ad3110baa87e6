"""Building a graph of articles: entities and relations are extracted first, into a working folder beside the graph."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from suwen.extraction.extract import Result, report_path
from suwen.extraction.inputs import ReadingOptions
from suwen.extraction.planning import Extraction, plan_extraction
from suwen.files import StrPath, folder_for, write_json
from suwen.formats import FORMATS, WITHOUT_ANNOTATIONS
from suwen.runs import RECORD, Listener, release, require_same, silent, working_folder

__all__ = ["extracted", "is_unannotated"]

JOB = "articles"
DOCUMENTS = "documents.jsonl"
PRIVATE = 0o700


def is_unannotated(path: StrPath, format: str | None = None) -> bool:  # noqa: A002 (it is the word for it)
    """Return whether an input holds texts without entities: articles and tables, but no corpus."""
    path = Path(path)
    if format is not None:
        return isinstance(FORMATS.get(format), WITHOUT_ANNOTATIONS)
    fitting = [entry for entry in FORMATS.values() if entry.sniff(path)]
    fitting = [entry for entry in fitting if not entry.yields] or fitting
    return bool(fitting) and all(isinstance(entry, WITHOUT_ANNOTATIONS) for entry in fitting)


@contextmanager
def extracted(
    paths: Sequence[StrPath],
    graph: StrPath,
    listener: Listener = silent,
    *,
    reading: dict[str, Any],
    **options: Any,
) -> Iterator[tuple[Path, Result | None]]:
    """Extract the entities and relations of articles for a graph.

    An interrupted run continues. The working folder, which only its owner can read, lasts until the
    block ends well.

    Parameters
    ----------
    reading
        How the articles are read: fields of `suwen.extraction.inputs.ReadingOptions`.
    options
        As `suwen.extraction.planning.plan_extraction`.

    Yields
    ------
    tuple[Path, Result | None]
        The documents as JSON Lines, and what became of the extraction; None where an earlier run had finished it.

    Raises
    ------
    SuwenError
        S508 when the unfinished run is one of other inputs or options, and as `plan_extraction` and `extract_files`.
    """
    work = working_folder(graph, JOB)
    documents = work / DOCUMENTS
    with folder_for(work):
        extraction = plan_extraction(
            paths, documents, "jsonl", options=ReadingOptions(**reading), relations=True, **options
        )
        identity = {**release(), **extraction.identity, "inputs": _listed(extraction)}
        is_begun = working_folder(documents, "extraction").exists()
        if (is_begun or documents.exists()) and (work / RECORD).is_file():
            require_same(work, identity)
        else:
            work.mkdir(mode=PRIVATE, exist_ok=True)
            write_json(work / RECORD, identity)
        result = None
        if not documents.exists():
            result = extraction.run(resume=is_begun, listener=listener)
        if not documents.exists():
            # Nothing could be read: there is nothing to continue, and other inputs may follow.
            _leave(work, graph)
            yield documents, result
            return
        yield documents, result
        _leave(work, graph)


def _leave(work: Path, graph: StrPath) -> None:
    """Remove the working folder, but keep the list of unreadable files, beside the graph."""
    report = report_path(work / DOCUMENTS)
    if report.exists():
        report.replace(report_path(Path(graph)))
    shutil.rmtree(work)


def _listed(extraction: Extraction) -> list[list[Any]]:
    """Return the files with their sizes."""
    return [[str(file.path), file.path.stat().st_size] for file in extraction.inputs.files]
