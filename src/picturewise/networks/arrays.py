"""Weights as NumPy arrays, without PyTorch: from safetensors files and back, with the fingerprints of `weights`."""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors
from numpy.typing import NDArray

from picturewise.architectures.layers import Shape
from picturewise.errors import RunError
from picturewise.printable import printable
from picturewise.untrusted.regular_file import regular_size

_TYPES = frozenset({"F32", "I64"})
"""The types of numbers in networks of layer lines. NumPy does not have some of the others."""
MOST_HEADER = 16 << 20
MOST_TENSORS = 10_000
MEAN, VARIANCE = "running_mean", "running_var"
"""The endings of the names of a normalisation's statistics."""


def fingerprint(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 (hexadecimal) of names, types, shapes and numbers: the same as of the tensors."""
    return sha256_of(
        (name, f"torch.{array.dtype}", array.shape, np.ascontiguousarray(array).reshape(-1).view(np.uint8))
        for name, array in sorted(arrays.items())
    )


def sha256_of(entries: Iterable[tuple[str, str, Shape, NDArray[np.uint8]]]) -> str:
    """Return the SHA-256 (hexadecimal) of name, type, shape and bytes of each entry."""
    digest = hashlib.sha256()
    for name, kind, shape, content in entries:
        digest.update(f"{name} {kind} {tuple(shape)}\n".encode())
        digest.update(content.data)
    return digest.hexdigest()


def to_bytes(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """Return the content of a safetensors file, equal to that of the same weights as tensors."""
    import safetensors.numpy  # noqa: PLC0415 (predictions do not write anything)

    plain = {name: np.require(array, requirements="C") for name, array in arrays.items()}
    return safetensors.numpy.save(plain, dict(metadata))


def read_header(path: Path) -> tuple[dict[str, Shape], dict[str, str]]:
    """Return the shape of each tensor in a safetensors file, and the metadata, without reading the numbers.

    Raises:
        RunError: the file is missing, or is not a complete safetensors file, or has too many tensors.
    """
    with opened(path, "np") as file:
        names = file.keys()
        if len(names) > MOST_TENSORS:
            raise RunError(
                f"{printable(path)} contains {len(names):,} tensors, but at most {MOST_TENSORS:,} are allowed. "
                "Check that it is the right file."
            )
        return {name: tuple(file.get_slice(name).get_shape()) for name in names}, file.metadata() or {}


def read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]] | None:
    """Return the arrays, float32 and int64, and the metadata of a safetensors file. No code in it can run.

    Returns:
        None: it contains numbers of other types.

    Raises:
        RunError: as for `read_header`.
    """
    with opened(path, "np") as file:
        names = file.keys()
        if any(file.get_slice(name).get_dtype() not in _TYPES for name in names):
            return None
        return {name: file.get_tensor(name) for name in names}, file.metadata() or {}


def read_metadata(path: Path) -> dict[str, str]:
    """Return only the metadata.

    Raises:
        RunError: as for `read_header`.
    """
    with opened(path, "np") as file:
        return file.metadata() or {}


def problem(name: str, least: float, most: float) -> str | None:
    """Return why numbers cannot be weights, or None.

    Args:
        name: of the tensor.
        least: of its numbers; NaN if one is.
        most: the same for the largest.
    """
    if not (math.isfinite(least) and math.isfinite(most)):
        return f"'{printable(name)}' contains values that are not finite (NaN or infinite)"
    if least < 0 and name.endswith(VARIANCE):
        return f"'{printable(name)}' contains a negative variance"
    return None


def check_numbers(weights: Mapping[str, NDArray[Any]], origin: str) -> None:
    """Check that weights are numbers that a network can compute with.

    Raises:
        RunError: a number is NaN or infinite, or a variance is negative; the message names the tensor.
    """
    for name, array in weights.items():
        # The least and the largest number: both are NaN if any number is. Nothing is copied, so this costs an eighth of
        # the SHA-256.
        if array.size and array.dtype == np.float32:
            found = problem(name, float(array.min()), float(array.max()))
            if found is not None:
                raise RunError(
                    f"{origin} is damaged or malicious: {found}. Restore the original file, or train again."
                )


def check_shapes(found: Mapping[str, Shape], expected: Mapping[str, Shape], origin: str) -> None:
    """Check that weights have the names and shapes of a network.

    Args:
        found: those of the weights.
        expected: those of the network.
        origin: of the weights, which the error names.

    Raises:
        RunError: they do not; the message names the first that differs.
    """
    for name in sorted(found.keys() | expected.keys()):
        ours, theirs = (tuple(shapes[name]) if name in shapes else "missing" for shapes in (found, expected))
        if ours != theirs:
            raise RunError(
                f"{origin} contains the weights of another network: '{name}' is {ours}, but {theirs} in this network. "
                "Check that the file belongs to this network."
            )


@contextlib.contextmanager
def opened(path: Path, framework: Literal["np", "pt"]) -> Iterator[Any]:
    """Yield a safetensors file, open to be read as arrays or as tensors.

    Raises:
        RunError: as for `read_header`.
    """
    try:
        _check_header(path)
        with safetensors.safe_open(path, framework=framework) as file:
            yield file
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}.") from error
    # A shape without numbers can have sides that no array can have.
    except (safetensors.SafetensorError, ValueError) as error:
        raise RunError(
            f"{path} is damaged or is not a safetensors file: {printable(error)}. Check that it is the right file."
        ) from error


def _check_header(path: Path) -> None:
    """Check the length of the header before it is parsed: it may describe a million tensors."""
    size = regular_size(path)
    if size is None:
        raise RunError(f"{path} is not a regular file. Pass a weights file.")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if MOST_HEADER < length <= size - 8:
        raise RunError(
            f"{path} is damaged or malicious: its header has {length:,} bytes, but at most {MOST_HEADER:,} are "
            "allowed. Restore the original file."
        )
