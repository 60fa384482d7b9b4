"""Published weights in our networks, compared with torchvision's computation, written again from its description."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from picturewise.architectures.lines import parse
from picturewise.architectures.published import published_lines
from picturewise.errors import RunError, UsageError
from picturewise.networks.builder import assemble
from picturewise.networks.torchvision_weights import check_published, from_published, published_shapes

State = dict[str, Tensor]
Shapes = dict[str, tuple[int, ...]]

STAGES = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3)}
COLUMNS = {
    "vgg11_bn": "64 M 128 M 256 256 M 512 512 M 512 512 M",
    "vgg16_bn": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
}
PARAMETERS = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "vgg11_bn": 132_868_840,
    "vgg16_bn": 138_365_992,
}


def norm(shapes: Shapes, name: str, channels: int) -> None:
    for part in ("weight", "bias", "running_mean", "running_var"):
        shapes[f"{name}.{part}"] = (channels,)
    shapes[f"{name}.num_batches_tracked"] = ()


def resnet_shapes(name: str) -> Shapes:
    """Names and shapes of torchvision's ResNets, from the description of their modules."""
    shapes: Shapes = {"conv1.weight": (64, 3, 7, 7)}
    norm(shapes, "bn1", 64)
    wide = name == "resnet50"
    incoming = 64
    for stage, blocks in enumerate(STAGES[name], start=1):
        width = 32 * 2**stage
        outgoing = 4 * width if wide else width
        for block in range(blocks):
            at = f"layer{stage}.{block}"
            into = [(width, incoming, 1), (width, width, 3), (outgoing, width, 1)]
            for number, (out, coming, kernel) in enumerate(
                into if wide else [(width, incoming, 3), (width, width, 3)], start=1
            ):
                shapes[f"{at}.conv{number}.weight"] = (out, coming, kernel, kernel)
                norm(shapes, f"{at}.bn{number}", out)
            if block == 0 and (stage > 1 or wide):
                shapes[f"{at}.downsample.0.weight"] = (outgoing, incoming, 1, 1)
                norm(shapes, f"{at}.downsample.1", outgoing)
            incoming = outgoing
    return {**shapes, "fc.weight": (1000, incoming), "fc.bias": (1000,)}


def vgg_shapes(name: str) -> Shapes:
    """Names and shapes of torchvision's VGGs with normalisation; `M` is a pooling."""
    shapes: Shapes = {}
    number, incoming = 0, 3
    for word in COLUMNS[name].split():
        if word == "M":
            number += 1
            continue
        shapes |= {
            f"features.{number}.weight": (int(word), incoming, 3, 3),
            f"features.{number}.bias": (int(word),),
        }
        norm(shapes, f"features.{number + 1}", int(word))
        number, incoming = number + 3, int(word)
    for place, (out, coming) in {0: (4096, 512 * 7 * 7), 3: (4096, 4096), 6: (1000, 4096)}.items():
        shapes |= {f"classifier.{place}.weight": (out, coming), f"classifier.{place}.bias": (out,)}
    return shapes


def shapes_of(name: str) -> Shapes:
    return resnet_shapes(name) if name in STAGES else vgg_shapes(name)


def state_of(name: str, dtype: torch.dtype = torch.float32) -> State:
    """Random weights with which no value grows or dies on its way, and random running statistics."""
    generator, state = torch.Generator().manual_seed(len(name)), {}
    for key, shape in shapes_of(name).items():
        if key.endswith("num_batches_tracked"):
            state[key] = torch.tensor(7)
        elif key.endswith("running_var"):
            state[key] = torch.empty(shape, dtype=dtype).uniform_(0.5, 2, generator=generator)
        else:
            spread = math.sqrt(2 / math.prod(shape[1:])) if len(shape) > 1 else 0.3
            state[key] = torch.empty(shape, dtype=dtype).normal_(0, spread, generator=generator)
            if len(shape) == 1 and key.endswith("weight"):
                state[key] += 0.7
    return state


def normalised(x: Tensor, state: State, name: str) -> Tensor:
    parts = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    return functional.batch_norm(x, *parts, training=False, eps=1e-5)


