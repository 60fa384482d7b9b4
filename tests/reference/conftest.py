"""Two independent evaluates of a layer's derivatives: PyTorch's, and differences of the layer itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from picturewise.architectures.lines import parse
from picturewise.networks.builder import build
from picturewise.reference.layer import Floats, Layer
from picturewise.reference.network import Network

CLOSE = 1e-10
STEP = 1e-5


def error(found: Floats, expected: Floats) -> float:
    """Return the largest difference as a share of the largest expected number; below 1e-3 it counts as it is."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-3))


def noise() -> np.random.Generator:
    """The same noise in every step, so that a layer is one function."""
    return np.random.default_rng(5)


def channels_first(values: Floats) -> Tensor:
    tensor = torch.from_numpy(values)
    return tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


def channels_last(values: Tensor) -> Floats:
    found: Floats = (values.permute(0, 2, 3, 1) if values.ndim == 4 else values).detach().numpy()
    return found


def derivatives(layer: Layer, values: Floats) -> tuple[Floats, Floats, dict[str, Floats]]:
    """Return y, the r of L = Σ r · y, and ∂L by x ("x") and by each parameter."""
    outputs = layer.forward(values, noise())
    asked = np.random.default_rng(1).normal(size=outputs.shape)
    untouched = values.copy(), asked.copy()
    inward = layer.backward(asked)
    assert np.array_equal(values, untouched[0])  # no layer changes what is handed to it
    assert np.array_equal(asked, untouched[1])
    found = {name: parameter.gradient.copy() for name, parameter in layer.parameters().items()}
    return outputs, asked, {"x": np.array(inward), **found}


@pytest.fixture
def like_pytorch() -> Callable[[Layer, nn.Module, Floats], None]:
    """Check y, ∂L/∂x and the gradients of all parameters against a module, which gets the layer's numbers."""

    def check(layer: Layer, module: nn.Module, values: Floats) -> None:
        module.double().train()
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                parameter.copy_(torch.from_numpy(layer.parameters()[name].value))
        outputs, asked, found = derivatives(layer, values)
        inputs = channels_first(values).requires_grad_()
        expected = module(inputs)
        (expected * channels_first(asked)).sum().backward()
        assert inputs.grad is not None
        assert error(outputs, channels_last(expected)) < CLOSE
        assert error(found.pop("x"), channels_last(inputs.grad)) < CLOSE
        theirs = {name: parameter.grad for name, parameter in module.named_parameters()}
        assert found.keys() == theirs.keys()
        for name, gradient in theirs.items():
            assert gradient is not None
            assert error(found[name], gradient.numpy()) < CLOSE, name

    return check


@pytest.fixture
def like_differences() -> Callable[[Layer, Floats], None]:
    """Check ∂L/∂x and the gradients of all parameters against central differences, along random directions."""

    def check(layer: Layer, values: Floats) -> None:
        _, asked, found = derivatives(layer, values)
        values = values.copy()
        places: dict[str, NDArray[np.float64]] = {"x": values}  # type: ignore[dict-item]
        places |= {name: parameter.value for name, parameter in layer.parameters().items()}  # type: ignore[misc]
        random = np.random.default_rng(2)
        for name, place in places.items():
            for _ in range(2):
                direction = random.normal(size=place.shape)
                losses, before = [], place.copy()
                for side in (STEP, -STEP):
                    place[...] = before + side * direction
                    losses.append(float((layer.forward(values, noise()) * asked).sum()))
                place[...] = before
                slope = (losses[0] - losses[1]) / (2 * STEP)
                size = max(np.linalg.norm(found[name]), 1e-3) * np.linalg.norm(direction)
                assert abs(slope - float((found[name] * direction).sum())) / size < 1e-6, name

    return check


@pytest.fixture
def twins() -> Callable[..., tuple[Network, nn.Sequential]]:
    """Make a NumPy network and a PyTorch one of the same lines, each with its own copy of the same random numbers."""

    def make(lines: str, shape: tuple[int, int, int], classes: int = 3) -> tuple[Network, nn.Sequential]:
        layers = parse(lines)
        network = build(layers, shape, f"dense {classes}", seed=0).double()
        random = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in network.parameters():  # no scale of 0 hides the layers before it
                parameter.add_(torch.randn(parameter.shape, generator=random, dtype=torch.float64), alpha=0.2)
        state = {name: tensor.clone().numpy() for name, tensor in network.state_dict().items()}
        return Network(layers, shape, f"dense {classes}", state), network.train()

    return make


@pytest.fixture
def steps_alike() -> Callable[[Network, nn.Sequential, Floats], None]:
    """Check the logits of twins, and what flows back to every parameter."""

    def check(network: Network, twin: nn.Sequential, pictures: Floats) -> None:
        logits = network.forward(pictures, noise())
        asked = np.random.default_rng(3).normal(size=logits.shape)
        network.backward(asked)
        expected = twin(channels_first(pictures))
        (expected * torch.from_numpy(asked)).sum().backward()
        assert error(logits, expected.detach().numpy()) < CLOSE
        theirs = dict(twin.named_parameters())
        assert network.parameters.keys() == theirs.keys()
        for name, parameter in network.parameters.items():
            gradient = theirs[name].grad
            assert gradient is not None
            assert error(parameter.gradient, gradient.numpy()) < CLOSE, name

    return check
