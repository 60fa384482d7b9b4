"""Published weights of mobile networks in ours, compared with their computation, written again from its description."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from picturewise.architectures.lines import parse
from picturewise.architectures.published import published, published_lines
from picturewise.errors import RunError
from picturewise.networks.builder import assemble
from picturewise.networks.torchvision_weights import check_published, from_published, published_shapes

State = dict[str, Tensor]


class Row(NamedTuple):
    expand: int
    side: int
    channels: int
    blocks: int
    stride: int


# Sandler et al., 2018, table 2; Tan and Le, 2019, table 1, as wide and deep as TensorFlow's EfficientNet-Lite.
ROWS = {
    "mobilenet-v2": [(1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 3, 32, 3, 2), (6, 3, 64, 4, 2), (6, 3, 96, 3, 1),
                     (6, 3, 160, 3, 2), (6, 3, 320, 1, 1)],
    "efficientnet-lite0": [(1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1),
                           (6, 5, 192, 4, 2), (6, 3, 320, 1, 1)],
    "efficientnet-lite1": [(1, 3, 16, 1, 1), (6, 3, 24, 3, 2), (6, 5, 40, 3, 2), (6, 3, 80, 4, 2), (6, 5, 112, 4, 1),
                           (6, 5, 192, 5, 2), (6, 3, 320, 1, 1)],
    "efficientnet-lite2": [(1, 3, 16, 1, 1), (6, 3, 24, 3, 2), (6, 5, 48, 3, 2), (6, 3, 88, 4, 2), (6, 5, 120, 4, 1),
                           (6, 5, 208, 5, 2), (6, 3, 352, 1, 1)],
}  # fmt: skip


class Part(NamedTuple):
    """A convolution with its normalisation: their published names, kernels, stride, groups; what follows."""

    conv: str
    norm: str
    weight: tuple[int, int, int, int]
    stride: int = 1
    groups: int = 1
    activated: bool = True
    first: bool = False  # of a block
    adds: bool = False  # the block's input, after the last of its convolutions


def parts(name: str) -> Iterator[Part]:
    """Every convolution in order, with the names of the published files."""
    lite = name.startswith("efficientnet")
    names = ("_conv_stem", "_bn0") if lite else ("features.0.0", "features.0.1")
    yield Part(*names, (32, 3, 3, 3), 2)
    incoming, number = 32, 0
    for expand, side, channels, blocks, stride in (Row(*row) for row in ROWS[name]):
        for block in range(blocks):
            wide, at = expand * incoming, f"_blocks.{number}" if lite else f"features.{number + 1}.conv"
            step = stride if block == 0 else 1
            inner = f"{at}.1" if expand > 1 else f"{at}.0"
            if expand > 1:
                names = (f"{at}._expand_conv", f"{at}._bn0") if lite else (f"{at}.0.0", f"{at}.0.1")
                yield Part(*names, (wide, incoming, 1, 1), first=True)
            names = (f"{at}._depthwise_conv", f"{at}._bn1") if lite else (f"{inner}.0", f"{inner}.1")
            yield Part(*names, (wide, 1, side, side), step, wide, first=expand == 1)
            last = 2 if expand > 1 else 1
            names = (f"{at}._project_conv", f"{at}._bn2") if lite else (f"{at}.{last}", f"{at}.{last + 1}")
            adds = step == 1 and incoming == channels
            yield Part(*names, (channels, wide, 1, 1), activated=False, adds=adds)
            incoming, number = channels, number + 1
    names = ("_conv_head", "_bn1") if lite else (f"features.{number + 1}.0", f"features.{number + 1}.1")
    yield Part(*names, (1280, incoming, 1, 1))


def head(name: str) -> str:
    return "_fc" if name.startswith("efficientnet") else "classifier.1"


def shapes_of(name: str) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for part in parts(name):
        shapes[f"{part.conv}.weight"] = part.weight
        for kind in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{part.norm}.{kind}"] = part.weight[:1]
        shapes[f"{part.norm}.num_batches_tracked"] = ()
    return shapes | {f"{head(name)}.weight": (1000, 1280), f"{head(name)}.bias": (1000,)}


def state_of(name: str) -> State:
    """Numbers for which no layer is almost constant."""
    generator, state = torch.Generator().manual_seed(7), State()
    for key, shape in shapes_of(name).items():
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
        if key.endswith("tracked"):
            state[key] = torch.tensor(7)
        elif key.endswith("running_var"):
            state[key] = 0.01 + drawn.abs()  # of the size of the epsilon, which would show if it were another
        elif len(shape) > 1:
            state[key] = drawn / math.sqrt(math.prod(shape[1:]))
        else:
            state[key] = 0.2 * drawn + (0 if key.endswith(("bias", "mean")) else 1)
    return state


def padded(pictures: Tensor, side: int, stride: int, *, tensorflow: bool) -> Tensor:
    """With zeros: in PyTorch's networks evenly; in TensorFlow's, as few as will do, the odd one at the end."""
    if not tensorflow:
        return functional.pad(pictures, [side // 2] * 4)
    sizes = list[int]()
    for length in (pictures.shape[3], pictures.shape[2]):
        whole = max((math.ceil(length / stride) - 1) * stride + side - length, 0)
        sizes += [whole // 2, whole - whole // 2]
    return functional.pad(pictures, sizes)


def logits(name: str, state: State, pictures: Tensor) -> Tensor:
    lite = name.startswith("efficientnet")
    values, entered = pictures, pictures
    for part in parts(name):
        if part.first:
            entered = values
        weight = state[f"{part.conv}.weight"]
        values = padded(values, weight.shape[2], part.stride, tensorflow=lite)
        values = functional.conv2d(values, weight, stride=part.stride, groups=part.groups)
        mean, variance, scale, shift = (
            state[f"{part.norm}.{kind}"][:, None, None]
            for kind in ("running_mean", "running_var", "weight", "bias")
        )
        values = (values - mean) / torch.sqrt(variance + (1e-3 if lite else 1e-5)) * scale + shift
        if part.activated:
            values = values.clamp(0, 6)
        if part.adds:
            values = values + entered
    return values.mean(dim=(2, 3)) @ state[f"{head(name)}.weight"].T + state[f"{head(name)}.bias"]


def ours(name: str, state: State, shape: tuple[int, int, int]) -> torch.nn.Module:
    with torch.device("meta"):
        network = assemble(parse(published_lines(name, shape)), shape, "dense 1000")
    network.load_state_dict(from_published(name, state, shape, origin="x", head=True), assign=True)
    return network.eval()


@pytest.mark.parametrize("name", ROWS)
def test_the_published_names_and_shapes_are_complete(name: str) -> None:
    assert published_shapes(name) == shapes_of(name)


@pytest.mark.parametrize("side", [224, 97])
@pytest.mark.parametrize("name", ["mobilenet-v2", "efficientnet-lite0", "efficientnet-lite2"])
def test_published_weights_give_the_published_logits(name: str, side: int) -> None:
    state, shape = state_of(name), (side, side + 6, 3)
    batch = torch.randn(2, 3, *shape[:2], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        found, expected = ours(name, state, shape)(batch), logits(name, state, batch)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_grey_pictures_give_what_they_give_in_colour() -> None:
    state, name = state_of("efficientnet-lite0"), "efficientnet-lite0"
    grey = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        found = ours(name, state, (64, 64, 1))(grey)
        expected = ours(name, state, (64, 64, 3))(grey.expand(-1, 3, -1, -1))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_the_file_of_another_network_is_reported() -> None:
    with pytest.raises(RunError, match=r"'_blocks\.3\._depthwise_conv\.weight' is "):
        check_published("efficientnet-lite1", state_of("efficientnet-lite0"), origin="x")
    with pytest.raises(RunError, match=r"'_conv_stem\.weight' is missing"):
        check_published("efficientnet-lite0", state_of("mobilenet-v2"), origin="x")


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"])
def test_the_published_code_gives_the_same_logits(name: str) -> None:
    theirs = pytest.importorskip("efficientnet_lite_pytorch").EfficientNet.from_name(name).eval()
    theirs.load_state_dict({key: tensor.float() for key, tensor in state_of(name).items()})
    shape = published(name).shape
    batch = torch.randn(1, 3, *shape[:2], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, expected = ours(name, theirs.state_dict(), shape)(batch), theirs(batch)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
