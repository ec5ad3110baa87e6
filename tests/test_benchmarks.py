"""What the benchmarks say when they cannot run."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from suwen.bundled import BUNDLED, SAMPLE, model_path

EXTRACTION = Path(__file__).parents[1] / "benchmarks" / "extraction.py"
GRAPH = EXTRACTION.with_name("graph.py")


@pytest.mark.parametrize("path", sorted(EXTRACTION.parent.glob("*.py")), ids=lambda path: path.stem)
def test_benchmarks_import_names_that_are_there(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "suwen":
            module = importlib.import_module(node.module)
            for one in node.names:
                assert hasattr(module, one.name) or importlib.util.find_spec(f"{node.module}.{one.name}"), one.name


def test_benchmarks_extraction_refuses_an_encoder_that_the_pipeline_cannot_load() -> None:
    command = [sys.executable, str(EXTRACTION), "--model", str(model_path(BUNDLED))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "the encoder is of the kind 'no transformer'" in done.stderr
    assert "trained on a plain BERT" in done.stderr


def test_benchmarks_extraction_passes_on_what_a_measurement_says(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("extraction", EXTRACTION)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(SystemExit, match=r"(?s)S101 .*texts.*the measurement 'stable:float32' failed with status 1"):
        module.run(tmp_path, "stable:float32", 1)


def test_benchmarks_concepts_counts_merges_and_draws_a_sample(tmp_path: Path) -> None:
    sample = tmp_path / "merges.tsv"
    command = [sys.executable, str(EXTRACTION.with_name("concepts.py")), str(SAMPLE), "--sample", str(sample)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    assert figures["mentions"] == 2566
    assert figures["concepts"] < figures["after normalization"] < figures["pairs of type and surface"]
    assert len(sample.read_text(encoding="utf-8").splitlines()) == 1 + min(
        300, sum(figures["merged pairs by reason"].values())
    )


def test_benchmarks_graph_measures_building_and_answers(tmp_path: Path) -> None:
    command = [sys.executable, str(GRAPH), "--mentions", "2000", "--searches", "20", "--index-sentences"]
    subprocess.run([*command, "--json", str(tmp_path / "figures.json")], capture_output=True, check=True)
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["search_recall"] == 1
    assert figures["seconds"] > 0
    assert figures["hub_edges"] > 10
