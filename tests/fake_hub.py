"""A hub on loopback: the model info and the files of repositories, as the Hugging Face client asks for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

COMMIT = "a" * 40


@dataclass
class FakeHub:
    """Folders by repository name; `gated` names need a token that does not exist."""

    repositories: dict[str, Path]
    commit: str = COMMIT
    gated: frozenset[str] = frozenset()
    endpoint: str = ""
    requests: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    hub: FakeHub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        parts = self.path.partition("?")[0].strip("/").split("/")
        is_info = parts[:2] == ["api", "models"]
        owner, name, *rest = parts[2:] if is_info else parts
        repository = f"{owner}/{name}"
        if repository in self.hub.gated:
            return self.refuse(403, "GatedRepo")
        folder = self.hub.repositories.get(repository)
        if folder is None:
            return self.refuse(404, "RepoNotFound")
        revision = rest[1] if len(rest) > 1 else "main"
        if revision not in ("main", self.hub.commit):
            return self.refuse(404, "RevisionNotFound")
        if is_info:
            return self.info(repository, folder)
        path = folder.joinpath(*rest[2:])
        if not path.is_file():
            return self.refuse(404, "EntryNotFound")
        data = path.read_bytes()
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": self.hub.commit}
        return self.send(200, data if with_body else b"", {**headers, "Content-Length": str(len(data))})

    def info(self, repository: str, folder: Path) -> None:
        files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
        siblings = [{"rfilename": file} for file in files]
        values = {"id": repository, "modelId": repository, "sha": self.hub.commit, "siblings": siblings}
        data = json.dumps(values).encode()
        self.send(200, data, {"Content-Type": "application/json", "Content-Length": str(len(data))})

    def refuse(self, status: int, code: str) -> None:
        self.send(status, b"", {"X-Error-Code": code, "Content-Length": "0"})

    def send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def fake_hub(repositories: dict[str, Path], gated: frozenset[str] = frozenset()) -> Iterator[FakeHub]:
    hub = FakeHub(repositories, gated=gated)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("HubHandler", (Handler,), {"hub": hub}))
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def use_hub(hub: FakeHub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process and those that it starts ask this hub, with a cache of their own."""
    template = f"{hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    constants = {"ENDPOINT": hub.endpoint, "HUGGINGFACE_CO_URL_TEMPLATE": template, "HF_HUB_OFFLINE": False}
    for name, value in (constants | {"HF_HUB_CACHE": str(cache)}).items():
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
