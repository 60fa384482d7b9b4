"""An ONNX file of a classifier that reads sequences gives the readings that the classifier gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx.reference
import pytest
from reading_classifiers import column_reader, pictures, reader
from torch import Tensor, nn

from picturewise.errors import RunError, UsageError
from picturewise.exporting.column_readings import add_column_reading
from picturewise.exporting.facts import as_texts, facts_of
from picturewise.exporting.onnx_file import onnx_file, opened
from picturewise.exporting.parity import ODD, Answered, compare
from picturewise.onnx_models.graph import Graph
from picturewise.onnx_models.model import taken_from
from picturewise.onnx_models.session import Session
from picturewise.prediction.classifier import Classifier
from picturewise.targets import Ctc

OUTPUTS = ["length", "digits", "confidence", "logits"]


@pytest.mark.parametrize(
    "make",
    [
        reader,
        lambda: reader(views=("shift 1",)),
        lambda: reader("ab", 1),
        lambda: reader(shape=(16, 20, 3), resize="pad", places=5),
        column_reader,
        lambda: column_reader(1, 5),
    ],
    ids=["digits", "views", "one place", "colour", "columns", "one symbol in columns"],
)
def test_the_file_reads_what_the_classifier_reads(make: Callable[[], Classifier]) -> None:
    classifier = make()
    target, shape = classifier.description.target, classifier.description.shape
    content = onnx_file(classifier, as_texts(facts_of(classifier, "1.2.3")), "1.2.3")
    images = pictures(60, shape)
    found = compare(classifier, opened(content, target), images, "noise")
    assert (found.pictures, found.odd_pictures, found.changed, found.odd_changed) == (60, ODD, 0, 0)
    assert max(found.difference, found.odd_difference) < 1e-5
    length, digits, confidence, logits = Session(content, 1).run(OUTPUTS, {"images": images})
    answers, sure = target.decode(classifier.probabilities(images))
    assert len(np.unique(answers, axis=0)) > 1
    assert np.column_stack([length, digits]).tolist() == answers.tolist()
    assert (length.dtype, digits.dtype, digits.shape) == (np.int64, np.int64, (60, len(answers[0]) - 1))
    np.testing.assert_allclose(confidence, sure, atol=1e-5)
    np.testing.assert_allclose(logits, classifier.logits(images), atol=1e-4)


@pytest.mark.parametrize("make", [reader, column_reader])
def test_the_nodes_mean_the_same_to_another_implementation(make: Callable[[], Classifier]) -> None:
    classifier = make()
    content, images = onnx_file(classifier, {}, ""), pictures(3)
    ours = Session(content, 1).run(OUTPUTS, {"images": images})
    theirs = onnx.reference.ReferenceEvaluator(onnx.load_from_string(content)).run(
        OUTPUTS, {"images": images}
    )
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_the_metadata_has_the_alphabet_the_places_and_the_thresholds() -> None:
    classifier = reader()
    facts = facts_of(classifier, "1.2.3")
    model = onnx.load_from_string(onnx_file(classifier, as_texts(facts), "1.2.3"))
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(metadata["alphabet"]) == [*"1234056789"]
    assert json.loads(metadata["places"]) == 3
    assert json.loads(metadata["thresholds"]) == {"0.98": 0.25, "0.99": 0.5}
    assert "classes" not in metadata
    assert [output.name for output in model.graph.output] == OUTPUTS


@pytest.mark.parametrize(("symbols", "places", "columns"), [(3, 3, 5), (10, 5, 16), (2, 4, 4), (1, 1, 1)])
def test_columns_are_read_as_the_target_does(symbols: int, places: int, columns: int) -> None:
    target = Ctc(tuple("0123456789"[:symbols]), places, columns)
    graph = Graph(taken_from({}))
    gives = add_column_reading(graph, "logits", target)
    content = graph.model(("logits", np.float32, ("N", target.outputs)), gives, version="", metadata={})
    random = np.random.default_rng(0)
    logits = (random.normal(size=(200, target.outputs)) * random.uniform(0.5, 6, (200, 1))).astype(np.float32)
    logits[:9].reshape(9, columns, -1)[:, :, symbols] += 30  # blanks only
    length, digits, confidence = Session(content, 1).run(OUTPUTS[:3], {"logits": logits})
    answers, sure = target.decode(target.probabilities(logits))
    assert np.column_stack([length, digits]).tolist() == answers.tolist()
    np.testing.assert_allclose(confidence, sure, atol=1e-5)


def test_a_beam_is_refused() -> None:
    with pytest.raises(UsageError, match="the beam of 'ctc 3 16 beam 4', which ONNX cannot express"):
        onnx_file(column_reader(beam=4), {}, "")


class Module(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(12 * 32, 5 + 3 * 10)

    def forward(self, batch: Tensor) -> Tensor:
        found: Tensor = self.dense(batch.flatten(1))
        return found


def test_a_python_class_reads_too() -> None:
    lines = reader()
    classifier = Classifier(Module().eval(), reader(layers=None, module="Module").description)
    content = onnx_file(classifier, {}, "")
    found = compare(classifier, opened(content, lines.description.target), pictures(20), "noise")
    assert (found.changed, found.odd_changed) == (0, 0)
    assert found.difference < 1e-5


def test_another_reading_is_noticed() -> None:
    classifier = reader()
    true = opened(onnx_file(classifier, {}, ""), classifier.description.target)

    def longer(images: np.ndarray[Any, Any]) -> Answered:
        answers, probabilities = true(images)
        return Answered(answers + (np.arange(answers.shape[1]) == 0), probabilities)

    found = compare(classifier, longer, pictures(20), "noise")
    assert (found.changed, found.odd_changed) == (20, ODD)
    found = compare(classifier, lambda images: true(images)._replace(probabilities=true(images)[1] + 0.01))
    with pytest.raises(RunError, match=r"probabilities differ by up to 0.01"):
        found.check()
