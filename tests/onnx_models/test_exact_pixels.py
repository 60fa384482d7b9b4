from __future__ import annotations

import numpy as np
import pytest
from portables import TEMPERATURE, Pair, pictures

from picturewise.architectures.layers import Shape
from picturewise.onnx_models.exact_pixels import exact_weight
from picturewise.onnx_models.graph import rounded
from picturewise.onnx_models.model import onnx_model
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
