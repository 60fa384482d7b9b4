from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from picturewise.reference.layer import Floats
from picturewise.reference.maxpool import MaxPool


def drawn(case: int, levels: int | None = None) -> tuple[MaxPool, nn.Module, Floats]:
    """Windows side by side, apart and overlapping; with `levels`, pictures of so few values that windows have ties."""
    random = np.random.default_rng(case)
    size, stride = (int(number) for number in random.integers(1, 4, 2))
    margin = (size - 1) // 2 if case % 2 else 0
    shape = (*random.integers(1, 4, 1), *(size + random.integers(0, 6, 2)), *random.integers(1, 4, 1))
    values = (
        random.normal(size=shape) if levels is None else random.integers(0, levels, shape).astype(np.float64)
    )
    return MaxPool(size, stride, margin), nn.MaxPool2d(size, stride, padding=margin), values


@pytest.mark.parametrize("case", range(20))
def test_it_computes_what_pytorch_does_there_and_back(like_pytorch, case: int) -> None:
    like_pytorch(*drawn(case))


@pytest.mark.parametrize("case", range(20))
def test_of_equal_pixels_the_same_takes_it_all_as_in_pytorch(like_pytorch, case: int) -> None:
    like_pytorch(*drawn(case, levels=2))


@pytest.mark.parametrize("case", range(20))
def test_its_gradients_are_those_of_differences(like_differences, case: int) -> None:
    layer, _, values = drawn(case)
    like_differences(layer, values)


def test_of_equal_pixels_the_first_row_by_row_takes_it_all() -> None:
    layer = MaxPool(2, 2)
    layer.forward(np.zeros((1, 4, 4, 1)), np.random.default_rng(0))
    found = layer.backward(np.arange(1.0, 5.0).reshape(1, 2, 2, 1))
    assert np.array_equal(found[0, :, :, 0], [[1, 0, 2, 0], [0] * 4, [3, 0, 4, 0], [0] * 4])


def test_a_margin_is_never_the_largest() -> None:
    found = MaxPool(3, 2, 1).forward(np.full((1, 4, 4, 1), -1e30))
    assert torch.equal(torch.from_numpy(found), torch.full((1, 2, 2, 1), -1e30, dtype=torch.float64))
    assert not math.isinf(float(found.min()))
