from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from picturewise.reference.dense import Dense
from picturewise.reference.layer import Floats


def drawn(case: int) -> tuple[Dense, nn.Module, Floats]:
    random = np.random.default_rng(case)
    batch, features, units = (int(number) for number in random.integers(1, 9, 3))
    layer = Dense(random.normal(size=(units, features)), random.normal(size=units))
    return layer, nn.Linear(features, units), random.normal(size=(batch, features))


@pytest.mark.parametrize("case", range(20))
def test_it_computes_what_pytorch_does_there_and_back(like_pytorch, case: int) -> None:
    like_pytorch(*drawn(case))


@pytest.mark.parametrize("case", range(20))
def test_its_gradients_are_those_of_differences(like_differences, case: int) -> None:
    layer, _, values = drawn(case)
    like_differences(layer, values)


def test_without_the_gradient_of_the_input_the_others_are_the_same() -> None:
    layer, _, values = drawn(3)
    asked = np.ones_like(layer.forward(values, np.random.default_rng(0)))
    layer.backward(asked)
    before = [parameter.gradient.copy() for parameter in layer.parameters().values()]
    layer.parameters()["weight"].gradient[...] = 7
    layer.learn(asked)
    for parameter, gradient in zip(layer.parameters().values(), before, strict=True):
        assert np.array_equal(parameter.gradient, gradient)
