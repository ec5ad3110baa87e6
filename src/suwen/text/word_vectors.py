"""Files of word vectors; numpy only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suwen.errors import SuwenError
from suwen.files import read_text

__all__ = ["word_vector_lines"]

DIGITS = 10


def word_vector_lines(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Read words and vectors in word2vec's text format.

    Raises
    ------
    SuwenError
        S517 with the line when the file is in another format; S101 and S113 when it cannot be read.
    """
    lines = read_text(path).removeprefix("\ufeff").split("\n")
    header = lines[0].split()
    if len(header) != 2 or not all(part.isdecimal() and 0 < len(part) < DIGITS and int(part) for part in header):
        raise SuwenError("S517", path, 1, reason="the first line does not say how many words and numbers there are")
    count, width = map(int, header)
    if lines[-1] == "":
        lines.pop()
    if len(lines) - 1 != count:
        raise SuwenError("S517", path, reason=f"the first line says {count} words, there are {len(lines) - 1}")
    for number, line in enumerate(lines[1:], 2):
        word, *values = line.rstrip().split(" ")
        try:
            with np.errstate(over="ignore"):
                vector = np.array(values, np.float32)
        except ValueError:
            raise SuwenError("S517", path, number, reason="what follows the word are not all numbers") from None
        if len(vector) != width or not np.isfinite(vector).all():
            raise SuwenError("S517", path, number, reason=f"expected a word and {width} finite numbers")
        yield word, vector
