"""The local engine: order, processes, and a process that dies."""

import os
import time
from pathlib import Path

import pytest

from suwen.experiments.engine import Job, LocalEngine
from suwen.experiments.ray import RayEngine


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


def slowly(folder: Path, value: int) -> dict:
    """Leaves a trace when it begins, and takes its time."""
    with (folder / f"{value}").open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(3)
    return {"state": "done", "value": 2 * value}


@pytest.mark.slow
def test_experiments_engine_spreads_jobs_over_ray_and_outlives_a_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # The workers find this module by its name.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    node = {"num_cpus": 2, "object_store_memory": 2**27}
    cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    try:
        second = cluster.add_node(**node)
        cluster.wait_for_nodes()
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        jobs = [Job(f"job {value}", slowly, (tmp_path, value)) for value in range(8)]
        results = {}
        for name, result in RayEngine()(jobs, lambda name: None):
            if not results:
                cluster.remove_node(second, allow_graceful=False)
            results[name] = result
        assert results == {f"job {value}": {"state": "done", "value": 2 * value} for value in range(8)}
        # What died with the node was begun again.
        assert sum(len(path.read_text().splitlines()) for path in tmp_path.iterdir()) > 8
    finally:
        cluster.shutdown()
