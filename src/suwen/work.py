"""The working folder of a run that can be resumed: what the run is, and a journal of what is done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suwen.errors import SuwenError
from suwen.files import read_json

__all__ = ["RECORD", "check_work", "require_same", "whole_lines"]

RECORD = "run.json"


def check_work(work: Path, resume: bool) -> None:
    """Check, before anything is built, that a run can begin or go on.

    Raises
    ------
    SuwenError
        S511 when an unfinished run is there, S507 when there is none to resume.
    """
    if not resume and work.exists():
        raise SuwenError("S511", work)
    if resume and not (work / RECORD).is_file():
        raise SuwenError("S507", work, reason="there is no unfinished run")


def require_same(work: Path, identity: dict[str, Any]) -> None:
    """Refuse to go on with another run than the one that was interrupted.

    Parameters
    ----------
    identity
        What must not change between its parts, as JSON values; it is compared with the record.

    Raises
    ------
    SuwenError
        S508, with the name of what differs.
    """
    stored = read_json(work / RECORD)
    for what, value in json.loads(json.dumps(identity)).items():
        if stored.get(what) != value:
            raise SuwenError("S508", work, what=f"{what}{_first_difference(stored.get(what), value)}")


def _first_difference(stored: Any, value: Any) -> str:
    """Where two values differ, as `` (key.key)``; empty where they are no tables."""
    keys = []
    while isinstance(stored, dict) and isinstance(value, dict):
        key = next(key for key in {**stored, **value} if stored.get(key) != value.get(key))
        keys.append(str(key))
        stored, value = stored.get(key), value.get(key)
    return f" ({'.'.join(keys)})" if keys else ""


def whole_lines(path: Path) -> Iterator[bytes]:
    """The lines of a journal; one that a kill cut in two is taken back before anything is appended."""
    if not path.is_file():
        return
    with path.open("r+b") as file:
        end = 0
        for line in file:
            if not line.endswith(b"\n"):
                file.truncate(end)
                return
            end += len(line)
            yield line
