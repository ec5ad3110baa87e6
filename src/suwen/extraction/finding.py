"""Finding what ``suwen extract`` reads: files, folders of them, patterns."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from suwen.errors import SuwenError
from suwen.extraction.inputs import DEFAULT_OPTIONS, ENDINGS, STANDARD_INPUT, TABLES, Input, Inputs, ReadingOptions
from suwen.files import StrPath, require_regular
from suwen.formats import excel, jsonl, text
from suwen.formats.contents import ending, no_document
from suwen.formats.detection import format_of_file
from suwen.formats.foreign import WORKBOOKS
from suwen.formats.reading import document_id, files_in

__all__ = ["JOB", "REPORT", "WORKING", "absolute", "expanded", "find_inputs"]

JOB = "extraction"
WORKING, REPORT = (f".{JOB}", ".preannotation"), ".problems.jsonl"
"""The name endings of the folders and the file that extraction and pre-annotation write beside their outputs. Such
names are never inputs."""


LINK = "link to a folder"
OFTEN_PAGES = (".doc",)
"""Extensions of files that are often pages or new Word files: so hospital systems name what they export."""


def find_inputs(
    paths: Sequence[StrPath], options: ReadingOptions = DEFAULT_OPTIONS, output: StrPath | None = None
) -> Inputs:
    """Find the files to read; a file that is named twice is read once.

    What extractions keep beside their outputs (`WORKING`, `REPORT`) is found in no folder and by no pattern.

    Parameters
    ----------
    paths
        Files; folders (searched at any depth for files with a known extension, hidden files and folders passed over);
        patterns with ``*``, ``?``, ``[…]`` and ``**``; and ``-`` for standard input.
    output
        Where it will be written: no input either, should it be in a folder that is searched.

    Raises
    ------
    SuwenError
        S101 when a path does not exist or a pattern fits nothing, S108 when a folder has nothing to read, S127 when
        the output itself is named.
    """
    problems: list[SuwenError] = []
    left_out: Counter[str] = Counter()
    own = None if output is None else absolute(Path(output))
    chosen: list[Path] = []
    for path in map(Path, paths):
        try:
            chosen += expanded(path, own, left_out)
        except PermissionError:
            # Below a folder without read permission its existence is unknown.
            problems.append(SuwenError("S102", path))
    if own in {absolute(path) for path in chosen if path != STANDARD_INPUT}:
        raise SuwenError("S127", output)
    files: list[Path] = []
    endings = tuple(suffix for suffix, name in ENDINGS.items() if _is_searched(name, options))
    if _is_searched(excel.NAME, options):
        # Old workbooks, which are no input, are then listed by name.
        endings += WORKBOOKS
    for path in chosen:
        files += _files_below(path, endings, options, own, left_out, problems) if path.is_dir() else [path]
    folders = [path if path.is_dir() else path.parent for path in chosen if path != STANDARD_INPUT]
    root = Path(os.path.commonpath([absolute(folder) for folder in folders])) if folders else Path()
    found: list[Input] = []
    for file in dict.fromkeys(files):
        try:
            source = _input(file, root, options)
            if not source.is_piped:
                require_regular(file)
            found.append(source)
        except SuwenError as error:
            problems.append(error)
    return Inputs(tuple(found), options, left_out, tuple(problems))


def _is_searched(name: str, options: ReadingOptions) -> bool:
    """Return whether files of a format are read from folders: tables only if their text column is named."""
    if options.format is not None:
        return options.format == name
    return name not in TABLES or options.text_column is not None


def _files_below(
    folder: Path,
    endings: tuple[str, ...],
    options: ReadingOptions,
    output: Path | None,
    left_out: Counter[str],
    problems: list[SuwenError],
) -> list[Path]:
    """Return the files of a folder with one of these extensions."""
    files: list[Path] = []
    known = len(problems)
    for file in files_in(folder, ("",), problems.append, lambda link: left_out.update([LINK])):
        if _is_by_product(file, folder, output, left_out):
            continue
        if ending(file, endings) or (ending(file, OFTEN_PAGES) and _is_other_kind(file, options)):
            files.append(file)
        else:
            left_out[file.suffix.lower() or file.name] += 1
    if not files and len(problems) == known:
        raise no_document(folder, endings, left_out)
    return files


def _is_other_kind(file: Path, options: ReadingOptions) -> bool:
    """Return whether a file that is named like an old Word file is of a kind that is read."""
    found = format_of_file(file)
    return found not in (text.NAME, jsonl.NAME) and _is_searched(found, options)


def _is_by_product(file: Path, root: Path, output: Path | None, left_out: Counter[str]) -> bool:
    """Return whether a file that was found below a folder is this output, or what an extraction puts beside one."""
    if output is not None and absolute(file).is_relative_to(output):
        return True
    if any(part.endswith(WORKING) for part in file.relative_to(root).parts):
        left_out["working folder"] += 1
        return True
    if file.name.endswith(REPORT):
        left_out[REPORT] += 1
        return True
    return False


def expanded(path: Path, output: Path | None, left_out: Counter[str]) -> list[Path]:
    """Return the path, or the files that match it as a pattern.

    Raises
    ------
    SuwenError
        S101 when nothing fits.
    """
    if path == STANDARD_INPUT or path.exists() or path.is_symlink():
        return [path]
    names = sorted(glob.glob(str(path), recursive=True)) if glob.has_magic(str(path)) else []  # noqa: PTH207
    root = Path(*takewhile(lambda part: not glob.has_magic(part), path.parts))
    found = [name for name in map(Path, names) if not _is_by_product(name, root, output, left_out)]
    if "**" in path.parts:
        # As in a folder that is searched: a link may lead back to where it stands.
        found = _without_links(found, root, left_out)
    if not found:
        raise SuwenError("S101", path)
    return found


def _without_links(files: Sequence[Path], root: Path, left_out: Counter[str]) -> list[Path]:
    """Return the files without links to folders and what is below them."""
    links: dict[Path, bool] = {}

    def is_link(folder: Path) -> bool:
        if folder not in links:
            links[folder] = folder.is_symlink() and folder.is_dir()
        return links[folder]

    kept = []
    for file in files:
        above = [folder for folder in (*reversed(file.parents), file) if folder.is_relative_to(root) and folder != root]
        if not any(map(is_link, above)):
            kept.append(file)
    left_out.update([LINK] * sum(links.values()))
    return kept


def _input(file: Path, root: Path, options: ReadingOptions) -> Input:
    if file == STANDARD_INPUT:
        return Input(file, "stdin", options.format)
    own = ending(file, tuple(ENDINGS))
    name = document_id(absolute(file), root, (own,) if own else ())
    return Input(file, name, options.format or (ENDINGS[own.lower()] if own else None))


def absolute(path: Path) -> Path:
    """Return the path without ``..``; links are left as they are: a linked file is named by where the link stands."""
    return Path(os.path.abspath(path))  # noqa: PTH100
