from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from picturewise.errors import UsageError
from picturewise.training import gradient_buckets
from picturewise.training.gradient_buckets import GradientBuckets
from picturewise.training.group import ALONE, Alone, Group

Workers = Callable[[int, Callable[[Group], Any]], list[Any]]


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2)
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def gradients(network: nn.Module) -> list[Tensor]:
    return [one.grad.clone() for one in network.parameters() if one.grad is not None]


@pytest.mark.parametrize(("first", "each"), [(1, 1), (100, 300), (1 << 20, 25 << 20)])
def test_gradients_are_those_of_all_pictures(
    in_threads: Workers, monkeypatch: pytest.MonkeyPatch, first: int, each: int
) -> None:
    monkeypatch.setattr(gradient_buckets, "FIRST_BYTES", first)
    monkeypatch.setattr(gradient_buckets, "BYTES", each)
    pictures, whole = torch.randn(6, 3, 4, 4), network()
    networks = [network() for _ in range(3)]  # here, because threads share PyTorch's generator
    expected = []
    for factor in (1, 2):
        whole.zero_grad()
        (whole(pictures) * factor).square().sum().backward()
        expected.append(gradients(whole))

    def work(group: Group) -> list[list[Tensor]]:
        own = networks[group.rank]
        buckets, found = GradientBuckets(list(own.parameters()), group), []
        for factor in (1, 2):
            with buckets.adding():
                (own(pictures[group.rank * 2 :][:2]) * factor).square().sum().backward()
            found.append(gradients(own))
            assert all(one.grad.stride() == one.stride() for one in own.parameters() if one.grad is not None)
            own.zero_grad()
        return found

    for found in in_threads(3, work):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


class Recording(Alone):
    """Writes down when sums begin and when somebody waits for them."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def begin_sum(self, vector: Tensor) -> Callable[[], None]:
        number = sum(event.startswith("begin") for event in self.events)
        self.events.append(f"begin {number}")
        return lambda: self.events.append(f"wait {number}")


def test_buckets_are_added_while_the_backward_pass_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_buckets, "FIRST_BYTES", 8 * 2 * 4 + 2 * 4)  # the last layer
    monkeypatch.setattr(gradient_buckets, "BYTES", 16 * 8 * 4 + 8 * 4)  # the one before; then what is left
    own, group = network(), Recording()
    buckets = GradientBuckets(list(own.parameters()), group)
    for number in (0, 3, 5):
        own[number].weight.register_post_accumulate_grad_hook(
            lambda _, number=number: group.events.append(f"layer {number}")
        )
    with buckets.adding():
        own(torch.ones(1, 3, 4, 4)).sum().backward()
    order = [event for event in group.events if not event.startswith("wait")]
    assert order.index("begin 0") < order.index("layer 3") < order.index("layer 0")
    assert order.index("begin 1") < order.index("layer 0")
    assert group.events[-3:] == ["wait 0", "wait 1", "wait 2"]


def test_what_the_pass_did_not_reach_counts_as_zeros(in_threads: Workers) -> None:
    networks = [nn.ModuleList([nn.Linear(2, 1, bias=False) for _ in range(3)]) for _ in range(2)]

    def work(group: Group) -> list[Tensor]:
        own = networks[group.rank]
        buckets = GradientBuckets(list(own.parameters()), group)
        with buckets.adding():
            sum(layer(torch.ones(1, 2)) for layer in own).sum().backward()
        own.zero_grad()
        with buckets.adding():
            own[0](torch.ones(1, 2)).sum().backward()
            if group.rank == 1:  # the other worker does not use it; nobody uses the third
                own[1](torch.ones(1, 2)).sum().backward()
        return gradients(own)

    for found in in_threads(2, work):
        assert [one.tolist() for one in found] == [[[2.0, 2.0]], [[1.0, 1.0]], [[0.0, 0.0]]]


def test_other_backward_passes_are_left_alone() -> None:
    own = network()
    buckets = GradientBuckets(list(own.parameters()), ALONE)
    assert buckets.hold(list(own.parameters()))
    assert not buckets.hold(list(own.parameters())[1:])
    assert not buckets.hold(list(network().parameters()))
    for _ in range(2):
        own(torch.ones(1, 3, 4, 4)).sum().backward()
    twice = gradients(own)
    own.zero_grad()
    buckets.remove()
    with buckets.adding():  # would put everything into buckets
        own(torch.ones(1, 3, 4, 4)).sum().backward()
    assert all(not one.any() for one in gradients(own))
    assert any(one.any() for one in twice)


def test_a_gradient_in_several_passes_is_refused() -> None:
    layer = nn.Linear(2, 2)
    buckets = GradientBuckets(list(layer.parameters()), ALONE)

    def run() -> None:
        found = checkpoint(layer, torch.ones(1, 2, requires_grad=True), use_reentrant=True)
        checkpoint(layer, found, use_reentrant=True).sum().backward()

    with (
        pytest.raises(UsageError, match="gradient of one of its weights in several passes"),
        buckets.adding(),
    ):
        run()


def test_numbers_of_different_types_have_buckets_of_their_own() -> None:
    numbers = [nn.Parameter(torch.ones(2, dtype=dtype)) for dtype in (torch.float32, torch.float64)]
    with GradientBuckets(numbers, ALONE).adding():
        (numbers[0].sum() + 2 * numbers[1].sum()).backward()
    assert [one.grad.tolist() for one in numbers if one.grad is not None] == [[1, 1], [2, 2]]
