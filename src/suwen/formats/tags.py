"""Read tokens with tags in all spellings: ``B-Drug``, ``b-Drug``, ``B_Drug``, ``Drug-B``, in BILOU and BMEWO too.

Which spelling a file has is decided by all of its tags together: ``I-B`` may be either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

__all__ = ["form_of_tags", "joined_tokens"]

Spelling = Callable[[str], str]

_PREFIXED = re.compile(r"([BIOESMLUWbioesmluw])-(\S+)")
_UNDERSCORED = re.compile(r"([BIESMLUW])_(\S+)")
_SUFFIXED = re.compile(r"(\S+)[-_]([BIESMLUWbiesmluw])")
_OUTSIDE = {"O", "o"}
_SAME = {"U": "S", "W": "S", "L": "E"}
"""BILOU and BMEWO call the prefixes of BIOES otherwise."""


def form_of_tags(tags: Iterable[str]) -> Spelling | None:
    """Return what turns tags of this spelling into ``O`` or ``B-Drug``; None when they have no common one."""
    distinct = set(tags) - _OUTSIDE
    for spelling in (_prefixed, _underscored, _suffixed):
        if all(spelling(tag) for tag in distinct):
            return lambda tag, spelling=spelling: "O" if tag in _OUTSIDE else spelling(tag)  # type: ignore[misc]
    return None


def _prefixed(tag: str) -> str:
    match = _PREFIXED.fullmatch(tag)
    return _tag(match[1], match[2]) if match else ""


def _underscored(tag: str) -> str:
    match = _UNDERSCORED.fullmatch(tag)
    return _tag(match[1], match[2]) if match else ""


def _suffixed(tag: str) -> str:
    match = _SUFFIXED.fullmatch(tag)
    return _tag(match[2], match[1]) if match else ""


def _tag(prefix: str, label: str) -> str:
    prefix = prefix.upper()
    return f"{_SAME.get(prefix, prefix)}-{label}"


def joined_tokens(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Return the text of tokens and the place of each in it.

    Chinese is written without spaces. Between two tokens that meet in Latin letters or digits stands one, unless all
    tokens are single characters.
    """
    words = any(len(token) > 1 for token in tokens)
    text, places = "", []
    for before, token in pairwise(["", *tokens]):
        edges = before[-1:] + token[:1]
        text += " " if words and len(edges) == 2 and edges.isascii() and edges.isalnum() else ""
        places.append((len(text), len(text) + len(token)))
        text += token
    return text, places
