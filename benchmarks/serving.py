"""The server under load: time of an answer, many clients at once, memory over many requests.

    python benchmarks/serving.py [-o docs/results/serving] [--seconds 60] [--requests 10000]

`suwen serve` runs on the sample graph, as a process of its own. One client asks for the extraction of texts of 1,000
characters, one after the other (RELATED of them with relations). Then CLIENTS clients ask at once: extractions of 1,000
characters, searches, neighbors, evidence. At last one client goes on with short requests up to the number wanted: the
resident memory after a tenth of them is compared with that after all. Times are wall-clock; the processor time of the
server is given beside them, so that other work on the machine counts less. Linux only.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from runs import markdown, replace_table

import suwen
from suwen.bundled import DATA, SAMPLE
from suwen.files import write_json
from suwen.web.limits import Limits

CHARACTERS = 1000
WARM, SINGLE, RELATED = 10, 100, 50
CLIENTS = 32
JSON = "application/json"


class Server:
    """A running server: what it is asked, what it costs."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.pid = process.pid
        self.port = port

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=2 * Limits().seconds)

    def cpu(self) -> float:
        """Return the seconds of processor time."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> float:
        """Return the resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+)", status)
        assert found
        return int(found[1]) / 1024


@contextmanager
def served(graph: Path) -> Iterator[Server]:
    command = [sys.executable, "-m", "suwen", "serve", str(graph), "--port", "0"]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stderr=log, text=True)
        try:
            while True:
                log.seek(0)
                if found := re.search(r"serves at http://127.0.0.1:(\d+)/", log.read()):
                    break
                assert process.poll() is None
                time.sleep(0.1)
            yield Server(process, int(found[1]))
        finally:
            process.terminate()
            process.wait()


def ask(connection: http.client.HTTPConnection, question: tuple[str, Any]) -> tuple[int, float]:
    """Return the status and the seconds of an answer."""
    address, body = question
    started = time.perf_counter()
    if body is None:
        connection.request("GET", address)
    else:
        connection.request("POST", address, json.dumps(body), {"Content-Type": JSON})
    found = connection.getresponse()
    found.read()
    return found.status, time.perf_counter() - started


def texts() -> list[str]:
    """Return texts of as many characters, from the sample."""
    whole = "".join(path.read_text(encoding="utf-8") for path in sorted(SAMPLE.glob("*.txt")))
    return [whole[start : start + CHARACTERS] for start in range(0, len(whole) - CHARACTERS, CHARACTERS)]


def questions(graph: Path) -> list[tuple[str, Any]]:
    """Return questions of every kind: one extraction for three of the graph."""
    opened = suwen.Graph(graph)
    found: list[tuple[str, Any]] = []
    for text, concept in zip(cycle(texts()), opened.search("", limit=20), strict=False):
        found.append(("/v1/extract", {"text": text}))
        found.append(("/v1/search", {"query": concept.name[:1]}))
        found.append((f"/v1/concepts/{concept.id}/neighbors", None))
        groups = opened.neighbors(concept.id, limit=1)
        found += [(f"/v1/edges/{group.edges[0].id}/evidence", None) for group in groups[:1]]
    return found


def single(server: Server) -> dict[str, Any]:
    """Ask one extraction after the other."""
    connection, sources = server.connection(), cycle(texts())
    figures = {}
    for name, relations, count in (("extract", False, SINGLE), ("extract_relations", True, RELATED)):
        asked = [("/v1/extract", {"text": text, "relations": relations}) for text in islice(sources, WARM + count)]
        for question in asked[:WARM]:
            ask(connection, question)
        before = server.cpu()
        seconds = [ask(connection, question)[1] for question in asked[WARM:]]
        figures[name] = {
            "requests": count,
            "p50_ms": milliseconds(statistics.median(seconds)),
            "p95_ms": milliseconds(p95(seconds)),
            "cpu_ms": milliseconds((server.cpu() - before) / count),
        }
    return figures


def together(server: Server, asked: list[tuple[str, Any]], seconds: float) -> dict[str, Any]:
    """Have many clients ask at once."""
    statuses: Counter[int] = Counter()
    times: list[float] = []
    ends = time.monotonic() + seconds

    def go_on(first: int) -> None:
        connection = server.connection()
        for question in islice(cycle(asked), first, None):
            if time.monotonic() > ends:
                return
            status, taken = ask(connection, question)
            statuses[status] += 1
            times.append(taken)

    before = server.cpu()
    threads = [threading.Thread(target=go_on, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "clients": CLIENTS,
        "seconds": seconds,
        "requests": len(times),
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "p50_ms": milliseconds(statistics.median(times)),
        "p95_ms": milliseconds(p95(times)),
        "longest_ms": milliseconds(max(times)),
        "deadline_ms": milliseconds(Limits().seconds),
        "past_deadline": sum(taken > Limits().seconds for taken in times) + statuses[504],
        "cpu_seconds": round(server.cpu() - before, 1),
    }


def memory(server: Server, asked: list[tuple[str, Any]], requests: int) -> dict[str, Any]:
    """Ask short questions, and compare the memory after a tenth of them with that after all."""
    short = [
        (address, body and {**body, **({"text": body["text"][:100]} if "text" in body else {})})
        for address, body in asked
    ]
    connection = server.connection()
    early = 0.0
    for number, question in enumerate(islice(cycle(short), requests), start=1):
        status, _ = ask(connection, question)
        assert status == 200
        if number == requests // 10:
            early = server.megabytes()
    late = server.megabytes()
    return {
        "requests": requests,
        "early_mb": round(early, 1),
        "late_mb": round(late, 1),
        "growth_percent": round(100 * (late / early - 1), 1),
    }


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 1)


def rows(figures: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return what was measured beside the goals."""
    alone, crowd, held = figures["single"], figures["together"], figures["memory"]
    return [
        (
            "extraction of 1,000 characters, one client",
            f"p50 {alone['extract']['p50_ms']} ms, p95 {alone['extract']['p95_ms']} ms",
            f"{alone['extract']['cpu_ms']} ms",
            "p95 60 ms",
        ),
        (
            "the same with relations",
            f"p50 {alone['extract_relations']['p50_ms']} ms, p95 {alone['extract_relations']['p95_ms']} ms",
            f"{alone['extract_relations']['cpu_ms']} ms",
            "",
        ),
        (
            f"{crowd['clients']} clients, {crowd['seconds']:g} s, {crowd['requests']:,} requests",
            f"p95 {crowd['p95_ms']} ms, longest {crowd['longest_ms']} ms, {crowd['past_deadline']} past the deadline",
            f"{1000 * crowd['cpu_seconds'] / crowd['requests']:.1f} ms a request",
            f"0 past the deadline ({crowd['deadline_ms'] / 1000:g} s)",
        ),
        (
            f"resident memory after {held['requests'] // 10:,} and {held['requests']:,} requests",
            f"{held['early_mb']} and {held['late_mb']} MB ({held['growth_percent']:+} %)",
            "",
            "at most +10 %",
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, help="a folder with README.md, whose table is written anew")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "graph.db"
        suwen.Graph(graph).add(suwen.read_corpus(DATA / "library"))
        asked = questions(graph)
        with served(graph) as server:
            figures: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), "single": single(server)}
            figures["together"] = together(server, asked, options.seconds)
            figures["memory"] = memory(server, asked, options.requests)
    table = markdown(("what", "measured", "processor time", "goal"), rows(figures))
    print(table)
    if options.output:
        write_json(options.output / "serving.json", figures)
        replace_table(options.output / "README.md", table)


if __name__ == "__main__":
    main()
