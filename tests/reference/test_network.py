from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from picturewise.architectures.lines import parse
from picturewise.architectures.named import named_lines
from picturewise.errors import LayerError
from picturewise.networks.builder import build
from picturewise.reference.loss import CrossEntropy
from picturewise.reference.network import Network, draw_state
from picturewise.reference.sgd import Sgd
from picturewise.training.losses import CrossEntropy as TorchCrossEntropy
from picturewise.training.optimizers import Optimizer

WINDOWS = "conv 4 2x3 /2 silu; maxpool 2 /1 same; conv 3 valid nobias; maxpool 3 /2 same; avgpool 2 /1; avgpool global"
SMALL_RESNET = (
    "conv 4 nobias; batchnorm; relu; residual 4 x2; residual 6 x2 /2; residual 8 /2; avgpool global"
)


@pytest.mark.parametrize(
    "lines",
    [
        "flatten",
        "flatten; dense 7 tanh; batchnorm; dense 5 gelu",
        "; ".join(named_lines("cnn", (11, 13, 3))).replace("dropout 0.3", "sigmoid"),
        "; ".join(named_lines("mlp 16 8", (11, 13, 3))),
        WINDOWS,
        SMALL_RESNET,
        f"{SMALL_RESNET.replace('residual', 'bottleneck')}; dense 9 silu",
        "conv 4; residual 4 pre; residual 6 pre /2; batchnorm; relu; avgpool global",
        "conv 6 /2; conv 4 groups 2 relu6; conv 8 5x3 depthwise; conv 3 same-upper /2; flatten",
        "conv 6 /2; conv 6 3x3 depthwise same-upper /2 nobias; squeeze-excite 4 silu; avgpool global",
        "mbconv 3 relu; mbconv 4 x2 /2 expand 2 silu; mbconv 4 expand 1 5x5 relu6; avgpool global",
        "conv 4; mbconv 4 x2 5x3 same-upper /2 squeeze 2 tanh; avgpool global",
    ],
)
def test_whole_networks_compute_what_pytorch_does_there_and_back(twins, steps_alike, lines: str) -> None:
    network, twin = twins(lines, (11, 13, 3))
    pictures = np.random.default_rng(0).normal(size=(4, 11, 13, 3))
    steps_alike(network, twin, pictures)
    expected = twin.eval()(torch.from_numpy(pictures).permute(0, 3, 1, 2)).detach().numpy()
    np.testing.assert_allclose(network.forward(pictures), expected, rtol=1e-9, atol=1e-11)


def test_a_hundred_steps_end_in_the_weights_of_the_torch_engine() -> None:
    layers = parse("flatten; dense 32; batchnorm; relu; dense 16; batchnorm; relu")
    module = build(layers, (6, 6, 1), "dense 5", seed=3).double().train()
    state = {name: tensor.clone().numpy() for name, tensor in module.state_dict().items()}
    network = Network(layers, (6, 6, 1), "dense 5", state)
    options = {"momentum": 0.9, "weight_decay": 1e-3, "clip_norm": 1.0}
    optimizer = Optimizer("sgd", module, **options)
    velocities = {name: np.zeros(one.value.shape) for name, one in network.parameters.items()}
    sgd = Sgd(network.parameters, velocities, **options)
    random = np.random.default_rng(0)
    losses = []
    for step in range(100):
        labels = random.integers(0, 5, 32)
        pictures = random.normal(size=(32, 6, 6, 1)) + labels[:, None, None, None]
        targets, rate = np.eye(5)[labels], 0.1 * (1 - step / 100)
        loss, gradient = CrossEntropy(0.05)(network.forward(pictures, random), targets)
        network.backward(gradient)
        sgd.step(rate)
        logits = module(torch.from_numpy(pictures).permute(0, 3, 1, 2))
        TorchCrossEntropy(0.05)(logits, torch.from_numpy(targets)).backward()
        optimizer.step(rate)
        losses.append(loss)
    assert np.mean(losses[-10:]) < 0.7 * losses[0]  # it did learn
    for name, tensor in module.state_dict().items():
        np.testing.assert_allclose(state[name], tensor.numpy(), rtol=0, atol=1e-8, err_msg=name)
    for name, tensor in optimizer.state().items():
        if name.startswith("momentum/"):
            np.testing.assert_allclose(
                velocities[name.removeprefix("momentum/")], tensor.numpy(), rtol=0, atol=1e-8
            )


