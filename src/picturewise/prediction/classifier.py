"""`Classifier`: uint8 pictures in, probabilities out; one safetensors file on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from picturewise import files
from picturewise.architectures.layers import Layer
from picturewise.architectures.lines import parse
from picturewise.architectures.summary import summarise
from picturewise.data.arrays.lazy_rows import Pictures
from picturewise.data.pictures.pixels import as_channels
from picturewise.data.pictures.resize import resize_all
from picturewise.errors import DataError, LayerError, RunError, UsageError
from picturewise.networks import arrays
from picturewise.onnx_models.model import is_portable, weight_shapes
from picturewise.prediction.description import Description
from picturewise.prediction.engine import EngineName
from picturewise.prediction.engines import choose_engine
from picturewise.prediction.file_format import FILE_NAME, from_metadata, to_metadata
from picturewise.prediction.network_forms import NetworkOrArrays, as_module, built, fingerprint, to_bytes
from picturewise.printable import printable

if TYPE_CHECKING:
    from torch import nn

_BATCH = 256
_PIXELS_AT_ONCE = 1 << 22
"""Pictures above 128x128 go through in smaller batches: 256 of 224x224 would take a VGG some 10 GB."""


class Classifier:
    """A network in evaluation mode with its description.

    Args:
        network: a PyTorch module, (B, C, H, W) prepared floats in, (B, K) logits out; or the arrays of a network of
            layer lines by name, of float32, which must not change.
        description: how pictures are prepared and what the outputs mean.
        engine: what computes, see `picturewise.prediction.engines`.

    Raises:
        UsageError: the engine cannot compute that network.
    """

    def __init__(
        self, network: NetworkOrArrays, description: Description, *, engine: EngineName = "auto"
    ) -> None:
        self.description = description
        self._held = network if isinstance(network, Mapping) else network.eval()
        self._wanted = engine
        self._engine = choose_engine(engine, self._held, description)

    @property
    def network(self) -> nn.Module:
        """The PyTorch module, live; it is built where there were only arrays, and PyTorch computes from then on."""
        if isinstance(self._held, Mapping):
            self._held = as_module(self._held, self.description)
            self._engine = choose_engine(self._wanted, self._held, self.description)
        return self._held

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the probabilities."""
        return self.description.classes

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights, whatever file they lie in."""
        return fingerprint(self._held)

    def by_engine(self, engine: EngineName) -> Classifier:
        """Return the same classifier, computed by an engine.

        Raises:
            UsageError: the engine cannot compute its network.
        """
        return self if engine == self._wanted else Classifier(self._held, self.description, engine=engine)

    def logits(self, images: Pictures) -> NDArray[np.float32]:
        """Return (N, K) logits, divided by the temperature, for pictures (N, H, W, C) uint8 of any size.

        Raises:
            DataError: the array is not of that form.
        """
        if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in {1, 3}:
            raise DataError(f"Pictures must be (N, H, W, 1 or 3) uint8, found {images.shape} {images.dtype}.")
        views = self.description.preparation.seen
        lanes, compute = self._engine.ready(len(images))
        # Into one table: small tensors that stay, between large blocks that come and go, would keep memory from reuse.
        logits = np.empty((len(images), self.description.target.outputs), np.float32)

        def fill(part: slice) -> None:
            logits[part] = views.average(self.fitted(images[part]), compute)

        batches = self._batches(len(images), lanes)
        if lanes == 1:
            for part in batches:
                fill(part)
        else:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 (a single picture needs it not)

            with ThreadPoolExecutor(lanes) as pool:
                for _ in pool.map(fill, batches):
                    pass  # what went wrong in a thread is raised here
        return logits

    def _batches(self, pictures: int, lanes: int) -> Sequence[slice]:
        """Return slices of about equal length that cover so many pictures, as many as all lanes need to be busy."""
        height, width, _ = self.description.shape
        most = min(_BATCH, max(1, _PIXELS_AT_ONCE // (height * width) // lanes))
        rounds = max(1, math.ceil(pictures / (most * lanes)))
        step = max(1, math.ceil(pictures / (rounds * lanes)))
        return [slice(start, start + step) for start in range(0, pictures, step)]

    def probabilities(self, images: Pictures) -> NDArray[np.float32]:
        """Return (N, K) calibrated probabilities for pictures (N, H, W, C) uint8 of any size; rows sum to 1.

        Raises:
            DataError: the array is not of that form.
        """
        return self.description.target.probabilities(self.logits(images))

    def save(self, path: Path) -> None:
        """Write the classifier to one file, whole or not at all.

        Raises:
            SaveError: it cannot be written; an older file is untouched.
        """
        files.write_bytes(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the content of the classifier's file; equal classifiers give equal bytes."""
        return to_bytes(self._held, to_metadata(self.description, self.weights_sha256))

    def fitted(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return pictures (N, H, W, C) brought to the size and the channels that the classifier was trained on."""
        height, width, channels = self.description.shape
        # Size first, then channels, as a picture file is read: equal pixels get equal probabilities.
        fitted = as_channels(resize_all(images, (height, width), mode=self.description.resize), channels)
        return np.array(fitted)  # a copy: the source may be read-only, which torch does not accept


def load_classifier(path: str | Path, network: nn.Module | None = None) -> Classifier:
    """Return the classifier in the file `path`, its weights checked against their SHA-256.

    Args:
        path: a file written by `Classifier.save`.
        network: for a classifier whose network is a Python class: an instance of it.

    Raises:
        RunError: the file is missing, damaged, of another version, or holds another network's weights.
        UsageError: the network is a Python class and none is passed.
    """
    path = Path(path)
    state, description = _read(path)
    if network is None:
        if description.layers is None:
            raise UsageError(
                f"{path} holds weights of the Python class {description.module}; pass an instance of it as network=."
            )
        layers = _fitting(description.layers, description, state, path)
        shape, output = description.preparation.output(description.shape), description.target.output_line
        if _are_plain(state) and is_portable(layers, shape, output):
            found = {name: array.shape for name, array in state.items()}
            arrays.check_shapes(found, weight_shapes(layers, shape, output), str(path))
            return Classifier(state, description)
    return Classifier(_filled(network, description, state, path), description)


def _read(path: Path) -> tuple[Mapping[str, Any], Description]:
    """Return the weights, checked against their SHA-256, and the description in a file.

    Weights are arrays; tensors where the file has types of numbers that NumPy lacks.
    """
    if path.is_dir():
        raise RunError(f"{path} is a folder, expected the file of a classifier, such as {path / FILE_NAME}.")
    state: Mapping[str, Any]
    found = arrays.read(path)
    if found is None:
        from picturewise.networks import weights  # noqa: PLC0415 (it loads PyTorch)

        state, metadata = weights.read(path)
        sha256 = weights.fingerprint(state)
    else:
        state, metadata = found
        sha256 = arrays.fingerprint(state)
    expected, description = from_metadata(metadata, path)
    if sha256 != expected:
        raise RunError(f"{path} is damaged: its weights do not have the SHA-256 that was stored with them.")
    return state, description


def _fitting(
    lines: Sequence[str], description: Description, state: Mapping[str, Any], path: Path
) -> tuple[Layer, ...]:
    """Return the layers of a description, unless they have more numbers than the file has weights."""
    try:
        layers = parse(lines)
        summary = summarise(
            layers, description.preparation.output(description.shape), description.target.output_line
        )
    except LayerError as error:
        raise RunError(f"{path} holds no network that can be built: {printable(error)}") from error
    found, expected = (
        sum(math.prod(array.shape) for array in state.values()),
        summary.trainable + summary.fixed,
    )
    if expected > found:
        raise RunError(
            f"{path} holds another network's weights: it has {found:,} numbers, the network {expected:,}."
        )
    return layers


def _are_plain(state: Mapping[str, Any]) -> bool:
    """Return whether weights are arrays of the types that the modules of layer lines have; those convert others."""
    return all(
        isinstance(array, np.ndarray)
        and array.dtype == (np.int64 if name.endswith("num_batches_tracked") else np.float32)
        for name, array in state.items()
    )


def _filled(
    network: nn.Module | None, description: Description, state: Mapping[str, Any], path: Path
) -> nn.Module:
    """Return the network with weights that fit; None: one of the description's lines, which are known to fit."""
    import torch  # noqa: PLC0415 (whoever loads layer lines does without it)

    from picturewise.networks.weights import load_weights  # noqa: PLC0415 (it loads PyTorch)

    module = built(description) if network is None else network
    load_weights(module, {name: torch.as_tensor(array) for name, array in state.items()}, str(path))
    return module
