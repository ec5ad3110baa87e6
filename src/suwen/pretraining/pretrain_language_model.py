"""One run from plain text to a folder of character language models, resumable at any point."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from transformers import TrainerCallback, set_seed

from suwen.errors import SuwenError
from suwen.files import StrPath, require_new
from suwen.models.language_model import LanguageModel, read_frozen_with_vocabulary
from suwen.models.pretrained import quiet
from suwen.pretraining.config import LanguageModelConfig
from suwen.pretraining.language_model import (
    HeldOutStreams,
    StreamBatches,
    TrainedLanguageModel,
    write_language_model,
)
from suwen.pretraining.runs import losses, open_run
from suwen.pretraining.texts import Texts
from suwen.pretraining.trainer import PretrainingTrainer
from suwen.runs import Listener, silent
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
    require_new(output)
    check_device(device, config.optimization.precision)
    process = PartialState(cpu=device == "cpu")
    if process.num_processes > 1:
        reason = "character language models are trained in one process"
        raise SuwenError("S512", device=f"{process.num_processes} processes", reason=reason)
    run = open_run(texts, output, config, process, resume, listener)
    set_seed(config.seed)
    data, tokens = config.data, config.optimization.batch_tokens
    rows = tokens // data.length
    with run.undone_on_error():
        text = run.open_text()
        batches = StreamBatches(text, rows, data.length, config.optimization.steps, data.fresh, config.seed)
        held_out = HeldOutStreams(text, config.evaluation.characters, tokens)
        size = config.model
        kept = LanguageModel(len(text.vocabulary), size.embedding, size.hidden, size.layers)
        if texts.base is not None:
            # The softmax layers are not part of the folder: they start from random weights.
            kept.load_state_dict(read_frozen_with_vocabulary(texts.base)[0].state_dict())
    counts = np.bincount(text.train, minlength=len(text.vocabulary))
    model = TrainedLanguageModel(kept, counts, rows, size.dropout)
    log = Log(run.work)
    trainer_callbacks = run.trainer_callbacks(log, callbacks)
    with quiet():
        trainer = PretrainingTrainer(model, batches, held_out, config, run.work, device, trainer_callbacks)
        history = trainer.run(run.checkpoint)
    manifest = {
        **run.description(text),
        "training": {
            "steps": trainer.state.global_step,
            "tokens": trainer.tokens_seen(),
            "passes": batches.passes(),
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "kept_parameters": sum(parameter.numel() for parameter in kept.parameters()),
            "seconds": run.seconds(log),
            "device": device,
            "threads": torch.get_num_threads(),
        },
        "held_out": {
            "characters": len(held_out.targets),
            "unigram_loss": held_out.unigram_loss(text),
            **losses(history),
        },
    }
    run.finish(text.vocabulary, manifest, lambda folder: write_language_model(kept, folder))
    return manifest
