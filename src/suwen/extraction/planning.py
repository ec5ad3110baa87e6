"""The plan of an extraction: inputs, output and model, for the command line and for Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256 as hash_of_bytes
from pathlib import Path
from typing import Any

from suwen.bundled import model_path
from suwen.concepts.terminologies import read_terminology
from suwen.errors import SuwenError
from suwen.extraction.attributes import load_attributing
from suwen.extraction.corpora import find_corpora
from suwen.extraction.extract import PLAIN, Finish, LocalEngine, OpenEngine, Result, extract_files, extract_lines
from suwen.extraction.finding import find_inputs
from suwen.extraction.inputs import DEFAULT_OPTIONS, Inputs, ReadingOptions
from suwen.extraction.metadata import read_metadata
from suwen.extraction.stream import ShardOptions, Tally
from suwen.files import StrPath, sha256
from suwen.formats import OUTPUT_ENDINGS, csv_table, excel, format_named_by, jsonl, parquet
from suwen.hub import origin_of
from suwen.inference.overrides import read_overrides
from suwen.inference.predictor import Extractor
from suwen.inference.relations import cooccurrence
from suwen.loading import load_for_given_entities, load_overridden, load_relating, relation_folder
from suwen.model_folder import MANIFEST, read_manifest
from suwen.requirements import require_device, require_packages
from suwen.runs import Listener, release, silent

__all__ = ["STANDARD_OUTPUT", "Extraction", "format_for", "model_version", "plan_extraction", "plan_relating"]

STANDARD_OUTPUT = Path("-")
ENGINES = ("local", "ray")
ANNOTATED_OPTIONS = ReadingOptions(annotated=True)
PACKAGES = {parquet.NAME: ("pyarrow",), excel.NAME: ("openpyxl",)}
"""Packages that are needed to write a format."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """An extraction that can begin: its inputs were found and its options fit together.

    Parameters
    ----------
    inputs
        The files to read.
    output
        The file or folder to write; `STANDARD_OUTPUT` for lines as they come.
    format
        The format of the output.
    shard_options
        Options for reading files and writing documents.
    identity
        Settings that decide the output, as JSON values: a run is resumed only if they are the same.
    open_engine
        Opens what computes.
    finish
        The last step, when the output is written.
    """

    inputs: Inputs
    output: Path
    format: str
    shard_options: ShardOptions
    identity: dict[str, Any]
    open_engine: OpenEngine
    finish: Finish = PLAIN

    def run(self, resume: bool = False, listener: Listener = silent) -> Result:
        """Write the output (see `extract_files`).

        Raises
        ------
        SuwenError
            S406 for standard output, which takes `lines`.
        """
        if self.output == STANDARD_OUTPUT:
            raise SuwenError("S406", first="standard output", second="a run", advice="name a file or folder")
        return extract_files(
            self.inputs,
            self.output,
            self.format,
            self.shard_options,
            self.open_engine,
            self.identity,
            resume,
            listener,
            self.finish,
        )

    def lines(self, tally: Tally, problem: Callable[[dict[str, Any]], None]) -> Iterator[bytes]:
        """Yield the documents as lines of JSON as they come (see `extract_lines`)."""
        with self.open_engine() as engine:
            yield from extract_lines(self.inputs, self.shard_options, engine, tally, problem, self.finish)


def plan_extraction(
    paths: Sequence[StrPath],
    output: StrPath,
    format: str | None = None,  # noqa: A002 (it is the word for it)
    *,
    model: StrPath | None = None,
    options: ReadingOptions = DEFAULT_OPTIONS,
    always: StrPath | None = None,
    never: StrPath | None = None,
    device: str = "cpu",
    threads: int | None = None,
    batch_tokens: int | None = None,
    engine: str = "local",
    assertion: bool = False,
    codes: StrPath | None = None,
    relations: bool = False,
    relation_model: StrPath | None = None,
    metadata: StrPath | None = None,
    raw: bool = False,
) -> Extraction:
    """Find the inputs of an extraction and check its options, before a model is loaded.

    Parameters
    ----------
    paths
        Files, folders, patterns, or ``-`` for standard input (see `find_inputs`).
    output
        The file or folder to write; ``-`` for standard output.
    format
        The format of the output; by default that of its extension.
    model
        A model folder; by default the bundled one.
    options
        Options for reading files.
    always, never
        Term lists (see `suwen.inference.overrides`).
    threads, batch_tokens
        As `suwen.loading.load`.
    engine
        ``local`` or ``ray``.
    assertion, codes
        Whether negated and hypothetical entities are marked, and the terminology whose codes they get
        (see `suwen.extraction.attributes`).
    relations
        Whether the relations between the entities are found too.
    relation_model
        As `suwen.loading.load_relations`.
    metadata
        A table with metadata by the id of a document (see `read_metadata`).
    raw
        True to write CSV cells unchanged, also those that a spreadsheet would execute as formulas.

    Raises
    ------
    SuwenError
        S404 for an extension that names no format and for an unknown engine, S405 when a package is missing, S406 for
        `raw` with another format than CSV, S410 for a relation model without relations, S512 for a device that no
        model runs on, and as `find_inputs`, `read_metadata`, `read_overrides` and `read_terminology`.
    """
    output = Path(output)
    format = _output_format(output, format, engine, raw)  # noqa: A001
    if relation_model is not None and not relations:
        raise SuwenError(
            "S410", first="a relation model", second="--relations", advice="add it (in Python: relations=True)"
        )
    inputs = find_inputs(paths, options, output)
    finish = Finish(read_metadata(metadata) if metadata else None, raw)
    folders = [model_path(model)]
    overrides = read_overrides(always and Path(always), never and Path(never))
    version = None
    if relations:
        related = relation_folder(relation_model)
        folders += [related] if related else []
        version = _relation_version(related)
    shard_options = ShardOptions(options, model_version(folders[0]), format == jsonl.NAME, version)
    # Before a cluster is asked for it.
    require_device(device)
    cores = threads or 1 if engine == "ray" else threads
    load_all = load_relating if relations else load_overridden
    load = partial(load_all, device=device, batch_tokens=batch_tokens, threads=cores, overrides=overrides)
    load = partial(load_attributing, load, assertion, read_terminology(codes) if codes else None)
    identity = {
        **release(),
        "model": shard_options.model,
        "relation model": shard_options.relation_model,
        "option": {"--to": _kind(format), "--device": device, "--batch-tokens": batch_tokens, **asdict(options)},
        "term list": {"--always": always and sha256(always), "--never": never and sha256(never)},
        "metadata": metadata and sha256(metadata),
        "attribute": {"--assertion": assertion, "--codes": codes and sha256(codes)},
    }
    opening = _opening(engine, folders, load, cores, int(device != "cpu"))
    return Extraction(inputs, output, format, shard_options, identity, opening, finish)


def plan_relating(
    paths: Sequence[StrPath],
    output: StrPath,
    format: str | None = None,  # noqa: A002 (it is the word for it)
    *,
    model: StrPath | None = None,
    options: ReadingOptions = ANNOTATED_OPTIONS,
    engine: str = "local",
    raw: bool = False,
) -> Extraction:
    """Find the corpora between whose entities relations are to be found, and check the options.

    Parameters
    ----------
    paths, options
        As `suwen.extraction.corpora.find_corpora`.
    output, format, engine, raw
        As `plan_extraction`.
    model
        As `suwen.loading.load_relations`.

    Raises
    ------
    SuwenError
        As `plan_extraction` and `find_corpora`.
    """
    output = Path(output)
    format = _output_format(output, format, engine, raw)  # noqa: A001
    inputs = find_corpora(paths, options, output)
    folder = relation_folder(model)
    shard_options = ShardOptions(options, None, format == jsonl.NAME, _relation_version(folder))
    option = {"--to": _kind(format), **asdict(options)}
    identity = {**release(), "relation model": shard_options.relation_model, "option": option}
    opening = _opening(engine, [folder] if folder else [], load_for_given_entities)
    return Extraction(inputs, output, format, shard_options, identity, opening, Finish(raw=raw))


def _output_format(output: Path, format: str | None, engine: str, raw: bool) -> str:  # noqa: A002
    """Return the format of an output, if all is there that it and the engine need."""
    if engine not in ENGINES:
        raise SuwenError("S404", what="engine", name=engine, known=", ".join(ENGINES))
    format = format or format_for(output)  # noqa: A001
    # Reported now, not after hours of work.
    require_packages(*PACKAGES.get(format, ()), *["ray"] * (engine == "ray"))
    if raw and format != csv_table.NAME:
        raise SuwenError("S406", first="--raw", second=f"--to {format}", advice="only CSV changes cells: leave it out")
    return format


def _opening(
    engine: str, folders: Sequence[Path], load: Callable[..., Extractor], cores: int | None = None, gpus: int = 0
) -> OpenEngine:
    """Return what opens an engine with a model of these folders."""
    if engine == "ray":
        from suwen.extraction.ray import ray_engine

        return partial(ray_engine, folders, load, cores or 1, gpus)
    return partial(_local_engine, partial(load, *folders))


def _kind(format: str) -> str:  # noqa: A002
    """Return what shards are fit for: without places, any format but JSON Lines can be made of them."""
    return jsonl.NAME if format == jsonl.NAME else f"no {jsonl.NAME}"


def _local_engine(load: Callable[[], Extractor]) -> nullcontext[LocalEngine]:
    return nullcontext(LocalEngine(load()))


def _relation_version(folder: Path | None) -> str | None:
    """Return the name and version of a relation model, or the name of the baseline."""
    return cooccurrence.NAME if folder is None else model_version(folder)


def format_for(output: Path) -> str:
    """Return the format that the extension of an output names; without an extension it is JSON Lines.

    Raises
    ------
    SuwenError
        S404 for any other extension.
    """
    found = format_named_by(output)
    if found is None and output.suffix:
        known = f"{', '.join(OUTPUT_ENDINGS)}; with --to FORMAT, any extension"
        raise SuwenError("S404", output, what="file extension", name=output.suffix, known=known)
    return found or jsonl.NAME


def model_version(model: Path) -> str | None:
    """Return the name of a model folder and a hash of its files: equal models have equal versions.

    The training log does not count. A folder without a manifest has no version; loading it will say what is wrong.
    """
    if not (model / MANIFEST).is_file():
        return None
    files = read_manifest(model)["files"]
    deciding = "\n".join(f"{name} {value}" for name, value in sorted(files.items()) if not name.startswith("log/"))
    return f"{origin_of(model)} {hash_of_bytes(deciding.encode()).hexdigest()[:12]}"
