"""Finding what ``suwen relate`` reads: annotated corpora, files or folders of any format with entities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from suwen.errors import SuwenError
from suwen.extraction.finding import absolute, expanded
from suwen.extraction.inputs import ANNOTATED, STANDARD_INPUT, Input, Inputs, ReadingOptions
from suwen.files import StrPath
from suwen.formats import brat, format_of, jsonl

__all__ = ["find_corpora"]


def find_corpora(paths: Sequence[StrPath], options: ReadingOptions, output: StrPath | None = None) -> Inputs:
    """Find the corpora to read; one that is named twice is read once.

    Parameters
    ----------
    paths
        Folders, files, patterns; and ``-`` for JSON Lines from standard input.
    options
        With `annotated`.
    output
        The path of the output.

    Raises
    ------
    SuwenError
        S127 when the output is one of the corpora or lies in one, S607 for a corpus in a format without entities, and
        as `format_of` and `expanded`.
    """
    left_out: Counter[str] = Counter()
    own = None if output is None else absolute(Path(output))
    chosen = [path for one in paths for path in expanded(Path(one), own, left_out)]
    found = [_corpus(path, options) for path in chosen]
    for corpus in found:
        # In the folder of a corpus, the output and its working folder would be read as parts of it.
        if own is not None and corpus.path != STANDARD_INPUT and own.is_relative_to(absolute(corpus.path)):
            raise SuwenError("S127", output)
    return Inputs(tuple(dict.fromkeys(found)), options, left_out)


def _corpus(path: Path, options: ReadingOptions) -> Input:
    if path == STANDARD_INPUT:
        return Input(path, "stdin", jsonl.NAME)
    name = options.format or format_of(path)
    if name not in ANNOTATED:
        raise SuwenError("S607", path, format=name)
    if name == brat.NAME and path.is_file():
        # Either file of a pair names both.
        path = brat.pair_of(path)[1]
    return Input(path, path.name, name)
