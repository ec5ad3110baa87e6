"""One line for each request, and figures for monitoring: neither holds any text of a request."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["AUDIT", "Metrics", "Request", "configure_logging", "place_of"]

AUDIT = logging.getLogger("suwen.web.audit")

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
"""Others are written as OTHER: a method may be any word."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(slots=True)
class Request:
    """The record of a request in the log.

    Parameters
    ----------
    route
        The template of the address (``/v1/concepts/{concept}``), never the address.
    received, sent
        The bytes of the two bodies.
    """

    id: str
    method: str
    route: str = "-"
    status: int = 0
    received: int = 0
    sent: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            self.method = "OTHER"

    def line(self, seconds: float) -> str:
        """Return the line of the audit log."""
        values = {
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "request": self.id,
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "received": self.received,
            "sent": self.sent,
            "ms": round(seconds * 1000, 1),
        }
        return json.dumps(values)


class Metrics:
    """Counts of requests and their times, in the text form of Prometheus."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: Counter[tuple[str, float]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._counts: Counter[str] = Counter()

    def add(self, request: Request, seconds: float) -> None:
        """Count a request."""
        self._requests[request.method, request.route, request.status] += 1
        self._counts[request.route] += 1
        self._seconds[request.route] += seconds
        for bound in BUCKETS:
            if seconds <= bound:
                self._buckets[request.route, bound] += 1

    def text(self, pending: dict[str, int]) -> str:
        """Return all figures.

        Parameters
        ----------
        pending
            Number of requests that wait or are being processed, by pool.
        """
        lines = ["# TYPE suwen_requests_total counter"]
        for (method, route, status), count in sorted(self._requests.items()):
            lines.append(f'suwen_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}')
        lines.append("# TYPE suwen_request_seconds histogram")
        for route, count in sorted(self._counts.items()):
            for bound in BUCKETS:
                labels = f'{{route="{route}",le="{bound:g}"}}'
                lines.append(f"suwen_request_seconds_bucket{labels} {self._buckets[route, bound]}")
            lines.append(f'suwen_request_seconds_bucket{{route="{route}",le="+Inf"}} {count}')
            lines.append(f'suwen_request_seconds_sum{{route="{route}"}} {self._seconds[route]:.6f}')
            lines.append(f'suwen_request_seconds_count{{route="{route}"}} {count}')
        lines.append("# TYPE suwen_pending_requests gauge")
        lines += [f'suwen_pending_requests{{pool="{pool}"}} {count}' for pool, count in pending.items()]
        return "\n".join(lines) + "\n"


def place_of(error: BaseException) -> str:
    """Return the type of an error and where it was raised, without its message, which may hold a text."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(frames[-6:]))
    return f"{type(error).__name__} in {places}"


class _Plain(logging.Formatter):
    """Writes the messages of the server; of other libraries only their name and the type of the error."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name == AUDIT.name:
            return record.getMessage()
        message = record.getMessage() if record.name.partition(".")[0] == "suwen" else record.name
        error = record.exc_info[1] if record.exc_info else None
        return f"{record.levelname.lower()}: {message}" + (f": {place_of(error)}" if error else "")


def configure_logging() -> None:
    """Write all logs of this process to standard error, without texts of requests."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    AUDIT.setLevel(logging.INFO)
