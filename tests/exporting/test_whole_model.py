"""A classifier's ONNX file answers as the classifier, whatever its network, its views and its pictures are."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from picturewise.architectures.lines import parse
from picturewise.architectures.named import named_lines
from picturewise.errors import RunError, UsageError
from picturewise.exporting.facts import as_texts, facts_of
from picturewise.exporting.onnx_file import onnx_file, opened
from picturewise.exporting.parity import ODD, Answered, compare, generated, odd_pictures
from picturewise.networks.builder import build
from picturewise.onnx_models.session import Session
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.description import Description
from picturewise.preparing.preparation import Preparation

CLASSES = ("cat", "dog", "nein – 否", "</script>")


def description(shape: tuple[int, int, int], **other: Any) -> Description:
    grey = other.pop("grey", False)
    kept = 1 if grey else shape[2]
    numbers = {"mean": (110.0, 120.0, 130.0)[:kept], "std": (60.0, 70.0, 80.0)[:kept]}
    preparation = Preparation(grey=grey, views=other.pop("views", ()), **numbers)
    facts: dict[str, Any] = {"layers": None, "resize": "crop", "temperature": 1.7, **other}
    return Description(shape=shape, classes=CLASSES, preparation=preparation, **facts)


def of_lines(lines: tuple[str, ...], shape: tuple[int, int, int], **other: Any) -> Classifier:
    found = description(shape, layers=lines, **other)
    network = build(parse(lines), found.preparation.output(shape), "dense 4", seed=0).eval()
    random = torch.Generator().manual_seed(1)
    for name, tensor in network.state_dict().items():
        if tensor.ndim == 1:
            middle = 0.0 if name.endswith(("bias", "running_mean")) else 1.0
            tensor.copy_(torch.rand(tensor.shape, generator=random) * 0.2 + middle - 0.1)
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    logits = Classifier(weights, replace(found, temperature=1.0)).logits(generated(shape, 9))
    return Classifier(
        weights, replace(found, temperature=float(logits.std()))
    )  # not only probabilities of 0 and 1


def apart(classifier: Classifier) -> float:
    """Return the largest difference of a probability; every class is the same."""
    content = onnx_file(classifier, as_texts(facts_of(classifier, "1.2.3")), "1.2.3")
    shape = classifier.description.shape
    found = compare(
        classifier, opened(content, classifier.description.target), generated(shape, 40), "pictures"
    )
    assert (found.pictures, found.odd_pictures, found.changed, found.odd_changed) == (40, ODD, 0, 0)
    spread = np.ptp(classifier.probabilities(generated(shape, 40)), axis=0)
    assert spread.max() > 0.01, "every picture has the same answer, so nothing was compared"
    return max(found.difference, found.odd_difference)


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("shape", [(28, 28, 1), (17, 24, 3)])
def test_a_network_of_lines_answers_alike(
    shape: tuple[int, int, int], resize: Literal["crop", "pad", "stretch"]
) -> None:
    assert apart(of_lines(tuple(named_lines("cnn", shape)), shape, resize=resize)) < 1e-6


@pytest.mark.parametrize("views", [("mirror",), ("shift 2",), ("mirror", "shift 1")])
def test_views_are_in_the_file(views: tuple[str, ...]) -> None:
    plain, viewed = (of_lines(("flatten", "dense 9 tanh"), (12, 9, 3), views=v) for v in ((), views))
    assert apart(viewed) < 1e-6
    images = generated((12, 9, 3), 5)
    assert abs(plain.probabilities(images) - viewed.probabilities(images)).max() > 1e-3


def test_pictures_in_colour_that_are_trained_grey_answer_alike() -> None:
    assert apart(of_lines(("conv 4 relu", "flatten"), (9, 11, 3), grey=True)) < 1e-6


@pytest.mark.campaign
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (64, 64, 3)])
@pytest.mark.parametrize(
    "name", ["mlp", "small-cnn", "resnet20", "airbench94", "small-airbench", "mobilenet-v2", "vgg11"]
)
def test_every_named_network_answers_alike(
    name: str, shape: tuple[int, int, int], *, whole_campaign: bool
) -> None:
    if not whole_campaign and (name, shape[0]) not in {("resnet20", 28), ("mobilenet-v2", 32)}:
        pytest.skip("only with --whole")
    classifier = of_lines(tuple(named_lines(name, shape)), shape)
    content = onnx_file(classifier, {}, "")
    compare(
        classifier, opened(content, classifier.description.target), generated(shape, 64), "pictures"
    ).check()


class Module(nn.Module):
    def __init__(self, kind: str = "relu") -> None:
        super().__init__()
        self.kind = kind
        self.conv, self.dense = nn.Conv2d(3, 6, 3), nn.Linear(6 * 7 * 8, 4)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        if self.kind == "odd":
            return torch.linalg.qr(pictures.flatten(1))[0][:, :4]
        return self.dense(torch.relu(self.conv(pictures)).flatten(1))


def of_module(kind: str = "relu") -> Classifier:
    torch.manual_seed(0)
    return Classifier(
        Module(kind).eval(), description((9, 10, 3), module="Module", views=("mirror",), temperature=0.2)
    )


def test_a_python_class_goes_through_pytorchs_exporter() -> None:
    classifier = of_module()
    assert apart(classifier) < 1e-5
    content = onnx_file(classifier, {"a": "b"}, "1.2.3")
    found = onnx.load_from_string(content)
    assert (found.producer_name, found.producer_version) == ("picturewise", "1.2.3")
    assert content == onnx_file(classifier, {"a": "b"}, "1.2.3")


def test_a_network_that_cannot_be_expressed_is_named() -> None:
    with pytest.raises(UsageError, match="PyTorch cannot express the network Module in ONNX"):
        onnx_file(of_module("odd"), {}, "")


def test_the_file_says_what_it_takes_and_gives_and_what_it_is() -> None:
    classifier = of_lines(("flatten",), (4, 5, 3))
    facts = facts_of(classifier, "1.2.3")
    found = onnx.load_from_string(onnx_file(classifier, as_texts(facts), "1.2.3"))

    def form(value: onnx.ValueInfoProto) -> tuple[str, int, list[str | int]]:
        sides = value.type.tensor_type.shape.dim
        return (
            value.name,
            value.type.tensor_type.elem_type,
            [side.dim_value or side.dim_param for side in sides],
        )

    assert [*map(form, found.graph.input)] == [("images", 2, ["N", "H", "W", "channels"])]
    assert [*map(form, found.graph.output)] == [
        ("probabilities", 1, ["N", 4]),
        ("logits", 1, ["N", 4]),
        ("label", 7, ["N"]),
    ]
    metadata = {entry.key: entry.value for entry in found.metadata_props}
    assert json.loads(metadata["classes"]) == list(CLASSES)
    assert json.loads(metadata["preparation"])["resize"] == "crop"
    assert metadata["weights_sha256"] == classifier.weights_sha256
    assert found.opset_import[0].version == 20


def test_logits_and_labels_are_those_of_the_classifier() -> None:
    classifier = of_lines(("flatten",), (4, 5, 3))
    images = generated((4, 5, 3), 9)
    logits, labels = Session(onnx_file(classifier, {}, ""), 1).run(["logits", "label"], {"images": images})
    np.testing.assert_allclose(logits, classifier.logits(images), atol=1e-5)
    assert labels.tolist() == classifier.logits(images).argmax(axis=1).tolist()


def test_a_model_that_answers_otherwise_is_refused() -> None:
    classifier = of_lines(("flatten",), (4, 5, 3))
    true = opened(onnx_file(classifier, {}, ""), classifier.description.target)
    compare(classifier, true).check()
    found = compare(classifier, lambda images: Answered(3 - true(images)[0], true(images)[1][:, ::-1]))
    assert found.changed > 100
    assert found.pictures == 1000
    with pytest.raises(RunError, match=r"have another answer, and probabilities differ by up to 0\.\d+"):
        found.check()
    nothing = compare(
        classifier, lambda images: true(images)._replace(probabilities=np.full((len(images), 4), np.nan))
    )
    with pytest.raises(RunError, match="differ by up to nan"):
        nothing.check()


def test_pictures_of_other_sizes_are_grey_and_in_colour_small_and_large() -> None:
    shapes = [picture.shape for picture in odd_pictures()]
    assert {shape[3] for shape in shapes} == {1, 3}
    assert min(min(shape[1:3]) for shape in shapes) < 4
    assert max(max(shape[1:3]) for shape in shapes) > 300
