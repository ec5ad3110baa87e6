"""Start, resumption and end of a pre-training run, of encoders and of language models."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import TrainerCallback

from suwen.errors import SuwenError
from suwen.files import read_terms, replacing_folder, sha256, write_json
from suwen.hub import origin_of
from suwen.pretraining.config import LanguageModelConfig, PretrainingConfig
from suwen.pretraining.passages import Source, find_sources
from suwen.pretraining.progress import PretrainingProgressCallback
from suwen.pretraining.text_cache import TextCache, TextRules, open_text
from suwen.pretraining.texts import Texts, given_vocabulary
from suwen.runs import Listener, Progress, open_work, versions, working_folder
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.training.checkpoints import last_checkpoint
from suwen.training.log import Log

__all__ = ["PretrainingRun", "losses", "open_run"]


@dataclass(frozen=True)
class PretrainingRun:
    """A run whose working folder is open.

    Parameters
    ----------
    texts, config
        What it was asked for.
    output
        The folder that it will write.
    process
        This process, and the number of those that train together.
    sources
        The files to read.
    vocabulary
        The vocabulary that was given; None takes it from the texts.
    terms
        The terms for entity-level masking.
    identity
        The values that must not change when the run is resumed.
    work
        The working folder.
    checkpoint
        The checkpoint to continue from; None begins anew.
    resumed
        Whether the working folder is that of an earlier process.
    listener
        Receives preparations that take long, then about the steps.
    """

    texts: Texts
    config: PretrainingConfig | LanguageModelConfig
    output: Path
    process: PartialState
    sources: Sequence[Source]
    vocabulary: CharacterVocabulary | None
    terms: frozenset[str]
    identity: dict[str, Any]
    work: Path
    checkpoint: Path | None
    resumed: bool
    listener: Listener
    started: float = field(default_factory=time.monotonic)

    @property
    def rules(self) -> TextRules:
        """The settings for converting texts to ids."""
        data = self.config.data
        return TextRules(data.layout, data.held_out, data.minimum_count, data.vocabulary_size)

    def note(self, message: str) -> None:
        """Report a preparation that takes long."""
        self.listener(Progress("texts", message=message))

    def open_text(self) -> TextCache:
        """Return the texts as ids (see `suwen.pretraining.text_cache.open_text`)."""
        return open_text(self.sources, self.vocabulary, self.rules, self.texts.cache or self.work / "text", self.note)

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Remove the working folder of a run that could not begin, so that the next run can start."""
        try:
            yield
        except SuwenError:
            if not self.resumed and self.process.is_main_process:
                shutil.rmtree(self.work)
            raise

    def trainer_callbacks(self, log: Log, callbacks: Sequence[TrainerCallback]) -> list[TrainerCallback]:
        """Return the callbacks of the Trainer; only the first process reports."""
        if not self.process.is_main_process:
            return []
        return [log, PretrainingProgressCallback(self.listener), *callbacks]

    def description(self, text: TextCache) -> dict[str, Any]:
        """Return the values that the manifest of every run has: configuration, versions, texts and vocabulary."""
        return {
            "name": self.output.name,
            "configuration": self.config.model_dump(mode="json"),
            "base": self.identity["base encoder"],
            "seed": self.config.seed,
            "versions": versions("torch", "transformers", "numpy"),
            "texts": text.sources,
            "excluded": self.texts.exclusion.description,
            "vocabulary": {"tokens": len(text.vocabulary), "given": self.vocabulary is not None},
        }

    def seconds(self, log: Log) -> float:
        """Return the duration of the run, including the time before interruptions."""
        return log.seconds_before + time.monotonic() - self.started

    def finish(
        self, vocabulary: CharacterVocabulary, manifest: dict[str, Any], write_model: Callable[[Path], None]
    ) -> None:
        """Write the folder, complete the manifest with the hashes of its files, and remove the working folder."""
        with replacing_folder(self.output) as folder:
            write_model(folder)
            vocabulary.write(folder / "vocab.txt")
            shutil.copytree(self.work / "log", folder / "log")
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            manifest["files"] = {path.relative_to(folder).as_posix(): sha256(path) for path in files}
            write_json(folder / "manifest.json", manifest)
        shutil.rmtree(self.work)


def open_run(
    texts: Texts,
    output: Path,
    config: PretrainingConfig | LanguageModelConfig,
    process: PartialState,
    resume: bool,
    listener: Listener,
) -> PretrainingRun:
    """Open the working folder beside the output, a new one or that of an interrupted run.

    Raises
    ------
    SuwenError
        S511 when an unfinished run is there, S507 when there is none to resume, S508 when it was made with other texts
        or another configuration, and as `find_sources`, `given_vocabulary` and `read_terms`.
    """
    sources = find_sources(texts.paths, texts.exclusion)
    vocabulary = given_vocabulary(texts)
    terms = read_terms(texts.lexicon)
    identity = _identity(texts, config, [source.hash() for source in sources], vocabulary, terms)
    work = working_folder(output, "training")
    checkpoint = _open_checkpoint(process, work, identity, resume)
    return PretrainingRun(
        texts, config, output, process, sources, vocabulary, terms, identity, work, checkpoint, resume, listener
    )


def losses(history: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Return the last held-out loss that was logged, and all of them by step."""
    curve = [[entry["step"], entry["eval_loss"]] for entry in history if "eval_loss" in entry]
    return {"loss": curve[-1][1], "curve": curve}


def _identity(
    texts: Texts,
    config: PretrainingConfig | LanguageModelConfig,
    hashes: Sequence[str],
    vocabulary: CharacterVocabulary | None,
    terms: frozenset[str],
) -> dict[str, Any]:
    def digest(values: Sequence[str]) -> str:
        return hashlib.sha256("\n".join(values).encode()).hexdigest()

    base = texts.base
    weights = sorted(path for path in base.iterdir() if path.suffix in (".safetensors", ".bin")) if base else []
    return {
        "texts": list(hashes),
        "excluded documents": texts.exclusion.description,
        "configuration": config.model_dump(mode="json"),
        "vocabulary": vocabulary and digest(vocabulary.tokens),
        "lexicon": digest(sorted(terms)),
        "base encoder": base and {"name": origin_of(base), "weights": {path.name: sha256(path) for path in weights}},
    }


def _open_checkpoint(process: PartialState, work: Path, identity: dict[str, Any], resume: bool) -> Path | None:
    """Open the working folder in the first process, and find the checkpoint to continue from in each."""
    if process.is_main_process:
        open_work(work, identity, resume)
        # Once here, because it removes half-written ones.
        last_checkpoint(work)
    process.wait_for_everyone()
    return last_checkpoint(work)
