"""Shapes and counts of residual blocks, written out by hand."""

from __future__ import annotations

import pytest

from picturewise.architectures.layers import Count, ShapeError
from picturewise.architectures.lines import parse_line
from picturewise.architectures.summary import summarise
from picturewise.errors import LayerError


@pytest.mark.parametrize(
    ("line", "incoming", "outgoing"),
    [
        ("residual 64", (32, 32, 64), (32, 32, 64)),
        ("residual 64 x3 /2", (7, 9, 16), (4, 5, 64)),
        ("residual 64 /2 pre", (1, 1, 64), (1, 1, 64)),
        ("bottleneck 64 x3", (56, 56, 64), (56, 56, 256)),
        ("bottleneck 128 x4 /2", (56, 56, 256), (28, 28, 512)),
    ],
)
def test_the_first_block_has_the_stride_and_a_bottleneck_gives_out_four_widths(
    line: str, incoming: tuple[int, int, int], outgoing: tuple[int, int, int]
) -> None:
    assert parse_line(line, 1).output(incoming) == outgoing


PLAIN = 2 * (9 * 64 * 64) + 2 * (64 + 64)  # two convolutions of 64 → 64, two normalisations


@pytest.mark.parametrize(
    ("line", "channels", "trainable", "normalised"),
    [
        ("residual 64", 64, PLAIN, 2 * 64),
        ("residual 64 x3 gelu", 64, 3 * PLAIN, 6 * 64),
        ("residual 64 dropout 0.3", 64, PLAIN, 2 * 64),
        # A stride alone asks for a projection: 1x1 and a normalisation.
        ("residual 64 x2 /2", 64, 2 * PLAIN + 64 * 64 + 2 * 64, 5 * 64),
        ("residual 64", 16, 9 * 16 * 64 + 9 * 64 * 64 + 16 * 64 + 2 * 3 * 64, 3 * 64),
        # With pre-activation the channels that come in are normalised, and the projection is not.
        ("residual 64 pre", 16, 9 * 16 * 64 + 9 * 64 * 64 + 16 * 64 + 2 * (16 + 64), 16 + 64),
        ("residual 64 x2 pre", 64, 2 * PLAIN, 4 * 64),
        # 1x1 64 → 64, 3x3 64 → 64, 1x1 64 → 256, and the projection 64 → 256.
        (
            "bottleneck 64",
            64,
            64 * 64 + 9 * 64 * 64 + 64 * 256 + 64 * 256 + 2 * (64 + 64 + 256 + 256),
            64 + 64 + 256 + 256,
        ),
        ("bottleneck 64", 256, 256 * 64 + 9 * 64 * 64 + 64 * 256 + 2 * (64 + 64 + 256), 64 + 64 + 256),
        ("bottleneck 64 pre", 256, 256 * 64 + 9 * 64 * 64 + 64 * 256 + 2 * (256 + 64 + 64), 256 + 64 + 64),
    ],
)
def test_parameters_are_counted_by_hand(line: str, channels: int, trainable: int, normalised: int) -> None:
    assert parse_line(line, 1).count((8, 8, channels)) == Count(trainable, 2 * normalised)


@pytest.mark.parametrize("line", ["residual 8", "bottleneck 8"])
def test_vectors_are_refused(line: str) -> None:
    with pytest.raises(
        ShapeError,
        match=f"{line.split(maxsplit=1)[0]} needs an input with height and width, so it must come before",
    ):
        parse_line(line, 1).output((12,))


def test_a_residual_line_is_one_row_of_the_table() -> None:
    row, _ = summarise(
        [parse_line("residual 64 x2 /2", 1), parse_line("avgpool global", 2)], (8, 8, 64), "dense 2"
    ).rows[:2]
    assert (row.line, row.output, row.count.trainable) == ("residual 64 x2 /2", (4, 4, 64), 2 * PLAIN + 4224)
    assert row.multiplications == row.count.trainable * 16


def test_blocks_too_large_for_any_memory_are_refused_before_they_are_built() -> None:
    with pytest.raises(
        LayerError,
        match=r"at most 1,000,000,000 are allowed\. Most of them are in layer line 1, 'residual 65536",
    ):
        summarise(
            [parse_line("residual 65536 x256", 1), parse_line("avgpool global", 2)], (8, 8, 3), "dense 10"
        )
