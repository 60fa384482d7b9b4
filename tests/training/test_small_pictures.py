from __future__ import annotations

import contextlib
import ctypes
import platform
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from picturewise.preparing.preparation import Preparation
from picturewise.training.losses import CrossEntropy
from picturewise.training.machine import Machine
from picturewise.training.optimizers import Optimizer
from picturewise.training.small_pictures import convolving
from picturewise.training.step import train_step

CPU = torch.device("cpu")
NARROW = Machine(CPU, "bfloat16", 1)
PREPARATION = Preparation(mean=(100.0,) * 3, std=(50.0,) * 3)
M_PERTURB = -6  # malloc.h
FILLS = [0x3F, 0xBF, 0x7F]  # numbers of bfloat16 near 0.7, -0.7 and 3e38


@contextlib.contextmanager
def memory_of(byte: int) -> Iterator[None]:
    """In the block, memory comes filled with a byte (glibc); elsewhere with whatever was left in it."""
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    libc = ctypes.CDLL(None)
    assert libc.mallopt(M_PERTURB, byte ^ 0xFF)
    try:
        yield
    finally:
        libc.mallopt(M_PERTURB, 0)


def gradients(module: nn.Module, pictures: Tensor, machine: Machine) -> list[Tensor]:
    """Return the output and the gradients of the pictures and of all parameters."""
    module.zero_grad()
    given = pictures.clone().requires_grad_()
    with machine.computing(), convolving(module, machine):
        found = module(given)
    found.float().square().sum().backward()
    return [found, *(tensor.grad for tensor in (given, *module.parameters()) if tensor.grad is not None)]


SMALL = {
    "stride": (nn.Conv2d(48, 32, 3, 2, 1), (1, 1)),
    "stride of tall ones": (nn.Conv2d(3, 16, 3, 2, 1, bias=False), (4, 1)),
    "stride of single channels": (nn.Conv2d(48, 48, 3, 2, 1, groups=48), (1, 1)),
    "stride of four": (nn.Conv2d(17, 33, 3, 4, "valid"), (3, 3)),
    "margin": (nn.Conv2d(192, 32, 5, 1, 2, bias=False), (1, 1)),
    "margin of wide ones": (nn.Conv2d(128, 16, (7, 7), padding="same"), (2, 6)),
    "a line": (nn.Conv1d(24, 16, 3, 2, 1), (1,)),
    "a body": (nn.Conv3d(24, 16, 3, 1, 1), (2, 1, 17)),
    "transposed": (nn.ConvTranspose1d(64, 32, 5, 2, 3), (2,)),
}


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("case", SMALL)
def test_gradients_are_those_of_double_precision_whatever_memory_held(case: str, channels_last: bool) -> None:
    module, sides = SMALL[case]
    torch.manual_seed(0)
    pictures = torch.randn(4, module.in_channels, *sides)
    layout = torch.channels_last if channels_last and pictures.ndim == 4 else torch.contiguous_format
    module, pictures = module.to(memory_format=layout), pictures.to(memory_format=layout)
    exact = gradients(module.double(), pictures.double(), Machine(CPU, "float32", 1))
    module.float()
    repeated = []
    for byte in FILLS:
        with memory_of(byte):
            repeated.append(gradients(module, pictures, NARROW))
        assert repeated[-1][0].dtype == torch.bfloat16
        for one, other in zip(repeated[-1], exact, strict=True):
            assert (one - other).norm() < 0.02 * other.norm()
    for again in repeated[1:]:
        assert all(torch.equal(one, other) for one, other in zip(again, repeated[0], strict=True))


@pytest.mark.parametrize("byte", FILLS)
def test_what_a_kernel_never_sees_changes_nothing_in_it(byte: int) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.Flatten(), nn.Linear(16, 2))
    before = network[0].weight.detach().clone()
    pictures, targets = torch.randint(0, 256, (8, 1, 1, 3), dtype=torch.uint8), torch.eye(2)[[0, 1] * 4]
    optimizer = Optimizer("sgd", network, momentum=0.9, weight_decay=0.0)
    with memory_of(byte):
        train_step(network, optimizer, NARROW, PREPARATION, CrossEntropy(), pictures, targets, 0.1)
    moved = (network[0].weight != before).any(dim=1).any(dim=0)
    assert moved.tolist() == [[False] * 3, [False, True, False], [False] * 3]


@pytest.mark.parametrize(
    ("module", "sides"),
    [
        (nn.Conv2d(16, 8, 3, 2, 1), (2, 2)),
        (nn.Conv2d(16, 8, 5, 1, 2), (2, 3)),
        (nn.Conv1d(16, 8, 3, stride=2), (5,)),
    ],
)
def test_larger_pictures_are_convolved_as_ever(module: nn.Module, sides: tuple[int, ...]) -> None:
    pictures = torch.randn(4, 16, *sides)
    found = gradients(module, pictures, NARROW)
    module.zero_grad()
    given = pictures.clone().requires_grad_()
    with NARROW.computing():
        expected = module(given)
    expected.float().square().sum().backward()
    others = [expected, given.grad, *(p.grad for p in module.parameters())]
    assert all(torch.equal(one, other) for one, other in zip(found, others, strict=True))


@pytest.mark.parametrize(
    ("machine", "module"),
    [
        (Machine(CPU, "float32", 1), nn.Conv2d(3, 3, 3, 2)),
        (Machine(torch.device("cuda"), "bfloat16", 1), nn.Conv2d(3, 3, 3, 2)),
        (NARROW, nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1, 2), nn.Linear(3, 3))),
    ],
)
def test_nothing_is_looked_at_where_nothing_goes_wrong(machine: Machine, module: nn.Module) -> None:
    assert isinstance(convolving(module, machine), contextlib.nullcontext)


def test_what_a_network_computes_in_float32_itself_stays_so() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(16, 8, 3, 2, 1)

        def forward(self, pictures: Tensor) -> Tensor:
            with torch.autocast("cpu", enabled=False):
                found: Tensor = self.conv(pictures)
            return found

    module, pictures = Own(), torch.randn(4, 16, 1, 1)
    assert torch.equal(gradients(module, pictures, NARROW)[0], module.conv(pictures))
