from __future__ import annotations

import onnx
import pytest
from portables import Pair, pictures

from picturewise.architectures.layers import ACTIVATIONS
from picturewise.architectures.lines import parse
from picturewise.architectures.named import named_lines
from picturewise.errors import LayerError
from picturewise.onnx_models.model import is_portable, weight_shapes
from picturewise.targets import Ctc, Places

LINES = [
    "flatten",
    "avgpool global",
    *(f"conv 4 {kernel}; flatten" for kernel in ("3x3", "1x1", "2x2", "5x4", "1x6", "4x1 relu")),
    *(f"conv 6 {kernel} valid /3 tanh; flatten" for kernel in ("3x3", "2x5", "12x9")),
    *(f"conv 5 {kernel} /2 nobias; avgpool global" for kernel in ("3x3", "2x2", "1x1", "7x7")),
    "conv 8 2x2 valid whiten gelu; conv 4; flatten",
    "conv 6 2x2 whiten nobias; flatten",
    "conv 40 3x3 /4; conv 3 4x2 /3 silu; flatten",
    "conv 8; batchnorm; relu; conv 8; batchnorm; flatten; batchnorm; dense 7 tanh; batchnorm",
    "conv 8 nobias; groupnorm 4; relu; conv 6; groupnorm 1; flatten; groupnorm 2; dense 6; groupnorm 3",
    *(f"conv 4; maxpool {pool}; flatten" for pool in ("2", "3 /1", "3 /2 same", "2 /1 same", "4 /3 same", "9")),
    *(f"conv 4; avgpool {pool}; flatten" for pool in ("2", "3 /2", "1", "9 /4")),
    "maxpool 2; dropout 0.5; conv 4 2x2 relu; dropout 0.2; flatten; dropout 0.1; dense 8 gelu; flatten",
    *(f"conv 4 {name}; {name}; flatten; dense 6 {name}; {name}" for name in ACTIVATIONS),
    "residual 3; flatten",
    "residual 8; residual 8 x2 /2 gelu; avgpool global",
    "residual 6 pre; residual 6 x3 /2 pre dropout 0.3 silu; batchnorm; relu; avgpool global",
    "bottleneck 2; bottleneck 2 x2 /2; avgpool global",
    "bottleneck 3 /3 pre; bottleneck 3 x2 pre tanh; flatten",
    *(f"conv 6; conv 12 {kernel} groups 3 /2 relu6; flatten" for kernel in ("3x3", "1x1", "2x2")),
    *(f"conv 4 {kernel} same-upper /{stride}; flatten" for kernel in ("3x3", "5x2", "1x1") for stride in (1, 2, 3)),
    "conv 4; conv 8 depthwise valid; conv 8 depthwise nobias same-upper; squeeze-excite 4; flatten",
    "conv 4; squeeze-excite 3 silu; flatten",
    "mbconv 3; mbconv 6 x2 /2 expand 3; mbconv 4 expand 1 5x5 relu; avgpool global",
    "mbconv 5 x3 /2 5x3 squeeze 4 same-upper silu; mbconv 5 /3 same-upper squeeze 1; flatten",
]  # fmt: skip


@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize("shape", [(12, 9, 3), (13, 14, 1)])
def test_every_layer_gives_what_it_gives_in_pytorch(lines: str, shape: tuple[int, int, int]) -> None:
    pair = Pair(lines, shape)
    onnx.checker.check_model(onnx.load_from_string(pair.model), full_check=True)
    assert pair.difference(pictures(5, shape)) < 1e-5


NETWORKS = [
    ("mlp 32 16", (28, 28, 1)),
    ("cnn", (28, 28, 1)),
    ("cnn", (32, 32, 3)),
    ("resnet20", (32, 32, 3)),
    ("vgg11", (32, 32, 3)),
    ("resnet18", (28, 28, 1)),
    ("resnet50", (32, 32, 3)),
]


@pytest.mark.parametrize(("name", "shape"), NETWORKS)
def test_presets_give_what_they_give_in_pytorch(name: str, shape: tuple[int, int, int]) -> None:
    pair = Pair(named_lines(name, shape), shape, classes=10)
    assert pair.difference(pictures(2, shape)) < 1e-4


@pytest.mark.parametrize("lines", LINES)
def test_the_arrays_are_those_of_the_pytorch_network(lines: str) -> None:
    pair = Pair(lines)
    expected = {name: array.shape for name, array in pair.state.items()}
    assert weight_shapes(pair.layers, pair.shape, pair.target.output_line) == expected


def test_a_line_that_does_not_fit_is_named() -> None:
    with pytest.raises(LayerError, match="Layer line 1, 'conv 4 9x9 valid', does not fit"):
        is_portable(parse("conv 4 9x9 valid"), (8, 8, 1), "dense 2")


@pytest.mark.parametrize("target", [Ctc(tuple("0123456789"), 3, 9), Ctc(("a", "b"), 2, 9, 4)])
def test_the_layer_of_columns(target: Ctc) -> None:
    pair = Pair("conv 6 3x3 relu; batchnorm", target=target)
    for count in (1, 4):
        assert pair.difference(pictures(count, pair.shape)) < 1e-5


def test_the_layer_of_places() -> None:
    pair = Pair("conv 6 3x3 relu; flatten", target=Places(("a", "b", "c"), 4))
    assert pair.difference(pictures(4, pair.shape)) < 1e-5
