"""What the formats of one JSON value a file share: a bounded read, and fields of the right kind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from suwen.document import lone_surrogates
from suwen.errors import SuwenError
from suwen.files import decode_text, excess
from suwen.formats.articles.files import MEGABYTE, ending, read_bytes
from suwen.formats.reading import Located, Problem, document_id, files_in

__all__ = ["LARGEST", "SUFFIXES", "begins_like", "field", "name_under", "scan_json"]

SUFFIXES = (".json",)
LARGEST = 256 * MEGABYTE
HEAD = 8192

_KIND_NAMES = {str: "a string", int: "an integer", list: "a list", dict: "an object"}


def scan_json(
    path: Path, problem: Problem, located: Callable[[Any, Path, str, Problem], Iterator[Located]]
) -> Iterator[Located]:
    """What a format makes of the values in a file, or in all ``.json`` files of a folder.

    Parameters
    ----------
    located
        Makes documents of a value, given the file, the name for ids, and whom to tell what is wrong.
    """
    root = path if path.is_dir() else path.parent
    for file in files_in(path, ("",)):
        own = ending(file, SUFFIXES)
        if own is None and path.is_dir():
            continue
        try:
            name = document_id(file, root, (own,) if own else ())
            yield from located(_value(file), file, name, problem)
        except SuwenError as error:
            problem(error if error.path else error.at(file))


def _value(path: Path) -> Any:
    text = decode_text(read_bytes(path, LARGEST), path).removeprefix("\ufeff")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise SuwenError("S204", path, error.lineno, reason=error.msg) from None
    except (ValueError, RecursionError) as error:
        raise SuwenError("S204", path, reason=excess(error)) from None
    for where, point, offset in lone_surrogates(value, ""):
        raise SuwenError("S210", path, where=where, point=point, offset=offset)
    return value


def begins_like(path: Path, pattern: re.Pattern[str]) -> bool:
    """Whether a ``.json`` file, or the first one in a folder, begins as a format does."""
    if path.is_dir():
        first = next((file for file in files_in(path, ("",)) if ending(file, SUFFIXES)), None)
        return first is not None and begins_like(first, pattern)
    if ending(path, SUFFIXES) is None:
        return False
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return pattern.match(head.decode(errors="replace").removeprefix("\ufeff")) is not None


def field(values: Any, key: str, kind: type, format_name: str) -> Any:
    """The value of a key, if it is there and of this kind.

    Raises
    ------
    SuwenError
        S213.
    """
    if not isinstance(values, dict):
        reason = f"is looked for in {values!r:.40}, which is no object"
        raise SuwenError("S213", field=key, reason=reason, format=format_name)
    value = values.get(key)
    if value is None:
        raise SuwenError("S213", field=key, reason="is missing", format=format_name)
    if type(value) is not kind:
        raise SuwenError("S213", field=key, reason=f"is not {_KIND_NAMES[kind]}", format=format_name)
    return value


def name_under(values: Any, key: str) -> str | None:
    """The string or integer under a key, as a name; None where it is something else or missing."""
    value = values.get(key) if isinstance(values, dict) else None
    return str(value) if type(value) in (str, int) else None
