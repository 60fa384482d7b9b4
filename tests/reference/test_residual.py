from __future__ import annotations

import numpy as np
import pytest

from picturewise.architectures.layers import ACTIVATIONS


def drawn(case: int) -> tuple[str, tuple[int, int, int], int]:
    """Return a residual line, a shape and a batch: with and without stride, projection, `pre`, and every activation."""
    random = np.random.default_rng(case)
    channels, width = (int(number) for number in random.integers(1, 5, 2))
    words = ["bottleneck" if case % 4 == 3 else "residual", f"{channels if case % 3 == 0 else width}"]
    words += [f"x{case % 3 + 1}"] * (case % 3 > 0) + ["/2"] * (case % 5 > 2) + ["pre"] * (case % 2)
    words.append(ACTIVATIONS[case % len(ACTIVATIONS)])
    height, side = (int(number) for number in random.integers(3, 8, 2))
    return " ".join(words), (height, side, channels), int(random.integers(2, 4))


@pytest.mark.parametrize("case", range(20))
def test_blocks_compute_what_pytorch_does_there_and_back(twins, steps_alike, case: int) -> None:
    line, shape, batch = drawn(case)
    network, twin = twins(
        f"conv {shape[2]} 1x1; {line}; flatten", shape
    )  # the conv asks the blocks for ∂L/∂x
    steps_alike(network, twin, np.random.default_rng(case).normal(size=(batch, *shape)))


@pytest.mark.parametrize("case", range(20))
def test_their_gradients_are_those_of_differences(twins, like_differences, case: int) -> None:
    line, shape, batch = drawn(case)
    network, _ = twins(f"{line}; flatten", shape)
    like_differences(network._layers, np.random.default_rng(case).normal(size=(batch, *shape)))


@pytest.mark.parametrize("form", ["", " pre"])
def test_dropout_between_the_convolutions_is_a_part_of_the_block(twins, like_differences, form: str) -> None:
    network, _ = twins(f"residual 3{form} dropout 0.5; flatten", (4, 5, 2))
    pictures = np.random.default_rng(0).normal(size=(3, 4, 5, 2))
    like_differences(network._layers, pictures)
    first, second, same = (network.forward(pictures, np.random.default_rng(seed)) for seed in (0, 1, 0))
    assert not np.allclose(first, second)
    assert np.array_equal(first, same)
