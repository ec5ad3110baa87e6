"""Load and change while the server runs: queue, deadline, disconnection, end, a graph that is replaced."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from graph_documents import document, library
from web_server import PATIENCE, Client, running

from suwen import Graph, SuwenError
from suwen.graph import store
from suwen.web import uploads
from suwen.web.answers import Extraction
from suwen.web.graphs import GraphFile
from suwen.web.limits import Limits
from suwen.web.problems import ProblemError
from suwen.web.serving import Address, listen
from suwen.web.uploads import read_upload
from suwen.web.work import DisconnectedError, Ticket

NOTHING = Extraction(model="stub", entities=[], relations=[])


class Gate:
    """Models that work until the gate is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.begun = 0

    def extract(self, asked: Any) -> Extraction:
        self.begun += 1
        assert self.opened.wait(PATIENCE)
        return NOTHING


def wait_for(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def pending(client: Client, pool: str = "extract") -> int:
    line = next(line for line in client.get("/metrics").body.decode().splitlines() if f'pool="{pool}"' in line)
    return int(line.split()[-1])


def test_web_work_refuses_what_the_queue_cannot_hold() -> None:
    gate = Gate()
    with running(models=gate, limits=Limits(workers=2, queue=3)) as client, ThreadPoolExecutor(5) as threads:
        asked = [threads.submit(client.post, "/v1/extract", {"text": "a"}) for _ in range(5)]
        wait_for(lambda: pending(client) == 5)
        refused = client.post("/v1/extract", {"text": "a"})
        assert (refused.status, refused.code, refused.headers["retry-after"]) == (503, "S823", "1")
        # The event loop is free all the while.
        assert client.get("/healthz").status == 200
        assert gate.begun == 2
        gate.opened.set()
        assert [one.result().status for one in asked] == [200] * 5
        wait_for(lambda: pending(client) == 0)
        assert client.post("/v1/extract", {"text": "a"}).status == 200


def test_web_work_ends_at_the_deadline() -> None:
    gate = Gate()
    with running(models=gate, limits=Limits(workers=1, seconds=1.0)) as client:
        started = time.monotonic()
        with ThreadPoolExecutor(2) as threads:
            found = [one.result() for one in [threads.submit(client.post, "/v1/extract", {"text": "a"})] * 2]
        assert [(one.status, one.code) for one in found] == [(504, "S824")] * 2
        assert time.monotonic() - started < PATIENCE / 2
        gate.opened.set()
        wait_for(lambda: pending(client) == 0)
        assert client.post("/v1/extract", {"text": "a"}).status == 200


def test_web_work_drops_abandoned_requests() -> None:
    gate = Gate()
    head = (
        b"POST /v1/extract HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n"
    )
    with running(models=gate, limits=Limits(workers=1, queue=8)) as client:
        connections = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(4)]
        for connection in connections:
            connection.sendall(head + b'{"text": "a"}')
        wait_for(lambda: pending(client) == 4)
        for connection in connections:
            connection.close()
        # The one that is worked on is finished, the others never begin.
        wait_for(lambda: pending(client) == 1)
        gate.opened.set()
        wait_for(lambda: pending(client) == 0)
        assert gate.begun == 1
        assert 'status="499"} 4' in client.get("/metrics").body.decode()


def test_web_work_is_finished_before_the_server_ends() -> None:
    gate = Gate()
    with ThreadPoolExecutor(1) as threads:
        with running(models=gate, limits=Limits(workers=1)) as client:
            asked = threads.submit(client.post, "/v1/extract", {"text": "a"})
            wait_for(lambda: gate.begun == 1)
            threading.Timer(0.5, gate.opened.set).start()
        assert asked.result().status == 200


def test_web_work_ticket_stops_its_own_work_alone() -> None:
    stopped: list[str] = []
    first, second = Ticket(), Ticket()
    first.on_cancel(lambda: stopped.append("first"))
    first.done()
    first.cancel()
    assert stopped == []
    second.cancel()
    second.on_cancel(lambda: stopped.append("late"))
    assert stopped == ["late"]


