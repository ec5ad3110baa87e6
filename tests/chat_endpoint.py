"""A chat endpoint on this machine that answers as it is told, also badly."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = str | int | dict[str, Any] | bytes | None
"""The content of a message; an HTTP status; a whole body as JSON or bytes; None for a connection that breaks."""


@dataclass
class Stub:
    """What the endpoint was asked, and what it says.

    Parameters
    ----------
    reply
        Makes the reply to a request, given its number (from 0) and its body.
    """

    reply: Callable[[int, dict[str, Any]], Reply]
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    received: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def asked(body: dict[str, Any]) -> list[str]:
    """The sentences of the last message."""
    return [line.partition("|")[2] for line in body["messages"][-1]["content"].splitlines()]


def numbered(lines: list[str]) -> str:
    return "\n".join(f"{number}|{line}" for number, line in enumerate(lines, 1))


def marking(terms: dict[str, str]) -> Callable[[int, dict[str, Any]], Reply]:
    """A model that finds the terms of a list, and changes nothing."""
    pattern = re.compile("|".join(map(re.escape, sorted(terms, key=len, reverse=True))))

    def reply(number: int, body: dict[str, Any]) -> Reply:
        return numbered([pattern.sub(lambda m: f"<{terms[m[0]]}>{m[0]}</{terms[m[0]]}>", line) for line in asked(body)])

    return reply


@contextmanager
def serving(reply: Callable[[int, dict[str, Any]], Reply], **headers: str) -> Iterator[Stub]:
    stub = Stub(reply, {name.replace("_", "-"): value for name, value in headers.items()})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with stub.lock:
                number = len(stub.bodies)
                stub.bodies.append(body)
                stub.received.append(dict(self.headers))
            found = stub.reply(number, body)
            if found is None:
                self.connection.close()
                return
            status = found if isinstance(found, int) else 200
            if isinstance(found, str):
                usage = {"prompt_tokens": 100, "completion_tokens": 10}
                found = {"choices": [{"message": {"content": found}, "finish_reason": "stop"}], "usage": usage}
            content = found if isinstance(found, bytes) else json.dumps(found).encode()
            try:
                self.send_response(status)
                for name, value in (stub.headers if status != 200 else {}).items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # who asked has gone

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
