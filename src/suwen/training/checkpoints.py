"""What every resumable run shares: its working folder, its record, and checkpoints that are complete or not there."""

from __future__ import annotations

import math
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from suwen.errors import SuwenError
from suwen.files import read_json, write_json, write_text
from suwen.work import RECORD, check_work, require_same

__all__ = [
    "CheckpointKeeper",
    "check_work",
    "checkpoint_folder",
    "last_checkpoint",
    "open_work",
    "versions",
    "working_folder",
]

COMPLETE = "complete"


def working_folder(output: Path) -> Path:
    """Where checkpoints and logs of an unfinished run are, beside the model folder to be."""
    return output.with_name(f"{output.name}.training")


def open_work(work: Path, identity: dict[str, Any], resume: bool) -> Path | None:
    """Create the working folder, or find the checkpoint to go on from (None: from the beginning).

    Parameters
    ----------
    identity
        What must not change between the parts of a run that was interrupted, as JSON values.

    Raises
    ------
    SuwenError
        As `check_work`; S508 when it was another run.
    """
    check_work(work, resume)
    if not resume:
        write_json(work / RECORD, identity)
        return None
    require_same(work, identity)
    return last_checkpoint(work)


def checkpoint_folder(folder: Path, step: int) -> Path:
    """Where the Trainer writes the checkpoint of a step."""
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
        """Write what else belongs into a checkpoint, before it is marked."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """Refuse to go on with a loss that is not finite."""
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            raise SuwenError("S510", step=state.global_step)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Mark the checkpoint complete once everything is in it."""
        if state.is_world_process_zero:
            checkpoint = checkpoint_folder(Path(args.output_dir), state.global_step)
            self.write_extra(checkpoint)
            write_text(checkpoint / COMPLETE, "")


def versions() -> dict[str, str]:
    """The versions of what a run's figures depend on."""
    return {
        "suwen": version("suwen"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": np.__version__,
    }
