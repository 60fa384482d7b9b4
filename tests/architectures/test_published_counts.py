"""Parameter counts of the presets: as published, and counted again from the papers' tables, without our code."""

from __future__ import annotations

import pytest

from picturewise.architectures.lines import parse
from picturewise.architectures.named import NETWORKS, named_lines
from picturewise.architectures.summary import summarise

IMAGENET, CIFAR = ((224, 224, 3), 1000), ((32, 32, 3), 10)


def conv(side: int, incoming: int, outgoing: int) -> int:
    """A convolution without bias."""
    return side * side * incoming * outgoing


def norm(channels: int) -> int:
    """Scale and shift; running means are not counted as parameters, in torchvision as in the papers."""
    return 2 * channels


def dense(incoming: int, outgoing: int) -> int:
    return incoming * outgoing + outgoing


def vgg(columns: str) -> int:
    """Simonyan and Zisserman, table 1; with biases before the normalisations, as torchvision's vgg*_bn have them."""
    total, incoming = 0, 3
    for word in columns.split():
        total += conv(3, incoming, int(word)) + int(word) + norm(int(word))
        incoming = int(word)
    return total + dense(7 * 7 * 512, 4096) + dense(4096, 4096) + dense(4096, 1000)


VGG = {
    "vgg11": "64 128 256 256 512 512 512 512",
    "vgg13": "64 64 128 128 256 256 512 512 512 512",
    "vgg16": "64 64 128 128 256 256 256 512 512 512 512 512 512",
    "vgg19": "64 64 128 128 256 256 256 256 512 512 512 512 512 512 512 512",
}


def basic(incoming: int, outgoing: int, *, projection: bool) -> int:
    total = conv(3, incoming, outgoing) + norm(outgoing) + conv(3, outgoing, outgoing) + norm(outgoing)
    return total + projection * (conv(1, incoming, outgoing) + norm(outgoing))


def bottleneck(incoming: int, width: int, *, projection: bool) -> int:
    total = conv(1, incoming, width) + conv(3, width, width) + conv(1, width, 4 * width)
    total += norm(width) + norm(width) + norm(4 * width)
    return total + projection * (conv(1, incoming, 4 * width) + norm(4 * width))


def resnet_basic(first: int, second: int, third: int, fourth: int) -> int:
    """He et al., table 1, 18 and 34 layers: the first stage has 64 channels as its input has."""
    return (
        conv(7, 3, 64) + norm(64)
        + first * basic(64, 64, projection=False)
        + basic(64, 128, projection=True) + (second - 1) * basic(128, 128, projection=False)
        + basic(128, 256, projection=True) + (third - 1) * basic(256, 256, projection=False)
        + basic(256, 512, projection=True) + (fourth - 1) * basic(512, 512, projection=False)
        + dense(512, 1000)
    )  # fmt: skip


def resnet50() -> int:
    """He et al., table 1, 50 layers: a projection opens every stage, the first one too."""
    return (
        conv(7, 3, 64) + norm(64)
        + bottleneck(64, 64, projection=True) + 2 * bottleneck(256, 64, projection=False)
        + bottleneck(256, 128, projection=True) + 3 * bottleneck(512, 128, projection=False)
        + bottleneck(512, 256, projection=True) + 5 * bottleneck(1024, 256, projection=False)
        + bottleneck(1024, 512, projection=True) + 2 * bottleneck(2048, 512, projection=False)
        + dense(2048, 1000)
    )  # fmt: skip


def resnet20() -> int:
    """He et al., section 4.2, n = 3, with projections (option B) where the paper pads with zeros (option A)."""
    return (
        conv(3, 3, 16) + norm(16)
        + 3 * basic(16, 16, projection=False)
        + basic(16, 32, projection=True) + 2 * basic(32, 32, projection=False)
        + basic(32, 64, projection=True) + 2 * basic(64, 64, projection=False)
        + dense(64, 10)
    )  # fmt: skip


def wide_resnet() -> int:
    """Zagoruyko and Komodakis, table 1, N = 4, k = 10: normalisations before convolutions, projections bare."""
    total, incoming = conv(3, 3, 16), 16
    for width in (160, 320, 640):
        total += norm(incoming) + conv(3, incoming, width) + norm(width) + conv(3, width, width)
        total += conv(1, incoming, width)
        total += 3 * (norm(width) + conv(3, width, width) + norm(width) + conv(3, width, width))
        incoming = width
    return total + norm(640) + dense(640, 10)