def test_web_graph_is_interrupted_when_its_request_is(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    Graph(path).add(library())
    ticket = Ticket()
    threading.Timer(0.3, ticket.cancel).start()
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"
    file = GraphFile(path)
    with (
        pytest.raises(sqlite3.OperationalError, match="interrupted"),
        file.reading(ticket) as graph,
        graph._open() as opened,
    ):
        opened.execute(endless).fetchone()
    # Between two queries of many, too.
    late = Ticket()
    with file.reading(late) as graph:
        late.cancel()
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            graph.search("病")
    with file.reading(Ticket()) as graph:
        assert graph.search("病")


def test_web_graph_that_is_replaced_is_picked_up_at_once(tmp_path: Path) -> None:
    path, other = tmp_path / "graph.db", tmp_path / "other.db"
    Graph(path).add(library())
    Graph(other).add([document("e", "阿司匹林治疗头痛", [("Drug", "阿司匹林"), ("Symptom", "头痛")])])
    with running(path) as client:
        before = client.get("/v1/info").json["graph"]
        cursor = client.post("/v1/search", {"query": "病", "limit": 1}).json["next"]
        stop, failures = threading.Event(), []

        def ask() -> None:
            while not stop.is_set():
                found = client.post("/v1/search", {"query": "病"})
                if found.status != 200:
                    failures.append(found)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        os.replace(other, path)  # noqa: PTH105
        time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join()
        assert failures == []
        after = client.get("/v1/info").json["graph"]
        assert (before["documents"], after["documents"]) == (4, 1)
        assert after["revision"] != before["revision"]
        assert client.post("/v1/search", {"query": "阿司匹林"}).json["items"]
        gone = client.post("/v1/search", {"query": "病", "limit": 1, "cursor": cursor})
        assert (gone.status, gone.code) == (410, "S819")


def test_web_graph_that_grows_invalidates_cursors_alone(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    Graph(path).add(library()[:2])
    with running(path) as client:
        cursor = client.post("/v1/search", {"query": "病", "limit": 1}).json
        Graph(path).add(library()[2:])
        assert client.get("/v1/info").json["graph"]["documents"] == 4
        assert (
            cursor["next"] is None
            or client.post("/v1/search", {"query": "病", "limit": 1, "cursor": cursor["next"]}).code == "S819"
        )


@pytest.mark.parametrize("content", [None, b"", b"no graph", b"SQLite format 3\x00" + bytes(4096)])
def test_web_graph_that_is_gone_or_damaged_is_said(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "graph.db"
    Graph(path).add(library())
    with running(path) as client:
        assert client.get("/readyz").status == 200
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        for found in (client.get("/readyz"), client.post("/v1/search", {"query": "病"})):
            assert (found.status, found.code) == (503, "S825")
        assert client.get("/v1/info").json["graph"] is None
        assert client.post("/v1/extract", {"text": "口服二甲双胍"}).status == 200
        path.unlink(missing_ok=True)
        Graph(path).add(library())
        assert client.get("/readyz").status == 200


def test_web_graph_of_another_version_is_said(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    Graph(path).add(library())
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with running(path) as client:
        found = client.get("/readyz")
        assert (found.status, found.code) == (503, "S825")


def test_web_graph_that_is_written_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "WAIT_SECONDS", 0.2)
    path = tmp_path / "graph.db"
    Graph(path).add(library())
    with running(path) as client:
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN EXCLUSIVE")
        found = client.post("/v1/search", {"query": "病"})
        assert (found.status, found.code, found.headers["retry-after"]) == (503, "S826", "1")
        writer.execute("ROLLBACK")
        assert client.post("/v1/search", {"query": "病"}).status == 200


def test_web_verdict_needs_a_graph_that_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "graph.db"
    Graph(path).add(library())

    def refuse(*_: object, **__: object) -> None:
        raise SuwenError("S102", path)

    monkeypatch.setattr(Graph, "judge", refuse)
    with running(path) as client:
        found = client.post("/v1/verdicts", {"evidence": "0" * 16, "verdict": "accept"})
    assert (found.status, found.code) == (403, "S831")


def test_web_upload_has_a_name_a_text_and_a_format() -> None:
    (found,) = read_upload(Ticket(), "口服二甲双胍\r\n😀".encode(), "甲.txt", "text", Limits())
    assert (found.id, found.text) == ("甲.txt", "口服二甲双胍\r\n😀")


def upload_code(data: bytes, form: str, limits: Limits) -> str:
    with pytest.raises(ProblemError) as caught:
        read_upload(Ticket(), data, "a", form, limits)
    return caught.value.code


def test_web_upload_may_not_take_too_much_memory_or_time() -> None:
    bomb = b"<article><body>" + b"<p>" * 200_000 + b"</body></article>"
    assert upload_code(b"a" * 1_000_000, "text", Limits(parse_bytes=50_000_000)) == "S830"
    assert upload_code(b"a", "text", Limits(seconds=0.01)) == "S830"
    assert upload_code(bomb, "jats", Limits()) in ("S120", "S830", "S106")
    laughs = b'<!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(12)
    )
    assert upload_code(laughs + b"]><article><body><p>&m;</p></body></article>", "jats", Limits()) in ("S120", "S106")


def test_web_upload_stops_with_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    ticket, started = Ticket(), time.monotonic()
    monkeypatch.setattr(uploads, "COMMAND", ["sleep", "60"])
    threading.Timer(0.3, ticket.cancel).start()
    with pytest.raises(DisconnectedError):
        read_upload(ticket, b"", "a", "text", Limits())
    assert time.monotonic() - started < PATIENCE / 2


def test_web_connections_answer_without_delay() -> None:
    with listen(Address("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