PLAIN = "conv 64 relu; dropout 0.2; conv 16 groups 2 tanh; maxpool 2; conv 8; avgpool 2; batchnorm; flatten"


@pytest.mark.parametrize("lines", [WINDOWS, SMALL_RESNET, PLAIN, "; ".join(named_lines("cnn", (11, 13, 3)))])
def test_drawn_arrays_have_the_names_shapes_and_spread_of_the_torch_engine(lines: str) -> None:
    layers = parse(lines)
    state = draw_state(layers, (11, 13, 3), "dense 4", np.random.default_rng(0))
    theirs = build(layers, (11, 13, 3), "dense 4", seed=0).state_dict()
    assert {name: array.shape for name, array in state.items()} == {
        name: tuple(tensor.shape) for name, tensor in theirs.items()
    }
    for name, array in state.items():
        expected = theirs[name].numpy()
        assert array.dtype == expected.dtype, name
        if array.size > 1 and expected.std() > 0:
            margin = 8 / math.sqrt(array.size)
            assert float(array.std()) == pytest.approx(float(expected.std()), rel=margin), name
        else:
            assert np.array_equal(array, expected), name


def test_drawn_arrays_depend_on_the_generator_alone_and_may_be_wide() -> None:
    layers = parse("conv 3; flatten")
    first, same, other = (
        draw_state(layers, (5, 5, 1), "dense 2", np.random.default_rng(seed), np.float64)["0.weight"]
        for seed in (0, 0, 1)
    )
    assert first.dtype == np.float64
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_narrow_numbers_stay_narrow_all_the_way() -> None:
    layers = parse(f"{SMALL_RESNET}; dropout 0.2; dense 6 gelu; dense 5 silu; dense 5 sigmoid; dense 4 tanh")
    network = Network(
        layers, (8, 8, 1), "dense 3", draw_state(layers, (8, 8, 1), "dense 3", np.random.default_rng(0))
    )
    pictures = np.random.default_rng(1).normal(size=(4, 8, 8, 1)).astype(np.float32)
    logits = network.forward(pictures, np.random.default_rng(2))
    _, gradient = CrossEntropy(0.1, np.ones(3, np.float32))(logits, np.eye(3, dtype=np.float32)[[0, 1, 2, 0]])
    assert logits.dtype == gradient.dtype == network.forward(pictures).dtype == np.float32
    assert network._layers.backward(gradient).dtype == np.float32


def test_it_computes_on_the_arrays_that_are_passed() -> None:
    layers = parse("conv 3; batchnorm; flatten")
    state = draw_state(layers, (4, 4, 1), "dense 2", np.random.default_rng(0))
    network = Network(layers, (4, 4, 1), "dense 2", state)
    for name, parameter in network.parameters.items():
        assert parameter.value is state[name]
    before = state["1.running_mean"].copy()
    network.forward(np.ones((2, 4, 4, 1), np.float32), np.random.default_rng(0))
    assert not np.array_equal(state["1.running_mean"], before)
    assert state["1.num_batches_tracked"] == 1


def test_a_line_that_it_does_not_have_is_named_with_those_that_it_has() -> None:
    layers = parse("conv 4; groupnorm 2; flatten")
    with pytest.raises(
        LayerError,
        match=r"^Layer line 2, 'groupnorm 2', is not supported by the NumPy engine, which supports",
    ):
        draw_state(layers, (5, 5, 1), "dense 2", np.random.default_rng(0))


def test_a_line_that_does_not_fit_is_refused_as_everywhere() -> None:
    with pytest.raises(LayerError, match="Layer line 1, 'dense 3', does not fit"):
        draw_state(parse("dense 3"), (5, 5, 1), "dense 2", np.random.default_rng(0))
