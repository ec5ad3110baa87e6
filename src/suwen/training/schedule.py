"""Schedule the evaluations and checkpoints of a training run."""

from __future__ import annotations

import time

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

__all__ = ["EVALUATIONS", "Schedule"]

EVALUATIONS = 20
"""Maximum number of evaluations of a run that does not set their interval."""
SECONDS_BETWEEN_CHECKPOINTS = 120.0


class Schedule(TrainerCallback):  # type: ignore[misc]
    """Decides when to evaluate and when to write a checkpoint.

    Evaluation and checkpoint follow a step, never the end of an epoch: both then happen in one go, and a run that is
    killed between them repeats both.

    Parameters
    ----------
    every
        Steps between evaluations; there is one after the last step too.
    evaluates
        Whether there is anything to evaluate on.
    """

    def __init__(self, every: int, evaluates: bool = True) -> None:
        self.every = every
        self.evaluates = evaluates
        self.saved = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Ask for an evaluation or a checkpoint."""
        if state.global_step >= state.max_steps or state.global_step % self.every == 0:
            control.should_evaluate = self.evaluates
            control.should_log = control.should_save = True
        # One process alone must not save: the others would not wait for it.
        if args.world_size == 1 and time.monotonic() - self.saved > SECONDS_BETWEEN_CHECKPOINTS:
            control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Start counting the time to the next checkpoint."""
        self.saved = time.monotonic()
