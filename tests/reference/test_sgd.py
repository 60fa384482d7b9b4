from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from picturewise.reference.layer import Parameter
from picturewise.reference.sgd import Sgd
from picturewise.training.optimizers import Optimizer

SHAPES = {"kernel": (4, 3, 2, 2), "matrix": (5, 3), "vector": (5,)}


class Bare(nn.Module):
    """Parameters and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        random = np.random.default_rng(0)
        for name, shape in SHAPES.items():
            self.register_parameter(name, nn.Parameter(torch.from_numpy(random.normal(size=shape))))


@pytest.mark.parametrize(
    "options",
    [{}, {"momentum": 0.0}, {"weight_decay": 0.1}, {"clip_norm": 0.5}, {"clip_norm": 1e3},
     {"factors": {"matrix": 0.1}}, {"weight_decay": 0.1, "clip_norm": 2.0, "momentum": 0.5}],
    ids=str,
)  # fmt: skip
def test_it_steps_as_the_optimizer_of_the_torch_engine(options: dict[str, Any]) -> None:
    options = {"momentum": 0.9, "weight_decay": 0.0, **options}
    module = Bare()
    parameters = {
        name: Parameter(tensor.detach().numpy().copy(), np.zeros(tensor.shape))
        for name, tensor in module.named_parameters()
    }
    sgd = Sgd(parameters, {name: np.zeros(shape) for name, shape in SHAPES.items()}, **options)
    optimizer = Optimizer("sgd", module, **options)
    random = np.random.default_rng(1)
    for rate in (0.1, 0.3, 0.05, 0.2):
        for name, tensor in module.named_parameters():
            gradient = random.normal(size=tensor.shape)
            tensor.grad = torch.from_numpy(gradient.copy())
            parameters[name].gradient[...] = gradient
        optimizer.step(rate)
        sgd.step(rate)
    for name, tensor in module.named_parameters():
        np.testing.assert_allclose(parameters[name].value, tensor.detach().numpy(), rtol=1e-12)
