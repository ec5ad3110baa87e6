"""A scorer that runs a tagger in torch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from suwen.models.tagger import Tagger
from suwen.tagging.encode import Arrays

__all__ = ["TorchScorer"]


class TorchScorer:
    """Computes emissions with a tagger on a device.

    Parameters
    ----------
    tagger
        The tagger; it is run without dropout and left in the mode it was in.
    device
        ``cpu``, ``cuda``, ``cuda:1`` …
    """

    def __init__(self, tagger: Tagger, device: str = "cpu") -> None:
        self.tagger = tagger.to(device)
        self.device = device

    def emissions(self, inputs: Arrays) -> NDArray[np.float32]:
        """Score a batch: arrays ``[B, T]`` by name, ``attention_mask`` among them, to fp32 ``[B, T, K]``."""
        mode = self.tagger.training
        self.tagger.eval()
        try:
            with torch.inference_mode():
                tensors = {name: torch.from_numpy(array).to(self.device).long() for name, array in inputs.items()}
                scores = self.tagger.emissions(**tensors)
        finally:
            self.tagger.train(mode)
        array: NDArray[np.float32] = scores.cpu().numpy()
        return array
