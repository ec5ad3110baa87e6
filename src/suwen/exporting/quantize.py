"""A graph in 8 bits: smaller by three quarters, and faster on any CPU.

Products with a constant matrix are computed in integers. The scale of their input is fixed beforehand, from a sample of
text (Jacob et al. 2018), so that no row of a batch has a part in another's result. Weights have 7 bits, one scale for
each output: a product of 8 by 7 bits, summed in pairs, just fits the 16 bits that CPUs without VNNI sum in, so that all
CPUs compute the same integers. So do LSTM layers. Embedding tables (one scale for each row) and GRU layers (for each
gate) are only stored in 8 bits; they are computed with in float32.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from suwen.inference.onnx import OnnxScorer

__all__ = ["quantized"]

LEAST_OUTPUTS = 64
"""Narrower products stay in float32: they cost next to nothing, and the last one decides the tags."""

LEAST_TABLE = 2**12
"""So do tables of fewer numbers."""

WEIGHT_LIMIT, STORED_LIMIT = 63, 127

BOUNDS = 2
"""Constant inputs and units of an LSTM, one for either end of a range."""

OPEN = 20.0
"""Bias of a gate that is always open: its sigmoid, and the hyperbolic tangent, are 1 in float32."""

GATES, CELL = 4, 3
"""Number of gates of an LSTM, and the place of the one that is no gate: what is added to the cell."""

MICROSOFT = "com.microsoft"

Array = NDArray[np.generic]
Floats = NDArray[np.float32]
Range = tuple[float, float]


def quantized(model: onnx.ModelProto, batches: Iterable[Mapping[str, NDArray[np.int32]]]) -> onnx.ModelProto:
    """Return the graph in 8 bits.

    Parameters
    ----------
    model
        A graph in float32; it is left as it is.
    batches
        Inputs of the graph, from text like that which it will read. They fix the range of every product's input: what
        goes beyond is clipped to it.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = _Graph(copy.graph)
    products = [node for node in graph.nodes if graph.is_product(node)]
    recurrent = [node for node in graph.nodes if node.op_type == "LSTM"]
    read_by_lstm = {node.input[0] for node in recurrent}
    names = sorted({node.input[0] for node in products} | read_by_lstm)
    ranges = _ranges(model, names, read_by_lstm, batches) if names else {}
    for node in products:
        graph.make_integer(node, *ranges[node.input[0]])
    for node in recurrent:
        graph.make_integer_lstm(node, *ranges[node.input[0]])
    for node in list(graph.nodes):
        if node.op_type == "GRU":
            graph.store_recurrent(node)
        elif node.op_type == "Gather":
            graph.store_table(node)
        elif node.op_type == "Gelu":
            # Off by a thousandth at most, which is less than a step of the 8 bits that follow.
            del node.attribute[:]
            node.attribute.append(helper.make_attribute("approximate", "tanh"))
    graph.write()
    copy.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
    return copy


