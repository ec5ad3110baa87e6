"""The progress of a pre-training run."""

from __future__ import annotations

from transformers import TrainerState

from suwen.training.progress import Logs, ProgressCallback

__all__ = ["PretrainingProgressCallback"]


class PretrainingProgressCallback(ProgressCallback):
    """Reports steps, loss, tokens per second and the held-out loss."""

    def loss(self, logs: Logs) -> str:
        """Return the text beside the bar."""
        speed = f"  {logs['tokens_per_second']:,.0f} tokens/s" if "tokens_per_second" in logs else ""
        return f"{super().loss(logs)}{speed}"

    def evaluation(self, logs: Logs, state: TrainerState) -> str:
        """Return the line of a held-out loss."""
        return f"step {state.global_step:7d}  held-out loss {logs['eval_loss']:.4f}"
