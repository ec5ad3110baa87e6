"""Extraction on a Ray cluster: this process makes the chunks and keeps the shards, workers compute the shards.

The files and the model need not be on the other computers: articles are sent as they are on the disk, records as texts,
the model as its files. What must be there is suwen, in the same release. A chunk whose computer dies is given to
another.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.extraction.stream import Chunk, Shard, ShardOptions, fetched, shards_of
from suwen.inference.predictor import Extractor
from suwen.requirements import require_packages
from suwen.schema import Schema

__all__ = ["RayEngine", "connected", "ray_engine"]

Load = Callable[..., Extractor]

AHEAD = 2
"""Number of submitted chunks for each running one, so that no worker waits for this process."""

TRIES = 8
"""Number of computers that may fail during a chunk before the chunk counts as the cause."""

STORE_BYTES = 2**28
"""The shared memory of a cluster that is started here; some seconds of work need a few megabytes."""


class RayEngine:
    """Makes shards on a Ray cluster.

    Parameters
    ----------
    ray
        The package, connected.
    models
        The model folders.
    load
        Loads a model of these folders; sent to the other processes, so it is a function of a module, or
        `functools.partial` of one.
    cores, gpus
        How much of a computer a chunk takes.
    """

    def __init__(self, ray: Any, models: Sequence[Path], load: Load, cores: int, gpus: int = 0) -> None:
        self._ray = ray
        self._cores, self._gpus = cores, gpus
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if not any(node.get("CPU", 0) >= cores and node.get("GPU", 0) >= gpus for node in nodes):
            # Ray would wait for one.
            raise SuwenError("S519", reason=f"it has no computer with {cores} cores and {gpus} GPUs")
        # Ray does not resolve a reference in a list: each process gets the model once, not with each chunk.
        self._model = [ray.put(([(model.name, _files(model)) for model in models], load))]
        options: dict[str, Any] = {"num_cpus": cores, "num_gpus": gpus, "max_retries": TRIES}
        self._make = ray.remote(**options)(_make_shard)
        self.schema: Schema = self._value(ray.remote(**options)(_schema).remote(self._model))

    def shards(
        self, chunks: Iterable[Chunk], shard_options: ShardOptions, on_document: Callable[[Document], None]
    ) -> Iterator[Shard]:
        """Yield the shards, as they come."""
        del on_document  # documents are decided elsewhere
        running: list[Any] = []
        for chunk in chunks:
            running.append(self._make.remote(self._model, fetched(chunk), shard_options))
            while len(running) >= self._most():
                yield self._next(running)
        while running:
            yield self._next(running)

    def _most(self) -> int:
        """Return the maximum number of chunks in progress; computers may join and leave."""
        there = self._ray.cluster_resources()
        slots = min(
            there.get(kind, 0) // number for kind, number in (("CPU", self._cores), ("GPU", self._gpus)) if number
        )
        return AHEAD * max(1, int(slots))

    def _next(self, running: list[Any]) -> Shard:
        (done, *_), _ = self._ray.wait(running)
        running.remove(done)
        shard: Shard = self._value(done)
        return shard

    def _value(self, reference: Any) -> Any:
        try:
            value = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            raise SuwenError("S519", reason=str(error).strip().partition("\n")[0]) from None
        if isinstance(value, SuwenError):
            raise value
        return value


@contextmanager
def connected() -> Iterator[Any]:
    """Connect Ray to the cluster that ``RAY_ADDRESS`` names or this computer is part of; else start one here.

    Raises
    ------
    SuwenError
        S405 when Ray is not installed, S519 when it does not answer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    require_packages("ray")
    import ray

    before = ray.is_initialized()
    if not before:
        quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
        try:
            try:
                ray.init(address=os.environ.get("RAY_ADDRESS", "auto"), **quiet)
            except ConnectionError:
                if "RAY_ADDRESS" in os.environ:
                    raise
                ray.init(address="local", include_dashboard=False, object_store_memory=STORE_BYTES, **quiet)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise SuwenError("S519", reason=str(error).strip().partition("\n")[0]) from None
    try:
        yield ray
    finally:
        if not before:
            ray.shutdown()


@contextmanager
def ray_engine(models: Sequence[Path], load: Load, cores: int, gpus: int = 0) -> Iterator[RayEngine]:
    """Connect to Ray and bring the models there.

    Raises
    ------
    SuwenError
        As `connected` and `load`.
    """
    with connected() as ray:
        yield RayEngine(ray, models, load, cores, gpus)


def _files(model: Path) -> dict[str, bytes]:
    """Return the files of a model folder by their relative paths."""
    try:
        return {path.relative_to(model).as_posix(): path.read_bytes() for path in model.rglob("*") if path.is_file()}
    except OSError as error:
        raise SuwenError("S501", model, reason=error) from None


# In the other processes -----------------------------------------------------------------------------------------------


def _make_shard(model: list[Any], chunk: Chunk, shard_options: ShardOptions) -> Shard | SuwenError:
    try:
        (shard,) = shards_of(_extractor(*model), [chunk], shard_options)
    except SuwenError as error:
        return error
    return shard


def _schema(model: list[Any]) -> Schema | SuwenError:
    try:
        return _extractor(*model).schema
    except SuwenError as error:
        return error


@lru_cache(maxsize=1)
def _extractor(reference: Any) -> Extractor:
    """Return the model, which a process loads once."""
    import ray

    models, load = ray.get(reference)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, str(number), name) for number, (name, _) in enumerate(models)]
        for path, (_, files) in zip(paths, models, strict=True):
            for relative, data in files.items():
                file = path / relative
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        extractor: Extractor = load(*paths)
    return extractor
