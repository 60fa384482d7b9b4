"""What computes a classifier's logits, decided here and nowhere else.

    auto    ONNX Runtime for what was loaded from a file of layer lines; PyTorch for modules: Python classes, timm's
            networks, and whatever somebody may still train
    torch   PyTorch
    numpy   the reference network in NumPy, of layer lines only

They differ by float32's rounding alone. Each stands in a module of its own, and only the one that computes is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from picturewise.prediction.network_forms import Held, as_arrays, as_module

if TYPE_CHECKING:
    from picturewise.prediction.description import Description

EngineName: TypeAlias = Literal["auto", "torch", "numpy"]
Compute: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class Engine(Protocol):
    """What a classifier asks of an engine."""

    def ready(self, pictures: int) -> tuple[int, Compute]:
        """Return how many threads may compute side by side, and what they call, for so many pictures in all.

        It takes a batch (B, H, W, C) of the description's shape, B from 1, and returns (B, K) logits, divided by the
        temperature.
        """


def choose_engine(name: EngineName, held: Held, description: Description) -> Engine:
    """Return the engine of that name for a network.

    Raises:
        UsageError: it cannot compute that network; a LayerError, if it lacks one of its lines.
    """
    if name == "numpy":
        from picturewise.prediction.numpy_engine import NumPyEngine  # noqa: PLC0415 (see above)

        return NumPyEngine(as_arrays(held), description)
    if name == "auto" and isinstance(held, Mapping):
        from picturewise.prediction.onnx_engine import PortableEngine  # noqa: PLC0415 (see above)

        return PortableEngine(held, description)
    from picturewise.prediction.torch_engine import TorchEngine  # noqa: PLC0415 (see above)

    return TorchEngine(as_module(held, description), description)
