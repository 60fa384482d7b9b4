"""`Classifier`: uint8 pictures in, probabilities out; one safetensors file on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from picturewise import displays, files
from picturewise.architectures.lines import parse
from picturewise.architectures.summary import Summary, summarise
from picturewise.arguments import checked
from picturewise.data.arrays.lazy_rows import Pictures
from picturewise.data.pictures.pixels import as_channels
from picturewise.data.pictures.resize import resize_all
from picturewise.errors import DataError, RunError, UsageError
from picturewise.names import listed
from picturewise.prediction.checked_file import network_in
from picturewise.prediction.computation import Computation, LibraryName
from picturewise.prediction.description import Description
from picturewise.prediction.engine import EngineName
from picturewise.prediction.engines import choose_engine
from picturewise.prediction.file_format import to_metadata
from picturewise.prediction.network_forms import (
    Arrays,
    NetworkOrArrays,
    as_arrays,
    as_module,
    fingerprint,
    to_bytes,
)
from picturewise.printable import printable
from picturewise.reprs import never_raises, offered
from picturewise.targets.sequences import is_sequences
from picturewise.targets.words import describe

if TYPE_CHECKING:
    from torch import nn

    from picturewise.data.imageset import ImageSet
    from picturewise.displays import Figure

_INTERNAL = ("arrays", "by_engine", "computation", "fitted", "in_float32", "on_one_core", "to_bytes")
_BATCH = 256
_PIXELS_AT_ONCE = 1 << 22
"""Pictures above 128x128 go through in smaller batches: 256 of 224x224 would take a VGG about 10 GB."""
_HELD_AT_ONCE = 1 << 25
"""Numbers that an engine holds for a batch, 0.13 GB: small pictures may have thousands of channels."""


class Classifier:
    """A network in evaluation mode with its description.

    Args:
        network: a PyTorch module, (B, C, H, W) prepared floats in, (B, K) logits out; or the arrays of a network of
            layer lines by name, of float32, which must not change.
        description: how pictures are prepared and what the outputs mean.
        engine: the engine, see `picturewise.prediction.engines`.
        cores: that it may use; None: all.
        library: that computes in bfloat16; None: it is chosen, see `picturewise.prediction.engines`.

    Raises:
        UsageError: the engine cannot compute that network.
    """

    def __init__(
        self,
        network: NetworkOrArrays,
        description: Description,
        *,
        engine: EngineName = "auto",
        cores: int | None = None,
        library: LibraryName | None = None,
    ) -> None:
        self.description = description
        self._held = network if isinstance(network, Mapping) else network.eval()
        self._wanted = engine
        self._engine = choose_engine(engine, self._held, description, cores=cores, library=library)

    @cached_property
    def _held_numbers(self) -> int:
        """How many numbers of one picture an engine holds at a time; 1 for a Python class, where it is not known."""
        summary = self.summary()
        return 1 if summary is None else summary.held

    @property
    def network(self) -> nn.Module:
        """The PyTorch module, live; if there were only arrays, it is built, and PyTorch computes from then on."""
        if isinstance(self._held, Mapping):
            self._held = as_module(self._held, self.description)
            self._engine = choose_engine(self._wanted, self._held, self.description)
        return self._held

    @property
    def arrays(self) -> Arrays:
        """The network's arrays by name; they must not be changed."""
        return as_arrays(self._held)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the probabilities, or the symbols of sequences."""
        return self.description.classes

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights, whatever file they are in."""
        return fingerprint(self._held)

    @checked
    def by_engine(self, engine: EngineName) -> Classifier:
        """Return the same classifier, computed by an engine.

        Raises:
            UsageError: the engine cannot compute its network.
        """
        return self if engine == self._wanted else Classifier(self._held, self.description, engine=engine)

    def on_one_core(self, engine: EngineName, library: LibraryName | None = None) -> Classifier:
        """Return the same classifier, computed by an engine on one core, so that no bit depends on their number.

        Args:
            engine: the engine.
            library: that computes in bfloat16; None: ONNX Runtime.

        Raises:
            UsageError: the engine cannot compute its network.
        """
        return Classifier(self._held, self.description, engine=engine, cores=1, library=library)

    def in_float32(self) -> Classifier:
        """Return the same classifier with the number format of exported models and of the service."""
        if self.description.number_format == "float32":
            return self
        return Classifier(self._held, replace(self.description, number_format="float32"), engine=self._wanted)

    def computation(self, pictures: int) -> Computation:
        """Return with which numbers and by which library `logits` computes so many pictures."""
        return self._engine.computation(pictures)

    def logits(
        self, images: Pictures, names: Sequence[str] | None = None, *, checked: bool = True
    ) -> NDArray[np.float32]:
        """Return (N, K) logits, divided by the temperature, for pictures (N, H, W, C) uint8 of any size.

        Args:
            images: the pictures.
            names: of the pictures, for errors; None: they are numbered from 1.
            checked: refuse numbers that are not finite. Training needs them, to see that it has diverged.

        Raises:
            DataError: the array is not of that form.
            RunError: the network gives NaN or infinity for a picture; the message names the first.
        """
        if not (hasattr(images, "ndim") and hasattr(images, "dtype")):
            raise DataError(
                f"Pictures have type {type(images).__name__}. Pass a uint8 array of shape (N, H, W, 1 or 3), or use "
                "predict_proba, which accepts other forms."
            )
        if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in {1, 3}:
            raise DataError(
                f"Pictures have shape {images.shape} and dtype {images.dtype}. "
                "Pass a uint8 array of shape (N, H, W, 1 or 3)."
            )
        views = self.description.preparation.seen
        lanes, compute = self._engine.ready(len(images))
        # Into one table: small tensors that stay, between large blocks that come and go, would keep memory from reuse.
        logits = np.empty((len(images), self.description.target.outputs), np.float32)

        def fill(part: slice) -> None:
            logits[part] = views.average(self.fitted(images[part]), compute)

        lanes = min(lanes, max(1, self._fitting()))  # a costly network computes one picture at a time
        batches = self._batches(len(images), lanes)
        if lanes == 1:
            for part in batches:
                fill(part)
        else:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 (a single picture does not need it)

            with ThreadPoolExecutor(lanes) as pool:
                for _ in pool.map(fill, batches):
                    pass  # what went wrong in a thread is raised here
        if checked:
            _check_finite(logits, names)
        return logits

    def _batches(self, pictures: int, lanes: int) -> Sequence[slice]:
        """Return slices of about equal length that cover so many pictures, as many as all lanes need to be busy."""
        most = min(_BATCH, max(1, self._fitting() // lanes))
        rounds = max(1, math.ceil(pictures / (most * lanes)))
        step = max(1, math.ceil(pictures / (rounds * lanes)))
        return [slice(start, start + step) for start in range(0, pictures, step)]

    def _fitting(self) -> int:
        """Return how many pictures the memory that prediction may take holds at a time; 0: not even one."""
        height, width, _ = self.description.shape
        return min(_PIXELS_AT_ONCE // (height * width), _HELD_AT_ONCE // self._held_numbers)

    def probabilities(self, images: Pictures, names: Sequence[str] | None = None) -> NDArray[np.float32]:
        """Return (N, K) calibrated probabilities for pictures (N, H, W, C) uint8 of any size; rows sum to 1.

        Of a classifier that reads sequences, these are the outputs for the length and for each place, see `Places`.

        Args:
            images: the pictures.
            names: as for `logits`.

        Raises:
            DataError, RunError: as for `logits`.
        """
        return self.description.target.probabilities(self.logits(images, names))

    @overload
    def predict(self, pictures: str | Path | bytes) -> str: ...

    @overload
    def predict(self, pictures: ImageSet | list[Any] | tuple[Any, ...]) -> list[str]: ...

    @overload
    def predict(self, pictures: Any) -> str | list[str]: ...

    def predict(self, pictures: Any) -> str | list[str]:
        """Return the most likely class or reading of one picture, or a list with that of each of several.

        Args:
            pictures: as for `predict_proba`.

        Raises:
            UsageError, DataError, RunError: as for `predict_proba`.
        """
        table, single = self._probabilities_of(pictures)
        answers, _ = self.description.target.decode(table)
        labels = [self.description.target.text(answer) for answer in answers]
        return labels[0] if single else labels

    def predict_proba(self, pictures: Any) -> NDArray[np.float32]:
        """Return calibrated probabilities in the order of `classes`: (K,) for one picture, (N, K) for several.

        Args:
            pictures: one picture: a file's path or its bytes, a Pillow image, an array (H, W) or (H, W, C), a
                tensor (H, W) or (C, H, W). Several: an array (N, H, W) or (N, H, W, C), a tensor (N, H, W) or
                (N, C, H, W), an `ImageSet` such as `dataset.test`, or a list or a tuple of all of these, of any
                sizes. An array (N, F) with the F values of one of the classifier's pictures has a row for each. Whole
                numbers and floats are in the unit of the training pictures: bytes 0..255, floats 0..1 or 0..255.

        Raises:
            UsageError: it is of another kind, or the classifier reads sequences of symbols, so there are no classes.
            DataError: a picture cannot be read, a value is not a pixel, or a shape does not fit or is ambiguous.
            RunError: as for `logits`.
        """
        if is_sequences(self.description.target):
            raise UsageError(
                "This classifier reads sequences of symbols, so it has no probabilities of classes. Use predict for "
                "the readings, or picturewise.predict for their probabilities, too."
            )
        table, single = self._probabilities_of(pictures)
        return table[0] if single else table

    def _probabilities_of(self, pictures: Any) -> tuple[NDArray[np.float32], bool]:
        """Return (N, outputs) for pictures in any form, and whether it is one picture on its own."""
        from picturewise.data.given_pictures import given_pictures  # noqa: PLC0415 (predicting a file does not need it)
        from picturewise.data.read import read  # noqa: PLC0415 (the same)

        source = given_pictures(pictures, self.description.shape, strict=True)
        found = read(source, self.description.read_options(), ["train"]).split("train")
        return self.probabilities(found.images, found.names), source.single

    @checked
    def save(self, path: str | Path) -> None:
        """Write the classifier to one file, whole or not at all.

        Raises:
            UsageError: it is not a path.
            SaveError: it cannot be written; an older file is untouched.
        """
        files.write_bytes(Path(path), self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the content of the classifier's file; equal classifiers give equal bytes."""
        return to_bytes(self._held, to_metadata(self.description, self.weights_sha256))

    def fitted(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return pictures (N, H, W, C) brought to the size and the channels that the classifier was trained on."""
        height, width, channels = self.description.shape
        # Size first, then channels, as a picture file is read: equal pixels get equal probabilities.
        fitted = as_channels(resize_all(images, (height, width), mode=self.description.resize), channels)
        return np.array(fitted)  # a copy: the source may be read-only, which torch does not accept

    def plot_architecture(self) -> Figure:
        """Return the network as boxes from the input to the output, as a matplotlib figure.

        Raises:
            UsageError: the network is a Python class, whose layers are not known.
        """
        figure: Figure = displays.display("Classifier", "plot_architecture", self)
        return figure

    def summary(self) -> Summary | None:
        """Return the layer table, or None if the network is a Python class."""
        description = self.description
        if description.layers is None:
            return None
        shape = description.preparation.output(description.shape)
        return summarise(parse(description.layers), shape, description.target.output_line)

    @never_raises
    def __repr__(self) -> str:
        known, form = self.description.provenance, "x".join(map(str, self.description.shape))
        origin = (
            f", trained on {known['dataset']}, epoch {known.get('epoch', '?')}" if "dataset" in known else ""
        )
        return f"<Classifier for {form} pictures, {describe(self.description.target)} ({listed(self.classes)}){origin}>"

    def _repr_html_(self) -> str | None:
        return displays.html("Classifier", self)

    def __dir__(self) -> list[str]:
        return offered(self, internal=_INTERNAL)


def _check_finite(logits: NDArray[np.float32], names: Sequence[str] | None) -> None:
    strange = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if not len(strange):
        return
    first = int(strange[0])
    shown = f"picture {first + 1:,}" if names is None else f"'{printable(names[first])}'"
    raise RunError(
        f"The classifier gives numbers that are not finite (NaN or infinite) for {len(strange):,} of "
        f"{len(logits):,} pictures; the first is {shown}. Its weights are damaged or malicious: train it again, or "
        "download it again."
    )


@checked
def load_classifier(path: str | Path, network: nn.Module | None = None) -> Classifier:
    """Return the classifier in the file `path`, its weights checked against their SHA-256.

    Args:
        path: a file written by `Classifier.save`.
        network: for a classifier whose network is a Python class: an instance of it.

    Raises:
        RunError: the file is missing, damaged, of another version, or contains the weights of another network.
        UsageError: the network is a Python class and none is passed.
    """
    return Classifier(*network_in(Path(path), network))
