"""Every preset as PyTorch builds it: as many parameters as the table says, and a way for every gradient."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from picturewise.architectures.lines import parse
from picturewise.architectures.named import NETWORKS, named_lines
from picturewise.architectures.summary import summarise
from picturewise.networks.builder import assemble, build

SHAPES = [(28, 28, 1), (32, 32, 3), (64, 64, 3), (224, 224, 3), (1, 1, 1), (40, 230, 3)]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_holds_the_numbers_that_the_table_says_at_every_size(name: str) -> None:
    for shape in SHAPES:
        layers = parse(named_lines(name, shape))
        table = summarise(layers, shape, "dense 1000")
        with torch.device("meta"):  # shapes without memory
            network = assemble(layers, shape, "dense 1000")
        assert sum(parameter.numel() for parameter in network.parameters()) == table.trainable
        assert sum(b.numel() for b in network.buffers() if b.is_floating_point()) == table.fixed


LARGE_ONES = {"vgg11", "vgg13", "vgg16", "vgg19", "wide-resnet-28-10"}  # on 224x224 in benchmarks/presets.py


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        (name, shape)
        for name in NETWORKS
        for shape in SHAPES[:4]
        if shape[0] < 64 or ("resnet" in name and (shape[0] == 64 or name not in LARGE_ONES))
    ],
    ids=str,
)
def test_every_parameter_of_a_preset_gets_a_gradient(name: str, shape: tuple[int, int, int]) -> None:
    network = build(parse(named_lines(name, shape)), shape, "dense 10", seed=0).train()
    for (
        module
    ) in network.modules():  # scales that begin at zero would hide the gradient of the layers before them
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(module.weight)
    pictures = torch.randn(2, shape[2], *shape[:2], generator=torch.Generator().manual_seed(0))
    logits = network(pictures.to(memory_format=torch.channels_last))
    assert tuple(logits.shape) == (2, 10)
    functional.cross_entropy(logits, torch.tensor([3, 7])).backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert bool(torch.isfinite(parameter.grad).all()), parameter_name
        assert bool(parameter.grad.any()) or parameter.ndim == 1, parameter_name
