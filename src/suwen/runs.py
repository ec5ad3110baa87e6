"""Runs that can be resumed: the working folder, the identity of the run, its journal, and versions."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suwen.errors import ResumeError, SuwenError
from suwen.files import StrPath, read_json, write_json
from suwen.version import __version__

__all__ = [
    "RECORD",
    "Listener",
    "Progress",
    "check_work",
    "open_work",
    "release",
    "require_same",
    "silent",
    "versions",
    "whole_lines",
    "working_folder",
]

RECORD = "run.json"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run.

    Parameters
    ----------
    phase
        What is being done: ``extracting``, ``steps`` …
    done, total
        How much of it, in the phase's own unit; `total` is None where it is not known.
    detail
        A figure to show beside it: a rate, a loss.
    message
        A line to keep, for example the scores of an evaluation.
    """

    phase: str
    done: int = 0
    total: int | None = None
    detail: str = ""
    message: str = ""


Listener = Callable[[Progress], None]
"""Watches a run: the one way in which anything long reports its progress."""


def silent(progress: Progress) -> None:
    """Ignore the progress."""


def working_folder(output: StrPath, job: str) -> Path:
    """Return the folder of an unfinished run: beside the output, named after the job (``model.training``)."""
    output = Path(output)
    return output.with_name(f"{output.name}.{job}")


def check_work(work: Path, resume: bool) -> None:
    """Check, before anything is built, that a run can begin or continue.

    Raises
    ------
    SuwenError
        S511 when an unfinished run is there, S507 when there is none to resume.
    """
    if not resume and work.exists():
        raise SuwenError("S511", work)
    if resume and not (work / RECORD).is_file():
        raise ResumeError("S507", work, reason="there is no unfinished run")


def open_work(work: Path, identity: dict[str, Any], resume: bool) -> None:
    """Create the working folder and its record, or check the record of the run to resume.

    Parameters
    ----------
    identity
        What must not change between the parts of a run that was interrupted, as JSON values, beside the release.

    Raises
    ------
    SuwenError
        As `check_work`; S508 when it was another run, or one of another release.
    """
    check_work(work, resume)
    identity = {**release(), **identity}
    if resume:
        require_same(work, identity)
    else:
        write_json(work / RECORD, identity)


def release() -> dict[str, str]:
    """Return the part of a run's identity that names the release: another one may compute something else."""
    return {"release of suwen": __version__}


def require_same(work: Path, identity: dict[str, Any]) -> None:
    """Refuse to continue another run than the interrupted one.

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
            raise ResumeError("S508", work, what=f"{what}{_first_difference(stored.get(what), value)}")


def _first_difference(stored: Any, value: Any) -> str:
    """Return the first difference of two values as `` (key.key)``; empty if they are not tables."""
    keys = []
    while isinstance(stored, dict) and isinstance(value, dict):
        key = next(key for key in {**stored, **value} if stored.get(key) != value.get(key))
        keys.append(str(key))
        stored, value = stored.get(key), value.get(key)
    return f" ({'.'.join(keys)})" if keys else ""


def whole_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a journal; an incomplete last line, left by a killed process, is removed from the file."""
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


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of suwen, Python, and those of these packages that are installed."""
    # A quarter of the time that 'suwen --help' takes.
    from importlib.metadata import PackageNotFoundError, version

    found = {"suwen": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
