from __future__ import annotations

import pytest

from picturewise.architectures.layers import Count
from picturewise.architectures.lines import parse
from picturewise.architectures.summary import summarise
from picturewise.errors import LayerError


@pytest.mark.parametrize(
    ("lines", "trainable"),
    [
        ("flatten; dense 512 relu; dense 512 relu", 669_706),
        ("flatten; dense 512 relu; dense 256 relu; dense 128 relu", 567_434),
    ],
)
def test_the_networks_of_the_textbooks_have_their_known_number_of_parameters(
    lines: str, trainable: int
) -> None:
    summary = summarise(parse(lines), (28, 28, 1), "dense 10")
    assert (summary.trainable, summary.fixed) == (trainable, 0)


def test_the_table_has_a_row_for_each_line_and_the_output_layer() -> None:
    summary = summarise(parse("conv 4 relu; batchnorm; maxpool 2; avgpool global"), (8, 6, 3), "dense 5")
    assert [(row.line, row.output) for row in summary.rows] == [
        ("conv 4 3x3 relu", (8, 6, 4)),
        ("batchnorm", (8, 6, 4)),
        ("maxpool 2", (4, 3, 4)),
        ("avgpool global", (4,)),
        ("dense 5", (5,)),
    ]
    assert summary.rows[1].count == Count(trainable=8, fixed=8)
    assert (summary.trainable, summary.fixed) == (112 + 8 + 25, 8)
    assert summary.input == (8, 6, 3)


def test_what_training_keeps_of_a_picture_is_about_one_tensor_a_line_and_four_a_block() -> None:
    summary = summarise(parse("conv 4 relu; residual 4 x3 /2; avgpool global"), (8, 6, 3), "dense 5")
    assert summary.kept == 8 * 6 * 4 + 4 * 3 * (4 * 3 * 4) + 4 + 5


def test_operations_are_one_a_line_and_three_a_convolution_and_the_sum_in_a_block() -> None:
    summary = summarise(parse("conv 4; residual 4 x3; bottleneck 4 x2; avgpool global"), (8, 6, 3), "dense 5")
    assert [row.operations for row in summary.rows] == [1, 3 * 7, 2 * 10, 1, 1]
    assert summary.operations == 44


def test_a_line_that_does_not_fit_is_named_with_what_comes_in_and_what_it_expects() -> None:
    with pytest.raises(LayerError) as caught:
        summarise(parse("maxpool 2; conv 4 5x5 valid; flatten"), (8, 8, 1), "dense 2")
    assert str(caught.value) == (
        "Layer line 2, 'conv 4 5x5 valid', does not fit its input 4x4x1: its window needs at least 5x5 pixels; use a "
        "smaller window, or less pooling before it."
    )


def test_an_output_layer_on_pictures_is_refused_with_the_advice_to_flatten() -> None:
    with pytest.raises(
        LayerError, match=r"The output layer, 'dense 2', does not fit its input 8x8x1: .*'flatten'"
    ):
        summarise((), (8, 8, 1), "dense 2")


def test_a_network_too_large_for_any_memory_is_refused_before_it_is_built() -> None:
    with pytest.raises(LayerError, match=r"1,006,804,842 parameters, .* in layer line 2, 'dense 6688'"):
        summarise(parse("flatten; dense 6688"), (224, 224, 3), "dense 10")
