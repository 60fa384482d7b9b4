"""The networks that are built, against the layers' own counts and against loops over NumPy arrays."""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from picturewise.architectures.layers import (
    ACTIVATIONS,
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GroupNorm,
    Layer,
    Pool,
    Shape,
    ShapeError,
)
from picturewise.architectures.lines import parse
from picturewise.architectures.residual import Residual
from picturewise.architectures.summary import summarise
from picturewise.errors import LayerError
from picturewise.networks import builder
from picturewise.networks.builder import build
from picturewise.networks.weights import fingerprint

SMALL = st.integers(1, 5)
ACTIVATION = st.sampled_from([None, *ACTIVATIONS])
CONV = st.builds(
    Conv, SMALL, st.tuples(SMALL, SMALL), SMALL, st.sampled_from(["same", "valid"]), ACTIVATION, st.booleans()
)
POOL = st.builds(Pool, st.sampled_from(["maxpool", "avgpool"]), SMALL, st.none() | SMALL) | st.builds(
    Pool, st.just("maxpool"), SMALL, st.none() | SMALL, st.just("same")
)
RESIDUAL = st.builds(
    Residual,
    st.sampled_from(["residual", "bottleneck"]),
    SMALL,
    st.integers(1, 3),
    st.integers(1, 3),
    st.booleans(),
    activation=st.sampled_from(ACTIVATIONS),
)
SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 3]))
LAYER: st.SearchStrategy[Layer] = st.one_of(
    CONV,
    POOL,
    RESIDUAL,
    st.builds(GroupNorm, SMALL),
    st.builds(Dense, SMALL, ACTIVATION),
    st.builds(Activation, st.sampled_from(ACTIVATIONS)),
    st.sampled_from([BatchNorm(), Dropout(0.5), Flatten(), Pool("avgpool", None)]),
)


@st.composite
def stacks(draw: st.DrawFn) -> tuple[tuple[Layer, ...], Shape]:
    """Any layers that fit one after the other, ending in a vector, and the shape that comes in."""
    shape = first = draw(SHAPES)
    kept: list[Layer] = []
    for layer in [*draw(st.lists(LAYER, max_size=6)), Flatten()]:
        try:
            shape = layer.output(shape)
        except ShapeError:
            continue
        kept.append(layer)
    return tuple(kept), first


def pictures_of(shape: Shape, count: int = 2) -> torch.Tensor:
    return torch.zeros(count, shape[2], *shape[:2])


