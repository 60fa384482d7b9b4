from __future__ import annotations

import math

import numpy as np
import pytest
from torch import nn

from picturewise.architectures.margins import Margins
from picturewise.reference.layer import Floats
from picturewise.reference.padding import Padding, crop, pad


def drawn(case: int) -> tuple[Margins, Floats]:
    random = np.random.default_rng(case)
    margins = Margins(*(int(number) for number in random.integers(0, 3, 4)))
    return margins, random.normal(size=random.integers(1, 5, 4))


@pytest.mark.parametrize("case", range(20))
def test_it_computes_what_pytorch_does_there_and_back(like_pytorch, like_differences, case: int) -> None:
    margins, values = drawn(case)
    module = nn.ZeroPad2d((margins.left, margins.right, margins.above, margins.below))
    like_pytorch(Padding(margins), module, values)
    like_differences(Padding(margins), values)


def test_a_margin_can_be_of_another_value_and_comes_off_again() -> None:
    pictures = np.arange(6.0).reshape(1, 2, 3, 1)
    padded = pad(pictures, Margins(1, 0, 0, 2), -math.inf)
    assert padded.shape == (1, 3, 5, 1)
    assert int(np.isinf(padded).sum()) == 15 - 6
    assert np.array_equal(crop(padded, Margins(1, 0, 0, 2)), pictures)
    assert pad(pictures, Margins()) is pictures
