"""Answer errors of the application with a problem that contains no text of the request."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from suwen.errors import SuwenError
from suwen.web.audit import place_of
from suwen.web.problems import MEDIA_TYPE, ProblemError, body_of, problem_of
from suwen.web.work import DisconnectedError

__all__ = ["add_handlers"]

_LOGGER = logging.getLogger("suwen.web")

OF_STATUS = {404: "S815", 405: "S817"}
LIMITED = 413
PLACES = ("body", "query", "path", "header")


def add_handlers(app: FastAPI) -> None:
    """Register the handlers of an application."""
    handlers: dict[type[Exception], Any] = {
        ProblemError: _problem,
        SuwenError: _library_error,
        RequestValidationError: _invalid,
        HTTPException: _http_error,
        DisconnectedError: _gone,
        Exception: _unforeseen,
    }
    for kind, handle in handlers.items():
        app.add_exception_handler(kind, handle)


def _answer(request: Request, problem: ProblemError) -> Response:
    body = body_of(problem, request.state.request_id)
    return Response(body, problem.status, problem.headers, MEDIA_TYPE)


async def _problem(request: Request, error: Any) -> Response:
    return _answer(request, error)


async def _library_error(request: Request, error: Any) -> Response:
    problem = problem_of(error)
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOGGER.error("request %s failed: %s: %s", request.state.request_id, error.code, place_of(error))
    return _answer(request, problem)


async def _http_error(request: Request, error: Any) -> Response:
    if error.status_code == LIMITED:
        return _answer(request, request.app.state.guard.too_large(request.scope))
    code = OF_STATUS.get(error.status_code, "S811")
    return _answer(request, ProblemError(code, error.status_code, error.headers))


async def _invalid(request: Request, error: Any) -> Response:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return _answer(request, ProblemError("S811", 400))
    place = [part for part in first["loc"] if part not in PLACES]
    if first["type"] == "extra_forbidden":
        # The name of an unknown field is a text of the request.
        place = place[:-1]
    field = ".".join(map(str, place)) or "body"
    # The reasons that pydantic and our own validators give name types and limits, never the value.
    reason = first["msg"].removeprefix("Value error, ")
    return _answer(request, ProblemError("S822", 422, field=field, reason=reason[:1].lower() + reason[1:]))


async def _gone(request: Request, error: Any) -> None:
    """Send nothing: the client has gone."""


async def _unforeseen(request: Request, error: Any) -> Response:
    return _answer(request, ProblemError("S827", 500))
