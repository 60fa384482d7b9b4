from __future__ import annotations

import pytest
import torch
from torch import nn

from picturewise.networks.convolution import convolution


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)])
@pytest.mark.parametrize("size", [6, 7])
def test_values_and_gradients_are_those_of_plain_pytorch_without_its_fast_kernels(
    kernel: tuple[int, int], stride: int, size: int
) -> None:
    torch.manual_seed(0)
    ours = convolution(3, 5, kernel, stride, bias=True).to(memory_format=torch.channels_last)
    theirs = nn.Conv2d(3, 5, kernel, stride).double()
    theirs.load_state_dict(ours.state_dict())
    pictures = torch.randn(4, 3, size, size).to(memory_format=torch.channels_last).requires_grad_()
    exact = pictures.detach().double().requires_grad_()
    found, expected = ours(pictures), theirs(exact)
    torch.testing.assert_close(found, expected.float())
    kept = torch.randn_like(found)
    found.backward(kept)
    expected.backward(kept.double())
    torch.testing.assert_close(pictures.grad, exact.grad.float())
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad.float())
