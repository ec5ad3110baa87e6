"""Limits of the size, number and time of requests."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]

MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a server.

    Parameters
    ----------
    characters
        The longest text, in code points.
    body_bytes, file_bytes
        The largest body of JSON, and the largest file.
    head_seconds
        How long the head of a request may take to arrive.
    seconds
        How long a request may take in all: receiving it, waiting, and working.
    queue
        Maximum number of requests that wait for a worker.
    workers
        Maximum number of requests of one kind (extraction, graph) that are processed at once; 0: one per core.
    parse_bytes
        The memory of the process that reads an uploaded file.
    """

    characters: int = 100_000
    body_bytes: int = 2 * MEGABYTE
    file_bytes: int = 20 * MEGABYTE
    head_seconds: float = 10.0
    seconds: float = 60.0
    queue: int = 64
    workers: int = 0
    parse_bytes: int = 2048 * MEGABYTE
