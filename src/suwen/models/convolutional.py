"""Dilated convolutions whose output does not depend on padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["DILATIONS", "DilatedConvolutions"]

DILATIONS = (1, 2, 4, 8)
"""Dilations of the layers of a block, which reads 15 characters on either side."""

KERNEL = 3


class DilatedConvolutions(nn.Module):
    """Blocks of dilated convolutions (Strubell et al. 2017, ID-CNN), with gates and residual connections.

    Parameters
    ----------
    width
        Input features.
    hidden
        Features of the output.
    blocks
        Number of blocks, each with the dilations `DILATIONS`. Unlike the paper's, they do not share weights.
    dropout
        Dropout probability between blocks.
    """

    def __init__(self, width: int, hidden: int, blocks: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.width = hidden
        self.projection = nn.Linear(width, hidden)
        self.layers = nn.ModuleList(
            nn.Conv1d(hidden, 2 * hidden, KERNEL, padding=dilation, dilation=dilation)
            for _ in range(blocks)
            for dilation in DILATIONS
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in self.layers)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Run all layers.

        Parameters
        ----------
        inputs
            ``[B, T, width]``, left-aligned.
        lengths
            ``[B]``, the number of positions that are not padding.

        Returns
        -------
        Tensor
            ``[B, T, hidden]``; padded positions are 0.
        """
        inside = (torch.arange(inputs.shape[1], device=inputs.device) < lengths[:, None])[..., None]
        hidden: Tensor = self.projection(inputs) * inside
        for i, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            if i and i % len(DILATIONS) == 0:
                hidden = self.dropout(hidden)
            content, gate = layer(norm(hidden).mul(inside).transpose(1, 2)).transpose(1, 2).chunk(2, dim=2)
            hidden = (hidden + content * gate.sigmoid()) * inside
        return hidden
