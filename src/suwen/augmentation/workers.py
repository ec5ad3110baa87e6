"""Generating documents in several processes; the result does not depend on their number."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Thread

from suwen.augmentation.augmenters import Variant
from suwen.augmentation.generation import Generator, Outcome
from suwen.document import Span
from suwen.errors import SuwenError

__all__ = ["outcomes_of"]

CHARACTERS = 2**15
"""Characters that a worker gets at once: enough for full batches, few enough for an even distribution."""

SECONDS_BETWEEN_LOOKS = 1.0


def outcomes_of(generator: Generator, variants: Sequence[Variant], workers: int = 1) -> Iterator[Outcome]:
    """Yield the outcome of each variant, in order.

    Parameters
    ----------
    workers
        How many processes; they share the memory of this one's model and segmenter, which takes a system with ``fork``
        (elsewhere there is one). The model must be on the CPU.

    Raises
    ------
    SuwenError
        S518 when a process is killed.
    """
    if workers == 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from generator(variants)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(generator, variants)) as executor:
        try:
            for outcomes in executor.map(_work, _parts(variants)):
                yield from outcomes
        except BrokenProcessPool:
            raise SuwenError("S518") from None
        finally:
            executor.shutdown(cancel_futures=True)


def _parts(variants: Sequence[Variant]) -> Iterator[Span]:
    start = size = 0
    for end, variant in enumerate(variants, 1):
        size += variant.characters
        if size >= CHARACTERS or end == len(variants):
            yield start, end
            start, size = end, 0


# Data that workers inherit and that need not be sent.
_inherited: list[tuple[Generator, Sequence[Variant]]] = []


def _begin(generator: Generator, variants: Sequence[Variant]) -> None:
    # The threads of the parent are not there, and every core has its worker. Without a model there is no torch.
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    _inherited.append((generator, variants))
    Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _work(part: Span) -> list[Outcome]:
    generator, variants = _inherited[-1]
    return list(generator(variants[slice(*part)]))


def _end_with(parent: int) -> None:
    """End this process when its parent ends: a killed parent cannot stop it."""
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)
