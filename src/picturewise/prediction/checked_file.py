"""The network in a classifier's file, checked before it is built: shapes, SHA-256, and that its numbers are finite."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from picturewise.architectures.layers import Shape
from picturewise.architectures.lines import parse
from picturewise.architectures.summary import summarise
from picturewise.errors import LayerError, RunError, UsageError
from picturewise.extras import require
from picturewise.networks import arrays
from picturewise.onnx_models.model import is_portable, weight_shapes
from picturewise.prediction.description import Description
from picturewise.prediction.file_format import FILE_NAME, from_metadata
from picturewise.prediction.network_forms import NetworkOrArrays, built
from picturewise.printable import printable

if TYPE_CHECKING:
    from torch import nn


def network_in(path: Path, network: nn.Module | None) -> tuple[NetworkOrArrays, Description]:
    """Return the network in a classifier's file, or its arrays if ONNX Runtime computes it, and its description.

    Args:
        path: the file.
        network: as for `load_classifier`, which raises the same.
    """
    if path.is_dir():
        raise RunError(f"{path} is a folder. Pass a classifier file, such as {path / FILE_NAME}.")
    shapes, metadata = arrays.read_header(path)
    sha256, description = from_metadata(metadata, path)
    if network is None:
        if description.layers is None:
            raise UsageError(
                f"{path} contains the weights of the Python class {description.module}. "
                "Pass an instance of that class as network=."
            )
        portable = _portable_shapes(description.layers, description, shapes, path)
        if portable is not None:
            arrays.check_shapes(shapes, portable, str(path))
            found = arrays.read(path)
            if found is not None and _are_plain(found[0]):
                _check(arrays.fingerprint(found[0]), sha256, path)
                arrays.check_numbers(found[0], str(path))
                return found[0], description
    return _filled(network, description, path, shapes, sha256), description


def _portable_shapes(
    lines: Sequence[str], description: Description, shapes: Mapping[str, Shape], path: Path
) -> dict[str, Shape] | None:
    """Return the shapes of a description's weights, unless the network has more numbers than the file.

    Returns:
        None: only PyTorch knows the network.
    """
    shape, output = description.preparation.output(description.shape), description.target.output_line
    try:
        layers = parse(lines)
        summary = summarise(layers, shape, output)
    except LayerError as error:
        raise RunError(f"The network in {path} cannot be built: {printable(error)}") from error
    found, expected = sum(map(math.prod, shapes.values())), summary.trainable + summary.fixed
    if expected > found:
        raise RunError(
            f"{path} contains the weights of another network: it has {found:,} values, but the network has "
            f"{expected:,}. Get the file again, or train again."
        )
    return weight_shapes(layers, shape, output) if is_portable(layers, shape, output) else None


def _check(found: str, expected: str, path: Path) -> None:
    if found != expected:
        raise RunError(
            f"{path} is damaged: the SHA-256 of its weights differs from the stored one. Get the file again, or train "
            "again."
        )


def _are_plain(state: Mapping[str, Any]) -> bool:
    """Return whether weights are arrays of the types that the modules of layer lines have; those convert others."""
    return all(
        isinstance(array, np.ndarray)
        and array.dtype == (np.int64 if name.endswith("num_batches_tracked") else np.float32)
        for name, array in state.items()
    )


def _filled(
    network: nn.Module | None,
    description: Description,
    path: Path,
    shapes: Mapping[str, Shape],
    sha256: str,
) -> nn.Module:
    """Return the network with the weights in a file; None: the network of the description's lines."""
    require(f"The network in {printable(path)}", "torch")
    from picturewise.networks import weights  # noqa: PLC0415 (it loads PyTorch, which layer lines do not need)

    module = built(description) if network is None else network
    weights.check_module(module, shapes, str(path))  # before a file with other shapes is read
    state, _ = weights.read(path)
    _check(weights.fingerprint(state), sha256, path)
    weights.load_weights(module, state, str(path))
    weights.check_numbers(module, str(path))
    return module
