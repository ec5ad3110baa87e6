"""Build the problems (RFC 9457) of failed requests; they contain no text of the request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from suwen.errors import CATALOG, SuwenError

__all__ = ["MEDIA_TYPE", "UNAVAILABLE", "ProblemError", "body_of", "problem_of", "problem_of_file"]

MEDIA_TYPE = "application/problem+json"

NOT_FOUND = {"S708": "concept", "S709": "evidence", "S714": "type", "S716": "edge", "S717": "document"}
"""The missing thing, by code of the graph. The messages of these codes contain the identifier from the request."""

UNAVAILABLE = {"S101", "S102", "S701", "S702", "S703", "S705"}
"""The codes of a graph that cannot be read or written."""

UNREADABLE = {"S106", "S112", "S115", "S116", "S117", "S118", "S119", "S120", "S121", "S123", "S130"}
"""The codes of an uploaded file that cannot be read."""

SHOWN_FIELDS = {"kind", "advice", "pages", "limit", "seconds"}
"""The fields of messages that never hold a text of the file."""

RETRY_SECONDS = "1"


class ProblemError(Exception):
    """An error answer.

    Parameters
    ----------
    code
        A code in `CATALOG`.
    status
        The status of the answer.
    headers
        More headers.
    fields
        The fields of the message. They must not hold a text of the request.
    """

    def __init__(self, code: str, status: int, headers: Mapping[str, str] | None = None, **fields: Any) -> None:
        message = CATALOG[code]
        self.code = code
        self.status = status
        self.headers = dict(headers or {})
        self.detail = f"{message.text}; {message.advice}".format_map(_Told(fields))
        super().__init__(f"{code}: {self.detail}")


class _Told(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "…"


def problem_of(error: SuwenError) -> ProblemError:
    """Return the problem for an error of the library, without the texts that its message holds."""
    if error.code in NOT_FOUND:
        return ProblemError("S816", 404, what=NOT_FOUND[error.code])
    if error.code == "S704":
        return ProblemError("S826", 503, {"Retry-After": RETRY_SECONDS})
    if error.code in UNAVAILABLE:
        return ProblemError("S825", 503)
    return ProblemError("S827", 500)


def problem_of_file(code: str, fields: Mapping[str, Any]) -> ProblemError:
    """Return the problem for an error (its code and fields) that a reader of files reported."""
    if code not in UNREADABLE:
        return ProblemError("S827", 500)
    shown: dict[str, Any] = {name: fields[name] for name in SHOWN_FIELDS & fields.keys()}
    return ProblemError(code, 422, None, **shown)


def body_of(problem: ProblemError, request: str | None) -> bytes:
    """Return the body of an answer, with the identifier of the request."""
    values = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        **({"request_id": request} if request else {}),
    }
    return json.dumps(values).encode()
