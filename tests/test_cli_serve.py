"""The command `suwen serve`, as a user runs it."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from graph_documents import library
from typer.testing import CliRunner

from suwen import Graph, SuwenError
from suwen.cli import app
from suwen.web.serving import Address
from suwen.web.token import VARIABLE, Token, read_token

PATIENCE = 120.0
SECRET = "a-secret-of-some-length"
ADDRESS = re.compile(r"suwen serves at (https?)://([^ ]+):(\d+)(/\S*) ")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graphs") / "graph.db"
    Graph(path).add(library())
    return path


@dataclass
class Running:
    process: subprocess.Popen[str]
    scheme: str
    port: int
    lines: list[str]

    def ask(self, path: str, body: object = None, **headers: str) -> tuple[int, bytes]:
        if self.scheme == "https":
            context = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        data = None if body is None else json.dumps(body)
        kind = {} if body is None else {"Content-Type": "application/json"}
        connection.request("GET" if body is None else "POST", path, data, {**kind, **headers})
        found = connection.getresponse()
        return found.status, found.read()


@contextmanager
def started(*options: str | Path, **environment: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "suwen", "serve", *map(str, options), "--port", "0"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = ADDRESS.match(line)
        assert found, line + process.stderr.read()
        yield Running(process, found[1], int(found[3]), [line])
    finally:
        process.kill()
        process.communicate()


def test_cli_serve_answers_and_ends_as_asked(graph: Path) -> None:
    with started(graph) as server:
        assert server.ask("/healthz") == (200, b'{"status":"ok"}')
        status, body = server.ask("/v1/extract", {"text": "口服二甲双胍治疗2型糖尿病", "relations": True})
        assert status == 200
        assert [one["type"] for one in json.loads(body)["relations"]] == ["Method_Drug", "Drug_Disease"]
        assert server.ask("/v1/search", {"query": "病"})[0] == 200
        assert server.ask("/")[0] == 200
        server.process.send_signal(signal.SIGINT)
        out, err = server.process.communicate(timeout=PATIENCE)
        assert server.process.returncode == 0
        assert out == ""
        lines = [json.loads(line) for line in err.splitlines()]
        assert [line["route"] for line in lines] == ["/healthz", "/v1/extract", "/v1/search", "/"]
        assert "二甲双胍" not in err


def test_cli_serve_finishes_its_work_when_it_is_terminated(graph: Path) -> None:
    with started(graph) as server:
        text = "口服二甲双胍治疗2型糖尿病。" * 500
        head = "POST /v1/extract HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
        body = json.dumps({"text": text}).encode()
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
            connection.sendall(f"{head}{len(body)}\r\n\r\n".encode() + body)
            time.sleep(0.5)
            server.process.terminate()
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        server.process.communicate(timeout=PATIENCE)
        assert server.process.returncode in (0, -signal.SIGTERM)


def test_cli_serve_takes_a_token_from_a_file_and_the_environment(graph: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n", encoding="utf-8")
    right = {"Authorization": f"Bearer {SECRET}"}
    with started(graph, "--token-file", tmp_path / "token") as server:
        assert server.ask("/v1/info")[0] == 401
        assert server.ask("/v1/info", **right)[0] == 200
    with started(**{VARIABLE: SECRET}) as server:
        assert server.ask("/v1/info")[0] == 401
        assert server.ask("/v1/info", **right)[0] == 200


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate, and is not installed")
def test_cli_serve_speaks_tls(tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        [*command.split(), "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp_path, check=True, capture_output=True
    )
    options = ["--ssl-certfile", tmp_path / "cert.pem", "--ssl-keyfile", tmp_path / "key.pem"]
    with started("--host", "0.0.0.0", "--allowed-host", "suwen.example", *options, **{VARIABLE: SECRET}) as server:
        assert server.scheme == "https"
        right = {"Authorization": f"Bearer {SECRET}"}
        assert server.ask("/v1/info", **right)[0] == 200
        assert server.ask("/v1/info", **right, Host="suwen.example")[0] == 200
        assert server.ask("/v1/info", **right, Host="other.example")[0] == 421


@pytest.mark.parametrize(
    ("options", "secret", "code"),
    [
        (["--host", "0.0.0.0"], None, "S801"),
        (["--host", "192.0.2.1"], None, "S801"),
        (["--host", "suwen.example"], None, "S801"),
        (["--behind-proxy"], None, "S801"),
        (["--host", "0.0.0.0"], SECRET, "S802"),
        (["--host", "0.0.0.0", "--behind-proxy"], SECRET, "S805"),
        (["--behind-proxy"], SECRET, "S805"),
        ([], "short", "S803"),
        ([], "秘密" * 20, "S803"),
        ([], f"{SECRET} {SECRET}", "S803"),
        (["--token-file", "none"], None, "S101"),
        (["--host", "192.0.2.1", "--behind-proxy"], SECRET, "S804"),
        (["--ssl-certfile", "cert.pem"], None, "S806"),
        (["--ssl-certfile", "none.pem"], None, "S806"),
        (["none.db"], None, "S101"),
        (["cert.pem"], None, "S701"),
        (["--model", "none"], None, "S101"),
        (["--codes", "none.tsv"], None, "S101"),
        (["--port", "70000"], None, "S409"),
    ],
)
def test_cli_serve_refuses_what_is_not_safe_or_not_there(
    options: list[str], secret: str | None, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("suwen.web.audit.configure_logging", lambda: None)
    monkeypatch.setattr("suwen.web.serving.uvicorn.Server.run", lambda *_, **__: pytest.fail("it started"))
    if secret:
        monkeypatch.setenv(VARIABLE, secret)
    Path("cert.pem").write_text("no certificate", encoding="utf-8")
    result = CliRunner().invoke(app, ["serve", *options])
    if code == "S409":
        assert result.exit_code == 2
        return
    assert isinstance(result.exception, SuwenError), result.output
    assert result.exception.code == code
    assert "\n" not in str(result.exception)


def test_cli_serve_says_that_the_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "suwen", "serve", "--port", str(port)], capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == (
        f"S804 cannot listen on 127.0.0.1, port {port}: Address already in use; choose another --port or --host\n"
    )


@pytest.mark.parametrize(
    ("host", "names", "expected"),
    [
        ("127.0.0.1", (), {"localhost", "127.0.0.1", "[::1]"}),
        ("::1", (), {"localhost", "127.0.0.1", "[::1]"}),
        ("localhost", ("a.example",), {"localhost", "127.0.0.1", "[::1]", "a.example"}),
        ("192.0.2.1", (), {"192.0.2.1"}),
        ("2001:db8::1", ("b.example",), {"[2001:db8::1]", "b.example"}),
        ("0.0.0.0", ("b.example",), {"localhost", "127.0.0.1", "[::1]", "b.example"}),
    ],
)
def test_cli_serve_knows_its_names(host: str, names: tuple[str, ...], expected: set[str]) -> None:
    assert set(Address(host, names=names).hosts) == expected


def test_cli_serve_keeps_no_token_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    token = read_token(None)
    assert token is not None
    assert VARIABLE not in os.environ
    assert SECRET not in repr(vars(token))
    assert token.accepts(f"Bearer {SECRET}".encode())
    assert not token.accepts(None)
    assert not Token(SECRET).accepts(f"Digest {SECRET}".encode())
