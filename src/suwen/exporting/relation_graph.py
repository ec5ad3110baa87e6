"""A relation network as an ONNX graph: the arrays of documents in, logits of pairs out."""

from __future__ import annotations

import copy

import onnx
import torch
from torch import Tensor, nn

from suwen.exporting.graph import OPSET, anonymous, quiet
from suwen.inference.relations.features import BUCKETS
from suwen.models.relations import FeatureSum, RelationNetwork

__all__ = ["LOGITS", "relation_graph"]

LOGITS = "logits"

AXES = {
    "characters": "characters",
    "tags": "characters",
    "inside": "characters",
    "starts": "mentions",
    "ends": "mentions",
    "types": "mentions",
    "mention_inside": "mentions",
    "relations": "pairs",
    "heads": "pairs",
    "tails": "pairs",
    "features": "pairs",
    "rows": "pairs",
    "columns": "pairs",
}
"""The inputs, and what their first axis counts."""

SIZES = {"characters": 23, "mentions": 7, "pairs": 5}
"""Of the example that the exporter traces."""


def relation_graph(network: RelationNetwork, features: int) -> onnx.ModelProto:
    """Export a network.

    Parameters
    ----------
    network
        Any network; it is left as it is.
    features
        How many structural features there are, whether the network reads them or not.

    Returns
    -------
    A graph that reads the arrays of `suwen.inference.relations.inputs.network_arrays`; its output ``logits`` is float32
    ``[pairs]``. It carries no trace of the machine that it was made on.
    """
    example: dict[str, Tensor] = {name: torch.zeros(SIZES[axis], dtype=torch.int64) for name, axis in AXES.items()}
    for name in ("inside", "mention_inside"):
        example[name] = torch.ones(SIZES[AXES[name]], 1)
    example["features"] = torch.zeros(SIZES["pairs"], features, dtype=torch.int64)
    example["starts"], example["ends"] = example["starts"] + 1, example["ends"] + 2
    # The exporter takes 0 and 1 for sizes that never change; two numbers that agree it takes for the same size.
    axes = {axis: torch.export.Dim(axis, min=2) for axis in SIZES}
    with quiet():
        program = torch.onnx.export(
            _Exported(copy.deepcopy(network)).eval(),
            (),
            kwargs=example,
            dynamic_shapes={name: {0: axes[axis]} for name, axis in AXES.items()},
            output_names=[LOGITS],
            opset_version=OPSET,
            external_data=False,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    anonymous(model)
    onnx.checker.check_model(model)
    return model


class _Exported(nn.Module):
    """The part of a network that becomes the graph."""

    def __init__(self, network: RelationNetwork) -> None:
        super().__init__()
        self.network = network
        if network.features is not None:
            network.features = _FeatureProduct(network.features)  # type: ignore[assignment]

    def forward(
        self,
        characters: Tensor,
        tags: Tensor,
        inside: Tensor,
        starts: Tensor,
        ends: Tensor,
        types: Tensor,
        mention_inside: Tensor,
        relations: Tensor,
        heads: Tensor,
        tails: Tensor,
        features: Tensor,
        rows: Tensor,
        columns: Tensor,
    ) -> Tensor:
        """Return the final logits."""
        logits = self.network.logits(
            characters,
            tags,
            inside,
            starts,
            ends,
            types,
            mention_inside,
            relations,
            heads,
            tails,
            features,
            rows,
            columns,
        )
        return logits[-1]


class _FeatureProduct(nn.Module):
    """The sum of feature vectors as one product, which needs no array of all vectors."""

    def __init__(self, features: FeatureSum) -> None:
        super().__init__()
        self.weight = features.weight

    def forward(self, features: Tensor) -> Tensor:
        """As `FeatureSum`."""
        ones = (features[:, :, None] == torch.arange(BUCKETS, device=features.device)).float()
        return ones.flatten(1) @ self.weight
