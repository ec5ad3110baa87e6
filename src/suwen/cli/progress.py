"""The progress bar of a training run."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

__all__ = ["PretrainingProgress", "TrainingProgress"]


class TrainingProgress(TrainerCallback):  # type: ignore[misc]
    """Shows steps, loss, the dev scores and the time left."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
            console=console,
        )
        self.task = self.progress.add_task("steps", loss="")

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Show the bar."""
        self.progress.update(self.task, total=state.max_steps, completed=state.global_step)
        self.progress.start()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Move the bar."""
        self.progress.update(self.task, completed=state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """Show the loss, and a line for each evaluation."""
        logs = logs or {}
        if "loss" in logs:
            self.progress.update(self.task, loss=f"loss {logs['loss']:.4f}")
        if "eval_f1" in logs:
            self.progress.console.print(
                f"epoch {state.epoch:5.2f}  step {state.global_step:6d}  dev loss {logs['eval_loss']:.4f}  "
                f"strict P {logs['eval_precision']:.4f}  R {logs['eval_recall']:.4f}  F1 {logs['eval_f1']:.4f}",
                highlight=False,
            )

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Leave the bar as it is."""
        self.progress.stop()


class PretrainingProgress(TrainingProgress):
    """Shows steps, loss, tokens per second, the held-out loss and the time left."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """Show loss and speed, and a line for each held-out loss."""
        logs = logs or {}
        if "loss" in logs:
            speed = f"  {logs['tokens_per_second']:,.0f} tokens/s" if "tokens_per_second" in logs else ""
            self.progress.update(self.task, loss=f"loss {logs['loss']:.4f}{speed}")
        if "eval_loss" in logs:
            self.progress.console.print(
                f"step {state.global_step:7d}  held-out loss {logs['eval_loss']:.4f}", highlight=False
            )
