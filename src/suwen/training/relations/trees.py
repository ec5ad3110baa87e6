"""Boosted trees, fitted with LightGBM."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np

from suwen.inference.relations.inputs import Inputs
from suwen.inference.relations.rivals import GRID
from suwen.inference.relations.trees import BoostedTrees
from suwen.training.relations.config import TreeConfig
from suwen.training.relations.data import LabeledDocument

__all__ = ["fit_trees"]


def fit_trees(
    documents: Sequence[LabeledDocument],
    inputs: Sequence[Inputs],
    config: TreeConfig,
    seed: int,
    on_iteration: Callable[[int], None],
) -> BoostedTrees:
    """Fit trees to the owned candidates of documents (Ke et al. 2017); without any there are no trees.

    The relation type is read as a number, so that all splits are thresholds.

    Parameters
    ----------
    inputs
        What the trees read of all candidates of each document.
    on_iteration
        Receives the number of trees after each one.
    """
    rows = np.concatenate([read[one.owned] for one, read in zip(documents, inputs, strict=True)])
    targets = np.concatenate([one.targets[one.owned] for one in documents]).astype(np.float32)
    if not len(rows):
        return _arrays([])
    # LightGBM fails if the share of a single candidate is no candidate.
    share = config.pair_share if len(rows) * config.pair_share >= 1 else 1
    options = {
        "objective": "binary",
        "num_leaves": config.leaves,
        "learning_rate": config.learning_rate,
        "min_data_in_leaf": config.least_pairs,
        "feature_fraction": config.feature_share,
        "bagging_fraction": share,
        "bagging_freq": 1,
        "lambda_l2": config.ridge,
        "max_bin": 255,
        "seed": seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbose": -1,
    }
    data = lightgbm.Dataset(rows, targets, params={"max_bin": 255, "verbose": -1})
    booster = lightgbm.train(options, data, config.count, callbacks=[lambda state: on_iteration(state.iteration + 1)])
    return _arrays([tree["tree_structure"] for tree in booster.dump_model()["tree_info"]])


def _arrays(roots: Sequence[Mapping[str, Any]]) -> BoostedTrees:
    """Turn trees as LightGBM dumps them into arrays of nodes."""
    trees = [list(_nodes(root)) for root in roots]
    size = max((len(tree) for tree in trees), default=1)
    shape = len(trees), size
    features, left, right = (np.zeros(shape, np.int16) for _ in range(3))
    thresholds, values = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    for tree, nodes in enumerate(trees):
        for place, (feature, threshold, first, second, value) in enumerate(nodes):
            features[tree, place], thresholds[tree, place] = feature, threshold
            left[tree, place], right[tree, place], values[tree, place] = first, second, value
    return BoostedTrees(features, thresholds, left, right, values, max(map(_depth, roots), default=0))


def _nodes(root: Mapping[str, Any]) -> Iterator[tuple[int, int, int, int, float]]:
    """Yield feature, threshold, both children and value of each node, the root first."""
    queue = [root]
    for place, node in enumerate(queue):
        if "left_child" in node:
            queue += [node["left_child"], node["right_child"]]
            yield node["split_feature"], int(node["threshold"]), len(queue) - 2, len(queue) - 1, 0.0
        else:
            yield 0, 0, place, place, round(node["leaf_value"] * GRID) / GRID


def _depth(node: Mapping[str, Any]) -> int:
    return 1 + max(_depth(node["left_child"]), _depth(node["right_child"])) if "left_child" in node else 0
