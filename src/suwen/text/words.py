"""Words of a Chinese text, by THULAC, by jieba, or one per character."""

from __future__ import annotations

import importlib
import logging
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Protocol, runtime_checkable

from suwen.errors import SuwenError
from suwen.requirements import require_packages
from suwen.text.segmenters.thulac import Thulac

__all__ = ["SEGMENTERS", "Segmenter", "cut_all", "segmenter_named"]

THULAC_LIMIT = 5000
"""A longer line is cut here. Segmentations depend on this value."""

Cut = Callable[[Sequence[str]], list[list[str]]]


class Segmenter(Protocol):
    """Cuts a text into words."""

    def __call__(self, text: str) -> list[str]:
        """Return the words in order; joined they are the text, white space included."""
        ...


@runtime_checkable
class BatchSegmenter(Protocol):
    """A segmenter that is faster with several texts at once; their words are the same."""

    def cut_all(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the words of each text."""
        ...


def cut_all(segment: Segmenter, texts: Sequence[str]) -> list[list[str]]:
    """Return the words of each text, all cut at once where the segmenter can do so."""
    return segment.cut_all(texts) if isinstance(segment, BatchSegmenter) else [segment(text) for text in texts]


@cache
def segmenter_named(name: str) -> Segmenter:
    """Return the segmenter of this name; its model is loaded once.

    Parameters
    ----------
    name
        ``"thulac"`` (the paper's, section 3.1), ``"jieba"``, or ``"none"``, for which each character is a word.

    Raises
    ------
    SuwenError
        S404 when there is none of this name, S405 when its package is not installed. The segmenter itself raises S408
        when its package changes a text.
    """
    if name not in SEGMENTERS:
        raise SuwenError("S404", what="segmenter", name=name, known=", ".join(SEGMENTERS))
    return SEGMENTERS[name]()


def realign(words: list[str], text: str) -> list[str] | None:
    r"""Return the words with the white space of `text`, which segmenters drop; between words it is a word of its own.

    None when more than white space was lost or changed.

    Examples
    --------
    >>> realign(["空腹", "血糖"], "空腹 血 糖\n")
    ['空腹', ' ', '血 糖', '\n']
    """
    if "".join(words) == text:
        return words
    solid = [offset for offset, character in enumerate(text) if not character.isspace()]
    lengths = [length for length in (len("".join(word.split())) for word in words) if length]
    if "".join("".join(words).split()) != "".join(text.split()):
        return None
    ends = list(accumulate(lengths))
    starts = [end - length for end, length in zip(ends, lengths, strict=True)]
    cuts = {0, len(text), *(solid[start] for start in starts), *(solid[end - 1] + 1 for end in ends)}
    return [text[start:end] for start, end in pairwise(sorted(cuts))]


class _Checked:
    """A segmenter whose words are put together again, to see that they are the text."""

    def __init__(self, name: str, cut: Cut) -> None:
        self._name = name
        self._cut = cut

    def __call__(self, text: str) -> list[str]:
        return self.cut_all([text])[0]

    def cut_all(self, texts: Sequence[str]) -> list[list[str]]:
        found = []
        for text, words in zip(texts, self._cut(texts), strict=True):
            aligned = realign(words, text)
            if aligned is None:
                raise SuwenError("S408", name=self._name, start=text[:20])
            found.append(aligned)
        return found


def _each(cut: Callable[[str], list[str]]) -> Cut:
    return lambda texts: [cut(text) for text in texts]


def _thulac() -> Segmenter:
    require_packages("thulac")
    # The package's model is read, its code is not run.
    package = find_spec("thulac")
    folders = (package and package.submodule_search_locations) or ()
    for folder in folders:
        try:
            return _Checked("thulac", _by_lines(Thulac.read(Path(folder) / "models")))
        except (OSError, ValueError, LookupError) as error:
            raise SuwenError("S405", package=f"the model of thulac ({error})", install="suwen[augment]") from None
    raise AssertionError("a package has a folder")


def _by_lines(model: Thulac) -> Cut:
    line = re.compile(rf"[^\n]{{1,{THULAC_LIMIT}}}")

    def cut(texts: Sequence[str]) -> list[list[str]]:
        lines = [line.findall(text) for text in texts]
        words = iter(model.cut([one for parts in lines for one in parts]))
        return [[word for _ in parts for word in next(words)] for parts in lines]

    return cut


def _jieba() -> Segmenter:
    require_packages("jieba")
    package = importlib.import_module("jieba")
    package.setLogLevel(logging.WARNING)
    # A tokenizer of our own: words that others add to the shared one must not change the result.
    return _Checked("jieba", _each(package.Tokenizer().lcut))


def _characters() -> Segmenter:
    return _Checked("none", _each(list))


SEGMENTERS: dict[str, Callable[[], Segmenter]] = {"thulac": _thulac, "jieba": _jieba, "none": _characters}
