from __future__ import annotations

import pytest

from picturewise.architectures import budget
from picturewise.architectures.budget import Cost, cost
from picturewise.architectures.lines import LONGEST_LINE, MOST_LINES, parse
from picturewise.architectures.named import NETWORKS, named_lines
from picturewise.architectures.summary import summarise
from picturewise.errors import LayerError


@pytest.mark.parametrize(
    ("line", "shape", "expected"),
    [
        # Windows of 3x3x5, 8 filters, 4x6 places.
        ("conv 8", (4, 6, 5), Cost(45 * 16 * 24, 24 * 5 + 24 * 8, 45 * 24)),
        ("conv 17", (4, 6, 5), Cost(45 * 32 * 24, 24 * 5 + 24 * 17, 45 * 24)),
        ("conv 8 relu", (4, 6, 5), Cost(45 * 16 * 24 + 16 * 8 * 24, 24 * 5 + 24 * 8, 45 * 24)),
        ("conv 16 1x2 /2", (4, 6, 5), Cost(10 * 16 * 6, 24 * 5 + 6 * 16, 10 * 6)),
        ("dense 7", (30,), Cost(210 + 16 * 7, 37)),
        ("maxpool 2", (4, 6, 5), Cost(16 * 4 * 6 * 5, 24 * 5 + 6 * 5, 4 * 6 * 5)),
        ("maxpool 3 /1 same", (4, 6, 5), Cost(16 * 9 * 24 * 5, 2 * 24 * 5, 9 * 24 * 5)),
        ("avgpool global", (4, 6, 5), Cost(16 * 120, 125)),
        ("batchnorm", (4, 6, 5), Cost(16 * 120, 240)),
        ("gelu", (30,), Cost(480, 60)),
        ("flatten", (4, 6, 5), Cost(120, 240)),
        # 3x3x5 to 4 channels in 2x3 places, 3x3x4 to 4 there, and the 1x1x5 of the shortcut. Sixteen filters take as
        # long as four, and each number that goes out counts as sixteen.
        ("residual 4 /2", (4, 6, 5), Cost(6 * 16 * (45 + 36 + 5) + 3 * 16 * 24, 120 + 2 * 120 + 24, 6 * 45)),
        # 1x1x5 to 2 in all places, 3x3x2 to 2 in every second one, 1x1x2 to 8, and the shortcut's 1x1x5 to 8.
        (
            "bottleneck 2 /2",
            (4, 6, 5),
            Cost(24 * 16 * 5 + 6 * 16 * (18 + 2 + 5) + 16 * (48 + 12 + 48 + 48), 120 + 2 * 120 + 48, 24 * 5),
        ),
    ],
)  # fmt: skip
def test_what_a_layer_costs(line: str, shape: tuple[int, ...], expected: Cost) -> None:
    (layer,) = parse(line)
    assert cost(layer, shape, layer.output(shape)) == expected


@pytest.mark.parametrize(
    ("name", "published"), [("vgg16", 15.5e9), ("vgg19", 19.6e9), ("resnet18", 1.8e9), ("resnet50", 4.1e9)]
)
def test_the_work_of_known_networks_is_about_what_is_published(name: str, published: float) -> None:
    shape, work = (224, 224, 3), 0
    for layer in parse(named_lines(name, shape)):
        outgoing = layer.output(shape)
        work, shape = work + cost(layer, shape, outgoing).work, outgoing
    assert published < work < 1.06 * published


@pytest.mark.parametrize("side", [224, 1024])
@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "mlp"])
def test_every_named_network_may_be_built_for_pictures_of_224_and_1024_pixels(name: str, side: int) -> None:
    summarise(parse(named_lines(name, (side, side, 3))), (side, side, 3), "dense 1000")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("conv 64; conv 64; avgpool global", "needs 134,217,728 values in memory at the same time, but at most"),
        ("conv 1 64x64;" + "avgpool global", "one picture needs .* multiplications, but at most"),
        ("maxpool 64 same /1;" + "avgpool global", "one picture needs .* multiplications"),
        ("conv 16;" + "gelu;" * 100 + "avgpool global", "one picture needs .* multiplications"),
        ("residual 1 x256 /64;" * 3 + "avgpool global", "its layers need 5,376 operations, but at most 4,000"),
        ("bottleneck 16384; avgpool global", "too expensive|parameters, but at most"),
    ],
)  # fmt: skip
def test_few_lines_that_cost_gigabytes_or_minutes_are_refused(lines: str, said: str) -> None:
    with pytest.raises(LayerError, match=said) as told:
        summarise(parse(lines), (1024, 1024, 3), "dense 2")
    assert len(str(told.value)) < 300


def test_a_network_of_a_thousand_layers_is_not_refused() -> None:
    # He et al., 2016: ResNet-1001 has 333 bottlenecks.
    lines = "conv 16; bottleneck 16 x111 pre; bottleneck 32 x111 /2 pre; bottleneck 64 x111 /2 pre; avgpool global"
    assert summarise(parse(lines), (32, 32, 3), "dense 10").operations == 3333


def test_many_weights_allow_more_work(monkeypatch: pytest.MonkeyPatch) -> None:
    layers, shape = parse("conv 4; avgpool global"), (8, 8, 1)
    numbers, work = 40 + 10, 64 * 9 * 16 + 16 * 64 * 4 + 4 * 2 + 16 * 2
    monkeypatch.setattr(budget, "MOST_WORK", 0)
    monkeypatch.setattr(budget, "WORK_A_NUMBER", work // numbers + 1)
    summarise(layers, shape, "dense 2")
    monkeypatch.setattr(budget, "WORK_A_NUMBER", work // numbers)
    with pytest.raises(
        LayerError, match=r"too expensive for pictures of 8x8x1: one picture needs 13,352 mult"
    ):
        summarise(layers, shape, "dense 2")


def test_the_lines_and_their_length_are_bounded() -> None:
    assert len(parse("relu;" * MOST_LINES)) == MOST_LINES
    with pytest.raises(LayerError, match="There are 1,001 layer lines, but at most 1,000 are allowed"):
        parse("relu;" * (MOST_LINES + 1))
    assert parse("conv 2" + " " * 10_000 + "relu # " + "x" * 10_000)
    with pytest.raises(
        LayerError,
        match=rf"Layer line 2, 'x{{40}}…', cannot be read: it has 5,000 characters, but at most {LONGEST_LINE} are",
    ):
        parse("relu; " + "x" * 5000)
