"""Muon against NumPy: its singular values against the SVD, its steps against the rule written out in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from picturewise.architectures.lines import parse
from picturewise.networks.builder import build
from picturewise.training.muon import COEFFICIENTS, ITERATIONS, hidden_matrices, muon, orthogonalised


def polynomial(singular: np.ndarray) -> np.ndarray:
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        singular = a * singular + b * singular**3 + c * singular**5
    return singular


def by_svd(matrix: np.ndarray) -> np.ndarray:
    """What the iterations come to: the polynomial acts on each singular value and leaves the vectors alone."""
    left, singular, right = np.linalg.svd(matrix, full_matrices=False)
    return (left * polynomial(singular / np.linalg.norm(matrix))) @ right


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


SHAPES = [(8, 8), (64, 20), (20, 64), (16, 144), (1, 30), (30, 1)]  # the last five are iterated as squares


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_are_moved_to_around_one(shape: tuple[int, int]) -> None:
    matrix = random(*shape)
    before = np.linalg.svd(matrix.numpy(), compute_uv=False) / np.linalg.norm(matrix.numpy())
    after = np.linalg.svd(orthogonalised(matrix).numpy(), compute_uv=False)
    assert before.min() > 1 / 500
    assert after.min() > 0.67
    assert after.max() < 1.22


@pytest.mark.parametrize("shape", SHAPES)
def test_the_vectors_stay_and_each_singular_value_goes_through_the_polynomial(shape: tuple[int, int]) -> None:
    matrix = random(*shape, seed=1)
    found = orthogonalised(matrix)
    np.testing.assert_allclose(found.numpy(), by_svd(matrix.double().numpy()), atol=2e-5)
    torch.testing.assert_close(orthogonalised(1000 * matrix), found)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(5, 3), (3, 100)])
def test_zero_stays_zero(shape: tuple[int, int], precision: torch.dtype) -> None:
    assert not orthogonalised(torch.zeros(shape), precision).any()


@pytest.mark.parametrize("rank", [1, 3])
def test_directions_without_a_gradient_stay_without_one(rank: int) -> None:
    matrix = random(12, rank) @ random(rank, 200, seed=1)
    found = orthogonalised(matrix)
    np.testing.assert_allclose(found.numpy(), by_svd(matrix.double().numpy()), atol=2e-5)
    assert np.linalg.svd(found.numpy(), compute_uv=False)[rank:].max() < 1e-3


@pytest.mark.parametrize(("rows", "error"), [(16, 0.01), (60, 0.03)])  # iterated as a square, and row by row
def test_a_step_in_bfloat16_is_as_exact_as_its_rounding(rows: int, error: float) -> None:
    matrix = random(rows, 300)
    found = orthogonalised(matrix, torch.bfloat16)
    assert found.dtype == torch.float32
    wanted = by_svd(matrix.double().numpy())
    assert np.abs(found.numpy() - wanted).max() < error * np.abs(wanted).max()


@pytest.mark.parametrize("momentum", [0.0, 0.95])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(12, 5), (5, 12), (6, 4, 3, 3), (40, 2, 3, 3)])
def test_ten_steps_equal_the_rule_in_float64(
    shape: tuple[int, ...], momentum: float, weight_decay: float
) -> None:
    parameter, mean = random(*shape), torch.zeros(shape)
    if len(shape) == 4:  # the memory layout of our convolutions
        parameter = parameter.to(memory_format=torch.channels_last)
    weights = parameter.double().numpy().reshape(shape[0], -1).copy()
    average = np.zeros_like(weights)
    scale = max(1, weights.shape[0] / weights.shape[1]) ** 0.5
    for step in range(1, 11):
        gradient = random(*shape, seed=step)
        muon(
            [parameter], [gradient.clone()], [mean],
            momentum=momentum, learning_rate=0.02 * step, weight_decay=weight_decay,
        )  # fmt: skip
        plain = gradient.double().numpy().reshape(weights.shape)
        average = momentum * average + (1 - momentum) * plain
        ahead = momentum * average + (1 - momentum) * plain  # Nesterov
        weights *= 1 - 0.02 * step * weight_decay
        weights -= 0.02 * step * scale * by_svd(ahead)
    np.testing.assert_allclose(parameter.reshape(weights.shape).numpy(), weights, atol=2e-4)


@pytest.mark.parametrize(("precision", "tolerance"), [(torch.float32, 0.02), (torch.bfloat16, 0.0)])
def test_steps_equal_those_of_pytorch_in_bfloat16_exactly(precision: torch.dtype, tolerance: float) -> None:
    ours, mean = random(12, 5), torch.zeros(12, 5)
    theirs = nn.Parameter(ours.clone())
    reference = torch.optim.Muon([theirs], lr=0.02, momentum=0.95, weight_decay=0.1)
    for step in range(10):
        theirs.grad = random(12, 5, seed=step + 1)
        muon(
            [ours], [theirs.grad], [mean],
            momentum=0.95, learning_rate=0.02, weight_decay=0.1, precision=precision,
        )  # fmt: skip
        reference.step()
    torch.testing.assert_close(ours, theirs.detach(), atol=tolerance, rtol=0)
    assert (ours - random(12, 5)).abs().max() > 0.05


def test_hidden_are_the_weights_between_the_first_and_the_last() -> None:
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.Conv2d(4, 4, 3),
        nn.Flatten(),
        nn.Linear(4, 4),
        nn.Linear(4, 2),
    )
    assert hidden_matrices(network) == ["2.weight", "4.weight"]
    network[0].weight.requires_grad_(requires_grad=False)
    assert hidden_matrices(network) == ["2.weight", "4.weight"]


def test_behind_a_whitening_layer_the_first_weights_are_hidden_too() -> None:
    network = build(parse("conv 8 2x2 whiten; conv 4; flatten; dense 5"), (6, 6, 1), "dense 2", seed=0)
    assert hidden_matrices(network) == ["2.weight", "4.weight"]


def test_a_single_row_is_not_a_matrix_so_positions_before_the_first_layer_do_not_count_as_it() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    network.register_parameter("positions", nn.Parameter(torch.zeros(1, 9, 4)))
    assert next(name for name, _ in network.named_parameters()) == "positions"
    assert hidden_matrices(network) == ["1.weight"]


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_small_networks_have_no_hidden_weights(layers: int) -> None:
    assert hidden_matrices(nn.Sequential(*(nn.Linear(3, 3) for _ in range(layers)))) == []
