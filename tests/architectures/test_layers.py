from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picturewise.architectures.layers import (
    Activation,
    BatchNorm,
    Conv,
    Count,
    Dense,
    Dropout,
    Flatten,
    GroupNorm,
    Pool,
    ShapeError,
    decimal,
    show,
)


def test_padding_keeps_the_size_and_a_stride_divides_it_rounded_up() -> None:
    assert Conv(4).output((7, 9, 3)) == (7, 9, 4)
    assert Conv(4, (5, 2), stride=2).output((7, 8, 3)) == (4, 4, 4)
    assert Conv(4, (64, 64)).output((1, 1, 1)) == (1, 1, 4)


def test_without_padding_only_whole_windows_count() -> None:
    assert Conv(4, (3, 5), padding="valid").output((7, 9, 3)) == (5, 5, 4)
    assert Pool("maxpool", 2).output((7, 9, 3)) == (3, 4, 3)
    assert Pool("maxpool", 3, 2).output((7, 9, 3)) == (3, 4, 3)
    assert Pool("avgpool", None).output((7, 9, 3)) == (3,)


def test_a_padded_window_may_hang_over_the_edge() -> None:
    assert Pool("maxpool", 3, 2, "same").output((112, 7, 64)) == (56, 4, 64)
    assert Pool("maxpool", 64, 1, "same").output((1, 2, 3)) == (1, 2, 3)


def test_groups_must_divide_the_channels_and_hold_more_than_one_number() -> None:
    assert GroupNorm(4).output((8, 6, 12)) == (8, 6, 12)
    assert GroupNorm(12).output((8, 6, 12)) == (8, 6, 12)  # each channel for itself
    with pytest.raises(ShapeError, match="must divide the 12 channels evenly; write 'groupnorm 4'"):
        GroupNorm(5).output((8, 6, 12))
    with pytest.raises(ShapeError, match="write 'groupnorm 12'"):
        GroupNorm(32).output((8, 6, 12))
    for alone in ((12,), (1, 1, 12)):
        with pytest.raises(ShapeError, match=r"only one value, .* use fewer groups"):
            GroupNorm(12).output(alone)


def test_groups_of_a_convolution_must_divide_channels_and_filters() -> None:
    assert Conv(8, groups=4).output((5, 5, 12)) == (5, 5, 8)
    assert Conv(24, depthwise=True).output((5, 5, 12)) == (5, 5, 24)
    assert Conv(8, groups=4).count((5, 5, 12)).trainable == 8 * 9 * 3 + 8
    assert Conv(24, depthwise=True, bias=False).count((5, 5, 12)).trainable == 24 * 9
    for layer, shape in ((Conv(8, groups=4), (5, 5, 6)), (Conv(6, groups=4), (5, 5, 8))):
        with pytest.raises(
            ShapeError,
            match=r"'groups 4' requires the number of filters to be a multiple of 4, and also .* input channels \(\d\)",
        ):
            layer.output(shape)
    with pytest.raises(
        ShapeError, match=r"'depthwise' requires the number of filters to be a multiple of 12$"
    ):
        Conv(8, depthwise=True).output((5, 5, 12))


def test_a_window_that_does_not_fit_says_how_many_pixels_it_needs() -> None:
    with pytest.raises(ShapeError, match="its window needs at least 3x5 pixels"):
        Conv(4, (3, 5), padding="valid").output((3, 4, 1))
    with pytest.raises(ShapeError, match="its window needs at least 2x2 pixels"):
        Pool("maxpool", 2).output((1, 9, 1))


@pytest.mark.parametrize("layer", [Conv(4), Pool("maxpool", 2), Pool("avgpool", None)])
def test_layers_for_pictures_refuse_vectors(layer: Conv | Pool) -> None:
    with pytest.raises(
        ShapeError, match="needs an input with height and width, so it must come before 'flatten'"
    ):
        layer.output((12,))


def test_a_dense_layer_refuses_pictures() -> None:
    with pytest.raises(ShapeError, match="add 'flatten' or 'avgpool global' before it"):
        Dense(10).output((2, 2, 3))


def test_parameters_are_counted_by_hand() -> None:
    assert Conv(32, (3, 5)).count((8, 8, 3)) == Count(trainable=(3 * 5 * 3 + 1) * 32)
    assert Conv(32, (3, 5), bias=False).count((8, 8, 3)) == Count(trainable=3 * 5 * 3 * 32)
    assert GroupNorm(4).count((8, 8, 16)) == Count(trainable=32)
    assert Dense(10).count((512,)) == Count(trainable=5130)
    assert BatchNorm().count((8, 8, 16)) == Count(trainable=32, fixed=32)
    assert BatchNorm().count((16,)).total == 64
    for layer in (Pool("maxpool", 2), Dropout(0.5), Flatten(), Activation("relu")):
        assert layer.count((8, 8, 16)) == Count()


def test_some_layers_change_no_shape_and_flatten_keeps_every_number() -> None:
    for layer in (BatchNorm(), Dropout(0.5), Activation("relu")):
        assert layer.output((8, 6, 3)) == (8, 6, 3)
        assert layer.output((5,)) == (5,)
    assert Flatten().output((8, 6, 3)) == (144,)
    assert Flatten().output((144,)) == (144,)


def test_shapes_are_shown_as_people_write_them() -> None:
    assert show((28, 28, 1)) == "28x28x1"


@given(st.floats(0, 1e6))
def test_a_decimal_is_read_back_exactly_and_has_no_exponent(number: float) -> None:
    text = decimal(number)
    assert float(text) == number
    assert set(text) <= set("0123456789.")
