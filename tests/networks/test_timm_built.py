"""timm's networks as the builder makes them, against timm itself and against our own network of the same weights."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from picturewise.architectures.lines import parse
from picturewise.architectures.published import published_lines
from picturewise.networks.builder import assemble, build, spans
from picturewise.networks.torchvision_weights import from_published

pytestmark = pytest.mark.slow  # small, but many


SHAPES = [(32, 32, 3), (32, 32, 1)]


def pictures(shape: tuple[int, int, int], count: int = 2) -> Tensor:
    return torch.randn(count, shape[2], *shape[:2], generator=torch.Generator().manual_seed(1))


def bent(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with other running statistics, scales and shifts than those that a network begins with."""
    generator = torch.Generator().manual_seed(2)
    noise = {name: torch.rand(tensor.shape, generator=generator) for name, tensor in state.items()}
    return {name: 0.5 + noise[name] if tensor.ndim == 1 else tensor.clone() for name, tensor in state.items()}


def test_features_are_those_of_timm_and_of_our_own_network_with_the_same_weights(timm: ModuleType) -> None:
    shape = (64, 64, 3)
    theirs = timm.create_model("resnet18", num_classes=0).eval()
    state = bent(theirs.state_dict())
    theirs.load_state_dict(state)
    borrowed = build(parse("timm resnet18"), shape, "dense 2", seed=0)[0].eval()
    borrowed.load_state_dict(state)
    own = assemble(parse(published_lines("resnet18", shape)), shape, "dense 2")[:-1].eval()
    own.load_state_dict(from_published("resnet18", state, shape, origin="x"))
    with torch.no_grad():
        expected = theirs(pictures(shape))
        assert expected.std() > 0.01
        torch.testing.assert_close(borrowed(pictures(shape)), expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(own(pictures(shape)), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_convnext", "test_efficientnet"])
def test_weights_are_those_that_timm_draws_from_the_seed(timm: ModuleType, name: str) -> None:
    before = torch.get_rng_state()
    network = build(parse(f"timm {name}; dense 5 relu"), (32, 32, 3), "dense 2", seed=11)
    assert torch.equal(torch.get_rng_state(), before)
    size = {"img_size": (32, 32)} if name == "test_vit" else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        expected = timm.create_model(name, num_classes=0, **size).state_dict()
    found = network[0].state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_equal_seeds_give_equal_weights_and_others_do_not(timm: ModuleType) -> None:
    one, again, other = (
        build(parse("timm test_vit; dense 5 relu"), (32, 32, 1), "dense 2", seed=seed).state_dict()
        for seed in (3, 3, 4)
    )
    assert all(torch.equal(one[key], again[key]) for key in one)
    assert not torch.equal(one["0.patch_embed.proj.weight"], other["0.patch_embed.proj.weight"])
    assert not torch.equal(one["1.weight"], other["1.weight"])


def test_it_is_one_module_and_a_tag_changes_nothing_of_it(timm: ModuleType) -> None:
    plain, tagged = (f"timm test_resnet{tag}; dense 4 relu" for tag in ("", ".r160_in1k"))
    assert spans(parse(tagged), (32, 32, 3), "dense 2") == [range(1), range(1, 3), range(3, 4)]
    one, other = (
        build(parse(lines), (32, 32, 3), "dense 2", seed=0).state_dict() for lines in (plain, tagged)
    )
    assert next(iter(one)).startswith("0.conv1")
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "convnext_atto", "efficientnet_b0"])
def test_pictures_go_forward_and_gradients_back(
    timm: ModuleType, name: str, shape: tuple[int, int, int]
) -> None:
    network = build(parse(f"timm {name}; dense 8 relu"), shape, "dense 3", seed=0)
    logits = network.train()(pictures(shape))
    assert logits.shape == (2, 3)
    nn.functional.cross_entropy(logits, torch.tensor([0, 2])).backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and bool(torch.isfinite(gradient).all()) for gradient in gradients)
    first = next(tensor for key, tensor in network.named_parameters() if tensor.ndim == 4)
    assert first.shape[1] == shape[2]
    assert first.grad is not None
    assert first.grad.any()
