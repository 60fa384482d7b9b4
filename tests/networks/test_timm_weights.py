"""Weights in timm's form in a network of ours, against timm's own network that has them."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor

from picturewise.architectures.lines import parse
from picturewise.errors import RunError, UsageError
from picturewise.networks.builder import build
from picturewise.networks.timm_weights import from_timm
from picturewise.networks.transplant import put_in
from picturewise.timm_adapter import state_of

State = dict[str, Tensor]


def theirs(timm: ModuleType, name: str, **options: object) -> torch.nn.Module:
    """Return timm's network with 7 classes and new weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network: torch.nn.Module = timm.create_model(name, num_classes=7, **options)
    return network.eval()


def ours(name: str, state: State, shape: tuple[int, int, int]) -> torch.nn.Module:
    network = build(parse(f"timm {name}"), shape, "dense 2", seed=0)
    put_in(network, from_timm(name, state, shape, origin="x"), 1, "x")
    return network[0].eval()


def pictures(channels: int, side: int) -> Tensor:
    return torch.randn(2, channels, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("name", "side"), [("test_resnet.r160_in1k", 48), ("test_vit", 160)])
def test_features_are_those_of_the_network_that_the_file_is_of(
    timm: ModuleType, name: str, side: int
) -> None:
    network = theirs(timm, name)
    with torch.no_grad():
        found = ours(name, network.state_dict(), (side, side, 3))(pictures(3, side))
        expected = network.forward_head(network.forward_features(pictures(3, side)), pre_logits=True)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_grey_picture_gives_what_the_same_picture_in_colour_does(timm: ModuleType) -> None:
    state, grey = theirs(timm, "test_resnet").state_dict(), pictures(1, 48)
    with torch.no_grad():
        found = ours("test_resnet", state, (48, 48, 1))(grey)
        expected = ours("test_resnet", state, (48, 48, 3))(grey.expand(-1, 3, -1, -1))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("timm")
def test_every_convolution_that_sees_the_picture_is_summed_over_the_colours() -> None:
    state = {
        name: torch.ones(tensor.shape, dtype=tensor.dtype) for name, tensor in meta("fastvit_t8").items()
    }
    found = from_timm("fastvit_t8", state, (64, 64, 1), origin="x")
    for name in ("stem.0.conv_kxk.0.conv.weight", "stem.0.conv_scale.conv.weight"):
        assert torch.equal(found[f"0.{name}"], state[name].sum(dim=1, keepdim=True))
    assert found["0.stem.1.conv_kxk.0.conv.weight"] is state["stem.1.conv_kxk.0.conv.weight"]


def meta(name: str, classes: int = 1000) -> State:
    side = 160 if name.startswith("test_") else 224
    return dict(state_of(name, (side, side, 3), classes=classes)[0])


@pytest.mark.usefixtures("timm")
def test_the_output_layer_may_be_missing_or_another_one() -> None:
    names = [
        list(from_timm("test_resnet", meta("test_resnet", classes), (48, 48, 3), origin="x"))
        for classes in (0, 7, 1000)
    ]
    assert names[0] == names[1] == names[2]
    assert names[0][0].startswith("0.conv1")
    assert not any(".fc." in name for name in names[0])


@pytest.mark.usefixtures("timm")
def test_counters_that_a_file_lacks_are_zero() -> None:
    state = meta("test_resnet")
    del state["bn1.num_batches_tracked"]
    found = from_timm("test_resnet", state, (48, 48, 3), origin="x")["0.bn1.num_batches_tracked"]
    assert (found.item(), found.dtype) == (0, torch.int64)


@pytest.mark.usefixtures("timm")
def test_what_follows_from_the_shape_of_the_network_is_left_out() -> None:
    state = meta("test_vit_relpos", classes=0)
    older = state | {
        "blocks.0.attn.rel_pos.relative_position_index": torch.zeros(100, 100, dtype=torch.int64)
    }
    found = from_timm("test_vit_relpos", older, (160, 160, 3), origin="x")
    assert found.keys() == {f"0.{name}" for name in state}


Change = Callable[[State], object]


@pytest.mark.usefixtures("timm")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.update({"conv1.0.weight": torch.empty(2, 3, 9, 9)}), "is a tensor of 2x3x9x9, but must be"),
        (lambda s: s.pop("layer1.0.bn2.bias"), "'layer1.0.bn2.bias' is missing, but must be a tensor of"),
        (lambda s: s.update({"head.bias": torch.empty(4)}), "'head.bias' is a tensor of 4, but must be absent"),
        (lambda s: s.update({"fc.weight": torch.empty(7, 2048)}), "'fc.weight' is a tensor of 7x2048, but must be"),
        (
            lambda s: s.update({"bn1.bias": s["bn1.bias"].to(torch.int64)}),
            "'bn1.bias' is a tensor of torch.int64, but must be a tensor of floating-point numbers",
        ),
    ],
)  # fmt: skip
def test_another_networks_weights_are_reported_with_the_first_tensor(change: Change, said: str) -> None:
    state = meta("test_resnet")
    change(state)
    with pytest.raises(RunError) as caught:
        from_timm("test_resnet", state, (48, 48, 3), origin="a.safetensors")
    assert str(caught.value).startswith("a.safetensors does not contain the weights of timm test_resnet: '")
    assert said in str(caught.value)


@pytest.mark.usefixtures("timm")
def test_the_file_of_another_network_is_reported() -> None:
    with pytest.raises(RunError, match=r"Check that it is the file of this network\."):
        from_timm("resnet34", meta("resnet18"), (48, 48, 3), origin="x")


@pytest.mark.usefixtures("timm")
def test_weights_of_one_size_of_pictures_are_refused_at_another_with_the_way_out() -> None:
    with pytest.raises(UsageError) as caught:
        from_timm("test_vit", meta("test_vit"), (48, 32, 3), origin="x")
    assert str(caught.value) == (
        "The weights of timm test_vit are for pictures of 160x160x3 and do not fit 48x32x3: 'pos_embed' is a tensor "
        "of 1x101x64, but must be a tensor of 1x7x64. Resize the pictures to 160x160 with --size 160x160."
    )


@pytest.mark.usefixtures("timm")
def test_weights_that_cannot_see_grey_are_refused() -> None:
    with pytest.raises(
        UsageError, match=r"body\.conv1\.conv\.weight.* --size 224x224 and keep the colour channels\.$"
    ):
        from_timm("tresnet_m", meta("tresnet_m"), (224, 224, 1), origin="x")
