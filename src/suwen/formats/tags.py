"""Read tags in all spellings: ``B-Drug``, ``b-Drug``, ``B_Drug``, ``Drug-B``, and the prefixes of BILOU and BMEWO.

Which spelling a file has is decided by all of its tags together: ``I-B`` may be either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

__all__ = ["form_of_tags"]

Spelling = Callable[[str], str]

_PREFIXED = re.compile(r"([BIOESMLUWbioesmluw])-(\S+)")
_UNDERSCORED = re.compile(r"([BIESMLUW])_(\S+)")
_SUFFIXED = re.compile(r"(\S+)[-_]([BIESMLUW])")
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
