"""Classifier files that an older version wrote: they open, and predict what they predicted then."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from picturewise.errors import RunError
from picturewise.prediction.classifier import load_classifier
from picturewise.tasks.evaluate import evaluate

WRITTEN_BEFORE = Path(__file__).parent / "written_before"


def test_a_file_of_the_first_format_predicts_what_it_predicted_then() -> None:
    classifier = load_classifier(WRITTEN_BEFORE / "format-1.safetensors")
    pictures = (np.arange(3 * 8 * 8).reshape(3, 8, 8, 1) * 7 % 256).astype(np.uint8)
    expected = [
        [4.015436e-02, 8.832396e-03, 4.285415e-05, 2.807541e-03],
        [2.808267e-06, 5.385852e-08, 9.055235e-08, 9.370936e-05],
        [2.431353e-03, 7.686071e-03, 7.551878e-01, 1.722862e-03],
    ]
    assert np.allclose(classifier.probabilities(pictures)[:, :4], expected, rtol=1e-4, atol=1e-9)
    assert classifier.classes == tuple("0123456789")


def test_it_is_evaluated_in_a_run_folder_of_before(tmp_path: Path) -> None:
    shutil.copy(WRITTEN_BEFORE / "format-1.safetensors", tmp_path / "classifier.safetensors")
    (tmp_path / "run.json").write_text('{"format": 1, "sightline": "0.1.0"}')
    found = evaluate(tmp_path / "classifier.safetensors", data="digits", progress=False)
    assert (found.pictures, found.learned_from) == (359, None)  # the test split that it was never trained on
    assert found.accuracy.value == 313 / 359
    with pytest.raises(
        RunError, match=r"run\.json has format 1, but this version of Picturewise reads format 2"
    ):
        evaluate(tmp_path, progress=False)
