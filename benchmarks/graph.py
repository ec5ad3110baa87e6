"""The graph of a synthetic library: time, memory and size of building it, and how fast it answers.

    python benchmarks/graph.py [--mentions 1000000] [--index-sentences] [--json FILE]

The library has one relation for two mentions and 23 characters for each mention, in documents of about 8,500
characters; one document in a hundred is a near-copy. Names are drawn from 30,000 by Zipf's law: there is a hub.
Building is a process of its own; making the documents is not counted, and no file is read. Answers are timed in
milliseconds of computing (process time), so that other work on the machine counts less.
Searches: 1,000 random parts of names, of 1 to 6 characters; all that a plain scan finds must be found.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import suwen
from suwen.document import Document, Entity, Relation
from suwen.graph.search import fold

NAMES = 30_000
PER_DOCUMENT = 370
COPY_EVERY = 100
SEED = 22
RELATIONS = ("Drug_Disease", "Test_Disease", "Symptom_Disease", "Treatment_Disease", "SideEff-Drug")
TYPES = ("Disease", "Drug", "Test", "Symptom", "Treatment", "SideEff")
CHARACTERS = "".join(chr(code) for code in range(0x4E00, 0x4E00 + 1200))
FILLER = 500_000


class Library:
    """Draws the documents of a library."""

    def __init__(self, mentions: int) -> None:
        draw = random.Random(SEED)
        self.documents = max(1, mentions // PER_DOCUMENT)
        self.names = [self._name(draw) for _ in range(NAMES)]
        self.types = [draw.choice(TYPES) for _ in range(NAMES)]
        self.weights = list(accumulate(1 / (rank + 3) for rank in range(NAMES)))
        self.filler = "".join(draw.choices(CHARACTERS, k=FILLER))

    def _name(self, draw: random.Random) -> str:
        name = "".join(draw.choices(CHARACTERS, k=draw.choice((2, 3, 3, 4, 4, 5, 6, 8))))
        return name if draw.random() < 0.9 else f"{name}{draw.choice(('1', '2', ' II ', 'α', '-4'))}型"

    def __iter__(self) -> Iterator[Document]:
        draw = random.Random(SEED)
        previous = None
        for number in range(self.documents):
            if previous is not None and number % COPY_EVERY == 0:
                yield Document(
                    f"{number}", f"{previous.text}。", previous.entities, previous.relations, meta=previous.meta
                )
                continue
            previous = self._document(f"{number}", draw)
            yield previous

    def _document(self, name: str, draw: random.Random) -> Document:
        chosen = draw.choices(range(NAMES), cum_weights=self.weights, k=PER_DOCUMENT)
        places = draw.choices(range(FILLER - 30), k=PER_DOCUMENT)
        pieces, entities, relations, place = [], [], [], 0
        for number, (index, begin) in enumerate(zip(chosen, places, strict=True)):
            filler = self.filler[begin : begin + 9 + begin % 20]
            mention = self.names[index]
            pieces += (filler, mention, "，" if number % 4 else "。")
            start = place + len(filler)
            place = start + len(mention) + 1
            entities.append(Entity(self.types[index], start, place - 1, id=f"T{number}", score=0.9))
            if number % 2:
                kind = RELATIONS[(index + chosen[number - 1]) % len(RELATIONS)]
                relations.append(Relation(kind, f"T{number - 1}", f"T{number}", score=0.8))
        meta = {"title": f"文献{name}", "year": 2000 + int(name) % 26}
        return Document(name, "".join(pieces), tuple(entities), tuple(relations), meta=meta)


def build(path: str, mentions: int, options: dict[str, Any]) -> dict[str, float]:
    """Build a graph, and return seconds and the peak of the memory."""
    waited = waited_cpu = 0.0

    def timed() -> Iterator[Document]:
        nonlocal waited, waited_cpu
        documents = iter(library)
        while True:
            started, started_cpu = time.perf_counter(), time.process_time()
            document = next(documents, None)
            waited += time.perf_counter() - started
            waited_cpu += time.process_time() - started_cpu
            if document is None:
                return
            yield document

    library = Library(mentions)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    cpu = time.process_time()
    suwen.Graph(path).add(timed(), **options)
    return {
        "seconds": time.perf_counter() - started - waited,
        "cpu_seconds": time.process_time() - cpu - waited_cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "before_mb": before / 1024,
        "size_mb": Path(path).stat().st_size / 1e6,
    }


def p95(ask: Callable[[Any], object], questions: list[Any]) -> float:
    """Return the 95th percentile of the milliseconds of computing that answers take."""
    times = []
    for question in questions:
        started = time.process_time()
        ask(question)
        times.append(1000 * (time.process_time() - started))
    return statistics.quantiles(times, n=20)[-1]


def ask(path: str, searches: int) -> dict[str, float]:
    """Measure the answers of a graph."""
    graph = suwen.Graph(path)
    scan = sqlite3.connect(path)
    texts = scan.execute("SELECT text, concept.stable FROM name JOIN concept ON concept.id = name.concept").fetchall()
    draw = random.Random(SEED)
    parts = []
    while len(parts) < searches:
        text = draw.choice(texts)[0]
        length = draw.randint(1, 6)
        if len(text) >= length:
            start = draw.randint(0, len(text) - length)
            parts.append(text[start : start + length])
    found = wanted = 0
    for part in parts[: max(50, searches // 5)]:
        expected = {concept for text, concept in texts if fold(part) in text}
        found += len(expected & {concept.id for concept in graph.search(part, limit=None)})
        wanted += len(expected)
    (hub_id,) = scan.execute(
        "SELECT concept.stable FROM (SELECT head AS id FROM edge UNION ALL SELECT tail FROM edge) AS ends"
        " JOIN concept ON concept.id = ends.id GROUP BY concept.id ORDER BY count(*) DESC LIMIT 1"
    ).fetchone()
    edges = scan.execute(
        "SELECT count(*) FROM edge JOIN concept ON concept.id IN (head, tail) WHERE stable = ?", (hub_id,)
    )
    best = scan.execute(
        "SELECT head.stable, tail.stable FROM edge JOIN concept AS head ON head.id = head"
        " JOIN concept AS tail ON tail.id = tail ORDER BY edge.sentences DESC LIMIT 20"
    ).fetchall()
    return {
        "search_p95_ms": p95(graph.search, parts),
        "search_recall": found / wanted,
        "hub_edges": edges.fetchone()[0],
        "hub_top_40_p95_ms": p95(lambda name: graph.concept(name, limit=40), [hub_id] * 40),
        "evidence_page_p95_ms": p95(lambda pair: graph.evidence(*pair, limit=50), best * 2),
        "hub_since_ms": p95(lambda name: graph.concept(name, limit=40, since=2020), [hub_id] * 3),
    }


def main() -> None:
    """Build, ask, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mentions", type=int, default=1_000_000)
    parser.add_argument("--searches", type=int, default=1_000)
    parser.add_argument("--index-sentences", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "graph.db")  # noqa: PTH118 (it is sent to a process)
        with ProcessPoolExecutor(1, get_context("spawn")) as executor:
            figures: dict[str, Any] = executor.submit(
                build, path, arguments.mentions, {"index_sentences": arguments.index_sentences}
            ).result()
        figures |= ask(path, arguments.searches)
    figures["load"] = os.getloadavg()[0]
    for name, value in figures.items():
        print(f"{name:24} {value:10,.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
