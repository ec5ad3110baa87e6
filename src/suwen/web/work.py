"""Work off the event loop: a bounded pool of threads, a limited queue, and cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

from fastapi import Request

from suwen.web.problems import RETRY_SECONDS, ProblemError

__all__ = ["DisconnectedError", "Pool", "Ticket"]

Result = TypeVar("Result")


class DisconnectedError(Exception):
    """The client has gone: no answer is needed."""


class Ticket:
    """A piece of work that may be cancelled, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stops: list[Callable[[], None]] = []
        self.is_cancelled = False

    def on_cancel(self, stop: Callable[[], None]) -> None:
        """Call a function when the work is cancelled; at once, if it is already."""
        with self._lock:
            self._stops.append(stop)
            if self.is_cancelled:
                stop()

    def cancel(self) -> None:
        """Stop the work."""
        # Under the lock: after `done` returns, the next work of the thread cannot be stopped by this ticket.
        with self._lock:
            self.is_cancelled = True
            for stop in self._stops:
                stop()

    def done(self) -> None:
        """Forget how to stop the work."""
        with self._lock:
            self._stops.clear()


class Pool:
    """Threads that answer requests.

    Parameters
    ----------
    name
        The name of the threads.
    workers
        The number of threads.
    queue
        Maximum number of requests that wait.
    """

    def __init__(self, name: str, workers: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(workers, name)
        self._limit = workers + queue
        self._pending: set[Future[Any]] = set()

    @property
    def pending(self) -> int:
        """Return the number of requests that wait or run."""
        return len(self._pending)

    async def run(self, request: Request, work: Callable[[Ticket], Result]) -> Result:
        """Do a piece of work in a thread; stop it when the client goes or the caller is cancelled.

        Raises
        ------
        ProblemError
            S823 when too many requests wait.
        DisconnectedError
            If the client has disconnected.
        """
        if self.pending >= self._limit:
            raise ProblemError("S823", 503, {"Retry-After": RETRY_SECONDS})
        ticket = Ticket()
        future = self._executor.submit(_run_work, work, ticket)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        answer = asyncio.wrap_future(future)
        disconnected = asyncio.create_task(_disconnected(request))
        try:
            await asyncio.wait((answer, disconnected), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise DisconnectedError
            return answer.result()
        finally:
            disconnected.cancel()
            answer.cancel()
            ticket.cancel()

    def close(self) -> None:
        """End the threads after their current work."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _run_work(work: Callable[[Ticket], Result], ticket: Ticket) -> Result:
    if ticket.is_cancelled:
        raise DisconnectedError
    try:
        return work(ticket)
    finally:
        ticket.done()


async def _disconnected(request: Request) -> None:
    """Wait until the client disconnects."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
