"""What every request passes: names, origins, tokens, content types, sizes, times; and what is written of it."""

from __future__ import annotations

import json
import logging
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from graph_documents import library
from web_server import JSON, PATIENCE, SECRET, Client, running

from suwen import Graph
from suwen.errors import CATALOG
from suwen.web import routes
from suwen.web.audit import AUDIT, configure_logging
from suwen.web.limits import Limits
from suwen.web.serving import Address

MARKER = "绝密病历MARKER7f3a"
SMALL = Limits(characters=1000, body_bytes=10_000, file_bytes=20_000)
HASTY = Limits(head_seconds=1.5, seconds=3.0)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graphs") / "graph.db"
    Graph(path).add(library())
    return path


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[Client]:
    with running(path) as client:
        yield client


@pytest.fixture(scope="module")
def small(path: Path) -> Iterator[Client]:
    with running(path, limits=SMALL) as client:
        yield client


@pytest.fixture(scope="module")
def hasty(path: Path) -> Iterator[Client]:
    with running(path, limits=HASTY) as client:
        yield client


@pytest.fixture(scope="module")
def locked(path: Path) -> Iterator[Client]:
    with running(path, token=SECRET) as client:
        yield client


def raw(client: Client, data: bytes, wait: float = PATIENCE) -> bytes:
    """Send bytes as they are, and return all that comes until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", client.port), timeout=wait) as connection:
        connection.sendall(data)
        found = b""
        while part := connection.recv(65536):
            found += part
        return found


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "localhost:8000", "[::1]:1"])
def test_web_guard_accepts_its_host_names(client: Client, host: str) -> None:
    assert client.get("/healthz", Host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "127.0.0.1.evil.example", "127.0.0.2", "localhost.evil.example", "evil.example:80", "",
        "localhost@evil.example", "evil@localhost", "::1", "[::1", "0.0.0.0", "localhost:8000:1", "localhost:x",
        "localhost.", "127.1", "2130706433",
    ],
)  # fmt: skip
def test_web_guard_refuses_other_names(client: Client, host: str) -> None:
    found = client.get("/", Host=host)
    assert (found.status, found.code) == (421, "S814")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "http://[evil]"}, 403),
        ({"Origin": "http://localhost@evil.example"}, 403),
        ({"Origin": "http://localhost/"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "http://localhost:8000"}, 200),
    ],
)
def test_web_guard_refuses_other_sites(client: Client, headers: dict[str, str], status: int) -> None:
    found = client.ask("POST", "/v1/search", b'{"query": "a"}', {"Content-Type": JSON, **headers})
    assert found.status == status
    if status == 403:
        assert found.code == "S813"


def test_web_guard_lets_links_lead_to_the_page_alone(client: Client) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.ask("GET", "/", None, link).status == 200
    assert client.ask("GET", "/v1/info", None, link).code == "S813"
    assert client.ask("GET", "/", None, {**link, "Sec-Fetch-Mode": "no-cors"}).code == "S813"


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
def test_web_guard_allows_no_other_origin(client: Client, method: str) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST", "Content-Type": JSON}
    found = client.ask(method, "/v1/info", b"{}" if method == "POST" else None, headers)
    assert not [name for name in found.headers if name.startswith("access-control")]
    assert found.status >= 400


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
def test_web_guard_takes_json_as_json_alone(client: Client, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    found = client.ask("POST", "/v1/search", b'{"query": "a"}', headers)
    assert (found.status, found.code) == (415, "S821")
    assert client.post("/v1/search", {"query": "a"}, Content_Type="application/json; charset=utf-8").status == 200


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip"])
def test_web_guard_unpacks_nothing(client: Client, coding: str) -> None:
    found = client.post("/v1/search", b"\x1f\x8b" + bytes(100), Content_Encoding=coding)
    assert (found.status, found.code) == (415, "S821")


def test_web_guard_wants_the_token(locked: Client) -> None:
    for address in ("/", "/healthz", "/readyz", "/static/app.js"):
        assert locked.get(address).status == 200, address
    for address in ("/v1/info", "/metrics", "/openapi.json", "/v1/nothing", "/static", "//", "/v1/../static/app.js"):
        found = locked.get(address)
        assert (found.status, found.code) == (401, "S812"), address
        assert found.headers["www-authenticate"] == "Bearer"
    for wrong in (SECRET, f"Basic {SECRET}", f"Bearer {SECRET}x", f"Bearer {SECRET[:-1]}", "Bearer", "Bearer \xff", ""):
        assert locked.get("/v1/info", Authorization=wrong).code == "S812"
    for right in (f"Bearer {SECRET}", f"bearer {SECRET}"):
        assert locked.get("/v1/info", Authorization=right).json["token_required"] is True
    assert locked.post("/v1/extract", {"text": "a"}, Authorization=f"Bearer {SECRET}").status == 200


def test_web_guard_limits_bodies(small: Client) -> None:
    large = json.dumps({"text": "a" * 20_000}).encode()
    for headers in ({"Content-Type": JSON}, {"Content-Type": JSON, "Transfer-Encoding": "chunked"}):
        body = iter([large[:5000], large[5000:]]) if "Transfer-Encoding" in headers else large
        found = small.ask("POST", "/v1/extract", body, headers)
        assert (found.status, found.code) == (413, "S820")
    file = {"Content-Type": "text/plain", "X-Suwen-Filename": "a"}
    assert small.ask("POST", "/v1/extract/file", b"a" * 15_000, file).code == "S829"
    for body in (b"a" * 30_000, iter([b"a" * 15_000] * 2)):
        chunked = {} if isinstance(body, bytes) else {"Transfer-Encoding": "chunked"}
        assert small.ask("POST", "/v1/extract/file", body, {**file, **chunked}).code == "S820"
    assert small.post("/v1/extract", {"text": "a" * 1001}).code == "S829"
    assert small.post("/v1/extract", {"text": "a" * 1000}).status == 200
    claims = raw(small, b"POST /v1/extract HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        b"Content-Length: 99999999999999999999999\r\n\r\n")  # fmt: skip
    assert claims.startswith(b"HTTP/1.1 4"), claims


@pytest.mark.parametrize("chunked", [False, True])
def test_web_guard_answers_who_sends_everything_first(small: Client, chunked: bool) -> None:
    """Many programs read the answer only when their whole body is sent, far more than the buffers of a socket hold."""
    part = b" " * 2**20
    headers = {"Content-Type": JSON, "Transfer-Encoding": "chunked"} if chunked else {"Content-Type": JSON}
    for extra, code in (({}, "S820"), ({"Host": "evil.example"}, "S814"), ({"Content-Type": "text/plain"}, "S82")):
        found = small.ask("POST", "/v1/extract", iter([part] * 24) if chunked else part * 24, {**headers, **extra})
        assert found.code.startswith(code)


def test_web_guard_closes_what_goes_wrong_after_its_answer(
    small: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /v1/extract HTTP/1.1\r\nHost: evil.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"
    with socket.create_connection(("127.0.0.1", small.port), timeout=PATIENCE) as connection:
        connection.sendall(head)
        assert b" 421 " in connection.recv(65536)
        connection.sendall(b"no chunk\r\n")
        while connection.recv(65536):
            pass
    monkeypatch.setattr("suwen.web.guard.LINGER_SECONDS", 0.2)
    assert b" 421 " in raw(small, head)
    assert caplog.text.count("ERROR") == 0


@pytest.mark.parametrize(
    "request_line",
    [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
     b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
     b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 30_000,
     b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
     b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
)  # fmt: skip
def test_web_guard_reports_with_a_problem_what_is_no_http(small: Client, request_line: bytes) -> None:
    head, _, body = raw(small, request_line).partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1.1 4\d\d ", head)
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "S811"


def test_web_guard_does_not_wait_for_ever(hasty: Client) -> None:
    started = time.monotonic()
    assert raw(hasty, b"") == b""
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=PATIENCE) as connection:
        # A header that never ends, byte by byte.
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nA: ")
        with pytest.raises(OSError):  # noqa: PT011, PT012
            for _ in range(600):
                connection.sendall(b"a")
                time.sleep(0.05)
    slow = raw(hasty, b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                      b"Content-Length: 100\r\n\r\n{")  # fmt: skip
    assert b" 408 " in slow
    assert b"S818" in slow
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    ("method", "address"), [("POST", "/"), ("PUT", "/v1/search"), ("GET", "/v1/search"), ("DELETE", "/v1/info")]
)
def test_web_guard_names_the_methods_that_are_allowed(client: Client, method: str, address: str) -> None:
    found = client.ask(method, address)
    assert (found.status, found.code) == (405, "S817")
    assert found.headers["allow"] in ("GET", "POST")


def test_web_guard_sends_its_headers_with_every_answer(client: Client) -> None:
    answers = [
        client.get("/"), client.get("/static/app.js"), client.get("/v1/info"), client.get("/nothing"),
        client.get("/", Host="evil"), client.post("/v1/search", b"{"), client.ask("BREW", "/"), client.get("/metrics"),
    ]  # fmt: skip
    for found in answers:
        assert "default-src 'self'" in found.headers["content-security-policy"]
        assert "unsafe" not in found.headers["content-security-policy"]
        assert found.headers["x-content-type-options"] == "nosniff"
        assert found.headers["referrer-policy"] == "no-referrer"
        assert re.fullmatch("[0-9a-f]{16}", found.headers["x-request-id"])
        assert found.headers["cache-control"] in ("no-store", "no-cache", "private, no-cache")
        assert "server" not in found.headers
    assert len({found.headers["x-request-id"] for found in answers}) == len(answers)


HOSTILE = [
    b"", b"null", b"[]", b"1", b'"x"', b"{", b"{}", b"\xff\xfe", b"\x00", b"[" * 10_000, b"[" * 10_000 + b"]" * 10_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b'{"text": NaN}', b'{"text": "\\ud800"}', b'{"text": "\\udc00\\ud800"}',
    b'{"query": "\\ud800"}', b'{"query": "\\u0000"}', b'{"text": "\\u0000\\u0001"}', b'{"text": 1e999}',
    b'{"text": [[]]}', b'{"text": {"a": 1}}', b'{"text": null}', b'{"text": true, "relations": "x"}',
    b'{"text": "a", "relations": NaN}', b'{"\\ud800": 1}', b'{"text": "a", "extra": 1}', b"1" * 9000,
    b'{"query": "a", "limit": ' + b"9" * 5000 + b"}", b'{"query": "a", "limit": -1}', b'{"query": "a", "limit": 1.5}',
    b'{"query": "a", "limit": true}', b'{"query": "a", "limit": Infinity}', b'{"query": "a", "cursor": "\\ud800"}',
    b'{"text": "a", "entities": [{"label": "\\ud800", "start": 0, "end": 1}]}',
    b'{"text": "a", "entities": [{"label": "Drug", "start": NaN, "end": 1}]}',
    b'{"text": "a", "entities": [{"label": "Drug", "start": -1, "end": 1}]}',
    b'{"text": "a", "entities": [{"label": "Drug", "start": 0, "end": 99999999999999999999}]}',
    b'{"text": "a", "entities": [{"label": "Nonsense", "start": 0, "end": 1}]}',
    b'{"text": "a", "entities": {"0": 1}}', b'{"from": "x", "to": "y"}', b'{"from": 1, "to": null}',
    b'{"evidence": "\\ud800", "verdict": "accept"}', b'{"evidence": "0000000000000000", "verdict": "maybe"}',
    b'{"evidence": "0000000000000000", "verdict": "accept", "note": "\\ud800"}',
    b'{"format": "csv", "edges": ["\\ud800"]}', b'{"format": [], "edges": 1}', b'{"format": "csv", "edges": [null]}',
    '{"query": "病"}'.encode("utf-16"), '{"query": "病"}'.encode("gb18030"), b'{"query": "a"}{"query": "a"}',
]  # fmt: skip
POSTS = ("/v1/extract", "/v1/relate", "/v1/search", "/v1/paths", "/v1/export", "/v1/verdicts")


def test_web_guard_answers_hostile_json_with_problems(client: Client) -> None:
    for address in POSTS:
        for body in HOSTILE:
            found = client.post(address, body)
            assert found.status < 500, (address, body[:80])
            if found.status >= 400:
                assert found.code in CATALOG


def test_web_guard_answers_failures_with_a_problem(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(MARKER)

    monkeypatch.setattr(routes.exploring, "search", fail)
    with caplog.at_level(logging.ERROR), running(path) as client:
        found = client.post("/v1/search", {"query": MARKER})
    assert (found.status, found.code) == (500, "S827")
    assert MARKER not in found.body.decode()
    assert found.json["request_id"] in caplog.text
    assert "RuntimeError in fail" in caplog.text
    assert MARKER not in caplog.text


def test_web_guard_writes_no_text_of_a_request(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Plant a marker wherever a request has room for one, and look for it in all that the server writes."""
    root, level = logging.getLogger(), AUDIT.level
    handlers, before = list(root.handlers), root.level
    coded = quote(MARKER)
    try:
        configure_logging()
        with running(path, limits=SMALL) as client:
            found = [client.post(address, body) for address in POSTS for body in (
                {"text": MARKER}, {"query": MARKER, "type": MARKER}, {MARKER: 1}, [MARKER], MARKER.encode(),
                {"text": MARKER * 200}, {"query": MARKER, "cursor": MARKER}, {"query": MARKER * 100},
                {"text": MARKER, "entities": [{"label": MARKER, "start": 0, "end": 99}]},
                {"evidence": MARKER, "verdict": MARKER}, {"from": MARKER, "to": MARKER},
                {"format": MARKER, "edges": [MARKER]}, f'{{"text": "{MARKER}\\ud800"}}'.encode(),
                f'{{"text": "{MARKER}'.encode(), (MARKER * 500).encode(),
            )]  # fmt: skip
            for kind, data in (
                ("text/plain", MARKER.encode() * 100),
                ("application/pdf", b"%PDF-1.4 " + MARKER.encode()),
                ("application/xml", f"<{MARKER}>".encode()),
                ("text/html", f"<title>{MARKER}</title>".encode()),
                (MARKER.encode().hex(), MARKER.encode()),
            ):
                headers = {"Content-Type": kind, "X-Suwen-Filename": coded, "X-Suwen-Options": coded}
                found.append(client.ask("POST", "/v1/extract/file", data, headers))
                del headers["X-Suwen-Options"]
                found.append(client.ask("POST", "/v1/extract/file", data, headers))
            found += [client.get(address) for address in (
                f"/{coded}", f"/v1/concepts/{coded}", f"/v1/edges/{coded}/evidence", f"/v1/documents/{coded}",
                f"/v1/concepts/{'0' * 16}/neighbors?relation={coded}&role={coded}&cursor={coded}&order={coded}",
                f"/static/{coded}", f"/?{coded}={coded}",
            )]  # fmt: skip
            name = MARKER.encode().hex()
            found += [client.ask(name.upper(), "/"), client.get("/", Host=f"{name}.example"),
                      client.get("/", Origin=f"http://{name}"), client.get("/v1/info", Authorization=name),
                      client.get("/v1/info", Cookie=name, User_Agent=name, Referer=f"http://localhost/{coded}"),
                      client.get("/v1/info", If_None_Match=name, X_Request_Id=name)]  # fmt: skip
            raw(client, MARKER.encode() + b"\r\n\r\n")
            raw(client, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + MARKER.encode() + b": 1\r\n\r\n")
            metrics = client.get("/metrics").body.decode()
        out, err = capfd.readouterr()
    finally:
        root.handlers[:] = handlers
        root.setLevel(before)
        AUDIT.setLevel(level)
    problems = [one for one in found if one.status >= 400]
    assert len(problems) > 60
    assert {one.code for one in problems} >= {"S811", "S814", "S815", "S817", "S820", "S821", "S822", "S829", "S120"}
    assert err.count('"route": "/v1/search"') == 14
    everything = [out, err, metrics, *(one.body.decode() for one in problems), *(str(one.headers) for one in found)]
    for text in everything:
        for form in (MARKER, "MARKER7f3a", "绝密病历", coded, name, name.upper(), json.dumps(MARKER)[1:-1]):
            assert form not in text
    lines = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    assert len(lines) == len(found) + 1
    assert {*lines[0]} == {"time", "request", "method", "route", "status", "received", "sent", "ms"}
    assert sorted(line["request"] for line in lines[:-1]) == sorted(one.headers["x-request-id"] for one in found)


