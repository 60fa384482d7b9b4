from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from picturewise.architectures.margins import Margins
from picturewise.reference.convolution import Convolution
from picturewise.reference.layer import Floats


def drawn(case: int) -> tuple[Convolution, nn.Module, Floats]:
    """Odd and even kernels, strides to 3, margins, pictures that are not square; every third without a bias."""
    random = np.random.default_rng(case)
    batch, channels, filters = (int(number) for number in random.integers(1, 5, 3))
    rows, columns, stride = (int(number) for number in random.integers(1, 4, 3))
    height, width = (
        int(side + extra) for side, extra in zip((rows, columns), random.integers(0, 6, 2), strict=True)
    )
    margin = (int(random.integers(0, rows)), int(random.integers(0, columns)))
    weight = random.normal(size=(filters, rows, columns, channels)).transpose(0, 3, 1, 2)
    if case % 2:
        weight = np.ascontiguousarray(weight)  # in another order in memory
    bias = None if case % 3 == 0 else random.normal(size=filters)
    module = nn.Conv2d(channels, filters, (rows, columns), stride, margin, bias=bias is not None)
    return (
        Convolution(weight, bias, stride, Margins(*margin, *margin)),
        module,
        random.normal(size=(batch, height, width, channels)),
    )


@pytest.mark.parametrize("case", range(20))
def test_it_computes_what_pytorch_does_there_and_back(like_pytorch, case: int) -> None:
    like_pytorch(*drawn(case))


@pytest.mark.parametrize("case", range(20))
def test_its_gradients_are_those_of_differences(like_differences, case: int) -> None:
    layer, _, values = drawn(case)
    like_differences(layer, values)


def test_it_is_the_sum_that_its_docstring_says() -> None:
    random = np.random.default_rng(0)
    values, weight, bias = (
        random.normal(size=(2, 6, 5, 3)),
        random.normal(size=(4, 3, 3, 2)),
        random.normal(size=4),
    )
    found = Convolution(weight, bias, stride=2).forward(values)
    assert found.shape == (2, 2, 2, 4)
    for b, i, j, f in np.ndindex(found.shape):
        window = values[b, 2 * i : 2 * i + 3, 2 * j : 2 * j + 2]
        assert found[b, i, j, f] == pytest.approx((window.transpose(2, 0, 1) * weight[f]).sum() + bias[f])
