"""What a classifier needs from the engine that computes its logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from picturewise.prediction.computation import Computation

EngineName: TypeAlias = Literal["auto", "torch", "numpy"]
Compute: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class Engine(Protocol):
    """What a classifier needs from an engine."""

    def ready(self, pictures: int) -> tuple[int, Compute]:
        """Return how many threads may compute in parallel for `pictures` pictures, and the function that they call.

        It takes a batch (B, H, W, C) in the description's shape, B >= 1, and returns (B, K) logits, divided by the
        temperature.
        """

    def computation(self, pictures: int) -> Computation:
        """Return with which numbers and by which library so many pictures are computed."""
