"""The progress bars of training and pre-training runs."""

from __future__ import annotations

from rich.console import Console
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from suwen.cli.output import step_bar

__all__ = ["PretrainingProgress", "TrainingProgress"]

Logs = dict[str, float]


class TrainingProgress(TrainerCallback):  # type: ignore[misc]
    """Shows steps, loss, the dev scores and the time left."""

    def __init__(self, console: Console) -> None:
        self.progress = step_bar(console)
        self.task = self.progress.add_task("steps", loss="")

    def judged(self, done: int, total: int) -> None:
        """Show how much text the teachers have judged, before the first step."""
        self.progress.update(self.task, description="characters judged", total=total, completed=done)
        self.progress.start()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Show the bar."""
        self.progress.reset(self.task, description="steps", total=state.max_steps, completed=state.global_step)
        self.progress.start()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Move the bar."""
        self.progress.update(self.task, completed=state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Logs | None = None,
        **_: object,
    ) -> None:
        """Show the loss, and a line for each evaluation."""
        logs = logs or {}
        if "loss" in logs:
            self.progress.update(self.task, loss=self.loss(logs))
        if "eval_loss" in logs:
            self.progress.console.print(self.evaluation(logs, state), highlight=False)

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Leave the bar as it is."""
        self.progress.stop()

    def loss(self, logs: Logs) -> str:
        """What stands behind the bar."""
        return f"loss {logs['loss']:.4f}"

    def evaluation(self, logs: Logs, state: TrainerState) -> str:
        """The line of an evaluation."""
        return (
            f"epoch {state.epoch:5.2f}  step {state.global_step:6d}  dev loss {logs['eval_loss']:.4f}  "
            f"strict P {logs['eval_precision']:.4f}  R {logs['eval_recall']:.4f}  F1 {logs['eval_f1']:.4f}"
        )


class PretrainingProgress(TrainingProgress):
    """Shows steps, loss, tokens per second, the held-out loss and the time left."""

    def loss(self, logs: Logs) -> str:
        """What stands behind the bar."""
        speed = f"  {logs['tokens_per_second']:,.0f} tokens/s" if "tokens_per_second" in logs else ""
        return f"{super().loss(logs)}{speed}"

    def evaluation(self, logs: Logs, state: TrainerState) -> str:
        """The line of a held-out loss."""
        return f"step {state.global_step:7d}  held-out loss {logs['eval_loss']:.4f}"
