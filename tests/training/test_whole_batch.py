"""Batch normalisation of parts against PyTorch's of the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from picturewise.training.group import ALONE, Group
from picturewise.training.whole_batch import WholeBatch, _Normalisation, whole_statistics

Workers = Callable[[int, Callable[[Group], Any]], list[Any]]
SIZES = (5, 1, 2)  # of the parts of three workers


def make(kind: type[nn.Module], dtype: torch.dtype, **options: Any) -> nn.Module:
    torch.manual_seed(1)
    layer = kind(4, dtype=dtype, **options)
    with torch.no_grad():
        for one in layer.parameters():
            one.copy_(torch.randn(4))
    return layer


def trained(
    layer: nn.Module, pictures: Tensor, factors: Tensor, group: Group | None
) -> tuple[Tensor, Tensor | None, list[Tensor]]:
    """Return the output, and the gradients of the input and of the weights, for a loss with all kinds of gradients."""
    own = pictures.clone(memory_format=torch.preserve_format).requires_grad_()
    if group is None:
        found = layer(own)
    else:
        with WholeBatch(group):
            found = layer(own)
    (found.sin() * factors).sum().backward()
    return found.detach(), own.grad, [one.grad for one in layer.parameters() if one.grad is not None]


def cut(tensor: Tensor, sizes: Sequence[int]) -> Sequence[Tensor]:
    found: Sequence[Tensor] = tensor.split(sizes)  # type: ignore[no-untyped-call]
    return found


@pytest.mark.parametrize(
    ("dtype", "near"),
    [(torch.float64, {"rtol": 1e-12, "atol": 1e-12}), (torch.float32, {"rtol": 1e-4, "atol": 1e-5})],
)
@pytest.mark.parametrize(
    ("kind", "shape", "options"),
    [
        (nn.BatchNorm1d, (8, 4), {}),
        (nn.BatchNorm1d, (8, 4, 3), {}),
        (nn.BatchNorm2d, (8, 4, 5, 3), {}),
        (nn.BatchNorm2d, (8, 4, 5, 3), {"momentum": None}),
        (nn.BatchNorm2d, (8, 4, 5, 3), {"affine": False}),
        (nn.BatchNorm2d, (8, 4, 5, 3), {"track_running_stats": False}),
        (nn.BatchNorm2d, (8, 4, 1, 1), {"eps": 0.1}),
    ],
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_parts_are_normalised_as_the_whole_batch(
    in_threads: Workers, kind: type[nn.Module], shape: tuple[int, ...], options: dict[str, Any],
    dtype: torch.dtype, near: dict[str, float], channels_last: bool,
) -> None:  # fmt: skip
    random = torch.Generator().manual_seed(0)
    pictures = 3 + 2 * torch.randn(shape, generator=random, dtype=dtype)
    factors = torch.randn(shape, generator=random, dtype=dtype)
    if channels_last and len(shape) == 4:
        pictures = pictures.to(memory_format=torch.channels_last)
    whole, parts = make(kind, dtype, **options), [make(kind, dtype, **options) for _ in SIZES]
    for _ in range(2):
        for layer in (whole, *parts):
            layer.zero_grad()
        output, gradient, of_weights = trained(whole, pictures, factors, None)

        def work(group: Group) -> Any:
            own = cut(pictures, SIZES)[group.rank], cut(factors, SIZES)[group.rank]
            return trained(parts[group.rank], *own, group)

        found = in_threads(3, work)
        torch.testing.assert_close(torch.cat([one[0] for one in found]), output, **near)
        torch.testing.assert_close(torch.cat([one[1] for one in found]), gradient, **near)
        for number, expected in enumerate(of_weights):
            torch.testing.assert_close(sum(one[2][number] for one in found), expected, **near)
    for part in parts:
        assert part.state_dict().keys() == whole.state_dict().keys()
        for name, expected in whole.state_dict().items():
            torch.testing.assert_close(part.state_dict()[name], expected, **near)
            assert torch.equal(part.state_dict()[name], parts[0].state_dict()[name])


def test_bfloat16_is_rounded_once_more_at_most(in_threads: Workers) -> None:
    random = torch.Generator().manual_seed(0)
    pictures, factors = (torch.randn(8, 4, 5, 3, generator=random).bfloat16() for _ in range(2))
    pictures = pictures.to(memory_format=torch.channels_last)
    whole, parts = make(nn.BatchNorm2d, torch.float32), [make(nn.BatchNorm2d, torch.float32) for _ in SIZES]
    output, gradient, of_weights = trained(whole, pictures, factors, None)

    def work(group: Group) -> Any:
        own = cut(pictures, SIZES)[group.rank], cut(factors, SIZES)[group.rank]
        return trained(parts[group.rank], *own, group)

    found = in_threads(3, work)
    assert {one.dtype for one in found[0][:2]} == {torch.bfloat16}
    assert {one.dtype for one in found[0][2]} == {torch.float32}
    torch.testing.assert_close(torch.cat([one[0] for one in found]), output, rtol=2**-7, atol=2**-8)
    torch.testing.assert_close(torch.cat([one[1] for one in found]), gradient, rtol=2**-6, atol=2**-6)
    for number, expected in enumerate(of_weights):
        torch.testing.assert_close(sum(one[2][number] for one in found), expected, rtol=0.01, atol=0.05)


def test_the_gradient_is_that_of_numerical_differentiation() -> None:
    torch.manual_seed(0)
    pictures = torch.randn(6, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    weight, bias = (torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(2))

    def normalised(pictures: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        mean, variance, count = whole_statistics(pictures.detach(), ALONE)
        found: Tensor = _Normalisation.apply(pictures, weight, bias, mean, variance, count, 1e-5, ALONE)
        return found

    assert torch.autograd.gradcheck(normalised, (pictures, weight, bias))


def test_a_large_mean_does_not_drown_the_variance(in_threads: Workers) -> None:
    values = 10_000 + torch.randn(64, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = values.double().transpose(0, 1).flatten(1)

    def work(group: Group) -> tuple[Tensor, Tensor, float]:
        return whole_statistics(cut(values, (60, 4))[group.rank], group)

    for mean, variance, count in in_threads(2, work):
        assert count == 64 * 64
        torch.testing.assert_close(mean.double(), expected.mean(dim=1), rtol=1e-7, atol=0)
        torch.testing.assert_close(variance.double(), expected.var(dim=1, correction=0), rtol=1e-5, atol=0)


def test_a_layer_that_does_not_learn_asks_nobody() -> None:
    layer = make(nn.BatchNorm2d, torch.float32).eval()
    pictures = torch.randn(2, 4, 3, 3)
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    with WholeBatch(None) as whole:  # type: ignore[arg-type]  # every question would fail
        found = layer(pictures)
    assert torch.equal(found, layer(pictures))
    assert whole.averages == []
    assert all(torch.equal(tensor, before[name]) for name, tensor in layer.state_dict().items())


def test_below_frozen_layers_only_weights_have_gradients(in_threads: Workers) -> None:
    pictures, layers = torch.randn(4, 4, 3, 3), [make(nn.BatchNorm2d, torch.float32) for _ in range(3)]
    functional.mse_loss(layers[2](pictures), pictures, reduction="sum").backward()

    def work(group: Group) -> None:
        own, layer = pictures[group.rank * 2 :][:2], layers[group.rank]
        with WholeBatch(group):
            found = layer(own)
        functional.mse_loss(found, own, reduction="sum").backward()

    in_threads(2, work)
    for first, second, whole in zip(*(layer.parameters() for layer in layers), strict=True):
        torch.testing.assert_close(first.grad + second.grad, whole.grad, rtol=1e-4, atol=1e-4)


def test_one_value_of_a_channel_has_no_variance() -> None:
    with WholeBatch(ALONE), pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        nn.BatchNorm1d(4)(torch.ones(1, 4))
