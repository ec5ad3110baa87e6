"""The engine that carries jobs out on a Ray cluster.

Every machine must see the experiment's folder under the same path: jobs read what they need there, and write what they
make. A job whose machine dies is given to another, which continues from the last checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from suwen.extraction.ray import connected
from suwen.reproduction.engine import Begun, Job, Result

__all__ = ["RayEngine"]

TRIES = 3
"""Number of machines that may fail during a job before the job counts as failed."""


class RayEngine:
    """Carries jobs out on the cluster that ``RAY_ADDRESS`` names, or on one that is started on this machine.

    Parameters
    ----------
    cores, gpus
        How much of a machine a job takes.
    """

    def __init__(self, cores: int = 1, gpus: int = 0) -> None:
        self.cores = cores
        self.gpus = gpus

    def __call__(self, jobs: Sequence[Job], begun: Begun) -> Iterator[tuple[str, Result]]:
        """Yield the name and the result of each job as it ends; all are reported as begun when they are submitted.

        Raises
        ------
        SuwenError
            S405 when Ray is not installed, S519 when it does not answer.
        """
        if not jobs:
            return
        with connected() as ray:
            carry_out = ray.remote(num_cpus=self.cores, num_gpus=self.gpus, max_retries=TRIES)(_carry_out)
            running: dict[Any, Job] = {}
            for job in jobs:
                begun(job.name)
                running[carry_out.remote(job)] = job
            while running:
                (done, *_), _ = ray.wait([*running])
                job = running.pop(done)
                try:
                    result: Result = ray.get(done)
                except ray.exceptions.RayError as error:
                    reason = str(error).strip().partition("\n")[0]
                    result = {"state": "failed", "error": f"the cluster lost it: {reason}"}
                yield job.name, result


def _carry_out(job: Job) -> Result:
    return job()
