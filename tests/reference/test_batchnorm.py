from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from picturewise.errors import UsageError
from picturewise.reference.batchnorm import BatchNorm
from picturewise.reference.layer import Floats


def drawn(case: int) -> tuple[BatchNorm, list[NDArray[np.float64]], nn.Module, Floats]:
    """Pictures and vectors; a batch of one picture too, where it has several pixels."""
    random = np.random.default_rng(case)
    channels = int(random.integers(1, 6))
    if case % 2:
        values = random.normal(3, 2, size=(int(random.integers(2, 9)), channels))
    else:
        values = random.normal(
            3, 2, size=(int(random.integers(1, 5)), *(1 + random.integers(1, 5, 2)), channels)
        )
    arrays = [random.normal(size=channels) for _ in range(3)] + [
        random.uniform(0.5, 2, channels),
        np.array(7),
    ]
    module = nn.BatchNorm1d(channels) if case % 2 else nn.BatchNorm2d(channels)
    return BatchNorm(*arrays), arrays, module, values


@pytest.mark.parametrize("case", range(20))
def test_it_computes_what_pytorch_does_there_and_back(like_pytorch, case: int) -> None:
    layer, _, module, values = drawn(case)
    like_pytorch(layer, module, values)


@pytest.mark.parametrize("case", range(20))
def test_its_gradients_are_those_of_differences(like_differences, case: int) -> None:
    layer, _, _, values = drawn(case)
    like_differences(layer, values)


@pytest.mark.parametrize("case", range(20))
def test_running_means_and_predictions_are_pytorchs(case: int) -> None:
    layer, arrays, module, values = drawn(case)
    names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    state = {name: torch.from_numpy(array.copy()) for name, array in zip(names, arrays, strict=True)}
    module.double().load_state_dict(state)
    order = (0, 3, 1, 2) if values.ndim == 4 else (0, 1)
    inputs = torch.from_numpy(values.transpose(order))
    for _ in range(2):
        layer.forward(values, np.random.default_rng(0))
        module.train()(inputs)
    for name, array in zip(names, arrays, strict=True):
        np.testing.assert_allclose(array, module.state_dict()[name].numpy(), rtol=1e-12)
    before = [array.copy() for array in arrays]
    found = layer.forward(values)
    np.testing.assert_allclose(
        found.transpose(order), module.eval()(inputs).detach().numpy(), rtol=1e-10, atol=1e-12
    )
    assert all(np.array_equal(array, old) for array, old in zip(arrays, before, strict=True))


def test_a_single_number_a_channel_has_no_variance() -> None:
    layer, _, _, values = drawn(1)
    with pytest.raises(
        UsageError, match="needs at least two numbers per channel, but the batch has only one"
    ):
        layer.forward(values[:1], np.random.default_rng(0))
    assert layer.forward(values[:1]).shape == (1, values.shape[1])
