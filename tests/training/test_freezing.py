from __future__ import annotations

import pytest
import torch
from torch import nn

from picturewise.architectures.lines import parse
from picturewise.networks.builder import build, spans
from picturewise.recipes.options import TrainingOptions
from picturewise.training.freezing import Freezing

LINES = "conv 3; batchnorm; relu; maxpool 2; residual 4; avgpool global; dense 5; relu; dropout 0.1; dense 6"
SHAPE, CLASSES = (6, 6, 1), 2


def frozen(lines: int, **options: object) -> tuple[nn.Sequential, Freezing]:
    layers = parse(LINES)
    network = build(layers, SHAPE, f"dense {CLASSES}", seed=0)
    return network, Freezing(
        network, layers, spans(layers, SHAPE, f"dense {CLASSES}"), lines, TrainingOptions(**options)
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0, 0, 0, 0, 0, 0]),
        ({"freeze": "backbone"}, [9, 9, 9, 9, 9, 9]),
        ({"freeze": "backbone", "unfreeze_epoch": 3}, [9, 9, 0, 0, 0, 0]),
        # from the last to the first: dense (6), residual (4), conv with its normalisation (0)
        ({"freeze": "backbone", "unfreeze_epoch": 2, "unfreeze_gradually": True}, [9, 6, 4, 0, 0, 0]),
    ],
)
def test_how_many_modules_are_frozen_in_each_epoch(options: dict[str, object], expected: list[int]) -> None:
    _, freezing = frozen(9, **options)
    assert [freezing.frozen(epoch) for epoch in range(1, 7)] == expected


def test_frozen_layers_have_no_gradient_and_keep_their_mean_and_variance() -> None:
    network, freezing = frozen(9, freeze="backbone", unfreeze_epoch=2)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for epoch, moved in ((1, {"9", "10"}), (2, {"0", "1", "4", "6", "9", "10"})):
        network.train()
        freezing.apply(epoch)
        network(torch.randn(4, 1, 6, 6)).sum().backward()
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.grad is not None:
                    parameter.sub_(1.0)
                    parameter.grad = None
        changed = {
            name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])
        }
        assert {name.partition(".")[0] for name in changed} == moved
    assert "1.running_mean" in changed


def test_layers_that_are_trained_may_keep_their_mean_and_variance() -> None:
    network, freezing = frozen(5, freeze_statistics=True)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.train()
    freezing.apply(1)
    network(torch.randn(4, 1, 6, 6)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    modules = dict(network.named_modules())
    assert (modules["1"].training, modules["0"].training, modules["8"].training) == (False, True, True)


def test_pretrained_layers_learn_at_their_own_rate() -> None:
    _, freezing = frozen(5, backbone_rate=0.25)
    assert set(freezing.factors().values()) == {0.25}
    assert {name.partition(".")[0] for name in freezing.factors()} == {"0", "1", "4"}
    assert frozen(5, backbone_rate=1.0)[1].factors() == {}
