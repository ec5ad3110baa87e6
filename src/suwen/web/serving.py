"""Check the address of the server, and run the server until it is stopped."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from suwen.errors import SuwenError
from suwen.web.app import LOOPBACK
from suwen.web.limits import Limits
from suwen.web.problems import MEDIA_TYPE, ProblemError, body_of
from suwen.web.token import Token

__all__ = ["Address", "listen", "serve", "server_of"]

GRACE_SECONDS = 10
BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Address:
    """The address of the server.

    Parameters
    ----------
    names
        More names under which browsers reach it.
    certificate, key
        PEM files for TLS.
    is_behind_proxy
        Whether a proxy in front of it speaks TLS.
    root_path
        The part of the address that the proxy takes away.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    is_behind_proxy: bool = False
    root_path: str = ""

    @property
    def is_loopback(self) -> bool:
        """Return whether only this computer reaches it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def hosts(self) -> Collection[str]:
        """The host names that requests may use."""
        is_any = self.host in ("0.0.0.0", "::", "")  # noqa: S104
        own = () if is_any else (f"[{self.host}]" if ":" in self.host else self.host,)
        return {*own, *self.names, *(LOOPBACK if self.is_loopback or is_any else ())}

    def require_safe(self, token: Token | None) -> None:
        """Refuse to open the server to other computers without a token, TLS and a name.

        Raises
        ------
        SuwenError
            S801, S802 or S805.
        """
        if self.is_loopback and not self.is_behind_proxy:
            return
        if token is None:
            raise SuwenError("S801")
        if not self.is_loopback and self.certificate is None and not self.is_behind_proxy:
            raise SuwenError("S802", host=self.host)
        if not set(self.hosts) - set(LOOPBACK):
            raise SuwenError("S805")

    def url(self, port: int) -> str:
        """Return the address of the page."""
        scheme = "http" if self.certificate is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{port}{self.root_path}/"


def serve(app: ASGIApp, address: Address, limits: Limits, ready: Callable[[str], None]) -> None:
    """Answer requests until the process is stopped; running requests are finished.

    Parameters
    ----------
    ready
        Receives the address of the page as soon as the server listens.

    Raises
    ------
    SuwenError
        As `listen` and `server_of`.
    """
    with listen(address) as listener:
        server = server_of(app, address, limits)
        ready(address.url(listener.getsockname()[1]))
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            # uvicorn has finished what was asked for before it passes the signal on.
            return


def listen(address: Address) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    SuwenError
        S804 when the address is taken or not of this computer.
    """
    try:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        listener = socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)
        # Connections inherit it. Without it, each answer on a kept connection waits 40 ms for an acknowledgment.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        # Python adds the address to what the system says; errors of names have negative numbers.
        number = error.errno or -1
        reason = os.strerror(number) if number > 0 else error.strerror
        raise SuwenError("S804", host=address.host, port=address.port, reason=reason) from None


def server_of(app: ASGIApp, address: Address, limits: Limits) -> uvicorn.Server:
    """Return a server that is ready to run.

    Raises
    ------
    SuwenError
        S806 when the certificate cannot be used.
    """
    config = uvicorn.Config(
        app,
        http=type("Protocol", (_Protocol,), {"head_seconds": limits.head_seconds}),
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        root_path=address.root_path,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.key,
    )
    try:
        config.load()
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror
        raise SuwenError("S806", address.certificate, reason=reason) from None
    return uvicorn.Server(config)


class _Protocol(H11Protocol):
    """HTTP/1.1 with a timeout for the head of a request; a malformed one gets a problem as its answer."""

    head_seconds = 10.0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def on_response_complete(self) -> None:
        self._await_head()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
        self._head_timer = self.loop.call_later(self.head_seconds, self._close_if_late)

    def _close_if_late(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            # The answer is on its way already.
            self.transport.close()
            return
        body = body_of(ProblemError("S811", 400), None)
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
