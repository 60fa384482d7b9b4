from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from sightline.architectures.lines import parse
from sightline.errors import LayerError, UsageError
from sightline.networks.builder import build
from sightline.prediction.classifier import Classifier, Description
from sightline.prediction.numpy_classifier import NumPyClassifier, by_engine
from sightline.preparing.preparation import Preparation

LINES = ("conv 4 2x2 /2 gelu", "batchnorm", "residual 6 /2", "dropout 0.5", "avgpool global", "dense 5 silu")
PICTURES = np.random.default_rng(0).integers(0, 256, (7, 12, 9, 3), np.uint8)


def classifier(lines: tuple[str, ...] | None = LINES, *, grey: bool = False) -> Classifier:
    channels = 1 if grey else 3
    description = Description(
        layers=lines,
        module=None if lines else "theirs.Network",
        shape=(11, 9, 3),
        fit="crop",
        classes=("a", "b", "c"),
        preparation=Preparation(grey=grey, mean=(100.0,) * channels, std=(50.0,) * channels),
        temperature=0.3,
    )
    network = build(parse(lines), (11, 9, channels), 3, seed=1) if lines else nn.Sequential()
    return Classifier(network, description)


@pytest.mark.parametrize("grey", [False, True])
def test_its_probabilities_are_those_of_pytorch_on_pictures_of_another_size_too(grey: bool) -> None:
    original = classifier(grey=grey)
    found = by_engine(original, "numpy")
    assert isinstance(found, NumPyClassifier)
    expected = original.probabilities(PICTURES)
    assert found.probabilities(PICTURES).dtype == np.float32
    np.testing.assert_allclose(found.probabilities(PICTURES), expected, rtol=1e-4, atol=1e-6)
    assert np.ptp(expected) > 0.05  # they differ from picture to picture
    assert found.weights_sha256 == original.weights_sha256
    assert found.logits(PICTURES[:0]).shape == (0, 3)


def test_with_pytorch_it_is_the_classifier_itself() -> None:
    original = classifier()
    assert by_engine(original, "torch") is original


def test_what_the_engine_lacks_is_refused() -> None:
    with pytest.raises(LayerError, match="Layer line 2, 'groupnorm 2'"):
        by_engine(classifier(("conv 4", "groupnorm 2", "flatten")), "numpy")
    with pytest.raises(UsageError, match=r"the Python class theirs\.Network: leave the engine out"):
        by_engine(classifier(None), "numpy")
