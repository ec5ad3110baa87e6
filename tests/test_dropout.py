"""Dropout: the law of torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from suwen.models.dropout import Dropout


@pytest.mark.parametrize("rate", [0.1, 0.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_follows_the_law_of_torch(rate: float, dtype: torch.dtype) -> None:
    values = torch.ones(400, 500, dtype=dtype, requires_grad=True)
    torch.manual_seed(0)
    ours = Dropout(rate)(values)
    theirs = nn.Dropout(rate)(values.detach())

    assert ours.dtype == theirs.dtype
    assert torch.equal(ours.unique().sort().values, theirs.unique().sort().values)
    assert abs(float((ours == 0).float().mean()) - rate) < 0.005
    ours.sum().backward()
    assert torch.equal(values.grad, ours.detach())


def test_dropout_draws_from_the_seed() -> None:
    layer = Dropout(0.3)
    torch.manual_seed(5)
    first = layer(torch.ones(50))
    torch.manual_seed(5)
    assert torch.equal(layer(torch.ones(50)), first)


def test_dropout_of_everything_leaves_nothing() -> None:
    assert not Dropout(1.0)(torch.ones(9)).any()


@pytest.mark.parametrize("layer", [Dropout(0.0), Dropout(0.5).eval()])
def test_dropout_is_the_identity_when_it_is_off(layer: Dropout) -> None:
    values = torch.randn(4, 5)
    assert torch.equal(layer(values), values)