def test_web_guard_opens_no_connection(path: Path) -> None:
    """Watch every socket of the process while all routes are asked: only the test's own client may connect."""
    asked, outbound = [], []
    own = threading.get_ident()

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if is_watching and event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
            (asked if threading.get_ident() == own else outbound).append((event, arguments[1:]))

    is_watching = True
    sys.addaudithook(watch)
    try:
        with running(path) as client:
            client.post("/v1/extract", {"text": "口服二甲双胍治疗糖尿病", "relations": True, "assertion": True})
            client.get("/v1/info")
            number = client.post("/v1/search", {"query": "二甲双胍"}).json["items"][0]["id"]
            groups = client.get(f"/v1/concepts/{number}/neighbors").json["groups"]
            client.get(f"/v1/edges/{groups[0]['edges'][0]['id']}/evidence")
            client.get("/openapi.json")
            client.get("/")
    finally:
        is_watching = False
    assert outbound == []
    assert len(asked) >= 7


def test_web_guard_keeps_answers_out_of_caches_and_files_fresh(client: Client) -> None:
    assert client.get("/v1/info").headers["cache-control"] == "no-store"
    assert client.post("/v1/search", {"query": "病"}).headers["cache-control"] == "no-store"
    file = client.get("/static/app.js")
    assert file.headers["cache-control"] == "no-cache"
    assert client.get("/static/app.js", If_None_Match=file.headers["etag"]).status == 304


