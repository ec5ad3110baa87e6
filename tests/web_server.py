"""A server of suwen in a thread, and a plain client: what the tests of the server share."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from suwen.web.app import create_app
from suwen.web.extracting import Models
from suwen.web.limits import Limits
from suwen.web.serving import Address, listen, server_of
from suwen.web.token import Token

PATIENCE = 60.0
SECRET = "0123456789abcdef-token"
JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """A status, headers (lower case), and the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem; every failure must be one."""
        assert self.headers["content-type"] == "application/problem+json", (self.status, self.body)
        assert self.json["status"] == self.status
        assert set(self.json) == {"type", "title", "status", "code", "detail", "request_id"}
        assert self.json["request_id"] == self.headers["x-request-id"]
        return str(self.json["code"])


@dataclass(frozen=True)
class Client:
    """Asks a server on a port of this computer."""

    port: int

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, None, headers)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", path, data, {"Content-Type": JSON, **headers})

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            names = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
            connection.request(method, path, body, names, encode_chunked=names.get("Transfer-Encoding") == "chunked")
            found = connection.getresponse()
            return Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, found.read())
        finally:
            connection.close()


@lru_cache
def models() -> Models:
    """Return the bundled models, loaded once."""
    return Models()


@contextmanager
def running(
    graph: Path | None = None,
    *,
    models: Any = None,
    token: str | None = None,
    limits: Limits | None = None,
    address: Address | None = None,
) -> Iterator[Client]:
    """Run a server on a free port; the thread ends with the block."""
    limits, address = limits or Limits(), address or Address(port=0)
    secret = None if token is None else Token(token)
    app = create_app(models or globals()["models"](), graph, hosts=address.hosts, token=secret, limits=limits)
    with listen(address) as listener:
        server = server_of(app, address, limits)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        ends = time.monotonic() + PATIENCE
        while not server.started and time.monotonic() < ends:
            time.sleep(0.01)
        try:
            yield Client(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
