"""One pre-training run from plain text to an encoder folder, resumable at any point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from transformers import PreTrainedModel, TrainerCallback, set_seed

from suwen.files import StrPath, require_new, sha256
from suwen.models.pretrained import quiet
from suwen.pretraining.batches import HeldOut, MaskedBatches, MaskingRules, phases
from suwen.pretraining.config import PretrainingConfig
from suwen.pretraining.fill_in import fill_in
from suwen.pretraining.model import new_model, read_base, write_encoder
from suwen.pretraining.runs import PretrainingRun, losses, open_run
from suwen.pretraining.strategies import Level, Strategy, strategy_named
from suwen.pretraining.text_cache import TextCache, open_units
from suwen.pretraining.texts import Texts
from suwen.pretraining.trainer import PretrainingTrainer
from suwen.runs import Listener, silent
from suwen.tagging.encode import Featurizer
from suwen.tagging.tokenizer import write_tokenizer
from suwen.training.device import check_device
from suwen.training.log import Log

__all__ = ["pretrain"]


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
    require_new(output)
    check_device(device, config.optimization.precision)
    process = PartialState(cpu=device == "cpu")
    strategy = strategy_named(config.strategy)
    run = open_run(texts, output, config, process, resume, listener)
    set_seed(config.seed)
    with quiet():
        with run.undone_on_error(), process.main_process_first():
            text = run.open_text()
            batches, held_out = _batches(run, config, strategy, text)
            model = (
                new_model(config.model, text.vocabulary, strategy.next_sentence)
                if texts.base is None
                else read_base(texts.base, config.model, strategy.next_sentence)
            )
        log = Log(run.work)
        trainer_callbacks = run.trainer_callbacks(log, callbacks)
        trainer = PretrainingTrainer(model, batches, held_out, config, run.work, device, trainer_callbacks)
        history = trainer.run(run.checkpoint)
        trained: PreTrainedModel = trainer.accelerator.unwrap_model(trainer.model)
        manifest = {
            **run.description(text),
            "strategy": {**asdict(strategy), "stages": [level.name.lower() for level in strategy.stages]},
            "lexicon": [{"name": path.name, "sha256": sha256(path)} for path in texts.lexicon],
            "lexicon_terms": len(run.terms),
            "training": {
                "steps": trainer.state.global_step,
                "tokens": trainer.tokens_seen(),
                "passes": batches.passes(),
                "repeated_characters": {str(length): packer.repeated for length, packer in batches.packers.items()},
                "parameters": sum(parameter.numel() for parameter in trained.parameters()),
                "seconds": run.seconds(log),
                "device": device,
                "processes": process.num_processes,
                "threads": torch.get_num_threads(),
            },
            "held_out": {
                "sequence_length": batches.main_length,
                "masked_characters": len(held_out.targets),
                "unigram_loss": held_out.unigram_loss(text),
                **losses(history),
            },
            "fill_ins": fill_in(trained, text.vocabulary, str(trainer.args.device)),
        }
        process.wait_for_everyone()
        if process.is_main_process:

            def write_model(folder: Path) -> None:
                write_encoder(trained, folder)
                write_tokenizer(folder, Featurizer(text.vocabulary, special_tokens=True))

            run.finish(text.vocabulary, manifest, write_model)
    return manifest


def _batches(
    run: PretrainingRun, config: PretrainingConfig, strategy: Strategy, text: TextCache
) -> tuple[MaskedBatches, HeldOut]:
    """Return the batches to learn from, and those of the held-out loss."""
    units = (
        open_units(text, run.sources, run.rules, config.data.segmenter, run.terms, run.note)
        if strategy.needs_words
        else np.full(len(text.train), 1 << Level.CHARACTER, np.uint8)
    )
    plan = phases(config.data.lengths, config.data.shares, config.optimization.steps)
    rules = MaskingRules(config.masking.share, config.masking.copies)
    tokens, processes = config.optimization.batch_tokens, run.process.num_processes
    batches = MaskedBatches(text, units, strategy, rules, plan, tokens, config.seed, processes)
    return batches, HeldOut(text, batches.main_length, config.evaluation.characters, tokens)
