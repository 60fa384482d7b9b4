"""`Classifier`: uint8 pictures in, probabilities out; one safetensors file on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator
from torch import Tensor, nn

from sightline import files
from sightline.architectures.lines import parse
from sightline.architectures.summary import summarise
from sightline.data.pixels import as_channels
from sightline.data.resizing import resize_all
from sightline.data.rows import Pictures
from sightline.errors import DataError, LayerError, RunError, UsageError
from sightline.networks import weights
from sightline.networks.builder import build
from sightline.preparing.preparation import Preparation
from sightline.visible import visible

FORMAT = 1
_KEY = "sightline"
_BATCH = 256
_BATCH_PIXELS = 1 << 22
"""Pictures above 128x128 go through in smaller batches: 256 of 224x224 would take a VGG some 10 GB."""


class Description(BaseModel):
    """All of a classifier but its weights; stored as JSON in the file's metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    layers: tuple[str, ...] | None = Field(description="Layer lines; none: the network is a Python class.")
    module: str | None = Field(default=None, description="Name of that Python class, for messages only.")
    shape: tuple[PositiveInt, PositiveInt, PositiveInt] = Field(
        description="Height, width, channels of the pictures before preparation."
    )
    fit: Literal["crop", "pad", "stretch"] = Field(
        description="How pictures of another shape are brought to it."
    )
    classes: tuple[str, ...]
    preparation: Preparation
    temperature: float = Field(
        default=1.0, gt=0, description="Logits are divided by it, so that probabilities are calibrated."
    )
    provenance: dict[str, str] = Field(default={}, description="Where it came from: data, epoch, versions.")

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        channels = self.preparation.output(self.shape)[2]
        if self.shape[2] not in {1, 3} or not channels == len(self.preparation.mean) == len(
            self.preparation.std
        ):
            raise ValueError("the preparation is not one for pictures of that shape")
        return self