def numbers(tensors: itertools.chain[torch.Tensor] | list[torch.Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)


@settings(max_examples=150)
@given(stacks())
def test_every_layer_gives_the_shape_and_holds_the_numbers_that_the_summary_says(
    stack: tuple[tuple[Layer, ...], Shape],
) -> None:
    layers, shape = stack
    values = pictures_of(shape)
    for layer, row in zip([*layers, Dense(3)], summarise(layers, shape, "dense 3").rows, strict=True):
        modules = nn.Sequential(*builder._modules(layer, shape)).eval()
        values, shape = modules(values), row.output
        found = values.permute(0, 2, 3, 1) if values.ndim == 4 else values
        assert tuple(found.shape[1:]) == row.output
        assert numbers(list(modules.parameters())) == row.count.trainable
        assert numbers([b for b in modules.buffers() if b.is_floating_point()]) == row.count.fixed


@settings(max_examples=50)
@given(stacks())
def test_a_whole_network_gives_a_logit_for_each_class_in_training_too(
    stack: tuple[tuple[Layer, ...], Shape],
) -> None:
    layers, shape = stack
    network, summary = build(layers, shape, "dense 3", seed=0), summarise(layers, shape, "dense 3")
    assert tuple(network.train()(pictures_of(shape)).shape) == (2, 3)
    assert numbers([p for p in network.parameters() if p.requires_grad]) == summary.trainable
    assert numbers([b for b in network.buffers() if b.is_floating_point()]) == summary.fixed


@given(CONV | POOL, SHAPES)
def test_a_window_fits_in_our_sums_exactly_where_it_fits_in_pytorch(layer: Conv | Pool, shape: Shape) -> None:
    modules = nn.Sequential(*builder._modules(layer, shape))
    try:
        layer.output(shape)
    except ShapeError:
        with pytest.raises(RuntimeError, match=r"too small|can't be greater than actual input size"):
            modules(pictures_of(shape))
    else:
        modules(pictures_of(shape))


def test_a_line_that_does_not_fit_is_an_error_before_anything_is_built() -> None:
    with pytest.raises(LayerError, match="Layer line 1, 'dense 3', does not fit its input 4x4x1: "):
        build(parse("dense 3"), (4, 4, 1), "dense 2", seed=0)


def convolved(picture: NDArray[np.float64], layer: Conv, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """(H, W, C) → (H', W', F), number by number; weight (F, C, rows, columns)."""
    rows, columns = layer.kernel
    if layer.padding == "same":
        above, left = (rows - 1) // 2, (columns - 1) // 2
        picture = np.pad(picture, [(above, rows - 1 - above), (left, columns - 1 - left), (0, 0)])
    height = (len(picture) - rows) // layer.stride + 1
    width = (picture.shape[1] - columns) // layer.stride + 1
    result = np.zeros((height, width, layer.filters))
    for y, x, filter_ in np.ndindex(result.shape):
        top, left = y * layer.stride, x * layer.stride
        window = picture[top : top + rows, left : left + columns]  # (rows, columns, C)
        result[y, x, filter_] = (window * weight[filter_].transpose(1, 2, 0)).sum()
    return result


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 3), (3, 4), (4, 1), (5, 2)])
def test_convolutions_equal_a_loop_also_with_even_kernels(
    kernel: tuple[int, int], stride: int, padding: str
) -> None:
    layer = Conv(2, kernel, stride, "same" if padding == "same" else "valid")
    picture = np.random.default_rng(0).normal(size=(7, 6, 3))
    modules = nn.Sequential(*builder._modules(layer, picture.shape)).double()
    weight = modules[-1].weight
    modules[-1].bias.data.zero_()
    found = modules(torch.from_numpy(picture).permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    np.testing.assert_allclose(
        found.detach().numpy(), convolved(picture, layer, weight.detach().numpy()), atol=1e-12
    )


@pytest.mark.parametrize("kind", ["maxpool", "avgpool"])
@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 2), (2, 3), (3, 1)])
def test_pooling_equals_a_loop(kind: str, size: int, stride: int | None) -> None:
    layer = Pool("maxpool" if kind == "maxpool" else "avgpool", size, stride)
    picture = np.random.default_rng(0).normal(size=(7, 6, 3))
    (module,) = builder._modules(layer, picture.shape)
    found = module(torch.from_numpy(picture).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    expected = np.zeros(layer.output(picture.shape))
    for y, x in np.ndindex(expected.shape[:2]):
        window = picture[y * layer.step : y * layer.step + size, x * layer.step : x * layer.step + size]
        expected[y, x] = window.max(axis=(0, 1)) if kind == "maxpool" else window.mean(axis=(0, 1))
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(("size", "stride"), [(1, 2), (2, 2), (3, 2), (4, 3), (5, 1)])
def test_padded_pooling_equals_a_loop_over_the_existing_pixels(size: int, stride: int) -> None:
    layer = Pool("maxpool", size, stride, "same")
    picture = -1 - np.random.default_rng(0).random(size=(7, 6, 3))  # below 0, so zeros around it would show
    modules = nn.Sequential(*builder._modules(layer, picture.shape))
    found = modules(torch.from_numpy(picture).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    expected = np.zeros(layer.output(picture.shape))
    for y, x in np.ndindex(expected.shape[:2]):
        top, left = y * stride - (size - 1) // 2, x * stride - (size - 1) // 2
        window = picture[max(top, 0) : top + size, max(left, 0) : left + size]
        expected[y, x] = window.max(axis=(0, 1))
    np.testing.assert_array_equal(found, expected)


def test_the_pooling_of_the_imagenet_stem_is_that_of_torchvision() -> None:
    pictures = torch.randn(2, 4, 113, 112, generator=torch.Generator().manual_seed(0))
    (module,) = builder._modules(parse("maxpool 3 /2 same")[0], (113, 112, 4))
    assert torch.equal(module(pictures), nn.MaxPool2d(kernel_size=3, stride=2, padding=1)(pictures))


@pytest.mark.parametrize("shape", [(5, 4, 12), (12,)])
def test_group_normalisation_is_that_of_pytorch(shape: Shape) -> None:
    random = torch.Generator().manual_seed(0)
    values = torch.randn(3, shape[-1], *shape[:-1], generator=random) * 3 + 1
    (module,) = builder._modules(GroupNorm(4), shape)
    module.weight.data.normal_(generator=random)
    module.bias.data.normal_(generator=random)
    expected = nn.functional.group_norm(values, 4, module.weight, module.bias, eps=1e-5)
    torch.testing.assert_close(module(values), expected)
    grouped = values.double().reshape(3, 4, -1)
    mean, variance = grouped.mean(dim=2, keepdim=True), grouped.var(dim=2, keepdim=True, unbiased=False)
    by_hand = ((grouped - mean) / (variance + 1e-5).sqrt()).reshape(values.shape)
    scale, shift = (v.double().reshape(-1, *[1] * (len(shape) - 1)) for v in (module.weight, module.bias))
    torch.testing.assert_close(module(values).double(), by_hand * scale + shift, atol=1e-5, rtol=1e-5)


def test_a_convolution_without_bias_has_none() -> None:
    (module,) = builder._modules(parse("conv 4 nobias")[0], (5, 5, 3))
    assert module.bias is None


def test_a_global_pool_takes_the_mean_of_each_channel() -> None:
    pictures = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    expected = pictures.numpy().mean(axis=(2, 3))
    np.testing.assert_allclose(builder.GlobalMean()(pictures).numpy(), expected, atol=1e-6)


def test_flatten_keeps_the_order_of_pixels_in_memory() -> None:
    images = np.arange(2 * 3 * 4 * 3, dtype=np.float32).reshape(2, 3, 4, 3)
    found = builder.RowMajorFlatten()(torch.from_numpy(images).permute(0, 3, 1, 2))
    np.testing.assert_array_equal(found.numpy(), images.reshape(2, -1))
    assert builder.RowMajorFlatten()(found) is found


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("relu", lambda x: max(x, 0.0)),
        ("tanh", math.tanh),
        ("sigmoid", lambda x: 1 / (1 + math.exp(-x))),
        ("gelu", lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2)))),
        ("silu", lambda x: x / (1 + math.exp(-x))),
    ],
)
def test_an_activation_is_the_function_of_its_name(name: str, function: type[float]) -> None:
    values = [-3.0, -0.5, 0.0, 0.5, 3.0]
    (module,) = builder._modules(parse(name)[0], (5,))
    assert module(torch.tensor(values)).tolist() == pytest.approx([function(x) for x in values], abs=1e-6)


