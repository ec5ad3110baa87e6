"""Words of a Chinese text, by THULAC, by jieba, or one per character."""

from __future__ import annotations

import importlib
import io
import logging
import re
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache
from itertools import accumulate, pairwise
from types import ModuleType, SimpleNamespace
from typing import Protocol

from suwen.errors import SuwenError

__all__ = ["SEGMENTERS", "Segmenter", "segmenter_named"]

THULAC_LIMIT = 5000
"""THULAC's decoder has room for 10,000 characters in a line and fails beyond; at this length a line is cut."""


class Segmenter(Protocol):
    """Cuts a text into words."""

    def __call__(self, text: str) -> list[str]:
        """The words in order; joined they are the text, white space included."""
        ...


@cache
def segmenter_named(name: str) -> Segmenter:
    """The segmenter of this name; its model is loaded once.

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
    r"""The words with the white space of `text`, which segmenters drop; between words it is a word of its own.

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


def _checked(name: str, cut: Callable[[str], list[str]]) -> Segmenter:
    def segment(text: str) -> list[str]:
        words = realign(cut(text), text)
        if words is None:
            raise SuwenError("S408", name=name, start=text[:20])
        return words

    return segment


def _thulac() -> Segmenter:
    package = _imported("thulac")
    _give_clock_back("thulac")
    with redirect_stdout(io.StringIO()):  # it prints "Model loaded succeed"
        model = package.thulac(seg_only=True)
    line = re.compile(rf"[^\n]{{1,{THULAC_LIMIT}}}")
    return _checked("thulac", lambda text: [pair[0] for part in line.findall(text) for pair in model.cut(part)])


def _give_clock_back(package: str) -> None:
    """Let the modules of `package` find ``time.clock``, which Python 3.8 removed, and nobody else."""
    with_clock = SimpleNamespace(**vars(time), clock=time.perf_counter)
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == package and getattr(module, "time", None) is time:
            setattr(module, "time", with_clock)  # noqa: B010 (a module has no declared attributes)


def _jieba() -> Segmenter:
    package = _imported("jieba")
    package.setLogLevel(logging.WARNING)
    # A tokenizer of our own: words that others add to the shared one must not change the result.
    return _checked("jieba", package.Tokenizer().lcut)


def _characters() -> Segmenter:
    return _checked("none", list)


def _imported(package: str) -> ModuleType:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise SuwenError("S405", package=package, install="suwen[augment]") from None


SEGMENTERS: dict[str, Callable[[], Segmenter]] = {"thulac": _thulac, "jieba": _jieba, "none": _characters}
