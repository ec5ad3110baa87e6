"""Checkpoints of the Trainer that are complete or not there."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from suwen.errors import SuwenError
from suwen.files import read_json, write_text

__all__ = ["CheckpointKeeper", "checkpoint_folder", "last_checkpoint"]

COMPLETE = "complete"


def checkpoint_folder(folder: Path, step: int) -> Path:
    """Return the folder where the Trainer writes the checkpoint of a step."""
    return folder / f"checkpoint-{step}"


def last_checkpoint(folder: Path) -> Path | None:
    """Find the latest complete checkpoint and remove half-written ones."""
    complete: list[tuple[int, Path]] = []
    for path in folder.glob("checkpoint-*"):
        if (path / COMPLETE).is_file():
            complete.append((read_json(path / "trainer_state.json")["global_step"], path))
        else:
            shutil.rmtree(path)
    return max(complete)[1] if complete else None


class CheckpointKeeper(TrainerCallback):  # type: ignore[misc]
    """Marks complete checkpoints, and ends a run whose loss is not finite."""

    def write_extra(self, checkpoint: Path) -> None:
        """Write the other files of a checkpoint, before it is marked."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """Refuse to continue with a loss that is not finite."""
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            raise SuwenError("S510", step=state.global_step)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Mark the checkpoint complete once everything is in it."""
        if state.is_world_process_zero:
            checkpoint = checkpoint_folder(Path(args.output_dir), state.global_step)
            self.write_extra(checkpoint)
            write_text(checkpoint / COMPLETE, "")