class _Graph:
    """A graph that is being rewritten."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.nodes = list(graph.node)
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.added: dict[str, Array] = {}
        self.quantized_inputs: dict[str, str] = {}

    def is_product(self, node: onnx.NodeProto) -> bool:
        """Return whether the node multiplies by a constant matrix that is worth it."""
        if node.op_type != "MatMul" or node.input[1] not in self.constants or node.input[0] in self.constants:
            return False
        shape = self.constants[node.input[1]].dims
        return len(shape) == 2 and shape[1] >= LEAST_OUTPUTS

    def make_integer(self, node: onnx.NodeProto, low: float, high: float) -> None:
        """Replace a product, and the bias that is added to it, by one in integers whose input is in a range."""
        weights, scales = _in_rows(self._constant(node.input[1]).T, WEIGHT_LIMIT)
        matrix = self._add(node.input[1], "int8", np.ascontiguousarray(weights.T))
        rows = self._add(node.input[1], "scale", scales)
        quantize, entry, scale, zero = self._entry(node.input[0], low, high)
        output, bias, addition = node.output[0], "", self._bias(node)
        if addition is not None:
            output, bias = addition.output[0], next(name for name in addition.input if name != node.output[0])
            self.nodes.remove(addition)
        product = helper.make_node(
            "MatMulIntegerToFloat", [entry, matrix, scale, rows, zero, "", bias], [output], node.name, domain=MICROSOFT
        )
        place = self.nodes.index(node)
        self.nodes[place : place + 1] = [*quantize, product]

    def make_integer_lstm(self, node: onnx.NodeProto, low: float, high: float) -> None:
        """Replace an LSTM layer by one in integers whose input is in a range.

        ONNX Runtime scales the inputs, and at every step the states, by the largest of a whole batch, so that one row
        would have a part in another's result. Two constant inputs and two more units fix both ranges. The inputs are
        the ends of the range. The units' gates are always open, so that their states after step t are tanh(t) and
        -tanh(t); no state can be larger, because a step adds at most 1 to a cell.
        """
        hidden = next(attribute.i for attribute in node.attribute if attribute.name == "hidden_size")
        biases = self._constant(node.input[3]).reshape(-1, 8, hidden)
        biases = np.pad(biases, ((0, 0), (0, 0), (0, BOUNDS)))
        biases[:, :GATES, hidden:] = OPEN
        biases[:, CELL, hidden] = -OPEN
        matrices, scales = [], []
        for name in node.input[1:3]:
            # [directions, 4 * hidden, inputs]
            matrix = self._constant(name)
            matrix = matrix.reshape(len(matrix), GATES, hidden, -1)
            matrix = np.pad(matrix, ((0, 0), (0, 0), (0, BOUNDS), (0, BOUNDS)))
            weights, scale = _in_rows(matrix.reshape(len(matrix), -1, matrix.shape[-1]), WEIGHT_LIMIT)
            matrices.append(self._add(name, "int8", np.ascontiguousarray(weights.transpose(0, 2, 1))))
            scales += [self._add(name, "scale", scale), self._add(name, "zero", np.zeros(scale.shape, np.int8))]
        output = node.output[0]
        bounded, entry = self._bounded(node.input[0], output, low, high)
        bias = self._add(node.input[3], "bounded", biases.reshape(len(biases), -1))
        layer = helper.make_node(
            "DynamicQuantizeLSTM",
            [entry, *matrices, bias, node.input[4], "", "", "", *scales],
            [f"{output}.units"],
            node.name,
            domain=MICROSOFT,
            hidden_size=hidden + BOUNDS,
        )
        layer.attribute.extend(attribute for attribute in node.attribute if attribute.name != "hidden_size")
        ends = (self._add(output, f"slice.{i}", np.array([i], np.int64)) for i in (0, hidden, 3))
        kept = helper.make_node("Slice", [layer.output[0], *ends], [output])
        place = self.nodes.index(node)
        self.nodes[place : place + 1] = [*bounded, layer, kept]

    def store_recurrent(self, node: onnx.NodeProto) -> None:
        """Store the matrices of a recurrent layer in 8 bits."""
        place = self.nodes.index(node)
        for i in (1, 2):
            name = node.input[i]
            stored, scales = _in_rows(self._constant(name), STORED_LIMIT)
            cast, full = f"{name}.cast", f"{name}.float32"
            # Not DequantizeLinear, which ONNX Runtime would compute again in every run.
            steps = [
                helper.make_node("Cast", [self._add(name, "int8", stored)], [cast], to=onnx.TensorProto.FLOAT),
                helper.make_node("Mul", [cast, self._add(name, "scale", scales[..., None])], [full]),
            ]
            self.nodes[place:place] = steps
            place += len(steps)
            node.input[i] = full

    def store_table(self, node: onnx.NodeProto) -> None:
        """Store the table that a node looks up rows in, in 8 bits."""
        name = node.input[0]
        if name not in self.constants or self._axis(node):
            return
        table = self._constant(name)
        if table.ndim != 2 or table.size < LEAST_TABLE or table.dtype != np.float32:
            return
        stored, scales = _in_rows(table, STORED_LIMIT)
        names = [f"{node.output[0]}.{part}" for part in ("int8", "cast", "scale")]
        place = self.nodes.index(node)
        self.nodes[place : place + 1] = [
            helper.make_node("Gather", [self._add(name, "int8", stored), node.input[1]], [names[0]]),
            helper.make_node("Cast", [names[0]], [names[1]], to=onnx.TensorProto.FLOAT),
            helper.make_node("Gather", [self._add(name, "scale", scales[:, None]), node.input[1]], [names[2]]),
            helper.make_node("Mul", [names[1], names[2]], [node.output[0]]),
        ]

    def write(self) -> None:
        """Put the nodes and the constants that are still read into the graph."""
        read = {name for node in self.nodes for name in node.input}
        kept = [tensor for name, tensor in self.constants.items() if name in read]
        kept += [numpy_helper.from_array(array, name) for name, array in self.added.items()]
        del self.graph.node[:]
        del self.graph.initializer[:]
        self.graph.node.extend(self.nodes)
        self.graph.initializer.extend(kept)

    def _constant(self, name: str) -> Floats:
        array: Floats = numpy_helper.to_array(self.constants[name])
        return array

    def _add(self, name: str, kind: str, array: Array) -> str:
        self.added[f"{name}.{kind}"] = array
        return f"{name}.{kind}"

    def _entry(self, name: str, low: float, high: float) -> tuple[list[onnx.NodeProto], str, str, str]:
        """Return nodes that quantize a value, if no other product did it; its name, scale and zero point."""
        entry, scale, zero = f"{name}.uint8", f"{name}.uint8.scale", f"{name}.uint8.zero"
        if scale in self.added:
            return [], entry, scale, zero
        low, high = min(low, 0.0), max(high, 0.0)
        width = np.float32((high - low) / 255 or 1)
        self.added[scale] = np.asarray(width)
        self.added[zero] = np.asarray(np.uint8(round(-low / float(width))))
        return [helper.make_node("QuantizeLinear", [name, scale, zero], [entry])], entry, scale, zero

    def _bounded(self, name: str, output: str, low: float, high: float) -> tuple[list[onnx.NodeProto], str]:
        """Return nodes that clip ``[steps, batch, inputs]`` to a range and add its ends as two inputs; their output."""
        ends = [self._add(output, end, np.asarray(value, np.float32)) for end, value in (("low", low), ("high", high))]
        place = [self._add(output, key, np.array(value, np.int64)) for key, value in (("pad", [0, 1]), ("axis", [2]))]
        names = [f"{output}.{step}" for step in ("clipped", "lower", "bounded")]
        nodes = [
            helper.make_node("Clip", [name, *ends], names[:1]),
            *(
                helper.make_node("Pad", [before, place[0], end, place[1]], [after])
                for before, end, after in zip(names, ends, names[1:], strict=False)
            ),
        ]
        return nodes, names[-1]

    def _bias(self, node: onnx.NodeProto) -> onnx.NodeProto | None:
        """Return the addition of a constant vector to the product, when nothing else reads the product."""
        readers = [other for other in self.nodes if node.output[0] in other.input]
        if len(readers) != 1 or readers[0].op_type != "Add":
            return None
        other = next((name for name in readers[0].input if name != node.output[0]), "")
        return readers[0] if other in self.constants and len(self.constants[other].dims) == 1 else None

    @staticmethod
    def _axis(node: onnx.NodeProto) -> int:
        return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)


def _in_rows(matrix: Floats, limit: int) -> tuple[NDArray[np.int8], Floats]:
    """Return the nearest integers within ``±limit`` and the scale of each row (last axis)."""
    scales = np.abs(matrix).max(axis=-1) / np.float32(limit)
    scales = np.where(scales > 0, scales, np.float32(1)).astype(np.float32)
    return np.round(matrix / scales[..., None]).astype(np.int8), scales


def _ranges(
    model: onnx.ModelProto,
    names: Sequence[str],
    time_major: Collection[str],
    batches: Iterable[Mapping[str, NDArray[np.int32]]],
) -> dict[str, Range]:
    """Return the least and the largest value of inner values over all positions of the batches that are not padding.

    Those of `time_major` are ``[steps, batch, inputs]``, all others ``[batch, steps, inputs]``.
    """
    observed = onnx.ModelProto()
    observed.CopyFrom(model)
    del observed.graph.output[:]
    observed.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    scorer = OnnxScorer(observed.SerializeToString())
    ranges = dict.fromkeys(names, (np.inf, -np.inf))
    for inputs in batches:
        inside = inputs["attention_mask"].astype(bool)
        for name, values in zip(names, scorer.run(inputs), strict=True):
            low, high = ranges[name]
            values = values[inside.T if name in time_major else inside]
            ranges[name] = min(low, float(values.min())), max(high, float(values.max()))
    return ranges
