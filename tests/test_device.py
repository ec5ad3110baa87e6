"""What this machine cannot compute is refused before anything begins."""

from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from transformers import TrainingArguments
from typer.main import get_command

from suwen.cli import app
from suwen.errors import SuwenError
from suwen.training.device import check_device, place_on


def test_device_refuses_a_precision_that_the_processor_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    for able in (True, False):
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda able=able: able)
        check_device("cpu", "fp32")
        with pytest.raises(SuwenError, match="S406 fp16 "):
            check_device("cpu", "fp16")
        if able:
            check_device("cpu", "bf16")
        else:
            with pytest.raises(SuwenError, match=r"S406 bf16 .*use fp32"):
                check_device("cpu", "bf16")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_device_refuses_a_gpu_that_is_not_there() -> None:
    with pytest.raises(SuwenError, match=r"S512 .*cuda"):
        check_device("cuda", "fp32")


def test_device_takes_the_numbered_gpu(tmp_path: Path) -> None:
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=not torch.cuda.is_available(), report_to=[])
    place_on(arguments, "cuda")
    assert arguments.device.index in (None, 0)
    place_on(arguments, "cuda:0")
    assert (arguments.device, arguments.n_gpu) == (torch.device("cuda:0"), 1)
    assert Accelerator().device == torch.device("cuda:0")


@pytest.mark.parametrize("command", ["train", "pretrain", "augment", "evaluate", "extract", "reproduce"])
def test_device_option_is_the_same_in_every_command(command: str) -> None:
    (option,) = (option for option in get_command(app).commands[command].params if option.name == "device")
    assert (option.opts, option.default) == (["--device"], "cpu")
    for device in ("cpu", "cuda", "cuda:3"):
        assert option.callback(None, option, device) == device
    for device in ("gpu", "cuda:", "cuda:x", ""):
        with pytest.raises(SuwenError, match="S512"):
            option.callback(None, option, device)
