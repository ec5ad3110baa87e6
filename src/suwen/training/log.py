"""The log of a run: TensorBoard events and JSON lines."""

from __future__ import annotations

import json
import time
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

__all__ = ["Log"]


class Log(TrainerCallback):  # type: ignore[misc]
    """Writes every logged value to ``log/`` for TensorBoard, and to ``log/log.jsonl``.

    Parameters
    ----------
    work
        The run's working folder.
    """

    def __init__(self, work: Path) -> None:
        self.folder = work / "log"
        self.folder.mkdir(exist_ok=True)
        self.lines = self.folder / "log.jsonl"
        rows = [json.loads(line) for line in self._whole_lines()]
        self.seconds_before = rows[-1]["seconds"] if rows else 0.0
        """Seconds that the run had taken when it was interrupted."""
        self.started = time.monotonic()
        self.writer: SummaryWriter | None = None

    def _whole_lines(self) -> list[str]:
        """Return the lines so far, without one that a kill cut in two."""
        if not self.lines.is_file():
            return []
        return self.lines.read_text(encoding="utf-8").split("\n")[:-1]

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Remove log entries after the checkpoint that the run continues from."""
        kept = [line for line in self._whole_lines() if json.loads(line)["step"] <= state.global_step]
        self.lines.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        self.writer = SummaryWriter(str(self.folder), purge_step=state.global_step + 1)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """Write one row."""
        assert self.writer is not None
        values = {name: value for name, value in (logs or {}).items() if isinstance(value, int | float)}
        for name, value in values.items():
            group = "dev" if name.startswith("eval_") else "train"
            self.writer.add_scalar(f"{group}/{name.removeprefix('eval_')}", value, state.global_step)
        seconds = round(self.seconds_before + time.monotonic() - self.started, 3)
        with self.lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": state.global_step, "seconds": seconds, **values}) + "\n")

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Flush and close."""
        if self.writer is not None:
            self.writer.close()
