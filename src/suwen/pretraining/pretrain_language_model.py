"""One run from plain text to a folder of character language models, resumable at any point."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from transformers import TrainerCallback, set_seed
from transformers.utils import logging

from suwen.errors import SuwenError
from suwen.files import StrPath, replacing_folder, sha256, write_json
from suwen.models.language_model import LanguageModel, read_frozen
from suwen.pretraining.config import LanguageModelConfig
from suwen.pretraining.language_model import (
    HeldOutStreams,
    StreamBatches,
    TrainedLanguageModel,
    write_language_model,
)
from suwen.pretraining.passages import find_sources
from suwen.pretraining.pretrain import Texts, given_vocabulary, identity_of, opened, undone_on_error
from suwen.pretraining.progress import PretrainingProgressCallback
from suwen.pretraining.text_cache import TextRules, open_text
from suwen.pretraining.trainer import PretrainingTrainer
from suwen.runs import Listener, Progress, silent, versions, working_folder
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.training.device import check_device
from suwen.training.log import Log

__all__ = ["pretrain_language_model"]


def pretrain_language_model(
    texts: Texts,
    output: StrPath,
    config: LanguageModelConfig,
    resume: bool = False,
    device: str = "cpu",
    callbacks: Sequence[TrainerCallback] = (),
    listener: Listener = silent,
) -> dict[str, Any]:
    """Pre-train a forward and a backward character language model and write their folder.

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
        As `suwen.pretraining.pretrain.pretrain`; S512 in more than one process, where the states of the streams are not
        kept.
    """
    output = Path(output)
    if output.exists():
        raise SuwenError("S104", output)

    def notes(note: str) -> None:
        listener(Progress("texts", message=note))

    check_device(device, config.optimization.precision)
    process = PartialState(cpu=device == "cpu")
    if process.num_processes > 1:
        reason = "character language models are trained in one process"
        raise SuwenError("S512", device=f"{process.num_processes} processes", reason=reason)
    sources = find_sources(texts.paths, texts.exclusion)
    given = given_vocabulary(texts)
    identity = identity_of(texts, config, [source.hash() for source in sources], given, frozenset())
    work = working_folder(output, "training")
    checkpoint = opened(process, work, identity, resume)
    started = time.monotonic()
    set_seed(config.seed)
    logging.disable_progress_bar()
    data, tokens = config.data, config.optimization.batch_tokens
    rows = tokens // data.length
    with undone_on_error(work, not resume):
        rules = TextRules(data.layout, data.held_out, data.minimum_count, data.vocabulary_size)
        text = open_text(sources, given, rules, texts.cache or work / "text", notes)
        batches = StreamBatches(text, rows, data.length, config.optimization.steps, data.fresh, config.seed)
        held_out = HeldOutStreams(text, config.evaluation.characters, tokens)
    size = config.model
    counts = np.bincount(text.train, minlength=len(text.vocabulary))
    kept = LanguageModel(len(text.vocabulary), size.embedding, size.hidden, size.layers)
    if texts.base is not None:
        # The softmax layers are not part of the folder: they start from random weights.
        kept.load_state_dict(read_frozen(texts.base).state_dict())
    model = TrainedLanguageModel(kept, counts, rows, size.dropout)
    log = Log(work)
    watchers = [log, PretrainingProgressCallback(listener), *callbacks]
    trainer = PretrainingTrainer(model, batches, held_out, config, work, device, watchers)
    try:
        history = trainer.run(checkpoint)
    finally:
        logging.enable_progress_bar()
    manifest = {
        "name": output.name,
        "configuration": config.model_dump(mode="json"),
        "seed": config.seed,
        "base": identity["base encoder"],
        "versions": versions("torch", "transformers", "numpy"),
        "texts": text.sources,
        "excluded": texts.exclusion.description,
        "vocabulary": {"tokens": len(text.vocabulary), "given": given is not None},
        "training": {
            "steps": trainer.state.global_step,
            "tokens": trainer.tokens_seen(),
            "passes": batches.passes(),
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "kept_parameters": sum(parameter.numel() for parameter in model.model.parameters()),
            "seconds": log.seconds_before + time.monotonic() - started,
            "device": device,
            "threads": torch.get_num_threads(),
        },
        "held_out": {
            "characters": len(held_out.targets),
            "unigram_loss": held_out.unigram_loss(text),
            "loss": next(entry["eval_loss"] for entry in reversed(history) if "eval_loss" in entry),
            "curve": [[entry["step"], entry["eval_loss"]] for entry in history if "eval_loss" in entry],
        },
    }
    _write(output, model.model, text.vocabulary, manifest, work)
    shutil.rmtree(work)
    return manifest


def _write(
    output: Path, model: LanguageModel, vocabulary: CharacterVocabulary, manifest: dict[str, Any], work: Path
) -> None:
    with replacing_folder(output) as folder:
        write_language_model(model, folder)
        vocabulary.write(folder / "vocab.txt")
        shutil.copytree(work / "log", folder / "log")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        manifest["files"] = {path.relative_to(folder).as_posix(): sha256(path) for path in files}
        write_json(folder / "manifest.json", manifest)
