from __future__ import annotations

import pytest

from picturewise.architectures.lines import parse
from picturewise.architectures.named import NETWORKS, named_lines
from picturewise.architectures.summary import summarise
from picturewise.architectures.width import can_be_widened, widened
from picturewise.errors import UsageError

SHAPE = (32, 32, 3)


@pytest.mark.parametrize("name", [name for name in NETWORKS if can_be_widened(named_lines(name, SHAPE))])
def test_every_named_network_becomes_wider_and_narrower(name: str) -> None:
    lines = named_lines(name, SHAPE)
    parameters = [
        summarise(parse(widened(lines, factor)), SHAPE, "dense 10").trainable for factor in (0.5, 1, 1.5)
    ]
    assert widened(lines, 1) == tuple(layer.line for layer in parse(lines))
    assert parameters == sorted(set(parameters))


def test_widths_are_multiples_of_eight_and_whitening_stays() -> None:
    lines = [
        "conv 24 2x2 valid whiten gelu",
        "conv 30 nobias",
        "residual 16 x2 /2",
        "bottleneck 8",
        "conv 4",
        "flatten",
    ]
    assert widened([*lines, "dense 100 relu"], 0.6) == (
        "conv 24 2x2 valid whiten gelu", "conv 16 3x3 nobias", "residual 8 x2 /2", "bottleneck 8", "conv 2 3x3",
        "flatten", "dense 64 relu",
    )  # fmt: skip


def test_no_layer_disappears() -> None:
    assert widened(["conv 3", "flatten", "dense 8"], 0.01) == ("conv 1 3x3", "flatten", "dense 8")


@pytest.mark.parametrize("line", ["conv 32 depthwise", "conv 32 groups 2", "mbconv 16", "squeeze-excite 4"])
def test_layers_that_depend_on_others_are_refused(line: str) -> None:
    assert not can_be_widened(["conv 32", line])
    with pytest.raises(UsageError, match=r"Layer line 2, .* depends on the width of other layers"):
        widened(["conv 32", line], 2)


def test_a_network_without_widths_cannot_be_widened() -> None:
    assert not can_be_widened(["flatten"])
