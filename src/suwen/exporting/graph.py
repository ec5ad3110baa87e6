"""A tagger as an ONNX graph: ids and a mask in, emissions out. The CRF is decoded outside of it."""

from __future__ import annotations

import contextlib
import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from suwen.models.encoders import TransformerEncoder
from suwen.models.recurrent import Recurrent
from suwen.models.tagger import FEATURES, Tagger

__all__ = ["EMISSIONS", "OPSET", "anonymous", "quiet", "tagger_graph"]

OPSET = 20
EMISSIONS = "emissions"
AXES = ("batch", "length")

# Torch's gates are input, forget, cell, output and reset, update, new; ONNX has them in this order.
GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}


def tagger_graph(tagger: Tagger, features: Sequence[str]) -> onnx.ModelProto:
    """Export a tagger.

    Parameters
    ----------
    tagger
        Any tagger; it is left as it is.
    features
        The names of its input arrays.

    Returns
    -------
    onnx.ModelProto
        A graph whose inputs, int32 ``[batch, length]`` each, are the features and ``attention_mask``, and whose output
        ``emissions`` is float32 ``[batch, length, K]``. It carries no trace of the machine that it was made on.
    """
    names = [*features, "attention_mask"]
    example = {name: torch.ones(2, 8, dtype=torch.int32) for name in names}
    shapes = {name: dict.fromkeys((0, 1), torch.export.Dim.DYNAMIC) for name in names}
    with quiet():
        program = torch.onnx.export(
            _Exported(copy.deepcopy(tagger)).eval(),
            (),
            kwargs=example,
            dynamic_shapes=shapes,
            output_names=[EMISSIONS],
            opset_version=OPSET,
            external_data=False,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    anonymous(model)
    _name_axes(model.graph)
    _drop_guards(model.graph)
    onnx.checker.check_model(model)
    return model


class _Exported(nn.Module):
    """The part of a tagger that becomes the graph."""

    def __init__(self, tagger: Tagger) -> None:
        super().__init__()
        if isinstance(tagger.encoder, TransformerEncoder):
            # Written out, the plain form runs faster than what the fused function of torch is taken apart into.
            tagger.encoder.config._attn_implementation = "eager"
        _exchange_recurrent(tagger)
        self.encoder = tagger.encoder
        self.recurrent = tagger.recurrent
        self.classifier = tagger.classifier

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        bigram_ids: Tensor | None = None,
        word_begin_ids: Tensor | None = None,
        word_inside_ids: Tensor | None = None,
        word_end_ids: Tensor | None = None,
    ) -> Tensor:
        mask = attention_mask.long()
        given = (bigram_ids, word_begin_ids, word_inside_ids, word_end_ids)
        features = {name: ids.long() for name, ids in zip(FEATURES, given, strict=True) if ids is not None}
        hidden = self.encoder(input_ids=input_ids.long(), attention_mask=mask, **features)
        if self.recurrent is not None:
            hidden = self.recurrent(hidden, mask.sum(1))
        scores: Tensor = self.classifier(hidden)
        return scores


class _OnnxRecurrent(nn.Module):
    """Recurrent layers as ONNX's own operators, which know the lengths and both directions."""

    def __init__(self, recurrent: Recurrent) -> None:
        super().__init__()
        directions = [recurrent.forward_layers, *([recurrent.backward_layers] if recurrent.backward_layers else [])]
        first: Any = recurrent.forward_layers[0]
        self.operator = first.mode
        self.directions, self.hidden = len(directions), first.hidden_size
        self.layers = nn.ModuleList(_Weights(self.operator, layers) for layers in zip(*directions, strict=True))

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        batch, steps, _ = inputs.shape
        attributes: dict[str, Any] = {
            "hidden_size": self.hidden,
            "direction": "bidirectional" if self.directions == 2 else "forward",
        }
        if self.operator == "GRU":
            attributes["linear_before_reset"] = 1
        hidden = inputs.transpose(0, 1)
        for weights in self.layers:
            assert isinstance(weights, _Weights)
            output = torch.onnx.ops.symbolic(
                self.operator,
                (hidden, weights.inputs, weights.states, weights.biases, lengths.int()),
                attributes,
                dtype=torch.float32,
                shape=(steps, self.directions, batch, self.hidden),
            )
            hidden = output.permute(0, 2, 1, 3).reshape(steps, batch, self.directions * self.hidden)
        return hidden.transpose(0, 1)


class _Weights(nn.Module):
    """The weights of one layer in all directions, gates in ONNX's order."""

    inputs: Tensor
    states: Tensor
    biases: Tensor

    def __init__(self, operator: str, layers: Sequence[nn.LSTM | nn.GRU]) -> None:
        super().__init__()

        def ordered(weights: Tensor) -> Tensor:
            gates = weights.detach().chunk(len(GATES[operator]))
            return torch.cat([gates[gate] for gate in GATES[operator]])

        for name, kinds in (("inputs", ["weight_ih"]), ("states", ["weight_hh"]), ("biases", ["bias_ih", "bias_hh"])):
            stacked = [torch.cat([ordered(getattr(layer, f"{kind}_l0")) for kind in kinds]) for layer in layers]
            self.register_buffer(name, torch.stack(stacked))


def _exchange_recurrent(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, Recurrent):
            setattr(module, name, _OnnxRecurrent(child))
        else:
            _exchange_recurrent(child)


def anonymous(model: onnx.ModelProto) -> None:
    """Remove references to the machine and to source lines."""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    for part in (*model.graph.node, *model.graph.initializer, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
        part.doc_string = ""


def _name_axes(graph: onnx.GraphProto) -> None:
    for value in (*graph.input, *graph.output):
        for axis, name in zip(value.type.tensor_type.shape.dim, AXES, strict=False):
            axis.dim_param = name


def _drop_guards(graph: onnx.GraphProto) -> None:
    """Drop what turns the attention of a query without any key, which no window has, from NaN to zero.

    The guard is ``Where(IsNaN(weights), 0, weights)``; it costs two passes over the largest arrays.
    """
    checks = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "IsNaN"}
    guards = [node for node in graph.node if node.op_type == "Where" and checks.get(node.input[0]) == node.input[2]]
    renamed = {guard.output[0]: guard.input[2] for guard in guards}
    for guard in guards:
        graph.node.remove(guard)
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
    read = {name for node in graph.node for name in node.input}
    for node in [node for node in graph.node if node.op_type == "IsNaN" and node.output[0] not in read]:
        graph.node.remove(node)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter, which reports packages that are not needed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
