from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy import special

from picturewise.errors import DataError
from picturewise.targets import OneClass

THREE = OneClass(("cat", "dog", "fox"))
RANDOM = np.random.default_rng(0)


def test_it_has_one_output_for_each_class() -> None:
    assert (THREE.outputs, THREE.output_line, THREE.classes) == (3, "dense 3", ("cat", "dog", "fox"))


@pytest.mark.parametrize("labels", [np.array([2, 0, 1]), np.array([], np.int64)])
def test_numbers_of_classes_are_labels(labels: np.ndarray) -> None:
    THREE.check(labels, len(labels), "here")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (
            np.array([0, 1]),
            r"^here: the labels have shape \(2,\) and dtype int64\. .* int64 array of shape \(3,\)",
        ),
        (
            np.zeros((3, 1), np.int64),
            r"^here: the labels have shape \(3, 1\) and dtype int64\. .* shape \(3,\)",
        ),
        (np.zeros(3, np.int32), r"^here: the labels have shape \(3,\) and dtype int32\. .* int64 array"),
        (
            np.array([0, -1, 2]),
            r"^here: the labels range from -1 to 2, but there are 3 classes \(0\.\.2\)\.$",
        ),
        (np.array([0, 3, 2]), r"^here: the labels range from 0 to 3, but there are 3 classes \(0\.\.2\)\.$"),
    ],
)
def test_other_labels_are_refused_with_a_sentence(labels: np.ndarray, said: str) -> None:
    with pytest.raises(DataError, match=said):
        THREE.check(labels, 3, "here")


def test_shares_are_one_hot() -> None:
    labels = RANDOM.integers(0, 3, 50)
    np.testing.assert_array_equal(THREE.shares(labels), np.eye(3, dtype=np.float32)[labels], strict=True)


def test_probabilities_are_the_softmax_of_logits_however_large() -> None:
    logits = RANDOM.normal(scale=5, size=(20, 3)).astype(np.float32)
    logits[0] = [1e38, -1e38, 0]
    found = THREE.probabilities(logits)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, special.softmax(logits.astype(np.float64), axis=1), atol=1e-6)


def test_infinite_logits_have_no_probabilities_and_cause_no_warning() -> None:
    assert np.isnan(THREE.probabilities(np.array([[np.inf, 0, 0]], np.float32))).all()


def test_the_answer_is_the_most_likely_class_and_the_first_of_equals() -> None:
    table = np.array([[0.2, 0.5, 0.3], [0.25, 0.375, 0.375], [0.0, 0.0, 1.0]])
    answers, probabilities = THREE.decode(table)
    assert answers.tolist() == [1, 1, 2]
    assert probabilities.tolist() == [0.5, 0.375, 1.0]
    assert [THREE.text(answer) for answer in answers] == ["dog", "dog", "fox"]
    THREE.check(answers, 3, "the answers")


def test_one_hot_labels_are_decoded_to_themselves() -> None:
    labels: Any = RANDOM.integers(0, 3, 20)
    np.testing.assert_array_equal(THREE.decode(THREE.shares(labels))[0], labels)


def test_targets_load_no_more_than_numpy() -> None:
    code = "import sys, picturewise.targets; print({'torch', 'pydantic', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