def test_web_guard_metrics_add_up(path: Path) -> None:
    with running(path) as client:
        for _ in range(3):
            client.post("/v1/search", {"query": "病"})
        client.get("/nothing")
        text = client.get("/metrics").body.decode()
    assert 'suwen_requests_total{method="POST",route="/v1/search",status="200"} 3' in text
    assert 'suwen_requests_total{method="GET",route="-",status="404"} 1' in text
    assert 'suwen_request_seconds_count{route="/v1/search"} 3' in text
    assert 'suwen_request_seconds_bucket{route="/v1/search",le="+Inf"} 3' in text
    assert 'suwen_pending_requests{pool="graph"} 0' in text
    for line in text.splitlines():
        assert re.fullmatch(r'# TYPE \w+ \w+|\w+\{(\w+="[^"]*",?)+\} [0-9.]+', line)


def test_web_guard_serves_below_the_path_of_a_proxy(path: Path) -> None:
    with running(path, address=Address(port=0, root_path="/suwen"), token=SECRET) as client:
        # The proxy has taken the path away.
        assert client.get("/").status == 200
        assert client.get("/healthz").status == 200
        assert client.get("/static/app.js").status == 200
        assert client.get("/v1/info").code == "S812"
        assert client.get("/v1/info", Authorization=f"Bearer {SECRET}").status == 200
