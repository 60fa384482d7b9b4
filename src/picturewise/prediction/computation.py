"""With which numbers and by which library logits are computed: `Computation`, and the choice of the library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Literal, NamedTuple, TypeAlias

from picturewise.architectures.layers import Layer
from picturewise.cores import has_bfloat16
from picturewise.onnx_models.model import takes_pixels

NumberFormat: TypeAlias = Literal["float32", "bfloat16"]
LibraryName: TypeAlias = Literal["onnxruntime", "openvino", "torch", "numpy"]

LIBRARIES: Mapping[LibraryName, str] = {
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "torch": "PyTorch",
    "numpy": "NumPy",
}
"""The name that is imported → the name that its authors use."""

WORTH_OPENVINO = 20e9
"""Multiplications from which on OpenVINO saves more processor time than importing it costs, as measured."""
WORTH_TORCH = 200e9
"""The same for PyTorch. It does not matter whether it is imported already, so that this does not change answers."""


class Computation(NamedTuple):
    """How logits are computed.

    Attributes:
        number_format: of the factors in convolutions and dense layers, except for the first of these layers.
        library: with its version, such as 'OpenVINO 2026.4.1'.
    """

    number_format: NumberFormat
    library: str


def computation(number_format: NumberFormat, library: LibraryName) -> Computation:
    """Return how logits are computed by the installed version of a library."""
    try:
        found = version(library)
    except PackageNotFoundError:  # installed under another name, such as onnxruntime-gpu
        return Computation(number_format, LIBRARIES[library])
    return Computation(number_format, f"{LIBRARIES[library]} {found}")


def library_named(text: str) -> LibraryName | None:
    """Return the library of a `Computation`, of any version; None: there is none of that name.

    >>> library_named("OpenVINO 2026.4.1")
    'openvino'
    """
    return next((name for name, shown in LIBRARIES.items() if text.startswith(shown)), None)


def lacking_for(library: LibraryName | None) -> str | None:
    """Return what this machine lacks to compute in bfloat16 by a library, for a message; None: nothing.

    Args:
        library: that computes; None: one that is not known here.
    """
    if library is None or find_spec(library) is None:
        return "it is not installed"
    if library == "openvino" and not has_bfloat16():
        return "this processor does not have that format"
    return None


def bfloat16_library(layers: Sequence[Layer], multiplications: float) -> LibraryName:
    """Return the library that computes a network of layer lines in bfloat16.

    The choice depends only on the processor, on what is installed, on the network and on how much there is to compute.
    ONNX Runtime rounds the factors to bfloat16 and multiplies them in float32, which every processor can. OpenVINO
    computes whole models in bfloat16, so the first layer must be one that takes exact pixels: a convolution, or a dense
    layer of all pixels.

    Args:
        layers: of the network.
        multiplications: for all pictures together.
    """
    if has_bfloat16():
        exact = takes_pixels(layers) is not None
        if exact and multiplications >= WORTH_OPENVINO and find_spec("openvino") is not None:
            return "openvino"
        if multiplications >= WORTH_TORCH and find_spec("torch") is not None:
            return "torch"
    return "onnxruntime"