def torchvision_block(x: Tensor, state: State, at: str, stride: int) -> Tensor:
    """BasicBlock and Bottleneck: the stride is that of the first 3x3 convolution."""
    y, strided = x, False
    count = 3 if f"{at}.conv3.weight" in state else 2
    for number in range(1, count + 1):
        weight = state[f"{at}.conv{number}.weight"]
        kernel = weight.shape[-1]
        step = stride if kernel == 3 and not strided else 1
        strided = strided or kernel == 3
        y = normalised(functional.conv2d(y, weight, None, step, kernel // 2), state, f"{at}.bn{number}")
        y = functional.relu(y) if number < count else y
    if f"{at}.downsample.0.weight" in state:
        x = functional.conv2d(x, state[f"{at}.downsample.0.weight"], None, stride)
        x = normalised(x, state, f"{at}.downsample.1")
    return functional.relu(x + y)


def torchvision_resnet(x: Tensor, state: State, name: str) -> Tensor:
    x = functional.relu(normalised(functional.conv2d(x, state["conv1.weight"], None, 2, 3), state, "bn1"))
    x = functional.max_pool2d(x, 3, 2, 1)
    for stage, blocks in enumerate(STAGES[name], start=1):
        for block in range(blocks):
            x = torchvision_block(x, state, f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1)
    x = functional.adaptive_avg_pool2d(x, 1).flatten(1)
    return functional.linear(x, state["fc.weight"], state["fc.bias"])


def torchvision_features(x: Tensor, state: State, name: str) -> Tensor:
    number = 0
    for word in COLUMNS[name].split():
        if word == "M":
            x, number = functional.max_pool2d(x, 2), number + 1
            continue
        x = functional.conv2d(x, state[f"features.{number}.weight"], state[f"features.{number}.bias"], 1, 1)
        x, number = functional.relu(normalised(x, state, f"features.{number + 1}")), number + 3
    return x


def torchvision_vgg(x: Tensor, state: State, name: str) -> Tensor:
    x = functional.adaptive_avg_pool2d(torchvision_features(x, state, name), 7).flatten(1)
    for place in (0, 3, 6):
        x = functional.linear(
            functional.relu(x) if place else x,
            state[f"classifier.{place}.weight"],
            state[f"classifier.{place}.bias"],
        )
    return x


def ours(name: str, state: State, shape: tuple[int, int, int]) -> torch.nn.Sequential:
    with torch.device("meta"):
        network = assemble(parse(published_lines(name, shape)), shape, "dense 1000")
    network.load_state_dict(from_published(name, state, shape, origin="x", head=True), assign=True)
    return network.eval()


def pictures(shape: tuple[int, int, int], dtype: torch.dtype) -> Tensor:
    height, width, channels = shape
    generator = torch.Generator().manual_seed(0)
    return torch.randn(1, channels, height, width, generator=generator, dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_published_names_and_shapes_are_complete(name: str) -> None:
    by_hand = shapes_of(name)
    assert list(published_shapes(name).items()) == list(by_hand.items())
    parameters = {key: s for key, s in by_hand.items() if key.endswith(("weight", "bias"))}
    assert sum(math.prod(shape) for shape in parameters.values()) == PARAMETERS[name]


@pytest.mark.slow
@pytest.mark.parametrize("side", [224, 64, 33])
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_resnet_with_published_weights_gives_the_published_logits(name: str, side: int) -> None:
    state, shape = state_of(name, torch.float64), (side, side, 3)
    batch = pictures(shape, torch.float64)
    with torch.no_grad():
        found, expected = ours(name, state, shape)(batch), torchvision_resnet(batch, state, name)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_in_single_precision_too() -> None:
    state, shape = state_of("resnet34"), (64, 64, 3)
    batch = pictures(shape, torch.float32)
    with torch.no_grad():
        found, expected = ours("resnet34", state, shape)(batch), torchvision_resnet(batch, state, "resnet34")
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_vgg_with_published_weights_gives_the_published_logits() -> None:
    state, shape = state_of("vgg11_bn"), (224, 224, 3)
    batch = pictures(shape, torch.float32)
    network = ours("vgg11_bn", state, shape)
    with torch.no_grad():
        found, expected = network(batch), torchvision_vgg(batch, state, "vgg11_bn")
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("side", [32, 64])
def test_of_a_vgg_on_other_sizes_the_features_are_the_published_ones(side: int) -> None:
    for name in ("vgg11_bn", "vgg16_bn"):
        state, shape = {k: t for k, t in state_of(name).items() if k.startswith("features")}, (side, side, 3)
        state |= {k: torch.empty(s, device="meta") for k, s in shapes_of(name).items() if k not in state}
        with torch.device("meta"):
            network = assemble(parse(published_lines(name, shape)), shape, "dense 1000")[:-1]
        network.load_state_dict(from_published(name, state, shape, origin="x"), assign=True)
        batch = pictures(shape, torch.float32)
        with torch.no_grad():
            found, expected = network.eval()(batch), torchvision_features(batch, state, name).mean((2, 3))
        assert expected.std() > 0.01
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_grey_picture_gives_what_the_same_picture_in_colour_does() -> None:
    state = state_of("resnet18", torch.float64)
    grey = pictures((64, 64, 1), torch.float64)
    with torch.no_grad():
        found = ours("resnet18", state, (64, 64, 1))(grey)
        expected = torchvision_resnet(grey.expand(1, 3, 64, 64), state, "resnet18")
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def meta_state(name: str) -> State:
    dtypes = {key: torch.int64 if key.endswith("tracked") else torch.float32 for key in shapes_of(name)}
    return {key: torch.empty(s, device="meta", dtype=dtypes[key]) for key, s in shapes_of(name).items()}


@pytest.mark.parametrize("shape", [(224, 224, 3), (240, 230, 1), (64, 96, 3), (32, 32, 1)])
@pytest.mark.parametrize("name", PARAMETERS)
def test_names_and_shapes_are_those_of_our_network_without_its_output_layer(
    name: str, shape: tuple[int, int, int]
) -> None:
    with torch.device("meta"):
        network = assemble(parse(published_lines(name, shape)), shape, "dense 7")
    last = f"{len(network) - 1}."
    expected = {key: tuple(t.shape) for key, t in network.state_dict().items() if not key.startswith(last)}
    found = from_published(name, meta_state(name), shape, origin="x")
    assert {key: tuple(tensor.shape) for key, tensor in found.items()} == expected


def test_counters_that_a_file_lacks_are_zero_and_others_are_kept() -> None:
    state = state_of("resnet18")
    del state["layer1.0.bn1.num_batches_tracked"]
    found = from_published("resnet18", state, (64, 64, 3), origin="x")
    assert found["4.0.bn1.num_batches_tracked"].item() == 0
    assert found["4.0.bn1.num_batches_tracked"].dtype == torch.int64
    assert found["4.0.bn2.num_batches_tracked"].item() == 7


def test_the_output_layer_may_be_missing_or_another_one_unless_it_is_wanted() -> None:
    state = meta_state("resnet18")
    whole = from_published("resnet18", state, (64, 64, 3), origin="x")
    for change in ({"fc.weight": torch.empty(7, 512), "fc.bias": torch.empty(7)}, {}):
        others = {key: tensor for key, tensor in state.items() if not key.startswith("fc.")} | change
        assert list(from_published("resnet18", others, (64, 64, 3), origin="x")) == list(whole)
    with pytest.raises(RunError, match=r"'fc\.weight' is missing, but must be a tensor of 1000x512"):
        from_published("resnet18", others, (64, 64, 3), origin="x", head=True)


Change = Callable[[State], object]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda s: s.update({"layer2.0.conv1.weight": torch.empty(1, 2), "conv1.weight": torch.empty(64, 1, 7, 7)}),
            "'conv1.weight' is a tensor of 64x1x7x7, but must be a tensor of 64x3x7x7",
        ),
        (lambda s: s.pop("layer4.1.bn2.bias"), "'layer4.1.bn2.bias' is missing, but must be a tensor of 512"),
        (
            lambda s: s.update({"head.weight": torch.empty(3, 4)}),
            "'head.weight' is a tensor of 3x4, but must be absent",
        ),
        (lambda s: s.update({"fc.weight": torch.empty(7, 2048)}), "'fc.weight' is a tensor of 7x2048"),
        (lambda s: s.update({"fc.weight": torch.empty(7)}), "'fc.weight' is a tensor of 7, but must be"),
        (lambda s: s.update({"bn1.bias": torch.tensor(3.0)}), "'bn1.bias' is a single number, but must be"),
        (
            lambda s: s.update({"bn1.bias": torch.empty(64, dtype=torch.int64)}),
            "'bn1.bias' is a tensor of torch.int64, but must be a tensor of floating-point numbers",
        ),
        (
            lambda s: s.update({"bn1.num_batches_tracked": torch.tensor(1.5)}),
            "'bn1.num_batches_tracked' is a tensor of torch.float32, but must be a tensor of integers",
        ),
    ],
)  # fmt: skip
def test_another_networks_weights_are_reported_with_the_first_tensor(change: Change, said: str) -> None:
    state = meta_state("resnet18")
    change(state)
    with pytest.raises(RunError) as caught:
        from_published("resnet18", state, (64, 64, 3), origin="weights.pth")
    assert str(caught.value).startswith("weights.pth does not contain the weights of resnet18: ")
    assert said in str(caught.value)


def test_the_file_of_another_network_is_reported() -> None:
    with pytest.raises(RunError, match=r"'layer1\.2\.conv1\.weight' is missing"):
        check_published("resnet34", meta_state("resnet18"), origin="x")
    with pytest.raises(RunError, match=r"'layer1\.2\.conv1\.weight' is .*, but must be absent"):
        check_published("resnet18", meta_state("resnet34"), origin="x")
    with pytest.raises(RunError, match=r"'features\.0\.weight' is missing"):
        check_published("vgg11_bn", meta_state("resnet50"), origin="x")
    with pytest.raises(UsageError, match="Did you mean 'resnet50'"):
        check_published("resnet5", {}, origin="x")


@pytest.mark.parametrize("name", PARAMETERS)
def test_torchvision_gives_the_same_names_shapes_and_logits(name: str) -> None:
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    theirs = models.get_model(name, weights=None).eval()
    assert {key: tuple(t.shape) for key, t in theirs.state_dict().items()} == published_shapes(name)
    batch = pictures((224, 224, 3), torch.float32)
    with torch.no_grad():
        found, expected = ours(name, theirs.state_dict(), (224, 224, 3))(batch), theirs(batch)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
