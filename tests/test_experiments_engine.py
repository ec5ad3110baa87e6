"""The local engine: order, processes, and a process that dies."""

import os

import pytest

from suwen.experiments.engine import Job, LocalEngine


def doubled(value: int) -> dict:
    return {"state": "done", "value": 2 * value, "process": os.getpid()}


def killed() -> dict:
    os._exit(9)


@pytest.mark.parametrize("workers", [1, 2])
def test_experiments_engine_carries_every_job_out(workers: int) -> None:
    jobs = [Job(f"job {value}", doubled, (value,)) for value in range(5)]
    begun: list[str] = []
    results = dict(LocalEngine(workers)(jobs, begun.append))
    assert {name: result["value"] for name, result in results.items()} == {f"job {n}": 2 * n for n in range(5)}
    assert sorted(begun) == sorted(results)
    assert (workers == 1) == all(result["process"] == os.getpid() for result in results.values())


def test_experiments_engine_outlives_a_process() -> None:
    jobs = [Job("bad", killed, ()), *(Job(f"job {value}", doubled, (value,)) for value in range(3))]
    results = dict(LocalEngine(2)(jobs, lambda name: None))
    assert results["bad"]["state"] == "failed"
    assert "died" in results["bad"]["error"]
    assert sum(result["state"] == "done" for result in results.values()) == 3
