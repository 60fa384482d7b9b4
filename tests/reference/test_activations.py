from __future__ import annotations

import numpy as np
import pytest

from picturewise.architectures.layers import ACTIVATIONS, ActivationName
from picturewise.networks import activations as torchs
from picturewise.reference.activations import activation, gain
from picturewise.reference.layer import Floats


def drawn(case: int) -> Floats:
    random = np.random.default_rng(case)
    return random.normal(scale=3, size=random.integers(1, 6, 4 if case % 2 else 2))


@pytest.mark.parametrize("case", range(20))
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_it_computes_what_pytorch_does_there_and_back(like_pytorch, name: ActivationName, case: int) -> None:
    like_pytorch(activation(name), torchs.activation(name), drawn(case))


@pytest.mark.parametrize("case", range(20))
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_its_gradients_are_those_of_differences(like_differences, name: ActivationName, case: int) -> None:
    like_differences(activation(name), drawn(case))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_large_numbers_and_zero_are_as_in_pytorch_and_nothing_overflows(
    like_pytorch, name: ActivationName
) -> None:
    values = np.array([[0.0, -0.0, 30, -30, 700, -700, 1e4, -1e4]])
    like_pytorch(activation(name), torchs.activation(name), values)
    assert activation(name).forward(values.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_gain_is_that_of_the_torch_engine(name: ActivationName) -> None:
    assert gain(name) == torchs.gain(torchs.activation(name))
    assert gain(None) == torchs.gain(None)
