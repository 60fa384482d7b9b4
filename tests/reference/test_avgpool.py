from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from picturewise.networks.builder import GlobalMean as TorchMean
from picturewise.reference.avgpool import AvgPool, GlobalMean


@pytest.mark.parametrize("case", range(20))
def test_means_of_windows_are_pytorchs_there_and_back(like_pytorch, like_differences, case: int) -> None:
    random = np.random.default_rng(case)
    size, stride = (int(number) for number in random.integers(1, 4, 2))
    values = random.normal(size=(*random.integers(1, 4, 1), *(size + random.integers(0, 6, 2)), 3))
    like_pytorch(AvgPool(size, stride), nn.AvgPool2d(size, stride), values)
    like_differences(AvgPool(size, stride), values)


@pytest.mark.parametrize("case", range(20))
def test_means_of_pictures_are_pytorchs_there_and_back(like_pytorch, like_differences, case: int) -> None:
    values = np.random.default_rng(case).normal(size=np.random.default_rng(case).integers(1, 6, 4))
    like_pytorch(GlobalMean(), TorchMean(), values)
    like_differences(GlobalMean(), values)
