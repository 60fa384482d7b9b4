"""A classifier without training whose answers differ from picture to picture, and its page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from picturewise.architectures.lines import parse
from picturewise.exporting.facts import as_texts, facts_of
from picturewise.exporting.page.page_file import page_file
from picturewise.exporting.whole_model import whole_model
from picturewise.networks.builder import build
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.description import Description
from picturewise.prediction.learned import LearnedPictures
from picturewise.preparing.preparation import Preparation

LINES = ("conv 8 3x3 relu", "maxpool 2", "conv 12 3x3 relu", "maxpool 2", "flatten")


def classifier(
    classes: Sequence[str] = ("rose", "tulip", "daisy"),
    shape: tuple[int, int, int] = (24, 32, 3),
    resize: Literal["crop", "pad", "stretch"] = "crop",
    mean: float = 120.0,
) -> Classifier:
    channels = shape[2]
    description = Description(
        layers=LINES,
        shape=shape,
        resize=resize,
        classes=tuple(classes),
        preparation=Preparation(mean=(mean,) * channels, std=(70.0,) * channels),
        temperature=0.5,
        learned=LearnedPictures(mean=(0.0, mean / 2, mean * 1.2, 255.0), spread=(0.0, 20.0, 100.0, 127.0), count=9),
    )  # fmt: skip
    network = build(parse(LINES), shape, f"dense {len(classes)}", seed=3)
    return Classifier(network, description)


def page_of(one: Classifier) -> bytes:
    facts = facts_of(one, "0.1.0")
    return page_file(one, facts, "0.1.0", whole_model(one.description, one.arrays, as_texts(facts)))


def written(one: Classifier, file: Path) -> Path:
    file.write_bytes(page_of(one))
    return file
