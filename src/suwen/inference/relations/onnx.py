"""A pair scorer on ONNX Runtime: it runs what ``suwen export`` wrote, without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suwen.inference.onnx import OnnxScorer
from suwen.inference.relations.inputs import NetworkArrays

__all__ = ["OnnxPairScorer"]


class OnnxPairScorer:
    """Scores pairs with the graph of a relation network; several threads may use it at once.

    Parameters
    ----------
    graph
        The file, or its bytes.
    device
        ``cpu``, ``cuda``, ``cuda:1`` …

    Raises
    ------
    SuwenError
        As `OnnxScorer`.
    """

    def __init__(self, graph: Path | bytes, device: str = "cpu") -> None:
        self._scorer = OnnxScorer(graph, device)

    def logits(self, inputs: NetworkArrays) -> NDArray[np.float32]:
        """Score the pairs of `suwen.inference.relations.inputs.network_arrays`, float32 ``[P]``."""
        return self._scorer.run(inputs)[0]
