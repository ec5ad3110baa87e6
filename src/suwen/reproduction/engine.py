"""The engines that carry out jobs: one after another here, in several processes, or on a Ray cluster.

A job is a function of its arguments that writes what it makes into the experiment's folder, and answers with a JSON
value: which engine calls it makes no difference to that.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread
from typing import Any, Protocol

__all__ = ["Engine", "Job", "LocalEngine", "Observer"]

Result = dict[str, Any]
Begun = Callable[[str], None]
Observer = Callable[[str, dict[str, Any] | None], None]
"""Receives what begins (None), what has ended (its result), and what is damaged and made again (state ``again``)."""


@dataclass(frozen=True)
class Job:
    """A function to call, with what it is called for and about how many seconds it takes."""

    name: str
    function: Callable[..., Result]
    arguments: tuple[Any, ...]
    seconds: float = 0.0

    def __call__(self) -> Result:
        """Return the function's result."""
        return self.function(*self.arguments)


class Engine(Protocol):
    """Carries out jobs."""

    def __call__(self, jobs: Sequence[Job], begun: Begun) -> Iterator[tuple[str, Result]]:
        """Return the name and the result of each job as it ends; `begun` receives the name of each as it begins."""
        ...


class LocalEngine:
    """Carries jobs out on this machine.

    Parameters
    ----------
    workers
        Number of processes; with 1, jobs run one after another in this process.
    """

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers

    def __call__(self, jobs: Sequence[Job], begun: Begun) -> Iterator[tuple[str, Result]]:
        """Yield the name and the result of each job as it ends."""
        if self.workers == 1 or len(jobs) < 2:
            for job in jobs:
                begun(job.name)
                yield job.name, job()
            return
        yield from self._in_processes(jobs, begun)

    def _in_processes(self, jobs: Sequence[Job], begun: Begun) -> Iterator[tuple[str, Result]]:
        # A pool for each worker: a process that dies breaks its pool, and must not take other jobs with it.
        pools = [_pool() for _ in range(min(self.workers, len(jobs)))]
        waiting = list(reversed(jobs))
        running: dict[Future[Result], tuple[int, Job]] = {}

        def start(worker: int) -> None:
            if waiting:
                job = waiting.pop()
                begun(job.name)
                running[pools[worker].submit(job)] = worker, job

        try:
            for worker in range(len(pools)):
                start(worker)
            while running:
                future = next(as_completed(running))
                worker, job = running.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    pools[worker] = _pool()
                    result = {"state": "failed", "error": "its process died; see the system's log, memory may be short"}
                yield job.name, result
                start(worker)
        finally:
            for pool in pools:
                pool.shutdown(wait=False, cancel_futures=True)


def _pool() -> ProcessPoolExecutor:
    # Forked processes would inherit torch's threads, half of them.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    """End this process when its parent is killed: it must not write where a resumed run writes."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    Thread(target=watch, daemon=True).start()
