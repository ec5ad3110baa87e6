"""What this machine cannot compute is refused before anything begins."""

import pytest
import torch

from suwen.errors import SuwenError
from suwen.training.device import check_device


def test_device_refuses_a_precision_that_the_processor_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    for able in (True, False):
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda able=able: able)
        check_device("cpu", "fp32")
        with pytest.raises(SuwenError, match="S406 fp16 "):
            check_device("cpu", "fp16")
        if able:
            check_device("cpu", "bf16")
        else:
            with pytest.raises(SuwenError, match=r"S406 bf16 .*take fp32"):
                check_device("cpu", "bf16")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_device_refuses_a_gpu_that_is_not_there() -> None:
    with pytest.raises(SuwenError, match=r"S512 .*cuda"):
        check_device("cuda", "fp32")
