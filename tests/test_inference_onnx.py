"""The scorer on graphs that are made by hand: what comes out of `suwen export` is tested with it."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from suwen.errors import SuwenError
from suwen.inference.onnx import FLOAT32, INT8, OnnxScorer, find_graph
from suwen.model_folder import StoredModel

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)
INPUTS = {"input_ids": np.array([[1, 3], [2, 0]], np.int32), "attention_mask": np.array([[1, 1], [1, 0]], np.int32)}


def lookup():
    """A graph that looks its scores up in a table."""
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT32, ["batch", "length"])
    scores = helper.make_tensor_value_info("emissions", TensorProto.FLOAT, ["batch", "length", 3])
    node = helper.make_node("Gather", ["table", "input_ids"], ["emissions"])
    graph = helper.make_graph([node], "lookup", [ids], [scores], [numpy_helper.from_array(TABLE, "table")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10).SerializeToString()


def test_inference_onnx_scores_a_batch_and_leaves_aside_what_the_graph_does_not_read():
    emissions = OnnxScorer(lookup()).emissions(INPUTS)
    assert emissions.dtype == np.float32
    np.testing.assert_array_equal(emissions, TABLE[INPUTS["input_ids"]])


def test_inference_onnx_serves_several_threads_at_once():
    scorer = OnnxScorer(lookup())
    wrong = []

    def ask(row):
        for _ in range(50):
            found = scorer.emissions({"input_ids": np.full((2, 5), row, np.int32)})
            if (found != TABLE[row]).any():
                wrong.append(row)

    threads = [threading.Thread(target=ask, args=(row,)) for row in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("content", [b"", b"no graph", lookup()[:40]])
def test_inference_onnx_reports_that_a_graph_is_damaged(tmp_path, content):
    (tmp_path / FLOAT32).write_bytes(content)
    with pytest.raises(SuwenError, match=r"S509.*model\.onnx"):
        OnnxScorer(tmp_path / FLOAT32)


@pytest.mark.parametrize("device", ["gpu", "cuda:one", "cuda"])
def test_inference_onnx_refuses_a_device_that_is_not_there(device):
    import onnxruntime

    if device == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("it is there")
    with pytest.raises(SuwenError, match=f"S512.*'{device}'"):
        OnnxScorer(lookup(), device)


def test_inference_onnx_prefers_eight_bits_on_the_cpu_alone(tmp_path):
    def stored(*names):
        return StoredModel(tmp_path, "tagger", {}, {"files": dict.fromkeys(names, "")})

    assert find_graph(stored("config.json")) is None
    assert find_graph(stored(FLOAT32)) == tmp_path / FLOAT32
    assert find_graph(stored(FLOAT32, INT8)) == tmp_path / INT8
    assert find_graph(stored(FLOAT32, INT8), "cuda") == tmp_path / FLOAT32
    assert find_graph(stored(INT8), "cuda") is None


def test_inference_onnx_is_loaded_late():
    check = "import sys, suwen.inference.onnx; sys.exit(bool({'torch', 'onnxruntime'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
