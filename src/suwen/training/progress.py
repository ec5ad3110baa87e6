"""The Trainer's progress, as any run reports it."""

from __future__ import annotations

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from suwen.runs import Listener, Progress

__all__ = ["ProgressCallback"]

Logs = dict[str, float]


class ProgressCallback(TrainerCallback):  # type: ignore[misc]
    """Reports steps, loss and the dev scores.

    Parameters
    ----------
    listener
        Receives each step and evaluation.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Report the first step."""
        self._report(state)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Report a step."""
        self._report(state)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Logs | None = None,
        **_: object,
    ) -> None:
        """Report the loss, and a line for each evaluation."""
        logs = logs or {}
        if "loss" in logs:
            self._report(state, detail=self.loss(logs))
        if "eval_loss" in logs:
            self._report(state, message=self.evaluation(logs, state))

    def _report(self, state: TrainerState, detail: str = "", message: str = "") -> None:
        self._listener(Progress("steps", state.global_step, state.max_steps, detail, message))

    def loss(self, logs: Logs) -> str:
        """Return the text beside the bar."""
        return f"loss {logs['loss']:.4f}"

    def evaluation(self, logs: Logs, state: TrainerState) -> str:
        """Return the line of an evaluation."""
        return (
            f"epoch {state.epoch:5.2f}  step {state.global_step:6d}  dev loss {logs['eval_loss']:.4f}  "
            f"strict P {logs['eval_precision']:.4f}  R {logs['eval_recall']:.4f}  F1 {logs['eval_f1']:.4f}"
        )
