"""The local engine: order, processes, and a process that dies."""

import os
import time
from pathlib import Path
from threading import Thread

import pytest

from suwen.reproduction.engine import Job, LocalEngine
from suwen.reproduction.ray import RayEngine


def doubled(value: int) -> dict:
    return {"state": "done", "value": 2 * value, "process": os.getpid()}


def killed() -> dict:
    os._exit(9)


@pytest.mark.parametrize("workers", [1, 2])
def test_reproduction_engine_carries_every_job_out(workers: int) -> None:
    jobs = [Job(f"job {value}", doubled, (value,)) for value in range(5)]
    begun: list[str] = []
    results = dict(LocalEngine(workers)(jobs, begun.append))
    assert {name: result["value"] for name, result in results.items()} == {f"job {n}": 2 * n for n in range(5)}
    assert sorted(begun) == sorted(results)
    assert (workers == 1) == all(result["process"] == os.getpid() for result in results.values())


def test_reproduction_engine_outlives_a_process() -> None:
    jobs = [Job("bad", killed, ()), *(Job(f"job {value}", doubled, (value,)) for value in range(3))]
    results = dict(LocalEngine(2)(jobs, lambda name: None))
    assert results["bad"]["state"] == "failed"
    assert "died" in results["bad"]["error"]
    assert sum(result["state"] == "done" for result in results.values()) == 3


def slowly(folder: Path, value: int) -> dict:
    """Says on which node it begins, and takes its time."""
    import ray

    with (folder / f"{value}").open("a") as file:
        file.write(f"{ray.get_runtime_context().get_node_id()}\n")
    time.sleep(3)
    return {"state": "done", "value": 2 * value}


@pytest.mark.slow
def test_reproduction_engine_spreads_jobs_over_ray_and_outlives_a_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")
    # The workers find this module by its name.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    node = {"num_cpus": 2, "object_store_memory": 2**27}
    cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    try:
        second = cluster.add_node(**node)
        cluster.wait_for_nodes()
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)

        def begun() -> list[str]:
            return [node for path in tmp_path.iterdir() for node in path.read_text().splitlines()]

        def kill_in_mid_run() -> None:
            while second.node_id not in begun():
                time.sleep(0.1)
            cluster.remove_node(second, allow_graceful=False)

        killer = Thread(target=kill_in_mid_run, daemon=True)
        killer.start()
        jobs = [Job(f"job {value}", slowly, (tmp_path, value)) for value in range(8)]
        results = dict(RayEngine()(jobs, lambda name: None))
        killer.join()
        assert results == {f"job {value}": {"state": "done", "value": 2 * value} for value in range(8)}
        # What died with the node was begun again.
        assert len(begun()) > len(jobs)
    finally:
        cluster.shutdown()
