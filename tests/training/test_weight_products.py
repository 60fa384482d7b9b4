"""Weight gradients as matrix products against double precision, and where they are used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn
from torch.nn import functional

from picturewise import cores
from picturewise.architectures.lines import parse
from picturewise.errors import Interrupted
from picturewise.networks.builder import build
from picturewise.runs.run import open_run
from picturewise.training import machine as machines
from picturewise.training import weight_products
from picturewise.training.machine import Machine, choose_machine
from picturewise.training.small_pictures import convolving
from picturewise.training.weight_products import suits, weight_gradient

NARROW = Machine(torch.device("cpu"), "bfloat16", 1)


@pytest.mark.parametrize("sides", [(8, 8), (3, 3), (5, 7), (1, 1), (1, 4)])
@pytest.mark.parametrize("channels_last", [True, False])
def test_the_gradient_is_that_of_double_precision(sides: tuple[int, int], channels_last: bool) -> None:
    torch.manual_seed(0)
    pictures, gradient = torch.randn(6, 5, *sides).double(), torch.randn(6, 4, *sides).double()
    if channels_last:
        pictures, gradient = (
            one.contiguous(memory_format=torch.channels_last) for one in (pictures, gradient)
        )
    weight = torch.randn(4, 5, 3, 3).double().requires_grad_()
    functional.conv2d(pictures, weight, padding=1).backward(gradient)
    assert torch.allclose(weight_gradient(pictures, gradient), weight.grad, rtol=1e-12, atol=1e-12)


def gradients(network: nn.Module, machine: Machine, pictures: torch.Tensor) -> list[torch.Tensor]:
    """Return the output and the gradients of pictures and parameters."""
    network.zero_grad()
    given = pictures.clone().requires_grad_()
    with machine.computing(), convolving(network, machine):
        found = network(given)
    found.float().square().sum().backward()
    return [found.detach().clone(), *(one.grad.clone() for one in (given, *network.parameters()))]


@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_differs_by_rounding_alone(monkeypatch: pytest.MonkeyPatch, bias: bool) -> None:
    computed = []
    monkeypatch.setattr(
        weight_products, "weight_gradient", lambda *given: computed.append(1) or weight_gradient(*given)
    )
    torch.manual_seed(0)
    layer = nn.Conv2d(32, 48, 3, padding=1, bias=bias).to(memory_format=torch.channels_last)
    pictures = torch.randn(64, 32, 7, 7).contiguous(memory_format=torch.channels_last)
    exact = gradients(layer.double(), Machine(torch.device("cpu"), "float32", 1), pictures.double())
    layer.float()
    usual, products, again = (
        gradients(layer, replace(NARROW, products=on), pictures) for on in (False, True, True)
    )
    for one, other, whole in zip(products, usual, exact, strict=True):
        assert one.dtype == other.dtype
        assert (one - whole).norm() <= 1.1 * (other - whole).norm() + 1e-3 * whole.norm()
    assert len(computed) == 2
    assert all(torch.equal(one, other) for one, other in zip(products, again, strict=True))


def test_a_network_trains_by_products_and_without_autocast_as_ever() -> None:
    lines = ["conv 32 3x3; relu; conv 32 3x3 nobias; batchnorm; relu; maxpool 2; flatten"]
    network = build(parse(lines[0].split("; ")), (8, 8, 3), "dense 3", seed=0).train()
    pictures = torch.randn(16, 3, 8, 8)
    wide = Machine(torch.device("cpu"), "float32", 1)
    for one, other in zip(
        gradients(network, wide, pictures),
        gradients(network, replace(wide, products=True), pictures),
        strict=True,
    ):
        assert torch.equal(one, other)
    for one, other in zip(
        gradients(network, NARROW, pictures),
        gradients(network, replace(NARROW, products=True), pictures),
        strict=True,
    ):
        assert (one - other).norm() < 0.05 * other.norm() + 1e-6


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        ({}, True),
        ({"padding": "same"}, True),
        ({"padding": (1, 1)}, True),
        ({"padding": 0}, False),
        ({"stride": 2}, False),
        ({"dilation": 2}, False),
        ({"groups": 2}, False),
        ({"side": 9}, False),
        ({"pictures": 7}, False),
        ({"channels": 24}, False),
        ({"kernel": 5}, False),
        ({"fixed": True}, False),
    ],
)
def test_only_large_products_of_small_maps_are_used(options: dict[str, object], fits: bool) -> None:
    asked = {"padding": 1, "side": 8, "pictures": 8, "channels": 32, "kernel": 3, "fixed": False} | options
    pictures, channels, side, kernel, fixed = (
        asked.pop(name) for name in ("pictures", "channels", "side", "kernel", "fixed")
    )
    weight = torch.zeros(32, channels, kernel, kernel, requires_grad=not fixed)
    assert suits(torch.zeros(pictures, channels, side, side), weight, **asked) == fits


@pytest.mark.parametrize(("flags", "products"), [("avx512_bf16 amx_bf16", True), ("avx512_bf16", False)])
def test_they_are_used_where_they_are_faster(
    monkeypatch: pytest.MonkeyPatch, flags: str, products: bool
) -> None:
    monkeypatch.setattr(cores, "cpu_info", lambda _: flags)
    monkeypatch.setattr(machines, "has_amx", cores.has_amx)
    assert choose_machine("cpu", "auto").products == products
    assert not choose_machine("cpu", "float32").products


def test_a_run_goes_on_with_the_recorded_kernels(
    tiny: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on(amx: bool) -> None:
        monkeypatch.setattr(machines, "has_amx", lambda: amx)

    on(True)
    tiny.start(tmp_path / "whole", precision="bfloat16").fit()
    with pytest.raises(Interrupted):
        tiny.start(tmp_path / "parts", precision="bfloat16", callbacks=[tiny.Stop(1, 2)]).fit()
    assert open_run(tmp_path / "parts").record.machine["weight gradients"] == "matrix products"
    on(False)
    trainer = tiny.resume(tmp_path / "parts")
    assert trainer.learner.machine.products
    trainer.fit()
    assert tiny.outcome(tmp_path / "parts") == tiny.outcome(tmp_path / "whole")
    with pytest.raises(Interrupted):
        tiny.start(tmp_path / "plain", precision="bfloat16", callbacks=[tiny.Stop(1, 2)]).fit()
    assert "weight gradients" not in open_run(tmp_path / "plain").record.machine
    on(True)
    assert not tiny.resume(tmp_path / "plain").learner.machine.products
