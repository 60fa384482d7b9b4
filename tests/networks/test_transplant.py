from __future__ import annotations

import pytest
import torch
from torch import nn

from picturewise.architectures.lines import parse
from picturewise.errors import RunError
from picturewise.networks.builder import build, spans
from picturewise.networks.transplant import (
    keep_outputs,
    let_learn,
    new_classes,
    pass_on,
    put_below,
    put_in,
    with_channels,
)

LINES = ["conv 4", "batchnorm", "relu", "residual 6 /2", "avgpool global", "dense 5 relu"]


def test_the_modules_of_each_line_are_known() -> None:
    assert spans(parse(LINES), (8, 8, 3), "dense 2") == [
        range(1), range(1, 2), range(2, 3), range(3, 4), range(4, 5), range(5, 7), range(7, 8)
    ]  # fmt: skip


@pytest.mark.parametrize("incoming", [1, 3])
def test_grey_pictures_give_the_same_whether_written_in_one_channel_or_three(incoming: int) -> None:
    kernel = torch.randn(4, incoming, 3, 3, generator=torch.Generator().manual_seed(0))
    grey = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    other = with_channels({"0.weight": kernel, "0.bias": torch.zeros(4)}, 4 - incoming)["0.weight"]
    found = nn.functional.conv2d(grey.expand(-1, 4 - incoming, -1, -1), other)
    torch.testing.assert_close(found, nn.functional.conv2d(grey.expand(-1, incoming, -1, -1), kernel))


def test_a_network_that_begins_with_a_dense_layer_is_left_alone_by_channels() -> None:
    table = {"1.weight": torch.ones(2, 12), "4.weight": torch.ones(2, 3, 1, 1)}
    assert with_channels(table, 1)["4.weight"].shape == (2, 3, 1, 1)


def test_positions_of_patches_are_not_a_kernel_for_any_sides() -> None:
    table = {"0.pos_embed": torch.ones(1, 3, 3, 8), "0.patch_embed.proj.weight": torch.ones(8, 3, 2, 2)}
    found = with_channels(table, 1)
    assert torch.equal(found["0.pos_embed"], table["0.pos_embed"])
    assert torch.equal(found["0.patch_embed.proj.weight"], torch.full((8, 1, 2, 2), 3.0))


def test_the_first_tensor_that_does_not_fit_is_named_in_the_networks_order() -> None:
    network = build(parse(LINES), (8, 8, 3), "dense 2", seed=0)
    other = build(parse([*LINES[:3], "residual 7 /2", *LINES[4:]]), (8, 8, 3), "dense 2", seed=0).state_dict()
    body = {name: tensor for name, tensor in other.items() if not name.startswith("7.")}
    with pytest.raises(
        RunError, match=r"^x does .* '3.0.conv1.weight' is \(7, 4, 3, 3\), but must be \(6, 4, 3, 3\)"
    ):
        put_in(network, body, 7, "x")
    with pytest.raises(RunError, match=r"'0.bias' is missing, but must be \(4,\)"):
        put_in(network, {"0.weight": body["0.weight"]}, 7, "x")
    with pytest.raises(RunError, match=r"'9.weight' is \(1,\), but must be absent"):
        put_in(network, {**network[:7].state_dict(), "9.weight": torch.ones(1)}, 7, "x")


def test_only_the_first_modules_take_the_weights() -> None:
    network, other = (build(parse(LINES), (8, 8, 3), "dense 2", seed=seed) for seed in (0, 1))
    kept = network[7].weight.clone()
    put_in(network, other[:7].state_dict(), 7, "x")
    assert torch.equal(network[5].weight, other[5].weight)
    assert torch.equal(network[7].weight, kept)


def test_added_layers_pass_on_what_comes_in_where_they_can() -> None:
    network = build(
        parse("conv 3 relu; conv 3 1x1; conv 3 5x5 relu; flatten; dense 48 relu"),
        (4, 4, 3),
        "dense 2",
        seed=0,
    )
    pictures = torch.rand(2, 3, 4, 4)
    pass_on(network[:-1])
    torch.testing.assert_close(network[:-1](pictures), pictures.permute(0, 2, 3, 1).flatten(1))
    shrinking = build(parse("flatten; dense 7; dense 9"), (4, 4, 3), "dense 2", seed=0)
    before = [p.clone() for p in shrinking.parameters()]
    pass_on(shrinking)
    assert all(torch.equal(one, other) for one, other in zip(before, shrinking.parameters(), strict=True))


def test_old_classes_keep_their_logits_and_new_ones_are_below_until_they_learn() -> None:
    old, features = nn.Linear(6, 2), torch.randn(50, 6)
    head = nn.Linear(6, 4)
    new = keep_outputs(head, old.weight.data, old.bias.data, ("cat", "dog"), ("ant", "dog", "bee", "cat"))
    assert new == [0, 2] == new_classes(head)
    put_below(head, new, head(features).detach())
    found, expected = head(features).detach(), old(features).detach()
    torch.testing.assert_close(found[:, [3, 1]], expected)
    assert set(found.argmax(dim=1).tolist()) <= {1, 3}
    assert float(found.softmax(dim=1)[:, new].max()) < 3e-9
    let_learn(head, new)
    least_sure = expected.amax(dim=1).min()
    torch.testing.assert_close(head(features).detach()[:, new], least_sure.expand(50, 2).detach())


def test_another_number_of_features_is_refused() -> None:
    with pytest.raises(
        RunError, match=r"has 6 inputs, but the layers before it have 5 outputs\. Change the added .* 6"
    ):
        keep_outputs(nn.Linear(5, 2), torch.ones(2, 6), torch.ones(2), ("a", "b"), ("a", "b"))
