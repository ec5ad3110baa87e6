"""The pre-training loop: Hugging Face's Trainer over numbered batches, with held-out loss and exact resumption."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from suwen.pretraining.batches import HeldOut, MaskedBatches
from suwen.pretraining.config import LanguageModelConfig, PretrainingConfig
from suwen.pretraining.language_model import HeldOutStreams, StreamBatches
from suwen.pretraining.muon import Muon
from suwen.training.checkpoints import CheckpointKeeper
from suwen.training.device import place_on
from suwen.training.schedule import EVALUATIONS, Schedule

__all__ = ["PretrainingTrainer"]

LOG_STEPS = 50
RECURRENT = re.compile(r"\.weight_[ih]h_l\d+$")


class PretrainingTrainer(Trainer):  # type: ignore[misc]
    """Trains an encoder on masked batches, or language models on streams.

    Parameters
    ----------
    model
        A BERT of `suwen.pretraining.model`, or a `TrainedLanguageModel`.
    batches
        One item a step and process.
    held_out
        What the held-out loss is taken on.
    config
        The run's configuration.
    folder
        The folder for checkpoints and logs.
    device
        ``cpu`` or ``cuda``.
    callbacks
        Further callbacks, for example a progress bar.
    """

    optimizer: torch.optim.Optimizer | None
    control: TrainerControl

    def __init__(
        self,
        model: nn.Module,
        batches: MaskedBatches | StreamBatches,
        held_out: HeldOut | HeldOutStreams,
        config: PretrainingConfig | LanguageModelConfig,
        folder: Path,
        device: str = "cpu",
        callbacks: Sequence[TrainerCallback] = (),
    ) -> None:
        options = config.optimization
        self.batches, self.held_out, self.config = batches, held_out, config
        self._logged = (0, 0, time.monotonic())
        arguments = TrainingArguments(
            output_dir=str(folder),
            max_steps=options.steps,
            lr_scheduler_type="linear",
            warmup_steps=round(options.warmup * options.steps),
            max_grad_norm=options.max_gradient_norm,
            bf16=options.precision == "bf16",
            fp16=options.precision == "fp16",
            seed=config.seed,
            use_cpu=device == "cpu",
            logging_steps=max(1, min(LOG_STEPS, options.steps // EVALUATIONS)),
            logging_nan_inf_filter=False,
            eval_strategy="no",
            save_strategy="no",
            save_total_limit=2,
            remove_unused_columns=False,
            dataloader_num_workers=config.data.workers,
            report_to=[],
            disable_tqdm=True,
        )
        place_on(arguments, device)
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=batches,
            callbacks=[
                Schedule(config.evaluation.steps or max(1, options.steps // EVALUATIONS)),
                CheckpointKeeper(),
                *callbacks,
            ],
        )
        self.remove_callback(PrinterCallback)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Load the batches in the order of their numbers."""
        loader: DataLoader[Any] = DataLoader(
            self.batches,
            batch_sampler=BatchSampler(range(len(self.batches)), 1, drop_last=False),
            collate_fn=_only,
            num_workers=self.config.data.workers,
            pin_memory=not self.args.use_cpu,
        )
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Create AdamW, or Muon for recurrent layers; biases and norms do not decay."""
        if self.optimizer is None:
            options = self.config.optimization
            parameters = {
                name: parameter
                for name, parameter in (model or self.model).named_parameters()
                if parameter.requires_grad
            }
            recurrent = [p for name, p in parameters.items() if RECURRENT.search(name)] if options.muon else []
            others = [p for name, p in parameters.items() if not (options.muon and RECURRENT.search(name))]
            groups = [
                {"params": [p for p in others if p.ndim >= 2], "weight_decay": options.weight_decay},
                {"params": [p for p in others if p.ndim < 2], "weight_decay": 0.0},
            ]
            rate = options.learning_rate
            adam: dict[str, Any] = {"betas": (0.9, 0.98), "eps": 1e-6, "fused": True}
            self.optimizer = (
                Muon(recurrent, groups, rate, options.weight_decay, **adam)
                if options.muon
                else torch.optim.AdamW(groups, lr=rate, **adam)
            )
        return self.optimizer

    def evaluate(self, *_: object, **__: object) -> dict[str, float]:
        """Take the held-out loss, in nats per predicted character, as ``eval_loss``."""
        begun = time.monotonic()
        metrics = {"eval_loss": self.held_out_loss()}
        # Tokens per second are those of training.
        self._logged = (*self._logged[:2], self._logged[2] + time.monotonic() - begun)
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def held_out_loss(self) -> float:
        """Return the mean loss over the predicted characters of the held-out text."""
        model: nn.Module = self.accelerator.unwrap_model(self.model)
        model.eval()
        total = 0.0
        with torch.inference_mode(), self.compute_loss_context_manager():
            for batch in self.held_out.batches:
                tensors = {name: tensor.to(self.args.device) for name, tensor in batch.items()}
                total += float(model(**tensors)["total"])
        model.train()
        return total / len(self.held_out.targets)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log with the tokens seen so far, and the tokens per second since the last time."""
        if "loss" in logs:
            seen, now = self.tokens_seen(), time.monotonic()
            step, before, then = self._logged
            if step:
                logs["tokens_per_second"] = round((seen - before) / max(now - then, 1e-9))
            logs["tokens"] = seen
            self._logged = (self.state.global_step, seen, now)
        super().log(logs, start_time)

    def tokens_seen(self) -> int:
        """Count the positions that the steps so far have read, on all devices."""
        return self.batches.tokens_until(self.state.global_step)

    def run(self, checkpoint: Path | None) -> list[dict[str, float]]:
        """Train from the beginning or from a checkpoint; return the log, with held-out losses.

        Raises
        ------
        SuwenError
            S510 when the loss is not finite.
        """
        if checkpoint is not None:
            self.state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        if checkpoint is not None and self.state.global_step >= self.state.max_steps:
            # The run was killed between its end and the writing of its encoder.
            self.model.load_state_dict(load_file(checkpoint / "model.safetensors"), strict=False)
        else:
            self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        return list(self.state.log_history)


def _only(batches: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the one batch of a step: its item is a batch already."""
    (batch,) = batches
    return batch
