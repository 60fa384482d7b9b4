"""Where the arrays of a network come from: passed by name, or new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from picturewise.architectures.layers import Shape


class ReferenceArrays(Protocol):
    """Where the arrays of layers come from."""

    def take(self, name: str, shape: Shape, *, spread: float = 0.0, centre: float = 0.0) -> NDArray[Any]:
        """Return an array; a new one has a mean of `centre` and a standard deviation of `spread`."""


class GivenArrays:
    """Existing arrays, by name."""

    def __init__(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._state = state

    def take(self, name: str, shape: Shape, *, spread: float = 0.0, centre: float = 0.0) -> NDArray[Any]:
        """Return the array with that name."""
        del spread, centre
        found = self._state[name]
        assert found.shape == shape, f"{name} is {found.shape}, expected {shape}"  # noqa: S101 (the builders agree)
        return found


class Drawn:
    """New arrays of one type; `state` collects them by name."""

    def __init__(self, random: np.random.Generator, dtype: DTypeLike) -> None:
        self._random, self._dtype = random, dtype
        self.state: dict[str, NDArray[Any]] = {}

    def take(self, name: str, shape: Shape, *, spread: float = 0.0, centre: float = 0.0) -> NDArray[Any]:
        """Return a new array, drawn at random if it has a spread."""
        if name.endswith("num_batches_tracked"):
            self.state[name] = np.zeros(shape, np.int64)
        elif len(shape) == 4:  # a kernel (F, C, P, Q) is stored as (F, P, Q, C), see Convolution
            filters, channels, rows, columns = shape
            drawn = self._random.normal(centre, spread, (filters, rows, columns, channels))
            self.state[name] = drawn.astype(self._dtype).transpose(0, 3, 1, 2)
        else:
            drawn = self._random.normal(centre, spread, shape) if spread else np.full(shape, centre)
            self.state[name] = drawn.astype(self._dtype)
        return self.state[name]
