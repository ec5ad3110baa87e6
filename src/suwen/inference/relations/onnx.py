"""A pair scorer on ONNX Runtime: it runs graphs of ``suwen export``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suwen.inference.onnx import OnnxScorer
from suwen.inference.relations.inputs import Inputs

__all__ = ["OnnxPairScorer"]

BLOCK = 4096
"""Pairs in one call."""


class OnnxPairScorer:
    """Scores pairs with the graph of a relation model; several threads may use it at once.

    Parameters
    ----------
    graph
        The file, or its bytes.
    block
        Pairs in one call; it does not change the result.

    Raises
    ------
    SuwenError
        As `OnnxScorer`.
    """

    def __init__(self, graph: Path | bytes, block: int = BLOCK) -> None:
        self._scorer = OnnxScorer(graph)
        self._block = block

    def logits(self, inputs: Inputs, second: bool) -> NDArray[np.float32]:
        """Score candidates with the first or the second stage, float32 ``[P]``."""
        blocks = (inputs[start : start + self._block] for start in range(0, len(inputs), self._block))
        found = [self._scorer.run({"inputs": block, "second": np.array(second)})[0] for block in blocks]
        return np.concatenate([np.zeros(0, np.float32), *found])
