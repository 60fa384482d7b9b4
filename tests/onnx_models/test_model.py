from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from portables import TEMPERATURE, Pair, pictures

from picturewise.architectures.lines import parse
from picturewise.onnx_models import model as rooms_model
from picturewise.onnx_models.model import Normalisation, is_portable, onnx_model
from picturewise.onnx_models.session import Session
from picturewise.targets import OneClass

WEIGHT = np.array([[1.0, -2.0, 0.5, 4.0], [0.0, 1.0, 2.0, -1.0]], np.float32)
BIAS = np.array([0.25, -1.5], np.float32)
SCALE = Normalisation(grey=False, mean=(100.0,), std=(50.0,))


def tiny(**other: object) -> bytes:
    facts: dict[str, object] = {"temperature": 2.0, "version": "1.2.3", **other}
    state = {"1.weight": WEIGHT, "1.bias": BIAS}
    return onnx_model(parse("flatten"), (2, 2, 1), OneClass(("ja", "nein – 否")), state, SCALE, **facts)  # type: ignore[arg-type]


def test_the_bytes_are_those_that_the_library_onnx_writes_for_the_same_model() -> None:
    pixels = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", 2, 2, 1])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 2])
    arrays = {
        "1.bias": BIAS,
        "1.weight": WEIGHT,
        "factor": np.array([[[1 / 50]]], np.float32),
        "shift": np.array([[[-2]]], np.float32),
        "temperature": np.array(2, np.float32),
    }

    def node(kind: str, number: int | str, *inputs: str, **attributes: object) -> onnx.NodeProto:
        name = number if isinstance(number, str) else f"{kind}_{number}"
        return helper.make_node(kind, inputs, [name], name, **attributes)

    nodes = [
        node("Transpose", 0, "pictures", perm=[0, 3, 1, 2]),
        node("Cast", 1, "Transpose_0", to=TensorProto.FLOAT),
        node("Mul", 2, "Cast_1", "factor"),
        node("Add", 3, "Mul_2", "shift"),
        node("Transpose", 4, "Add_3", perm=[0, 2, 3, 1]),
        node("Flatten", 5, "Transpose_4", axis=1),
        node("Gemm", 6, "Flatten_5", "1.weight", "1.bias", transB=1),
        node("Div", "logits", "Gemm_6", "temperature"),
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "picturewise", [pixels], [logits], tensors)
    expected = helper.make_model(
        graph,
        ir_version=9,
        opset_imports=[helper.make_opsetid("", 20)],
        producer_name="picturewise",
        producer_version="1.2.3",
    )
    helper.set_model_props(expected, {"classes": '["ja", "nein – 否"]'})
    assert tiny() == expected.SerializeToString(deterministic=True)
    assert tiny() == tiny() != tiny(temperature=2.5)


def test_the_model_says_what_it_takes_and_gives() -> None:
    found = onnx.load_from_string(Pair("conv 4; batchnorm; avgpool global", (7, 6, 3), 3).model)
    (takes,), (gives,) = found.graph.input, found.graph.output
    assert (takes.name, gives.name) == ("pictures", "logits")
    assert takes.type.tensor_type.elem_type == TensorProto.UINT8
    sides = [side.dim_value or side.dim_param for side in takes.type.tensor_type.shape.dim]
    assert sides == ["N", 7, 6, 3]
    assert [side.dim_value or side.dim_param for side in gives.type.tensor_type.shape.dim] == ["N", 3]
    metadata = {entry.key: json.loads(entry.value) for entry in found.metadata_props}
    assert metadata == {"classes": ["class 0", "class 1", "class 2"]}
    assert (found.producer_name, found.producer_version) == ("picturewise", "1.2.3")


def test_the_logits_are_what_one_computes_by_hand() -> None:
    image = np.array([[[100], [150]], [[0], [200]]], np.uint8)
    prepared = np.array([0, 1, -2, 2])
    expected = (WEIGHT @ prepared + BIAS) / 2
    np.testing.assert_array_equal(Session(tiny(), 1).logits(image[np.newaxis]), [expected])


@pytest.mark.parametrize("shape", [(12, 9, 3), (12, 9, 1)])
def test_grey_is_the_mean_of_the_channels(shape: tuple[int, int, int]) -> None:
    pair = Pair("conv 4 relu; flatten", shape, grey=True)
    onnx.checker.check_model(onnx.load_from_string(pair.model), full_check=True)
    images = pictures(6, shape)
    assert pair.difference(images) < 1e-5
    turned = Session(pair.model, 1).logits(np.roll(images, 1, axis=3))
    np.testing.assert_allclose(turned, Session(pair.model, 1).logits(images), atol=1e-4)


@pytest.mark.parametrize("classes", [1, 2, 1000])
def test_there_may_be_any_number_of_classes(classes: int) -> None:
    pair = Pair("conv 4 relu; avgpool global", (8, 8, 3), classes)
    assert pair.difference(pictures(4, (8, 8, 3))) < 1e-5


def test_logits_are_divided_by_the_temperature() -> None:
    pair, images = Pair("flatten"), pictures(4, (12, 9, 3))
    plain = onnx_model(pair.layers, pair.shape, pair.target, pair.state, pair.scale)
    found = Session(plain, 1).logits(images) / np.float32(TEMPERATURE)
    np.testing.assert_allclose(Session(pair.model, 1).logits(images), found, rtol=1e-6)


def test_weights_that_are_channels_last_in_memory_are_the_same_weights() -> None:
    pair = Pair("conv 4 2x3; flatten")
    assert not pair.state["1.weight"].flags.c_contiguous
    state = {name: np.ascontiguousarray(array) for name, array in pair.state.items()}
    model = onnx_model(
        pair.layers, pair.shape, pair.target, state, pair.scale, temperature=TEMPERATURE, version="1.2.3"
    )
    assert model == pair.model


def test_what_is_larger_than_a_message_may_be_is_not_portable(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = parse("flatten; batchnorm")
    numbers = 4 * 12 + 2 * 13  # batch normalisation of 12, dense 12 → 2
    monkeypatch.setattr(rooms_model, "_MOST_BYTES", 4 * numbers)
    assert is_portable(layers, (2, 2, 3), "dense 2")
    monkeypatch.setattr(rooms_model, "_MOST_BYTES", 4 * numbers - 1)
    assert not is_portable(layers, (2, 2, 3), "dense 2")