CNN = parse("conv 8; batchnorm; relu; maxpool 2; flatten; dense 16 relu")


def test_building_leaves_global_random_numbers_as_they_were_and_does_not_depend_on_them() -> None:
    before = torch.get_rng_state()
    first = build(CNN, (8, 8, 3), "dense 3", seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.random.fork_rng():
        torch.manual_seed(99)
        second = build(CNN, (8, 8, 3), "dense 3", seed=1)
    assert fingerprint(first.state_dict()) == fingerprint(second.state_dict())


def test_each_seed_gives_its_own_weights() -> None:
    found = {fingerprint(build(CNN, (8, 8, 3), "dense 3", seed=seed).state_dict()) for seed in [0, 1, 2**31]}
    assert len(found) == 3


@pytest.mark.parametrize(
    ("lines", "index", "variance"),
    [
        ("conv 64 relu; flatten", 0, 2 / (9 * 48)),  # without a normalisation: the mean of 9 * 32 and 9 * 64
        ("conv 64 relu groups 2; flatten", 0, 2 / (9 * 24)),
        ("conv 64 relu; maxpool 2; batchnorm; flatten", 0, 2 / (9 * 32)),
        ("conv 64 relu; residual 8; flatten", 0, 2 / (9 * 32)),
        ("conv 64 relu; mbconv 8 expand 2; flatten", 0, 2 / (9 * 32)),
        ("conv 64 relu; dropout 0.5; flatten; dense 9; batchnorm", 0, 2 / (9 * 48)),
        ("conv 64; batchnorm; gelu; flatten", 0, 2 / (9 * 32)),
        ("conv 64; groupnorm 4; relu; flatten", 0, 2 / (9 * 32)),
        ("conv 64 4x4 silu; flatten", 1, 2 / (16 * 48)),  # after the padding of an even kernel
        ("conv 64 tanh; flatten", 0, 1 / (9 * 48)),
        ("conv 64; maxpool 2; flatten", 0, 1 / (9 * 48)),
        ("flatten; dense 100 relu", 1, 2 / 512),
        ("flatten", 1, 1 / 512),  # the output layer
    ],
)
def test_weights_have_the_spread_of_he_or_glorot_and_biases_are_zero(
    lines: str, index: int, variance: float
) -> None:
    layer = build(parse(lines), (4, 4, 32), "dense 40", seed=0)[index]
    weight = layer.weight.detach().double()
    margin = 5 / math.sqrt(weight.numel())  # five standard errors of a mean or a standard deviation
    assert float(weight.std()) == pytest.approx(math.sqrt(variance), rel=margin)
    assert float(weight.mean()) == pytest.approx(0, abs=margin * math.sqrt(variance))
    assert float(weight.abs().max()) > 2.5 * math.sqrt(variance)  # normal, not uniform
    assert not layer.bias.any()


def test_dirac_convolutions_begin_by_passing_on_what_comes_in() -> None:
    lines = "conv 6 3x3 nobias; conv 6 2x2 nobias; conv 4 5x3 nobias; residual 8; conv 8 1x1 nobias; flatten"
    he, dirac = (build(parse(lines), (7, 7, 2), "dense 3", seed=0, dirac=dirac) for dirac in (False, True))
    pictures = torch.randn(5, 2, 7, 7)
    torch.testing.assert_close(dirac[0](pictures)[:, :2], pictures)
    assert torch.equal(dirac[0].weight[2:], he[0].weight[2:])  # type: ignore[index]
    wide = torch.randn(5, 6, 7, 7)
    torch.testing.assert_close(dirac[3](wide), wide[:, :4])  # fewer go out than come in
    torch.testing.assert_close(dirac[5](torch.ones(1, 8, 7, 7)), torch.ones(1, 8, 7, 7))
    for name in ("2.weight", "4.0.conv1.weight", "7.weight"):  # without a centre, inside a block, dense
        assert torch.equal(dirac.state_dict()[name], he.state_dict()[name]), name


def test_normalisation_begins_as_the_identity() -> None:
    state = build(CNN, (8, 8, 3), "dense 3", seed=0).state_dict()
    assert state["1.weight"].tolist() == state["1.running_var"].tolist() == [1.0] * 8
    assert state["1.bias"].tolist() == state["1.running_mean"].tolist() == [0.0] * 8


def test_kernels_are_channels_last_in_memory() -> None:
    kernel = build(CNN, (8, 8, 3), "dense 3", seed=0)[0].weight
    assert kernel.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "lines",
    [
        "conv 6 3x3 relu; maxpool 2; conv 8 3x3 relu; maxpool 3 /2; flatten; dense 9 relu",
        "conv 6 3x3 nobias; batchnorm; relu; maxpool 3 /2 same; residual 8; relu; maxpool 2; flatten",
        "conv 6 3x3 tanh; relu; maxpool 2; relu; relu; dropout 0.3; flatten; dense 9; batchnorm; relu",
        "relu; maxpool 2; conv 6 2x2 relu; maxpool 2 /1 same; groupnorm 3; relu; flatten",
    ],
)
def test_a_relu_behind_its_pooling_and_in_place_changes_no_bit(lines: str, precision: torch.dtype) -> None:
    network = build(parse(lines), (16, 16, 3), "dense 5", seed=3).train()
    plain = nn.Sequential(*copy.deepcopy(list(network)))
    for module in plain.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    pictures = torch.randn(12, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    pictures = (4 * pictures).round() / 4  # with many equal numbers in a window
    found = []
    for one in (network, plain):
        given = pictures.clone().to(memory_format=torch.channels_last).requires_grad_()
        torch.manual_seed(0)  # dropout's
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            logits = one(given)
        logits.float().square().sum().backward()
        assert torch.equal(given.detach(), pictures)
        found.append([logits.detach(), given.grad, *(value.grad for value in one.parameters())])
    assert sum(isinstance(m, nn.ReLU) and m.inplace for m in network.modules()) >= 1
    for ours, theirs in zip(*found, strict=True):
        assert ours is not None
        assert torch.equal(ours, theirs)
    with torch.no_grad():
        assert torch.equal(network.eval()(pictures), plain.eval()(pictures))


def test_a_relu_waits_for_a_pooling_that_follows_and_for_nothing_else() -> None:
    order = list[str]()
    network = build(
        parse("conv 4 relu; maxpool 2; dropout 0.1; relu; flatten; dense 3 relu"),
        (8, 8, 1),
        "dense 2",
        seed=0,
    )
    for module in network:
        module.register_forward_hook(lambda module, *_: order.append(type(module).__name__))
    network(torch.zeros(2, 1, 8, 8))
    assert order == [
        "Conv2d",
        "MaxPool2d",
        "ReLU",
        "Dropout",
        "ReLU",
        "RowMajorFlatten",
        "Linear",
        "ReLU",
        "Linear",
    ]
    assert type(network[:3]) is type(network)
