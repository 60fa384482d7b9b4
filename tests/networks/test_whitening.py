from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from picturewise.architectures.lines import parse
from picturewise.architectures.summary import summarise
from picturewise.networks.builder import build
from picturewise.networks.convolution import Whitening
from picturewise.networks.whitening import (
    SMOOTHING,
    second_moments,
    whiten,
    whitening_kernels,
    whitening_layer,
)

LINE = "conv 24 2x2 valid whiten"


def pictures(count: int = 700, channels: int = 3) -> Tensor:
    """Pictures whose neighbouring pixels and channels have much in common."""
    random = np.random.default_rng(0)
    rough = random.normal(size=(count, 1, 5, 5)) + 0.5 * random.normal(size=(count, channels, 5, 5))
    smooth = rough.repeat(2, axis=2).repeat(2, axis=3) + 0.2 * random.normal(size=(count, channels, 10, 10))
    return torch.from_numpy(smooth.astype(np.float32))


def whitened(line: str, shape: tuple[int, int, int], prepared: Tensor) -> tuple[nn.Sequential, Whitening]:
    network = build(parse(f"{line}; flatten"), shape, "dense 2", seed=0)
    layer = whitening_layer(network)
    assert layer is not None
    whiten(layer, prepared)
    return network, layer


def test_what_goes_out_is_uncorrelated_and_of_variance_one() -> None:
    _, layer = whitened(LINE, (10, 10, 3), pictures())
    outputs = layer(pictures()).detach().permute(0, 2, 3, 1).flatten(0, 2).numpy()
    forwards, backwards = outputs[:, :12], outputs[:, 12:]
    np.testing.assert_array_equal(backwards, -forwards)
    moments = forwards.T.astype(np.float64) @ forwards / len(forwards)
    np.testing.assert_allclose(moments, np.eye(12), atol=0.02)


def test_kernels_are_those_of_numpys_singular_value_decomposition() -> None:
    prepared = pictures(300, 1)
    _, layer = whitened("conv 6 3x2 valid whiten", (10, 10, 1), prepared)
    flat = prepared[:, 0].numpy().astype(np.float64)
    patches = np.array([
        flat[n, row : row + 3, column : column + 2].ravel()
        for n in range(300) for row in range(8) for column in range(9)
    ])  # fmt: skip
    _, sizes, directions = np.linalg.svd(patches / np.sqrt(len(patches)), full_matrices=False)
    for number in range(3):
        expected = directions[number] / np.sqrt(sizes[number] ** 2 + SMOOTHING)
        expected *= np.sign(expected[np.abs(expected).argmax()])
        np.testing.assert_allclose(layer.weight[number].detach().numpy().ravel(), expected, rtol=1e-4)


def test_patches_of_all_pictures_count_however_many_are_looked_at_together() -> None:
    prepared = pictures(600)
    parts = [second_moments(part, (2, 2)) for part in (prepared[:200], prepared[200:])]
    torch.testing.assert_close(second_moments(prepared, (2, 2)), (parts[0] + 2 * parts[1]) / 3)


def test_a_direction_without_variance_is_not_blown_up() -> None:
    kernels = whitening_kernels(torch.zeros(4, 4, dtype=torch.float64), 8)
    assert float(kernels.abs().max()) == pytest.approx(SMOOTHING**-0.5)


def test_kernels_do_not_learn_and_are_saved_with_the_weights() -> None:
    network, layer = whitened(f"{LINE} gelu", (10, 10, 3), pictures())
    names = [name for name, _ in network.named_parameters()]
    assert "0.bias" in names
    assert "0.weight" not in names
    network.requires_grad_(requires_grad=True)  # as for layers that thaw
    assert not layer.weight.requires_grad
    again = build(parse(f"{LINE} gelu; flatten"), (10, 10, 3), "dense 2", seed=1)
    again.load_state_dict(network.state_dict())
    assert torch.equal(again[0].weight, layer.weight)  # type: ignore[arg-type]


@pytest.mark.parametrize("line", [LINE, "conv 8 2x2 whiten", "conv 6 3x3 /2 nobias whiten relu"])
def test_the_summary_counts_the_kernels_as_fixed(line: str) -> None:
    layers = parse(f"{line}; flatten")
    summary, network = summarise(layers, (9, 9, 3), "dense 2"), build(layers, (9, 9, 3), "dense 2", seed=0)
    assert sum(p.numel() for p in network.parameters()) == summary.trainable
    assert sum(buffer.numel() for buffer in network.buffers()) == summary.fixed > 0


def test_most_networks_have_none() -> None:
    assert whitening_layer(build(parse("conv 4; flatten"), (6, 6, 1), "dense 2", seed=0)) is None
