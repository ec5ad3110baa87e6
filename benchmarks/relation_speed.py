"""The speed of the bundled relation model: pairs per second, and what it adds to extraction."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from suwen.document import Document
from suwen.files import write_text
from suwen.inference.relations.predictor import RelationPredictor, probabilities
from suwen.loading import load_relations

THREADS, ROUNDS, DOCUMENTS = 2, 3, 40


def speed(documents: Sequence[Document], runs: Path) -> dict[str, Any]:
    """Measure both on the first documents."""
    read = documents[:DOCUMENTS]
    load = os.getloadavg()[0]
    return {
        "load_average": load,
        "cores": os.cpu_count(),
        "scoring": scoring(read),
        "extraction": extraction(read, runs),
    }


def scoring(documents: Sequence[Document]) -> dict[str, Any]:
    """Time the scoring of candidates on two threads, and of documents from text to relations."""
    model = load_relations(threads=THREADS)
    assert isinstance(model, RelationPredictor)
    encoded = [model.encoder.encode(document) for document in documents]
    pairs = sum(len(one.candidates) for one in encoded)

    def score() -> None:
        with ThreadPoolExecutor(THREADS) as executor:
            list(executor.map(lambda one: probabilities(one, model.scorer), encoded))

    def relate() -> None:
        list(model.pipe(documents))

    return {"pairs": pairs, "scored": _timed(score, pairs), "from_text": _timed(relate, pairs)}


def _timed(call: Any, pairs: int) -> dict[str, float]:
    """Return the best of several runs: pairs per second, and per second that the processor worked."""
    call()
    walls, busy = [], []
    for _ in range(ROUNDS):
        started, worked = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - started)
        busy.append(time.process_time() - worked)
    return {"pairs_per_second": pairs / min(walls), "pairs_per_core_second": pairs / min(busy)}


def extraction(documents: Sequence[Document], runs: Path) -> dict[str, Any]:
    """User time of `suwen extract` without and with relations, in turn; start-up is part of it."""
    texts = runs / "texts"
    texts.mkdir(exist_ok=True)
    for number, document in enumerate(documents):
        write_text(texts / f"{number}.txt", document.text)
    seconds: dict[str, list[float]] = {"entities": [], "relations": []}
    output = runs / "extracted.jsonl"
    for _ in range(ROUNDS):
        for name, options in (("entities", []), ("relations", ["--relations"])):
            output.unlink(missing_ok=True)
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            command = [sys.executable, "-m", "suwen", "extract", texts, "-o", output, *options]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seconds[name].append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
    shutil.rmtree(texts)
    output.unlink()
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    return {
        "documents": len(documents),
        "characters": sum(len(document.text) for document in documents),
        "user_seconds": seconds,
        "added_share": medians["relations"] / medians["entities"] - 1,
    }
