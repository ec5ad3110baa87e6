"""The bundled model and the scorer find what they found before: entities and counts, not last digits.

The fixture beside this file holds what was found. After the bundled model or the sample has changed, rewrite it with

    python tests/test_golden.py

`benchmarks/golden.py` compares all outputs of two source trees.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

FIXTURE = Path(__file__).with_name("golden.json")
SAMPLE = Path(__file__).parents[1] / "src" / "suwen" / "data" / "sample"
ARTICLES = ("201_1", "203_2", "204_3", "206_1", "208_4", "210_5")
TOLERANCE = 0.01
"""The share of entities that may differ: the arithmetic of the 8-bit model depends on the processor."""


def suwen(*arguments: object) -> str:
    command = [sys.executable, "-m", "suwen", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def extracted(folder: Path) -> dict[str, list[str]]:
    """The entities of some sample articles, one string each."""
    out = folder / "found.jsonl"
    suwen("extract", *(SAMPLE / f"{name}.txt" for name in ARTICLES), "-o", out, "--threads", 1)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return {row["id"]: [f"{e['label']} {e['start']} {e['end']}" for e in row["entities"]] for row in rows}


def counted() -> dict[str, Any]:
    """The counts of the sample, in all and by type."""
    figures = json.loads(suwen("corpus", "stats", SAMPLE, "--json"))
    total = {key: value for key, value in figures["parts"]["total"].items() if isinstance(value, int)}
    return total | {row["label"]: row["counts"]["total"] for row in figures["labels"]}


def scored() -> dict[str, int]:
    """The counts behind the strict scores of the bundled model on the sample."""
    micro = json.loads(suwen("evaluate", "bundled", SAMPLE, "--json"))["strict_entity"]["micro"]
    return {key: micro[key] for key in ("matched", "gold", "predicted")}


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    return json.loads(FIXTURE.read_text(encoding="utf-8"))


def test_golden_extraction_finds_the_same_entities(golden, tmp_path) -> None:
    found = extracted(tmp_path)
    assert list(found) == list(golden["extracted"])
    before = {f"{name} {entity}" for name, entities in golden["extracted"].items() for entity in entities}
    now = {f"{name} {entity}" for name, entities in found.items() for entity in entities}
    assert len(before ^ now) <= TOLERANCE * len(before), sorted(before ^ now)


def test_golden_statistics_count_the_same(golden) -> None:
    assert counted() == golden["counted"]


def test_golden_evaluation_counts_the_same(golden) -> None:
    found = scored()
    assert found["gold"] == golden["scored"]["gold"]
    assert found == pytest.approx(golden["scored"], rel=TOLERANCE)


def main() -> None:
    """Rewrite the fixture."""
    with tempfile.TemporaryDirectory() as folder:
        values = {"extracted": extracted(Path(folder)), "counted": counted(), "scored": scored()}
    FIXTURE.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