def mobile(rows: str) -> int:
    """Sandler et al., table 2, and Tan and Le, table 1: each row is expansion, side of the kernel, channels, blocks."""
    total, incoming = conv(3, 3, 32) + norm(32), 32
    for row in rows.split(","):
        expand, side, outgoing, blocks = map(int, row.split())
        for _ in range(blocks):
            wide = expand * incoming
            total += (expand > 1) * (conv(1, incoming, wide) + norm(wide)) + side * side * wide + norm(wide)
            total += conv(1, wide, outgoing) + norm(outgoing)
            incoming = outgoing
    return total + conv(1, incoming, 1280) + norm(1280) + dense(1280, 1000)


MOBILENET_V2 = "1 3 16 1, 6 3 24 2, 6 3 32 3, 6 3 64 4, 6 3 96 3, 6 3 160 3, 6 3 320 1"
LITE0 = "1 3 16 1, 6 3 24 2, 6 5 40 2, 6 3 80 3, 6 5 112 3, 6 5 192 4, 6 3 320 1"
LITE1 = "1 3 16 1, 6 3 24 3, 6 5 40 3, 6 3 80 4, 6 5 112 4, 6 5 192 5, 6 3 320 1"
LITE2 = "1 3 16 1, 6 3 24 3, 6 5 48 3, 6 3 88 4, 6 5 120 4, 6 5 208 5, 6 3 352 1"


# Published: of torchvision's models without weights (docs.pytorch.org/vision, "num_params" of IMAGENET1K_V1);
# of ResNet-20 and Wide-ResNet-28-10 as printed by their usual implementations; the papers say 0.27M (option A, which
# has no projections) and 36.5M.
PUBLISHED = {
    "vgg11": (IMAGENET, 132_868_840, vgg(VGG["vgg11"])),
    "vgg13": (IMAGENET, 133_053_736, vgg(VGG["vgg13"])),
    "vgg16": (IMAGENET, 138_365_992, vgg(VGG["vgg16"])),
    "vgg19": (IMAGENET, 143_678_248, vgg(VGG["vgg19"])),
    "resnet18": (IMAGENET, 11_689_512, resnet_basic(2, 2, 2, 2)),
    "resnet34": (IMAGENET, 21_797_672, resnet_basic(3, 4, 6, 3)),
    "resnet50": (IMAGENET, 25_557_032, resnet50()),
    "resnet20": (CIFAR, 272_474, resnet20()),
    "wide-resnet-28-10": (CIFAR, 36_479_194, wide_resnet()),
    "mobilenet-v2": (IMAGENET, 3_504_872, mobile(MOBILENET_V2)),
    "efficientnet-lite0": (IMAGENET, 4_652_008, mobile(LITE0)),
    "efficientnet-lite1": (((240, 240, 3), 1000), 5_416_680, mobile(LITE1)),
    "efficientnet-lite2": (((260, 260, 3), 1000), 6_092_072, mobile(LITE2)),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_preset_has_exactly_the_published_parameters(name: str) -> None:
    (shape, classes), published, by_hand = PUBLISHED[name]
    assert by_hand == published
    assert summarise(parse(named_lines(name, shape)), shape, f"dense {classes}").trainable == published


def test_every_preset_with_a_paper_is_held_to_its_number() -> None:
    assert {*PUBLISHED, "cnn", "small-cnn", "mlp", "airbench94", "small-airbench", "reader"} == {*NETWORKS}


def test_the_shapes_on_the_way_are_those_of_the_paper() -> None:
    """He et al., table 1: "output size" of the 50-layer column."""
    rows = summarise(parse(named_lines("resnet50", (224, 224, 3))), (224, 224, 3), "dense 1000").rows
    assert [(row.line, row.output) for row in rows] == [
        ("conv 64 7x7 /2 nobias", (112, 112, 64)),
        ("batchnorm", (112, 112, 64)),
        ("relu", (112, 112, 64)),
        ("maxpool 3 /2 same", (56, 56, 64)),
        ("bottleneck 64 x3", (56, 56, 256)),
        ("bottleneck 128 x4 /2", (28, 28, 512)),
        ("bottleneck 256 x6 /2", (14, 14, 1024)),
        ("bottleneck 512 x3 /2", (7, 7, 2048)),
        ("avgpool global", (2048,)),
        ("dense 1000", (1000,)),
    ]
