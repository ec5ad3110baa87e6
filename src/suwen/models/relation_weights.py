"""The training part of a relation model's folder, and the scorer that runs it in torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from suwen.errors import SuwenError
from suwen.files import read_json, replacing, write_json
from suwen.inference.relations.inputs import NetworkArrays
from suwen.models.checkpoints.huggingface import read_safetensors
from suwen.models.relations import RelationNetwork, RelationSizes
from suwen.models.weights import load_state

__all__ = ["MODEL_TYPE", "TorchPairScorer", "read_network", "write_network"]

MODEL_TYPE = "suwen-relations"


class TorchPairScorer:
    """Scores pairs with a network on a device.

    Parameters
    ----------
    network
        The network; it is run without dropout and left in the mode it was in.
    device
        ``cpu``, ``cuda``, ``cuda:1`` …
    """

    def __init__(self, network: RelationNetwork, device: str = "cpu") -> None:
        self.network = network.to(device)
        self.device = device

    def logits(self, inputs: NetworkArrays) -> NDArray[np.float32]:
        """Score the pairs of `suwen.inference.relations.inputs.network_arrays`, float32 ``[P]``."""
        mode = self.network.training
        self.network.eval()
        try:
            with torch.inference_mode():
                tensors = {name: torch.from_numpy(array).to(self.device) for name, array in inputs.items()}
                scores = self.network.logits(**tensors)[-1]
        finally:
            self.network.train(mode)
        array: NDArray[np.float32] = scores.cpu().numpy()
        return array


def write_network(network: RelationNetwork, folder: Path, half: bool = False) -> None:
    """Write ``config.json`` and ``model.safetensors`` into a folder; with `half` in fp16, otherwise in fp32."""
    write_json(folder / "config.json", {"model_type": MODEL_TYPE, **network.options})
    kind = torch.float16 if half else torch.float32
    tensors = {name: tensor.detach().cpu().to(kind).contiguous() for name, tensor in network.state_dict().items()}
    # safetensors makes files that only their owner may read.
    with replacing(folder / "model.safetensors") as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})


def read_network(folder: Path) -> RelationNetwork:
    """Read the network of a folder, in fp32.

    Raises
    ------
    SuwenError
        S501 when the configuration is damaged, S504 when tensors are missing or left over, S509 when the
        weights are damaged.
    """
    options: dict[str, Any] = read_json(folder / "config.json")
    kind = options.pop("model_type", None)
    if kind != MODEL_TYPE:
        raise SuwenError("S501", folder / "config.json", reason=f"'model_type' is {kind!r}, expected {MODEL_TYPE!r}")
    try:
        network = RelationNetwork(RelationSizes(**options))
    except (TypeError, ValueError, RuntimeError) as error:
        raise SuwenError("S501", folder / "config.json", reason=str(error).partition("\n")[0]) from None
    load_state(network, read_safetensors(folder / "model.safetensors"), folder)
    return network
