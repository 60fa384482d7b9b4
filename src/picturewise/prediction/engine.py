"""What a classifier asks of what computes its logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

EngineName: TypeAlias = Literal["auto", "torch", "numpy"]
Compute: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class Engine(Protocol):
    """What a classifier asks of an engine."""

    def ready(self, pictures: int) -> tuple[int, Compute]:
        """Return how many threads may compute side by side, and what they call, for so many pictures in all.

        It takes a batch (B, H, W, C) of the description's shape, B from 1, and returns (B, K) logits, divided by the
        temperature.
        """
