"""Try an installed suwen where its sources are not: ``python smoke.py``, with `suwen[serve]` installed.

Needs nothing but the standard library. It extracts from an article, builds and asks a graph, and starts the server, all
in a temporary folder, and fails where torch was installed.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

SUWEN = [sys.executable, "-m", "suwen"]
ENVIRONMENT = {**os.environ, "PYTHONUTF8": "1"}


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*SUWEN, *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        sys.exit(f"suwen {' '.join(arguments)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def answer(url: str, process: subprocess.Popen[bytes], body: dict[str, object] | None = None) -> bytes:
    """Ask the server, and wait until it listens."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    for _ in range(600):
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.read()
        except (ConnectionError, urllib.error.URLError):
            if process.poll() is not None:
                break
            time.sleep(0.1)
    sys.exit(f"{url}: no answer")


def serve(folder: Path) -> None:
    """Start the server on a free port, and ask it for a page, a graph and entities."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([*SUWEN, "serve", "graph.db", "--port", str(port)], cwd=folder, env=ENVIRONMENT)
    try:
        assert b"<html" in answer(f"{url}/", process)
        assert json.loads(answer(f"{url}/v1/info", process))["graph"]["documents"] == 15
        found = json.loads(answer(f"{url}/v1/extract", process, {"text": "口服二甲双胍0.5g，每日三次"}))
        assert "二甲双胍" in [entity["text"] for entity in found["entities"]]
    finally:
        process.terminate()
        process.wait(30)


def main() -> None:
    package = Path(find_spec("suwen").origin).parent
    assert "site-packages" in package.parts, f"{package}: not an installed package"
    assert find_spec("torch") is None, "torch is installed: what needs it would not be noticed"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(package / "data/article", folder / "article")
        shutil.copytree(package / "data/library", folder / "library")
        print(run(folder, "--version").splitlines()[0])
        run(folder, "extract", "article", "-o", "found.jsonl", "--relations", "--assertion")
        lines = (folder / "found.jsonl").read_text("utf-8").splitlines()
        assert json.loads(lines[0])["entities"]
        run(folder, "graph", "build", "library", "-o", "graph.db")
        assert "乳酸酸中毒" in run(folder, "graph", "query", "graph.db", "二甲双胍", "--json")
        serve(folder)
    print("extract, graph and serve work")


if __name__ == "__main__":
    main()
