"""Check every request before its route and complete its answer: limits, headers, the audit line."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from suwen.web import audit
from suwen.web.audit import AUDIT, Metrics, place_of
from suwen.web.limits import Limits
from suwen.web.problems import MEDIA_TYPE, ProblemError, body_of
from suwen.web.token import Token

__all__ = ["FILE_PATH", "Guard"]

_LOGGER = logging.getLogger("suwen.web")

FILE_PATH = "/v1/extract/file"
OPEN_PATHS = {"/", "/healthz", "/readyz"}
STATIC = "/static/"
ID_BYTES = 8
LINGER_SECONDS = 5.0
"""Time limit for receiving the rest of a body that is discarded."""
GONE = 499
"""The status in the audit log when the client has gone."""

POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Wraps the application.

    Parameters
    ----------
    app
        The application that answers.
    hosts
        The names under which the server may be asked, without ports.
    token
        The token that requests must send; None admits all requests.
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str], token: Token | None, limits: Limits, metrics: Metrics
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._token = token
        self._limits = limits
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            await _Exchange(self, scope, receive, send).answer()
        else:
            await self._app(scope, receive, send)

    def check(self, scope: Scope) -> None:
        """Refuse a request by its head.

        Raises
        ------
        ProblemError
            S812 to S814, S820 or S821.
        """
        headers, path = Headers(scope=scope), path_of(scope)
        if _name_of(headers.get("host", "")) not in self._hosts:
            raise ProblemError("S814", 421)
        if not self._is_same_site(headers, scope["method"], path):
            raise ProblemError("S813", 403)
        is_open = path in OPEN_PATHS or path.startswith(STATIC)
        if self._token is not None and not is_open and not self._token.accepts(_value(scope, b"authorization")):
            raise ProblemError("S812", 401, {"WWW-Authenticate": "Bearer"})
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise ProblemError("S821", 415, expected="a body without Content-Encoding")
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > self.largest(path):
            raise self.too_large(scope)

    def _is_same_site(self, headers: Headers, method: str, path: str) -> bool:
        """Return whether a request comes from our own page, from no page, or follows a link to the page."""
        origin = headers.get("origin")
        if origin is not None and _name_of(origin.partition("://")[2]) not in self._hosts:
            return False
        if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
            return True
        return method == "GET" and path == "/" and headers.get("sec-fetch-mode") == "navigate"

    def largest(self, path: str) -> int:
        """Return the bytes that a body may have."""
        return self._limits.file_bytes if path == FILE_PATH else self._limits.body_bytes

    def too_large(self, scope: Scope) -> ProblemError:
        """Return the problem of a larger body."""
        return ProblemError("S820", 413, limit=f"{self.largest(path_of(scope)):,} bytes")


class _Exchange:
    """A request and its answer."""

    def __init__(self, guard: Guard, scope: Scope, receive: Receive, send: Send) -> None:
        self._guard = guard
        self._scope = scope
        self._receive_message = receive
        self._send_message = send
        self._path = path_of(scope)
        headers = Headers(scope=scope)
        self._is_received = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        self._is_started = False
        self._about = audit.Request(secrets.token_hex(ID_BYTES), scope["method"])
        scope["state"]["request_id"] = self._about.id

    async def answer(self) -> None:
        started = time.perf_counter()
        problem = None
        try:
            self._guard.check(self._scope)
            async with asyncio.timeout(self._guard._limits.seconds):
                await self._guard._app(self._scope, self._receive, self._send)
        except ProblemError as found:
            problem = found
        except TimeoutError:
            problem = ProblemError("S824", 504) if self._is_received else ProblemError("S818", 408)
        except Exception as error:
            _LOGGER.error("request %s failed: %s", self._about.id, place_of(error))
            problem = ProblemError("S827", 500)
        if problem is not None and not self._is_started:
            await self._refuse(problem)
        elif not self._is_started:
            self._about.status = GONE
        seconds = time.perf_counter() - started
        self._about.route = self._route()
        self._guard._metrics.add(self._about, seconds)
        AUDIT.info(self._about.line(seconds))

    def _route(self) -> str:
        """Return the template of the address; ``-`` where there is none."""
        if self._path.startswith(STATIC) and self._about.status < HTTPStatus.BAD_REQUEST:
            return f"{STATIC}{{file}}"
        return str(getattr(self._scope.get("route"), "path", "-"))

    async def _receive(self) -> Message:
        message = await self._receive_message()
        if message["type"] == "http.request":
            self._about.received += len(message.get("body", b""))
            self._is_received = not message.get("more_body", False)
            if self._about.received > self._guard.largest(self._path):
                # The one exception that FastAPI lets through while it reads a body.
                raise HTTPException(413)
        return message

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._is_started = True
            self._about.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            headers["X-Request-Id"] = self._about.id
            # Files of the page are asked for again, and sent again when they have changed.
            headers.setdefault("Cache-Control", "no-cache" if self._path.startswith(STATIC) else "no-store")
            if not self._is_received:
                # The rest of the body may be too large to read.
                headers["Connection"] = "close"
        else:
            self._about.sent += len(message.get("body", b""))
            if not self._is_received and not message.get("more_body", False):
                await self._send_message({**message, "more_body": True})
                await self._discard_rest()
                message = {"type": "http.response.body"}
        await self._send_message(message)

    async def _discard_rest(self) -> None:
        """Read the rest of a body. A connection that is closed before is reset, and many clients lose the answer."""
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._is_received:
                    message = await self._receive_message()
                    self._about.received += len(message.get("body", b""))
                    self._is_received = not message.get("more_body", False)
        except TimeoutError:
            return

    async def _refuse(self, problem: ProblemError) -> None:
        body = body_of(problem, self._about.id)
        headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), **problem.headers}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": problem.status, "headers": raw})
        await self._send({"type": "http.response.body", "body": body})


def path_of(scope: Scope) -> str:
    """Return the path of a request below the root path."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def _name_of(host: str) -> str:
    """Return the name or address of a ``Host`` header, without the port."""
    name, colon, port = host.rpartition(":")
    is_port = colon and port.isascii() and port.isdecimal() and (":" not in name or name.endswith("]"))
    return (name if is_port else host).lower()


def _value(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)
