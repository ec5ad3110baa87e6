"""Read tags in all their spellings: ``B-Drug``, ``B_Drug``, ``Drug-B``, and the prefixes of BILOU and BMEWO.

Which spelling a file has is decided by all of its tags together: ``I-B`` may be either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

__all__ = ["form_of_tags"]

Spelling = Callable[[str], str]

_PREFIXED = re.compile(r"([BIOESMLUW])-(\S+)")
_UNDERSCORED = re.compile(r"([BIESMLUW])_(\S+)")
_SUFFIXED = re.compile(r"(\S+)[-_]([BIESMLUW])")
_SAME = {"U": "S", "W": "S", "L": "E"}
"""BILOU and BMEWO call the prefixes of BIOES otherwise."""


def form_of_tags(tags: Iterable[str]) -> Spelling | None:
    """Return what turns tags of this spelling into ``O`` or ``B-Drug``; None when they have no common one."""
    distinct = set(tags) - {"O"}
    for spelling in (_prefixed, _underscored, _suffixed):
        if all(spelling(tag) for tag in distinct):
            return lambda tag, spelling=spelling: spelling(tag) if tag != "O" else tag  # type: ignore[misc]
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
    return f"{_SAME.get(prefix, prefix)}-{label}"
