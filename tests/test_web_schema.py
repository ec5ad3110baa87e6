"""The OpenAPI document holds: schemathesis sends what it allows and what it forbids."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from graph_documents import library
from web_server import Client, running

from suwen import Graph
from suwen.web.limits import Limits

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "unsupported_method",
)  # fmt: skip


def run(client: Client, folder: Path, examples: int, phases: str) -> None:
    """Run schemathesis on a server."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{client.port}/openapi.json",
        f"--checks={','.join(CHECKS)}", f"--phases={phases}", f"--max-examples={examples}",
        "--generation-deterministic", "--request-timeout=120", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-10_000:]
    assert "Tested: 15" in done.stdout, done.stdout[-10_000:]


def test_web_schema_holds_for_a_few_requests(tmp_path: Path) -> None:
    Graph(tmp_path / "graph.db").add(library())
    with running(tmp_path / "graph.db") as client:
        run(client, tmp_path, 2, "fuzzing")


@pytest.mark.slow
def test_web_schema_holds(tmp_path: Path) -> None:
    Graph(tmp_path / "graph.db").add(library())
    with running(tmp_path / "graph.db", limits=Limits(seconds=600)) as client:
        run(client, tmp_path, 100, "examples,coverage,fuzzing,stateful")


def test_web_schema_names_every_route() -> None:
    with running() as client:
        document = client.get("/openapi.json").json
    assert len(document["paths"]) == 15
    for path, methods in document["paths"].items():
        for method in methods.values():
            assert method["summary"], path
            assert "default" in method["responses"]
