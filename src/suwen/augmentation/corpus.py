"""One augmentation run from a corpus to a corpus, resumable at any point."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suwen.augmentation.augmenters import Variant
from suwen.augmentation.config import AugmentationConfig
from suwen.augmentation.edits import recipe_lines, recipe_of, write_log
from suwen.augmentation.figures import Figures, measure
from suwen.augmentation.generation import Augmentation, Generator, Outcome, collect, load_model
from suwen.augmentation.report import write_report
from suwen.augmentation.targets import variants_of
from suwen.augmentation.workers import outcomes_of
from suwen.bundled import model_path
from suwen.corpus.split import Selection, Split, corpus_hash, whole
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing_folder, require_new, sha256, write_json
from suwen.formats import read_corpus, write_corpus
from suwen.hub import is_on_hub, origin_of
from suwen.models.catalog import find_encoder
from suwen.runs import Listener, Progress, check_work, open_work, silent, versions, whole_lines, working_folder
from suwen.schema import Schema

__all__ = ["TRAIN", "Result", "augment_corpus", "record_folder", "select_train"]

TRAIN = "train"
DONE = "done.jsonl"


@dataclass(frozen=True)
class Result:
    """The result of a run.

    Parameters
    ----------
    output
        The generated corpus, together with the originals where that was asked for.
    record
        The folder with the log, the report and the manifest.
    augmentation, figures
        The generated documents.
    not_held
        Counts of what the format could not hold, by kind.
    manifest
        All figures as JSON values.
    """

    output: Path
    record: Path
    augmentation: Augmentation
    figures: Figures
    not_held: Counter[str]
    manifest: dict[str, Any]


def record_folder(output: StrPath) -> Path:
    """Return the folder of log, report and manifest, beside the generated corpus."""
    output = Path(output)
    return output.with_name(f"{output.name}.augmentation")


def select_train(documents: Sequence[Document], split: Split | None, part: str = TRAIN) -> list[Selection]:
    """Return the documents that may be augmented: the train part of a split, or all without a split.

    Raises
    ------
    SuwenError
        S311 for any other part, and as `Split.select`.
    """
    if part != TRAIN:
        raise SuwenError("S311", part=part)
    return whole(documents) if split is None else split.select(documents, TRAIN)


def augment_corpus(
    documents: Sequence[Document],
    output: StrPath,
    config: AugmentationConfig,
    split: Split | None = None,
    format: str = "jsonl",  # noqa: A002 (it is the word for it)
    combine: bool = False,
    resume: bool = False,
    device: str = "cpu",
    batch_tokens: int | None = None,
    workers: int = 1,
    listener: Listener = silent,
) -> Result:
    """Augment the training part of a corpus and write the generated documents.

    Parameters
    ----------
    output
        The corpus to write. `record_folder` is written beside it.
    split
        Only its train part is augmented; None takes all documents.
    format
        The format of the output.
    combine
        Whether the originals are written too. With a split these are all documents of the corpus, and the record holds
        a split of the new corpus, whose train part has the generated documents.
    resume
        Whether to continue the unfinished run of `output`. The result is that of an uninterrupted run.
    workers
        Number of processes (see `suwen.augmentation.workers`).
    listener
        Receives the number of documents that are done.

    Raises
    ------
    SuwenError
        S104 when the output exists, S110 when a generated document has the id of another, S511 when an unfinished run
        is there, S507 when there is none to resume, S508 when it was made with other data or another configuration,
        S518 when a process is killed; and what `load_model`, `Generator`, `collect` and the format's writer raise.
    """
    output = Path(output)
    if workers > 1 and device != "cpu":
        raise SuwenError("S406", first=f"--workers {workers}", second=f"the device {device}", advice="leave one out")
    work = working_folder(output, "unfinished")
    check_work(work, resume)
    if not resume:
        require_new(output)
        require_new(record_folder(output))
    selections = select_train(documents, split)
    variants = variants_of(selections, config)
    _refuse_taken_ids([variant.id for variant in variants], documents)
    model = load_model(config, device, batch_tokens)
    generator = Generator(selections, config, model, device)
    # Only now: a run that cannot even begin leaves nothing behind.
    identity = _identity(documents, config, split)
    open_work(work, identity, resume)
    outcomes = _outcomes(work, variants, generator, workers, listener)
    try:
        augmentation = collect(outcomes, [selection.document for selection in selections], config)
    except SuwenError:
        # It would be the same error again.
        shutil.rmtree(work)
        raise
    figures = measure(augmentation, selections, config, model)
    originals = list(documents) if combine else []
    made = work / "corpus" / output.name
    shutil.rmtree(made.parent, ignore_errors=True)
    made.parent.mkdir()
    not_held = write_corpus([*originals, *augmentation.documents], made, format)
    # The ids show it too, so that the origin of a document cannot be overlooked.
    not_held = +(not_held - Counter(meta=len(augmentation.documents)))
    weights = {"name": _pinned(config.masked_language_model), "files": identity["encoder"]}
    manifest = {
        **_manifest(documents, augmentation, figures, config, split, not_held),
        "masked_language_model": weights if identity["encoder"] else None,
    }
    with replacing_folder(record_folder(output), overwrite=resume) as folder:
        write_log(augmentation.recipes, folder / "edits.jsonl")
        schema = Schema.of_labels({entity.label for document in documents for entity in document.entities})
        write_report(folder / "report.html", figures, augmentation, config, schema, output.name)
        if combine and split is not None:
            _combined_split(split, augmentation, read_corpus(made, format)).write(folder / "split.json")
        write_json(folder / "manifest.json", manifest)
    # Files that exist after a resumed start were written by this run before it was killed.
    if not output.exists():
        made.replace(output)
    shutil.rmtree(work)
    return Result(output, record_folder(output), augmentation, figures, not_held, manifest)


def _pinned(encoder: str) -> str:
    """Return the name of an encoder, with its commit if it is on the hub."""
    return origin_of(find_encoder(encoder)) if is_on_hub(encoder) else encoder


def _refuse_taken_ids(generated: Sequence[str], documents: Sequence[Document]) -> None:
    taken = {document.id for document in documents}
    for name in generated:
        if name in taken:
            raise SuwenError("S110", id=name, first="a document of the corpus", second="one to be generated")


def _identity(documents: Sequence[Document], config: AugmentationConfig, split: Split | None) -> dict[str, Any]:
    """Return the values that must not change when a run is resumed."""
    files = [*config.protection.lexicon, *config.synonym.lexicon]
    if config.synonym.vectors is not None:
        files.append(config.synonym.vectors)
    if config.check.model is not None:
        files.append(model_path(config.check.model) / "manifest.json")
    encoder = find_encoder(config.masked_language_model) if config.masked_language_model else None
    weights = sorted(path for path in encoder.iterdir() if path.is_file()) if encoder else []
    return {
        "data": {"documents": corpus_hash(documents), "split": None if split is None else split.hash},
        "configuration": config.model_dump(mode="json"),
        "files": {str(path): sha256(path) for path in files},
        "encoder": {path.name: sha256(path) for path in weights},
    }


def _outcomes(
    work: Path, variants: Sequence[Variant], generator: Generator, workers: int, listener: Listener
) -> list[Outcome]:
    """Return the outcome of each variant; those in the journal of the run are not made again."""
    outcomes = {outcome.recipe.id: outcome for outcome in _read_done(work)}
    listener(Progress("documents", len(outcomes), len(variants)))
    with (work / DONE).open("a", encoding="utf-8", newline="\n") as done:
        waiting = [variant for variant in variants if variant.id not in outcomes]
        for outcome in outcomes_of(generator, waiting, workers):
            done.write(_done_line(outcome))
            done.flush()
            outcomes[outcome.recipe.id] = outcome
            listener(Progress("documents", len(outcomes), len(variants)))
    return [outcomes[variant.id] for variant in variants]


def _done_line(outcome: Outcome) -> str:
    head, *rows = map(json.loads, recipe_lines(outcome.recipe))
    return json.dumps([head, rows, outcome.counts], ensure_ascii=False) + "\n"


def _read_done(work: Path) -> Iterator[Outcome]:
    """Yield the finished outcomes; an incomplete last line, left by a killed process, is removed."""
    for line in whole_lines(work / DONE):
        head, rows, counts = json.loads(line)
        yield Outcome(recipe_of(head, rows), Counter(counts))


def _manifest(
    documents: Sequence[Document],
    augmentation: Augmentation,
    figures: Figures,
    config: AugmentationConfig,
    split: Split | None,
    not_held: Counter[str],
) -> dict[str, Any]:
    return {
        "configuration": config.model_dump(mode="json"),
        "seed": config.seed,
        "versions": versions("torch", "transformers", "numpy"),
        "data": {
            "hash": corpus_hash(documents),
            "split": None if split is None else {"unit": split.unit, "seed": split.seed, "hash": split.hash},
        },
        **figures.to_dict(),
        "failures": augmentation.failures,
        "near_copies": augmentation.near_copies,
        "not_held": dict(sorted(not_held.items())),
    }


def _combined_split(split: Split, augmentation: Augmentation, written: Sequence[Document]) -> Split:
    """Return the split of the originals, with the generated documents in its train part; other parts as they were."""
    lengths = {document.id: len(document.text) for document in written}
    generated = [(document.id, 0, lengths[document.id]) for document in augmentation.documents]
    parts = {**split.parts, TRAIN: tuple(sorted([*split.parts[TRAIN], *generated]))}
    units = {**split.units, TRAIN: split.units.get(TRAIN, 0) + len(generated)}
    return replace(split, data_hash=corpus_hash(written), parts=parts, units=units, leakage={}, path=None)
