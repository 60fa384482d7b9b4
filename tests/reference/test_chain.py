from __future__ import annotations

import numpy as np

from picturewise.reference.activations import Relu
from picturewise.reference.chain import Chain
from picturewise.reference.dense import Dense
from picturewise.reference.flatten import Flatten
from picturewise.reference.layer import Floats, Layer, Training


class Forbidden(Layer):
    """A layer whose backward pass must not be called."""

    def forward(self, values: Floats, training: Training = None) -> Floats:
        return values

    def backward(self, gradient: Floats) -> Floats:
        raise AssertionError("nobody needs this")


def dense(seed: int) -> Dense:
    random = np.random.default_rng(seed)
    return Dense(random.normal(size=(3, 3)), random.normal(size=3))


def test_a_chain_of_chains_is_one_function_with_names_for_all_parameters(like_differences) -> None:
    chain = Chain({"0": Flatten(), "1": Chain({"a": dense(0), "b": Relu()}), "2": dense(1)})
    assert list(chain.parameters()) == ["1.a.weight", "1.a.bias", "2.weight", "2.bias"]
    like_differences(chain, np.random.default_rng(2).normal(size=(4, 3)))


def test_a_chain_of_no_layers_passes_on_what_it_gets() -> None:
    values = np.ones((2, 3))
    assert Chain({}).forward(values) is values
    assert Chain({}).backward(values) is values
    Chain({}).learn(values)


def test_learning_goes_back_no_further_than_to_the_first_layer_that_learns() -> None:
    chain = Chain({"0": Forbidden(), "1": dense(0), "2": Relu(), "3": dense(1)})
    plain = Chain({"1": dense(0), "2": Relu(), "3": dense(1)})
    values = np.random.default_rng(0).normal(size=(4, 3))
    asked = np.ones_like(chain.forward(values, np.random.default_rng(0)))
    plain.forward(values, np.random.default_rng(0))
    chain.learn(asked)
    plain.backward(asked)
    for name, parameter in plain.parameters().items():
        assert np.array_equal(chain.parameters()[name].gradient, parameter.gradient), name
