from __future__ import annotations

import numpy as np
import pytest

from picturewise.networks.builder import RowMajorFlatten
from picturewise.reference.flatten import Flatten


@pytest.mark.parametrize("case", range(20))
def test_it_lays_out_pictures_as_the_torch_engine_does(like_pytorch, like_differences, case: int) -> None:
    random = np.random.default_rng(case)
    values = random.normal(size=random.integers(1, 6, 4 if case % 4 else 2))
    like_pytorch(Flatten(), RowMajorFlatten(), values)
    like_differences(Flatten(), values)


def test_it_copies_nothing() -> None:
    values = np.zeros((2, 3, 4, 5))
    assert np.shares_memory(Flatten().forward(values), values)
