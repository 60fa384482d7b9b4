"""Classifiers without training that read sequences; their readings differ from picture to picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.architectures.lines import parse
from picturewise.networks.builder import build
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.description import Description
from picturewise.preparing.preparation import Preparation
from picturewise.seeds import stream
from picturewise.targets import Ctc, Places

MAPS = ("conv 8 3x3 relu", "maxpool 2")
LINES = (*MAPS, "flatten")
SHAPE = (12, 32, 1)


def reader(
    alphabet: Sequence[str] = tuple("1234056789"),
    places: int = 3,
    shape: tuple[int, int, int] = SHAPE,
    **other: Any,
) -> Classifier:
    """A classifier about as sure as a trained one, with thresholds; many readings begin with 0."""
    target, channels = Places(tuple(alphabet), places), shape[2]
    facts: dict[str, Any] = {
        "layers": LINES,
        "resize": "crop",
        "answer": target.name,
        "thresholds": {"0.98": 0.25, "0.99": 0.5},
        "temperature": 0.15,
        **other,
    }
    preparation = Preparation(mean=(110.0,) * channels, std=(70.0,) * channels, views=facts.pop("views", ()))
    description = Description(shape=shape, classes=tuple(alphabet), preparation=preparation, **facts)
    network = build(parse(description.layers or LINES), shape, target.output_line, seed=4)
    return Classifier(network, description)


def column_reader(places: int = 3, columns: int = 16, beam: int = 1, **other: Any) -> Classifier:
    """The same, but the symbols are read column by column."""
    alphabet = tuple("1234056789")
    target = Ctc(alphabet, places, columns, beam)
    preparation = Preparation(mean=(110.0,), std=(70.0,))
    facts: dict[str, Any] = {
        "layers": MAPS,
        "resize": "crop",
        "thresholds": {"0.98": 0.001, "0.99": 0.01},
        "temperature": 0.15,
        **other,
    }
    description = Description(
        shape=(12, 2 * columns, 1), classes=alphabet, preparation=preparation, answer=target.name, **facts
    )
    return Classifier(build(parse(MAPS), (12, 2 * columns, 1), target.output_line, seed=4), description)


def pictures(count: int, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    """Noise (count, H, W, C): the readings of such pictures differ."""
    return stream(0, "tests", 9).integers(0, 256, (count, *shape), np.uint8)
