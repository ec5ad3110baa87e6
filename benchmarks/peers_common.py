"""Shared parts of the scripts of `peers.py`; suwen need not be installed."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from types import TracebackType
from typing import Any

KILOBYTE = 1024


def read_passages(path: Path) -> list[dict[str, Any]]:
    """Texts with their entities as ``[start, end, label]``."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_found(path: Path, found: list[list[tuple[int, int, str]]]) -> None:
    """Write the entities found in each passage, one passage a line."""
    path.write_text("".join(json.dumps(spans, ensure_ascii=False) + "\n" for spans in found), encoding="utf-8")


def size_of(folder: Path) -> int:
    """Return the bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Measured:
    """Times what is done inside, and writes characters per second and the process's peak memory."""

    def __init__(self, folder: Path, characters: int) -> None:
        self.folder, self.characters = folder, characters

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            seconds = time.perf_counter() - self.started
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE
            figures = {"characters_per_second": self.characters / seconds, "seconds": seconds, "peak_memory": peak}
            (self.folder / "measured.json").write_text(json.dumps(figures), encoding="utf-8")
