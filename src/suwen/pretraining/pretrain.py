"""One pre-training run from plain text to an encoder folder, resumable at any point."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from transformers import PreTrainedModel, TrainerCallback, set_seed
from transformers.utils import logging

from suwen.errors import SuwenError
from suwen.files import StrPath, read_terms, replacing_folder, sha256, write_json
from suwen.hub import origin_of
from suwen.model_folder import write_tokenizer
from suwen.models.vocabularies import read_vocabulary
from suwen.pretraining.batches import HeldOut, MaskedBatches, MaskingRules, phases
from suwen.pretraining.config import LanguageModelConfig, PretrainingConfig
from suwen.pretraining.fill_in import fill_in
from suwen.pretraining.model import new_model, read_base, write_encoder
from suwen.pretraining.passages import Exclusion, find_sources
from suwen.pretraining.progress import PretrainingProgressCallback
from suwen.pretraining.strategies import Level, strategy_named
from suwen.pretraining.text_cache import TextRules, checked_vocabulary, open_text, open_units
from suwen.pretraining.trainer import PretrainingTrainer
from suwen.runs import Listener, Progress, open_work, silent, versions, working_folder
from suwen.tagging.encode import Featurizer
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.training.checkpoints import last_checkpoint
from suwen.training.device import check_device
from suwen.training.log import Log

__all__ = ["Texts", "given_vocabulary", "identity_of", "opened", "pretrain", "undone_on_error"]

NO_EXCLUSION = Exclusion()


@dataclass(frozen=True)
class Texts:
    """The inputs of a run in addition to its configuration.

    Parameters
    ----------
    paths
        Files and folders of plain text.
    vocabulary
        A ``vocab.txt``; None takes the characters of the texts, or the vocabulary of `base`.
    lexicon
        Files with terms, for entity-level masking.
    exclusion
        Documents to leave out.
    base
        The folder of an encoder to continue from.
    cache
        Where the texts are kept as ids; None keeps them with the unfinished run. With a folder, runs share them.
    """

    paths: tuple[Path, ...]
    vocabulary: Path | None = None
    lexicon: tuple[Path, ...] = ()
    exclusion: Exclusion = NO_EXCLUSION
    base: Path | None = None
    cache: Path | None = None


def pretrain(
    texts: Texts,
    output: StrPath,
    config: PretrainingConfig,
    resume: bool = False,
    device: str = "cpu",
    callbacks: Sequence[TrainerCallback] = (),
    listener: Listener = silent,
) -> dict[str, Any]:
    """Pre-train an encoder and write its folder.

    Parameters
    ----------
    output
        The encoder folder; checkpoints and logs are kept beside it until it is written.
    resume
        Whether to continue the unfinished run of `output`. The weights are those of an uninterrupted run.
    callbacks
        Callbacks of the Trainer.
    listener
        Receives preparations that take long, then about the steps.

    Returns
    -------
    dict[str, Any]
        The manifest, as it is in the folder.

    Raises
    ------
    SuwenError
        S104 when `output` exists, S511 when an unfinished run is there, S507 when there is none to resume, S508 when it
        was made with other texts or another configuration, S505 for an unusable vocabulary, S520 for too little text,
        S406 and S512 for what does not go together, and what reading the texts or `base` raises.
    """
    output = Path(output)
    if output.exists():
        raise SuwenError("S104", output)

    def notes(note: str) -> None:
        listener(Progress("texts", message=note))

    check_device(device, config.optimization.precision)
    process = PartialState(cpu=device == "cpu")
    strategy = strategy_named(config.strategy)
    sources = find_sources(texts.paths, texts.exclusion)
    given = given_vocabulary(texts)
    terms = read_terms(texts.lexicon)
    identity = identity_of(texts, config, [source.hash() for source in sources], given, terms)
    work = working_folder(output, "training")
    checkpoint = opened(process, work, identity, resume)
    started = time.monotonic()
    set_seed(config.seed)
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        rules = TextRules(
            config.data.layout, config.data.held_out, config.data.minimum_count, config.data.vocabulary_size
        )
        with undone_on_error(work, not resume and process.is_main_process), process.main_process_first():
            text = open_text(sources, given, rules, texts.cache or work / "text", notes)
            units = (
                open_units(text, sources, rules, config.data.segmenter, terms, notes)
                if strategy.needs_words
                else np.full(len(text.train), 1 << Level.CHARACTER, np.uint8)
            )
            plan = phases(config.data.lengths, config.data.shares, config.optimization.steps)
            tokens = config.optimization.batch_tokens
            batches = MaskedBatches(
                text,
                units,
                strategy,
                MaskingRules(config.masking.share, config.masking.copies),
                plan,
                tokens,
                config.seed,
                process.num_processes,
            )
            longest = max(plan, key=lambda phase: phase.end - phase.start).length
            held_out = HeldOut(text, longest, config.evaluation.characters, tokens)
            model = (
                new_model(config.model, text.vocabulary, strategy.next_sentence)
                if texts.base is None
                else read_base(texts.base, config.model, strategy.next_sentence)
            )
        log = Log(work)
        watchers = [log, PretrainingProgressCallback(listener), *callbacks] if process.is_main_process else []
        trainer = PretrainingTrainer(model, batches, held_out, config, work, device, watchers)
        history = trainer.run(checkpoint)
        trained: PreTrainedModel = trainer.accelerator.unwrap_model(trainer.model)
        manifest = {
            "name": output.name,
            "strategy": {**asdict(strategy), "stages": [level.name.lower() for level in strategy.stages]},
            "configuration": config.model_dump(mode="json"),
            "base": identity["base encoder"],
            "seed": config.seed,
            "versions": versions("torch", "transformers", "numpy"),
            "texts": text.sources,
            "excluded": texts.exclusion.description,
            "lexicon": [{"name": path.name, "sha256": sha256(path)} for path in texts.lexicon],
            "lexicon_terms": len(terms),
            "vocabulary": {"tokens": len(text.vocabulary), "given": given is not None},
            "training": {
                "steps": trainer.state.global_step,
                "tokens": trainer.tokens_seen(),
                "passes": batches.passes(),
                "repeated_characters": {str(length): packer.repeated for length, packer in batches.packers.items()},
                "parameters": sum(parameter.numel() for parameter in trained.parameters()),
                "seconds": log.seconds_before + time.monotonic() - started,
                "device": device,
                "processes": process.num_processes,
                "threads": torch.get_num_threads(),
            },
            "held_out": {
                "sequence_length": longest,
                "masked_characters": len(held_out.targets),
                "unigram_loss": held_out.unigram_loss(text),
                "loss": next(entry["eval_loss"] for entry in reversed(history) if "eval_loss" in entry),
                "curve": [[entry["step"], entry["eval_loss"]] for entry in history if "eval_loss" in entry],
            },
            "fill_ins": fill_in(trained, text.vocabulary, str(trainer.args.device)),
        }
        process.wait_for_everyone()
        if process.is_main_process:
            _write(output, trained, text.vocabulary, manifest, work)
            shutil.rmtree(work)
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()
    return manifest


def given_vocabulary(texts: Texts) -> CharacterVocabulary | None:
    """Read the vocabulary that was given, or that of the encoder to continue from.

    Raises
    ------
    SuwenError
        S505 for an unusable one, S406 for both.
    """
    if texts.base is not None:
        if texts.vocabulary is not None:
            advice = "leave --vocab out: the encoder's own vocabulary is kept"
            raise SuwenError("S406", first="--from", second="--vocab", advice=advice)
        return checked_vocabulary(read_vocabulary(texts.base), texts.base)
    if texts.vocabulary is None:
        return None
    try:
        return checked_vocabulary(CharacterVocabulary.read(texts.vocabulary), texts.vocabulary)
    except SuwenError as error:
        raise error.at(texts.vocabulary, error.line) from None


def identity_of(
    texts: Texts,
    config: PretrainingConfig | LanguageModelConfig,
    hashes: Sequence[str],
    vocabulary: CharacterVocabulary | None,
    terms: frozenset[str],
) -> dict[str, Any]:
    """Return the values that must not change when a run is resumed."""

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


def opened(process: PartialState, work: Path, identity: dict[str, Any], resume: bool) -> Path | None:
    """Open the working folder in the first process, and find the checkpoint to continue from in each."""
    if process.is_main_process:
        open_work(work, identity, resume)
        # Once here, because it removes half-written ones.
        last_checkpoint(work)
    process.wait_for_everyone()
    return last_checkpoint(work)


@contextmanager
def undone_on_error(work: Path, wanted: bool) -> Iterator[None]:
    """Remove the working folder of a run that could not begin, so that the next run can start."""
    try:
        yield
    except SuwenError:
        if wanted:
            shutil.rmtree(work)
        raise


def _write(
    output: Path, model: PreTrainedModel, vocabulary: CharacterVocabulary, manifest: dict[str, Any], work: Path
) -> None:
    with replacing_folder(output) as folder:
        write_encoder(model, folder)
        vocabulary.write(folder / "vocab.txt")
        write_tokenizer(folder, Featurizer(vocabulary, special_tokens=True))
        shutil.copytree(work / "log", folder / "log")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        manifest["files"] = {path.relative_to(folder).as_posix(): sha256(path) for path in files}
        write_json(folder / "manifest.json", manifest)
