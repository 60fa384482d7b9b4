"""Residual blocks against the papers' blocks, written out plainly with torch.nn."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from picturewise.architectures.lines import parse
from picturewise.networks.blocks import ResidualBlock
from picturewise.networks.builder import build
from picturewise.networks.weights import fingerprint


class Basic(nn.Module):
    """He et al., 2015, figure 5 left, with option B."""

    def __init__(self, incoming: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(incoming, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if stride != 1 or incoming != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(incoming, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """He et al., 2015, figure 5 right, the stride in the 3x3 as in torchvision."""

    def __init__(self, incoming: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(incoming, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = None
        if stride != 1 or incoming != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(incoming, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class Wide(nn.Module):
    """Zagoruyko and Komodakis, 2016: pre-activation; a projection takes the activated picture."""

    def __init__(self, incoming: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(incoming)
        self.conv1 = nn.Conv2d(incoming, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.downsample = None
        if stride != 1 or incoming != width:
            self.downsample = nn.Sequential(nn.Conv2d(incoming, width, 1, stride, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        activated = functional.relu(self.bn1(x))
        y = functional.relu(self.bn2(self.conv1(activated)))
        return self.conv2(y) + (x if self.downsample is None else self.downsample(activated))


FORMS = [
    ("residual {width}{stride}", Basic),
    ("bottleneck {width}{stride}", Bottleneck),
    ("residual {width}{stride} pre", Wide),
]
SIZES = [(12, 12, 1), (12, 12, 2), (5, 12, 1), (5, 12, 2), (12, 3, 1)]  # channels, width, stride


def ours_and_plain(
    line: str, plain: type[nn.Module], size: tuple[int, int, int]
) -> tuple[nn.Module, nn.Module]:
    """Return our block and the plain one, both with the same random weights, scales and running means."""
    incoming, width, stride = size
    written = line.format(width=width, stride=f" /{stride}")
    block = build(parse(f"{written}; avgpool global"), (9, 8, incoming), "dense 2", seed=0)[0][0]
    assert isinstance(block, ResidualBlock)
    random = torch.Generator().manual_seed(1)
    for tensor in block.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5, generator=random)
            if tensor.ndim == 4:
                tensor.sub_(1)
    twin = plain(incoming, width, stride)
    twin.load_state_dict(
        block.state_dict()
    )  # strict: the names are the same, none is missing, none left over
    return block.double(), twin.double()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("line", "plain"), FORMS)
def test_a_block_is_the_one_of_its_paper_forward_and_backward(
    line: str, plain: type[nn.Module], size: tuple[int, int, int], training: bool
) -> None:
    block, twin = ours_and_plain(line, plain, size)
    pictures = torch.randn(3, size[0], 9, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    sides = []
    for module in (block.train(training), twin.train(training)):
        values = pictures.clone().requires_grad_()
        found = module(values)
        (found * torch.arange(found.numel()).reshape(found.shape).sin()).sum().backward()
        sides.append((found, values.grad, module))
    torch.testing.assert_close(sides[0][0], sides[1][0])
    torch.testing.assert_close(sides[0][1], sides[1][1])
    parameters = dict(twin.named_parameters())
    for name, parameter in block.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad.any()
        torch.testing.assert_close(parameter.grad, parameters[name].grad)
    torch.testing.assert_close(block.state_dict(), twin.state_dict())  # the running means moved alike


def test_blocks_are_in_order_with_their_names() -> None:
    layers = parse("conv 8 nobias; batchnorm; relu; residual 8 x2; bottleneck 4 x2 /2; avgpool global")
    network = build(layers, (8, 8, 3), "dense 2", seed=0)
    names = [name for name, _ in network.named_parameters()]
    block = ["conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight", "bn2.weight", "bn2.bias"]
    deep = [*block, "conv3.weight", "bn3.weight", "bn3.bias"]
    shortcut = ["downsample.0.weight", "downsample.1.weight", "downsample.1.bias"]
    assert names == [
        "0.weight",
        "1.weight",
        "1.bias",
        *(f"3.{number}.{name}" for number in (0, 1) for name in block),
        *(f"4.0.{name}" for name in (*deep, *shortcut)),
        *(f"4.1.{name}" for name in deep),
        "6.weight",
        "6.bias",
    ]


@pytest.mark.parametrize(
    ("line", "function"), [("", functional.relu), ("gelu", functional.gelu), ("tanh", torch.tanh)]
)
def test_the_activation_is_used_between_the_convolutions_and_after_the_sum(
    line: str, function: Callable[[Tensor], Tensor]
) -> None:
    block = build(parse(f"residual 4 {line}; avgpool global"), (5, 5, 4), "dense 2", seed=0).eval()[0][0]
    nn.init.ones_(block.bn2.weight)
    pictures = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    expected = function(block.bn2(block.conv2(function(block.bn1(block.conv1(pictures))))) + pictures)
    torch.testing.assert_close(block(pictures), expected)


@pytest.mark.parametrize("form", ["", " pre"])
def test_dropout_is_between_the_convolutions_and_only_in_training(form: str) -> None:
    with_dropout, without = (
        build(parse(f"residual 4{form}{words}; avgpool global"), (5, 5, 4), "dense 2", seed=0)[0][0]
        for words in (" dropout 0.5", "")
    )
    assert fingerprint(with_dropout.state_dict()) == fingerprint(without.state_dict())
    pictures = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(with_dropout.eval()(pictures), without.eval()(pictures))
    seen: list[Tensor] = []
    with_dropout.conv2.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        with_dropout.train()(pictures)
        before = copy.deepcopy(without).train()
        activated = torch.relu(before.bn1(pictures)) if form else pictures
        middle = before.conv1(activated)
        middle = torch.relu(before.bn2(middle) if form else before.bn1(middle))
        torch.manual_seed(0)
        torch.testing.assert_close(seen[0], functional.dropout(middle, 0.5))
    assert bool((seen[0] == 0).any())


@pytest.mark.parametrize("line", ["residual 64 x2", "bottleneck 16 x2"])
def test_a_block_begins_as_its_shortcut(line: str) -> None:
    blocks = build(parse(f"{line}; avgpool global"), (6, 6, 64), "dense 2", seed=0)[0]
    pictures = torch.rand(2, 64, 6, 6, generator=torch.Generator().manual_seed(0))
    for training in (True, False):
        assert torch.equal(blocks.train(training)(pictures), pictures)
    for block in blocks:
        norms = [norm for _, norm in block.pairs]
        assert [bool(norm.weight.any()) for norm in norms] == [True] * (len(norms) - 1) + [False]


@pytest.mark.parametrize(("words", "gain"), [("", 2), ("pre", 2), ("silu", 2), ("tanh", 1)])
def test_kernels_of_blocks_have_the_spread_of_he(words: str, gain: float) -> None:
    block = build(parse(f"residual 64 {words}; avgpool global"), (6, 6, 32), "dense 2", seed=0)[0][0]
    for kernel, fan_in in (
        (block.conv1.weight, 9 * 32),
        (block.conv2.weight, 9 * 64),
        (block.downsample[0].weight, 32),
    ):
        margin = 5 / math.sqrt(kernel.numel())
        assert float(kernel.detach().std()) == pytest.approx(math.sqrt(gain / fan_in), rel=margin)
        assert kernel.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("line", ["residual 8 x3 /2", "bottleneck 4 x3 /2", "residual 8 x3 /2 pre"])
def test_all_parameters_learn_though_some_scales_begin_at_zero(line: str) -> None:
    network = build(parse(f"conv 6 nobias; {line}; avgpool global"), (8, 8, 3), "dense 3", seed=0).train()
    random = torch.Generator().manual_seed(0)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    pictures, labels = torch.randn(16, 3, 8, 8, generator=random), torch.arange(16) % 3
    for _ in range(2):  # in the first step, a scale of zero hides the layers before it
        functional.cross_entropy(network(pictures), labels).backward()
        with torch.no_grad():
            for parameter in network.parameters():
                assert parameter.grad is not None
                parameter.sub_(0.1 * parameter.grad)
                parameter.grad = None
    for name, parameter in network.named_parameters():
        assert not torch.equal(parameter, before[name]), name


def test_each_seed_gives_its_own_blocks_and_the_same_seed_the_same() -> None:
    layers = parse("residual 8 x2; avgpool global")
    found = [fingerprint(build(layers, (8, 8, 3), "dense 2", seed=seed).state_dict()) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
