"""Muon for the matrices of recurrent layers, AdamW for everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Muon", "orthogonalized"]

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic Newton-Schulz iteration (Jordan et al. 2024); five steps bring singular values near 1."""
ITERATIONS = 5
ADAM_SIZE = 0.2
"""The root mean square of AdamW's updates. Muon's are scaled to it (Liu et al. 2025), so that one rate fits both."""


class Muon(torch.optim.AdamW):
    """Steps along the orthogonalized momentum of matrices, and AdamW's steps for other parameters.

    Parameters
    ----------
    matrices
        Weights of recurrent layers, ``[gates * hidden, inputs]``; each gate is a matrix of its own.
    others
        All other parameters.
    lr, weight_decay
        For both.
    gates
        Gates of a layer: 4 for LSTMs.
    momentum
        Of the matrices' Nesterov momentum.
    options
        Of AdamW.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        others: Iterable[dict[str, Any]],
        lr: float,
        weight_decay: float = 0.0,
        gates: int = 4,
        momentum: float = 0.95,
        **options: Any,
    ) -> None:
        recurrent = {"params": list(matrices), "gates": gates, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__([recurrent, *others], lr=lr, **options)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step with the gradients that are there."""
        groups = self.param_groups
        for group in groups:
            if "gates" in group:
                self._step_matrices(group)
        # AdamW must not see the matrices.
        self.param_groups = [group for group in groups if "gates" not in group]
        try:
            return super().step(closure)
        finally:
            self.param_groups = groups

    def _step_matrices(self, group: dict[str, Any]) -> None:
        by_shape: dict[tuple[int, ...], list[tuple[nn.Parameter, Tensor]]] = {}
        for parameter in group["params"]:
            if parameter.grad is not None:
                state = self.state[parameter]
                # AdamW asks every parameter for its step when a checkpoint is loaded.
                state.setdefault("step", torch.zeros(()))
                average = state.setdefault("momentum", torch.zeros_like(parameter))
                average.lerp_(parameter.grad, 1 - group["momentum"])
                ahead = parameter.grad.lerp(average, group["momentum"])
                matrices = ahead.view(group["gates"], -1, ahead.shape[1])
                by_shape.setdefault(tuple(matrices.shape), []).append((parameter, matrices))
        for (gates, height, width), rows in by_shape.items():
            updates = orthogonalized(torch.cat([matrices for _, matrices in rows]))
            size = ADAM_SIZE * max(height, width) ** 0.5 * group["lr"]
            for (parameter, _), update in zip(rows, torch.split(updates, gates), strict=True):
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.sub_(update.reshape(parameter.shape), alpha=size)


def orthogonalized(matrices: Tensor) -> Tensor:
    """Bring the singular values of matrices ``[N, height, width]`` near 1, in bf16; returns fp32."""
    first, second, third = COEFFICIENTS
    found = matrices.bfloat16()
    tall = found.shape[1] > found.shape[2]
    if tall:
        found = found.mT
    found = found / (found.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        square = found @ found.mT
        found = first * found + (second * square + third * (square @ square)) @ found
    result: Tensor = (found.mT if tall else found).float()
    return result
