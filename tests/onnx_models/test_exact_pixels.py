from __future__ import annotations

import numpy as np
import pytest
from portables import TEMPERATURE, Pair, pictures

from picturewise.architectures.layers import Shape
from picturewise.architectures.lines import parse
from picturewise.onnx_models.exact_pixels import dense_factors, exact_weight
from picturewise.onnx_models.graph import rounded
from picturewise.onnx_models.model import onnx_model, takes_pixels
from picturewise.onnx_models.session import Session


@pytest.mark.parametrize(
    "lines", ["conv 6 3x3 relu; flatten", "conv 6 2x2 valid /2; maxpool 2; conv 3 1x1; flatten"]
)
@pytest.mark.parametrize(("shape", "grey"), [((12, 9, 3), False), ((12, 9, 3), True), ((12, 9, 1), False)])
def test_a_convolution_of_pixels_and_ones_is_that_of_the_prepared_picture(
    lines: str, shape: Shape, grey: bool
) -> None:
    pair = Pair(lines, shape, grey=grey)
    model = onnx_model(
        pair.layers, shape, pair.target, pair.state, pair.scale, temperature=TEMPERATURE, narrow="exact first"
    )
    images = pictures(5, shape)
    images[0], images[1] = 0, 255  # where a wrong margin would show most
    expected = pair.by_torch(images)
    found = Session(model, 1).logits(images)
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_all_its_weights_are_exact_in_bfloat16() -> None:
    weight = np.random.default_rng(0).normal(size=(4, 3, 2, 2)).astype(np.float32)
    found = exact_weight(weight, (120.0, 110.0, 100.0), (60.0, 61.0, 62.0), 3)
    assert found.shape == (4, 8, 2, 2)
    assert np.array_equal(rounded(found), found)
    pixel_weights = found[:, :3].astype(np.float64) + found[:, 4:7]
    expected = weight / np.array([60.0, 61.0, 62.0])[:, None, None]
    assert np.abs(pixel_weights / expected - 1).max() < 2**-16


@pytest.mark.parametrize("lines", ["flatten; dense 7 relu; dense 5 relu", "dropout 0.1; flatten; dense 7"])
@pytest.mark.parametrize(("shape", "grey"), [((12, 9, 3), False), ((12, 9, 3), True), ((12, 9, 1), False)])
def test_a_dense_layer_of_pixels_differs_by_its_rounded_weights_alone(
    lines: str, shape: Shape, grey: bool
) -> None:
    pair = Pair(lines, shape, grey=grey)
    name = next(name for name, array in pair.state.items() if array.ndim == 2)
    stds = np.resize(np.array(pair.scale.std), pair.state[name].shape[1])
    narrow = pair.state | {
        name: (rounded((pair.state[name] / stds).astype(np.float32)) * stds).astype(np.float32)
    }
    expected, exact, found = (
        Session(
            onnx_model(
                pair.layers, shape, pair.target, state, pair.scale, temperature=TEMPERATURE, narrow=how
            ),
            1,
        ).logits(pictures(5, shape))
        for state, how in ((narrow, None), (pair.state, None), (pair.state, "exact first"))
    )
    largest = np.abs(expected).max()
    if not (grey and shape[2] == 3):  # there, a third of each weight is rounded
        assert np.abs(found - expected).max() < 1e-5 * largest
    assert 0 < np.abs(found - exact).max() < 1e-2 * largest


def test_the_weights_of_a_dense_layer_are_exact_in_bfloat16() -> None:
    weight = np.random.default_rng(0).normal(size=(4, 2 * 2 * 3)).astype(np.float32)
    found = dense_factors(weight, (120.4, 110.0, 99.5), (60.0, 61.0, 62.0), 3)
    assert np.array_equal(rounded(found.weight), found.weight)
    assert found.offset == pytest.approx(
        -(found.weight * np.resize([120.4, 110.0, 99.5], 12)).sum(axis=1), rel=1e-5
    )


@pytest.mark.parametrize(
    ("lines", "takes"),
    [
        ("conv 4 3x3; flatten", True),
        ("flatten; dense 4", True),
        ("dropout 0.2; flatten; dropout 0.1; dense 4", True),
        ("conv 4 3x3 depthwise; flatten", False),
        ("avgpool 2; flatten; dense 4", False),
        ("relu; flatten; dense 4", False),
        ("flatten", False),
    ],
)
def test_only_pixels_as_they_are_are_exact(lines: str, takes: bool) -> None:
    assert (takes_pixels(parse(lines.split("; "))) is not None) == takes
