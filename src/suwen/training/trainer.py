"""The training loop: Hugging Face's Trainer with batches by length, strict scores, and exact resumption."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from suwen.files import replacing
from suwen.models.tagger import Tagger
from suwen.tagging.encode import Example, TaughtExample
from suwen.training.batches import Collator, LengthBatches
from suwen.training.checkpoints import CheckpointKeeper, checkpoint_folder
from suwen.training.config import EvaluationConfig, TrainingConfig
from suwen.training.device import place_on
from suwen.training.schedule import EVALUATIONS, Schedule

__all__ = ["BEST", "TaggerTrainer", "is_better", "stop_reason"]

BEST = "best.safetensors"
AVERAGE = "average.safetensors"
SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}

State = dict[str, Tensor]
Evaluate = Callable[[], dict[str, float]]


class TaggerTrainer(Trainer):  # type: ignore[misc]
    """Trains a tagger on batches by length and keeps the weights of its best evaluation.

    Parameters
    ----------
    tagger
        The tagger; afterwards it holds the weights of the best evaluation.
    examples
        The windows to learn from.
    padding
        See `suwen.training.batches.Collator`.
    evaluate_dev
        Scores the tagger as it is on the dev part and returns ``loss``, ``precision``, ``recall`` and ``f1``; None when
        there is no dev part, and then the last weights are kept.
    config
        The run's configuration.
    folder
        The folder for checkpoints, the best weights and logs.
    device
        ``cpu`` or ``cuda``.
    callbacks
        Further callbacks, for example a progress bar.
    """

    optimizer: torch.optim.Optimizer | None
    control: TrainerControl

    def __init__(
        self,
        tagger: Tagger,
        examples: Sequence[Example | TaughtExample],
        padding: dict[str, int],
        evaluate_dev: Evaluate | None,
        config: TrainingConfig,
        folder: Path,
        device: str = "cpu",
        callbacks: Sequence[TrainerCallback] = (),
    ) -> None:
        options = self.options = config.optimization
        evaluation = self.evaluation = config.evaluation
        lengths = [len(example.inputs["input_ids"]) for example in examples]
        batches = LengthBatches(lengths, options.batch_sentences, options.batch_tokens, config.seed)
        self.batches = batches
        self.evaluate_dev = evaluate_dev
        self.folder = folder
        epochs = max(options.epochs, math.ceil(options.least_steps / len(batches)))
        steps = len(batches) * epochs
        self.average = WeightAverage(tagger, options.average) if options.average else None
        arguments = TrainingArguments(
            output_dir=str(folder),
            num_train_epochs=epochs,
            lr_scheduler_type=SCHEDULES[options.schedule],
            warmup_steps=round(options.warmup * steps),
            max_grad_norm=options.max_gradient_norm,
            bf16=options.precision == "bf16",
            fp16=options.precision == "fp16",
            seed=config.seed,
            use_cpu=device == "cpu",
            logging_steps=max(1, min(50, len(batches) // 10)),
            logging_nan_inf_filter=False,
            eval_strategy="no",
            save_strategy="no",
            save_total_limit=2,
            remove_unused_columns=False,
            report_to=[],
            disable_tqdm=True,
        )
        place_on(arguments, device)
        super().__init__(
            model=tagger,
            args=arguments,
            train_dataset=list(examples),
            data_collator=Collator(padding),
            callbacks=[
                Schedule(evaluation.steps or max(len(batches), steps // EVALUATIONS), evaluate_dev is not None),
                Epochs(batches),
                Stopper(evaluation),
                Keeper(self),
                *callbacks,
            ],
        )
        self.remove_callback(PrinterCallback)

    def create_optimizer(self, model: Tagger | None = None) -> torch.optim.Optimizer:
        """Create AdamW with rates of their own for encoder, head and CRF; biases, norms and the CRF do not decay."""
        if self.optimizer is None:
            tagger: Tagger = model or self.model
            options = self.options
            rates = {"encoder": options.learning_rate, "crf": options.crf_learning_rate}
            groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
            for name, parameter in tagger.named_parameters():
                if parameter.requires_grad:
                    part = name.partition(".")[0]
                    decay = 0.0 if part == "crf" or parameter.ndim < 2 else options.weight_decay
                    rate = rates.get(part, options.head_learning_rate)
                    groups.setdefault((rate, decay), []).append(parameter)
            self.optimizer = torch.optim.AdamW(
                [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()],
                fused=True,
            )
        return self.optimizer

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Load the chosen batches."""
        loader: DataLoader[Any] = DataLoader(
            self.train_dataset, batch_sampler=self.batches, collate_fn=self.data_collator
        )
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def evaluate(self, *_: object, **__: object) -> dict[str, float]:
        """Score the dev part, with the averaged weights if there are any, and keep weights that are the best."""
        assert self.evaluate_dev is not None
        model: nn.Module = self.accelerator.unwrap_model(self.model)
        current = self.average.load_into(model) if self.average else None
        try:
            metrics = {f"eval_{name}": value for name, value in self.evaluate_dev().items()}
            if is_better(metrics, self.state):
                self.state.best_metric = metrics["eval_f1"]
                self.state.best_global_step = self.state.global_step
                self.write_weights()
        finally:
            if current is not None:
                model.load_state_dict(current)
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def write_weights(self) -> None:
        """Write the model's weights as the best ones so far, completely or not at all."""
        if self.is_world_process_zero():
            model: nn.Module = self.accelerator.unwrap_model(self.model)
            with replacing(self.folder / BEST) as temporary:
                save_file({name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}, temporary)

    def run(self, checkpoint: Path | None) -> list[dict[str, float]]:
        """Train from the beginning or from a checkpoint; return the log, with evaluations.

        Raises
        ------
        SuwenError
            S510 when the loss is not finite.
        """
        finished = False
        if checkpoint is not None:
            self.state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
            history = self.state.log_history
            # A run that was killed between its end and the writing of its model must not train on.
            finished = self.state.global_step >= self.state.max_steps or bool(stop_reason(history, self.evaluation))
        if not finished:
            self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        model: nn.Module = self.accelerator.unwrap_model(self.model)
        if self.evaluate_dev is None:
            if finished:
                assert checkpoint is not None
                model.load_state_dict(load_file(checkpoint / "model.safetensors"))
                if self.average:
                    self.average.read(checkpoint)
            if self.average:
                self.average.load_into(model)
            self.write_weights()
        model.load_state_dict(load_file(self.folder / BEST))
        history = self.state.log_history
        return list(history)


