"""A relation network as an ONNX graph: the arrays of documents in, logits of pairs out."""

from __future__ import annotations

import copy

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from suwen.exporting.graph import OPSET, anonymous, quiet
from suwen.inference.relations.features import BUCKETS
from suwen.inference.relations.trees import BoostedTrees
from suwen.models.relations import FeatureSum, RelationNetwork

__all__ = ["LOGITS", "relation_graph"]

LOGITS = "logits"
NETWORK_LOGITS = "network/logits"
LEARNING, LEARNING_OPSET = "ai.onnx.ml", 3

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
"""Sizes of the example that the exporter traces."""


def relation_graph(network: RelationNetwork, features: int, trees: BoostedTrees | None = None) -> onnx.ModelProto:
    """Export a network, and the trees whose logits are averaged with its own.

    Parameters
    ----------
    network
        Any network; it is left as it is.
    features
        How many structural features there are, whether the network reads them or not.
    trees
        The trees, if there are any.

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
    if trees is not None:
        _add_trees(model, trees)
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
        """Compute the same as `FeatureSum`."""
        ones = (features[:, :, None] == torch.arange(BUCKETS, device=features.device)).float()
        return ones.flatten(1) @ self.weight


def _add_trees(model: onnx.ModelProto, trees: BoostedTrees) -> None:
    """Average the logits with those of the trees, in ONNX's own operator for them."""
    graph = model.graph
    for node in graph.node:
        node.output[:] = [NETWORK_LOGITS if name == LOGITS else name for name in node.output]
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([1], np.int64), "trees/axis"),
            numpy_helper.from_array(np.array(0.5, np.float32), "trees/half"),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("Unsqueeze", ["relations", "trees/axis"], ["trees/relations"]),
            helper.make_node("Concat", ["trees/relations", "features"], ["trees/ids"], axis=1),
            helper.make_node("Cast", ["trees/ids"], ["trees/inputs"], to=onnx.TensorProto.FLOAT),
            _ensemble(trees, "trees/inputs", "trees/column"),
            helper.make_node("Squeeze", ["trees/column", "trees/axis"], ["trees/logits"]),
            helper.make_node("Add", [NETWORK_LOGITS, "trees/logits"], ["trees/sum"]),
            helper.make_node("Mul", ["trees/sum", "trees/half"], [LOGITS]),
        ]
    )
    model.opset_import.append(helper.make_opsetid(LEARNING, LEARNING_OPSET))


def _ensemble(trees: BoostedTrees, source: str, target: str) -> onnx.NodeProto:
    """Build the node that sends inputs through all trees and sums up their leaves."""
    size = trees.features.shape[1]
    inner = trees.left != np.arange(size)
    # Filled-up nodes look like leaves that nothing leads to; the operator wants none.
    reached = np.zeros_like(inner)
    reached[:, 0] = True
    for children in (trees.left, trees.right):
        np.put_along_axis(reached, np.where(inner, children, 0).astype(np.intp), True, axis=1)
    tree, node = np.nonzero(reached)
    leaf = ~inner[tree, node]
    return helper.make_node(
        "TreeEnsembleRegressor",
        [source],
        [target],
        domain=LEARNING,
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=tree.tolist(),
        nodes_nodeids=node.tolist(),
        nodes_featureids=trees.features[tree, node].tolist(),
        nodes_values=trees.thresholds[tree, node].astype(float).tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_truenodeids=np.where(leaf, 0, trees.left[tree, node]).tolist(),
        nodes_falsenodeids=np.where(leaf, 0, trees.right[tree, node]).tolist(),
        target_treeids=tree[leaf].tolist(),
        target_nodeids=node[leaf].tolist(),
        target_ids=np.zeros(int(leaf.sum()), int).tolist(),
        target_weights=trees.values[tree, node][leaf].astype(float).tolist(),
    )
