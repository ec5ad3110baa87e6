"""Installation without internet: from a folder of wheels into a new environment."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: object, **environment: str) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment
    done = subprocess.run([*map(str, command)], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_wheelhouse_installs_and_runs_without_an_index(tmp_path: Path) -> None:
    wheels, environment = tmp_path / "wheels", tmp_path / "environment"
    run("make", "wheelhouse", f"VENV={sys.prefix}", f"WHEELHOUSE={wheels}", "EXTRAS=serve")
    assert not [wheel for wheel in wheels.iterdir() if wheel.name.startswith(("torch-", "transformers-"))]
    venv.create(environment, with_pip=True)
    python = environment / "bin/python"
    # Settings of this computer may name other places with packages.
    options = ("--no-index", "--find-links", wheels, "suwen[serve]")
    run(python, "-m", "pip", "install", "--quiet", *options, PIP_CONFIG_FILE=os.devnull)
    assert "extract, graph and serve work" in run(python, ROOT / "tests/smoke.py", OMP_NUM_THREADS="1")
