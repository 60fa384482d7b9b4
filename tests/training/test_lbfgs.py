"""L-BFGS: PyTorch's own, bit for bit, without loading its compiler."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch

from picturewise.training.lbfgs import minimised


def rosenbrock(point: torch.Tensor) -> torch.Tensor:
    return (100 * (point[1:] - point[:-1].square()).square() + (1 - point[:-1]).square()).sum()


def ill_conditioned(point: torch.Tensor) -> torch.Tensor:
    return (point.square() * 10.0 ** torch.arange(len(point))).sum() + (point - 1).pow(4).sum()


Function = Callable[[torch.Tensor], torch.Tensor]


def with_gradient(function: Function, point: torch.Tensor) -> tuple[float, torch.Tensor]:
    point = point.detach().clone().requires_grad_()
    value = function(point)
    (gradient,) = torch.autograd.grad(value, point)
    return float(value.detach()), gradient


@pytest.mark.parametrize("function", [rosenbrock, ill_conditioned])
@pytest.mark.parametrize(("iterations", "tolerance"), [(500, 1e-9), (500, 1e-2), (7, 1e-9)])
def test_it_goes_where_the_class_of_pytorch_goes(
    function: Function, iterations: int, tolerance: float
) -> None:
    start = torch.linspace(-1.5, 2, 8, dtype=torch.float64)
    found = minimised(
        lambda point: with_gradient(function, point), start,
        iterations=iterations, tolerance=tolerance, least_change=1e-3 * tolerance,
    )  # fmt: skip
    theirs = start.clone().requires_grad_()
    solver = torch.optim.LBFGS(
        [theirs], max_iter=iterations, tolerance_grad=tolerance, tolerance_change=1e-3 * tolerance, history_size=10,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> torch.Tensor:
        solver.zero_grad()
        value = function(theirs)
        value.backward()
        return value

    solver.step(closure)
    assert torch.equal(found, theirs.detach())
    assert torch.equal(start, torch.linspace(-1.5, 2, 8, dtype=torch.float64))


def test_a_start_at_the_minimum_is_returned() -> None:
    start = torch.ones(4, dtype=torch.float64)
    found = minimised(
        lambda point: with_gradient(rosenbrock, point),
        start,
        iterations=9,
        tolerance=1e-9,
        least_change=1e-12,
    )
    assert torch.equal(found, start)


@pytest.mark.slow  # importing PyTorch
def test_the_compiler_of_pytorch_is_not_loaded() -> None:
    program = """
import sys, torch
from picturewise.training.head_fit import regression
regression(torch.eye(4, dtype=torch.float64), torch.tensor([0, 0, 1, 1]), 2, 0.1)
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
