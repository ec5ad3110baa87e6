"""Training a CRF with CRFsuite, observed step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pycrfsuite

__all__ = ["ObservedTrainer"]


class ObservedTrainer(pycrfsuite.Trainer):  # type: ignore[misc]
    """CRFsuite's trainer with L-BFGS, which prints nothing.

    Parameters
    ----------
    parameters
        CRFsuite's parameters by name.
    listener
        Receives the number and the loss of each iteration.
    """

    def __init__(self, parameters: dict[str, Any], listener: Callable[[int, float], None]) -> None:
        super().__init__(algorithm="lbfgs", params=parameters, verbose=False)
        self._listener = listener

    def message(self, message: str) -> None:
        """Parse the messages of CRFsuite."""
        if self.logparser.feed(message) == "iteration":
            last = self.logparser.last_iteration
            self._listener(last["num"], last["loss"])
