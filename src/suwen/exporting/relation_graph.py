"""The two stages of a relation model as one ONNX graph: the numbers of candidates in, their logits out."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from suwen.inference.relations.trees import BoostedTrees, TwoStages

__all__ = ["relation_graph"]

OPSET = 20
LEARNING, LEARNING_OPSET = "ai.onnx.ml", 3
IR_VERSION = 9
"""The oldest that has these operators, so that ONNX Runtime need not be new."""


def relation_graph(stages: TwoStages) -> onnx.ModelProto:
    """Build the graph.

    Returns
    -------
    onnx.ModelProto
        A graph with the inputs ``inputs``, uint8 ``[pairs, numbers]``, and ``second``, a truth value: which stage to
        run. Its output ``logits`` is float32 ``[pairs]``.
    """
    nodes = [
        helper.make_node("Cast", ["inputs"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node(
            "If",
            ["second"],
            ["column"],
            then_branch=_branch("second", stages.second),
            else_branch=_branch("first", stages.first),
        ),
        helper.make_node("Squeeze", ["column", "axis"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "relations",
        [
            helper.make_tensor_value_info("inputs", TensorProto.UINT8, ["pairs", "numbers"]),
            helper.make_tensor_value_info("second", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["pairs"])],
        [helper.make_tensor("axis", TensorProto.INT64, [1], [1])],
    )
    versions = [helper.make_opsetid("", OPSET), helper.make_opsetid(LEARNING, LEARNING_OPSET)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model


def _branch(name: str, trees: BoostedTrees) -> onnx.GraphProto:
    """Build the part that sends inputs through all trees of a stage and sums up their leaves."""
    column = f"{name}_column"
    output = helper.make_tensor_value_info(column, TensorProto.FLOAT, ["pairs", 1])
    return helper.make_graph([_ensemble(trees, column)], name, [], [output])


def _ensemble(trees: BoostedTrees, target: str) -> onnx.NodeProto:
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
        ["numbers"],
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