class Epochs(TrainerCallback):  # type: ignore[misc]
    """Sets the epoch of the batches, also after a resumption in the middle of one."""

    def __init__(self, batches: LengthBatches) -> None:
        self.batches = batches

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Count the epoch from the steps."""
        self.batches.set_epoch(state.global_step // len(self.batches))


class Stopper(TrainerCallback):  # type: ignore[misc]
    """Stops early, by the scores of the dev part."""

    def __init__(self, config: EvaluationConfig) -> None:
        self.config = config

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Look at the evaluations so far."""
        if stop_reason(state.log_history, self.config):
            control.should_training_stop = True


class Keeper(CheckpointKeeper):
    """Keeps the weights' average too, during the run and in its checkpoints."""

    def __init__(self, trainer: TaggerTrainer) -> None:
        self.trainer = trainer

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Take the average up where the checkpoint left it."""
        if self.trainer.average and state.global_step:
            self.trainer.average.read(checkpoint_folder(Path(args.output_dir), state.global_step))

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Move the average towards the new weights."""
        if self.trainer.average:
            self.trainer.average.update(state.global_step + 1)

    def write_extra(self, checkpoint: Path) -> None:
        """Write the average."""
        if self.trainer.average:
            self.trainer.average.write(checkpoint)


class WeightAverage:
    """An exponential moving average of a model's weights (Polyak and Juditsky, 1992, with exponential weights).

    The decay rises from 0 to `decay` over the first steps, so that the random start is soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.live = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
        self.averaged = [parameter.detach().clone() for parameter in self.live]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the current weights."""
        decay = min(self.decay, (1 + step) / (10 + step))
        if self.averaged and self.averaged[0].device != self.live[0].device:
            self.averaged = [average.to(self.live[0].device) for average in self.averaged]
        torch._foreach_lerp_(self.averaged, [parameter.detach() for parameter in self.live], 1 - decay)

    def load_into(self, model: nn.Module) -> State:
        """Load the average into the model; return the model's state before."""
        current = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        model.load_state_dict(dict(zip(self.names, self.averaged, strict=True)), strict=False)
        return current

    def write(self, folder: Path) -> None:
        """Write the average into a checkpoint."""
        tensors = {name: tensor.cpu() for name, tensor in zip(self.names, self.averaged, strict=True)}
        with replacing(folder / AVERAGE) as temporary:
            save_file(tensors, temporary)

    def read(self, folder: Path) -> None:
        """Take the average from a checkpoint."""
        tensors = load_file(folder / AVERAGE)
        self.averaged = [tensors[name].to(live.device) for name, live in zip(self.names, self.live, strict=True)]


def is_better(metrics: Mapping[str, float], state: TrainerState) -> bool:
    """Return whether an evaluation is better than the best so far: a higher F1, or the same with a lower loss.

    The loss decides mainly as long as no entity is found; otherwise the first evaluation would be kept.
    """
    if state.best_metric is None or metrics["eval_f1"] != state.best_metric:
        return state.best_metric is None or metrics["eval_f1"] > state.best_metric
    losses = [
        entry["eval_loss"]
        for entry in state.log_history
        if entry["step"] == state.best_global_step and "eval_loss" in entry
    ]
    return metrics["eval_loss"] < float(losses[-1])


def stop_reason(history: Sequence[dict[str, float]], config: EvaluationConfig) -> str | None:
    """Return why a run with these evaluations ends, or None when it continues.

    ``loss``: for `patience` evaluations in a row the dev loss was higher than at the one before. ``f1``: for `patience`
    evaluations in a row there was no new best F1.
    """
    evaluations = [entry for entry in history if "eval_f1" in entry]
    if config.stop == "loss":
        losses = [entry["eval_loss"] for entry in evaluations]
        rises = [later > earlier for earlier, later in pairwise(losses)]
        if len(rises) >= config.patience and all(rises[-config.patience :]):
            return f"the dev loss rose {config.patience} times in a row"
    if config.stop == "f1":
        scores = [entry["eval_f1"] for entry in evaluations]
        # As long as nothing at all is found, there is nothing to compare.
        if scores and max(scores) > 0 and len(scores) - 1 - scores.index(max(scores)) >= config.patience:
            return f"no better dev F1 in {config.patience} evaluations"
    return None