class Classifier:
    """A network in evaluation mode with its description.

    Args:
        network: (B, C, H, W) prepared floats in, (B, K) logits out.
        description: how pictures are prepared and what the outputs mean.
    """

    def __init__(self, network: nn.Module, description: Description) -> None:
        self.network = network.eval()
        self.description = description

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the probabilities."""
        return self.description.classes

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights, whatever file they lie in."""
        return weights.fingerprint(self.network.state_dict())

    def logits(self, images: Pictures) -> NDArray[np.float32]:
        """Return (N, K) logits, divided by the temperature, for pictures (N, H, W, C) uint8 of any size.

        Raises:
            DataError: the array is not of that form.
        """
        if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in {1, 3}:
            raise DataError(f"Pictures must be (N, H, W, 1 or 3) uint8, found {images.shape} {images.dtype}.")
        height, width, _ = self.description.shape
        step = min(_BATCH, max(1, _BATCH_PIXELS // (height * width)))
        # Into one table: small tensors that stay, between large blocks that come and go, would keep memory from reuse.
        logits = np.empty((len(images), len(self.classes)), np.float32)
        for start in range(0, len(images), step):
            logits[start : start + step] = self._logits(images[start : start + step])
        return logits

    def probabilities(self, images: Pictures) -> NDArray[np.float32]:
        """Return (N, K) calibrated probabilities for pictures (N, H, W, C) uint8 of any size; rows sum to 1.

        Raises:
            DataError: the array is not of that form.
        """
        return torch.from_numpy(self.logits(images)).softmax(dim=1).numpy()

    def save(self, path: Path) -> None:
        """Write the classifier to one file, whole or not at all.

        Raises:
            SaveError: it cannot be written; an older file is untouched.
        """
        files.write_bytes(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the content of the classifier's file; equal classifiers give equal bytes."""
        state = self.network.state_dict()
        text = self.description.model_dump_json()
        stored = _Stored(sha256=weights.fingerprint(state), classifier_sha256=_sha256(text), classifier=text)
        # One key only: the format keeps metadata in a hash map, and several keys come in random order.
        return weights.to_bytes(state, {_KEY: stored.model_dump_json()})

    def _logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        batch = self.fitted(images)
        with torch.inference_mode():
            outputs: Tensor = self.network(self.description.preparation.apply(torch.from_numpy(batch)))
            return (outputs.to(torch.float32) / self.description.temperature).numpy()

    def fitted(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return pictures (N, H, W, C) brought to the size and the channels that the classifier was trained on."""
        height, width, channels = self.description.shape
        # Size first, then channels, as a picture file is read: equal pixels get equal probabilities.
        fitted = as_channels(resize_all(images, (height, width), fit=self.description.fit), channels)
        return np.array(fitted)  # a copy: the source may be read-only, which torch does not accept


class _Stored(BaseModel):
    """What stands in the metadata."""

    model_config = ConfigDict(extra="forbid")

    sha256: str = Field(description="Of the weights.")
    classifier_sha256: str = Field(description="Of the text below.")
    classifier: str = Field(description="A Description as JSON.")


class _Version(BaseModel):
    """The one part of a description that every format shares."""

    format: int


def load_classifier(path: Path, network: nn.Module | None = None) -> Classifier:
    """Return the classifier in the file `path`, its weights checked against their SHA-256.

    Args:
        path: a file written by `Classifier.save`.
        network: for a classifier whose network is a Python class: an instance of it.

    Raises:
        RunError: the file is missing, damaged, of another version, or holds another network's weights.
        UsageError: the network is a Python class and none is handed in.
    """
    state, metadata = weights.read(path)
    description = _description(path, state, metadata)
    if network is None:
        if description.layers is None:
            raise UsageError(
                f"{path} holds weights of the Python class {description.module}; hand in an instance of it as network=."
            )
        network = _built(description.layers, description, state, path)
    load_weights(network, state, str(path))
    return Classifier(network, description)


def _built(
    lines: Sequence[str], description: Description, state: dict[str, Tensor], path: Path
) -> nn.Sequential:
    """Return the network of a description, unless it has more numbers than the file has weights."""
    shape, classes = description.preparation.output(description.shape), len(description.classes)
    try:
        layers = parse(lines)
        summary = summarise(layers, shape, classes)
    except LayerError as error:
        raise RunError(f"{path} holds no network that can be built: {visible(str(error))}") from error
    found, expected = sum(map(torch.numel, state.values())), summary.trainable + summary.fixed
    if expected > found:
        raise RunError(
            f"{path} holds another network's weights: it has {found:,} numbers, the network {expected:,}."
        )
    return build(layers, shape, classes, seed=0)


def stored_sha256(path: Path) -> str:
    """Return the SHA-256 of the weights in a classifier's file, as it stands there; the weights are not read.

    Raises:
        RunError: the file is missing, damaged or no classifier.
    """
    sha256, _ = _stored(path, weights.read_metadata(path))
    return sha256


def load_weights(network: nn.Module, state: dict[str, Tensor], origin: str) -> None:
    """Copy `state` into `network`.

    Raises:
        RunError: names or shapes differ; the message names the first tensor that does.
    """
    own = network.state_dict()
    for name in sorted(own.keys() | state.keys()):
        found = tuple(state[name].shape) if name in state else "nothing"
        expected = tuple(own[name].shape) if name in own else "nothing"
        if found != expected:
            raise RunError(
                f"{origin} holds another network's weights: for '{name}' it has {found}, the network {expected}."
            )
    network.load_state_dict(state)


def _description(path: Path, state: dict[str, Tensor], metadata: dict[str, str]) -> Description:
    sha256, description = _stored(path, metadata)
    if weights.fingerprint(state) != sha256:
        raise RunError(f"{path} is damaged: its weights do not have the SHA-256 that was stored with them.")
    return description


def _stored(path: Path, metadata: dict[str, str]) -> tuple[str, Description]:
    """Return the SHA-256 of the weights and the description, as they stand in the metadata, checked."""
    if _KEY not in metadata:
        raise RunError(f"{path} is a safetensors file, but no classifier: Sightline did not write it.")
    try:
        stored = _Stored.model_validate_json(metadata[_KEY])
        if _sha256(stored.classifier) != stored.classifier_sha256:
            raise RunError(f"{path} is damaged: its description does not have the SHA-256 stored with it.")
        found = _Version.model_validate_json(stored.classifier).format
        if found != FORMAT:
            raise RunError(f"{path} has format {found}; this Sightline reads format {FORMAT}.")
        return stored.sha256, Description.model_validate_json(stored.classifier)
    except ValidationError as error:
        raise RunError(
            f"{path} was written by another version of Sightline or is damaged "
            f"(expected format {FORMAT}): {error.errors()[0]['msg']}."
        ) from error


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
