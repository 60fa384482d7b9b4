"""A classifier's logits by ONNX Runtime."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightline.architectures.lines import parse
from sightline.architectures.summary import summarise
from sightline.cores import available_cores
from sightline.portable.model import Scale, onnx_model
from sightline.portable.session import Session
from sightline.prediction.description import Description
from sightline.prediction.held import Arrays

_WORTH_SHARING = 100e6
"""Multiplications a batch below which one core computes alone: handing out the work would cost more than it brings."""


class PortableEngine:
    """An ONNX model of layer lines, made when it is first needed.

    Args:
        weights: of the shapes that `portable.model.weight_shapes` returns. They must not change.
        description: of the lines, and how pictures are prepared.
    """

    def __init__(self, weights: Arrays, description: Description) -> None:
        assert description.layers is not None  # noqa: S101 (a Python class has no arrays)
        self._weights = weights
        self._description = description
        self._layers = parse(description.layers)
        self._inner = description.preparation.output(description.shape)
        summary = summarise(self._layers, self._inner, len(description.classes))
        self._multiplications = summary.multiplications
        self._threads = 0
        self._session: Session | None = None

    def logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (B, K) logits, divided by the temperature, for a batch (B, H, W, C); B from 1."""
        return self._session_for(len(pictures)).logits(np.ascontiguousarray(pictures))

    def _session_for(self, pictures: int) -> Session:
        """Return a session with the threads that so many pictures are worth; one with more is kept."""
        threads = available_cores() if pictures * self._multiplications >= _WORTH_SHARING else 1
        if self._session is None or threads > self._threads:
            self._session, self._threads = Session(self._model(), threads), threads
        return self._session

    def _model(self) -> bytes:
        description, preparation = self._description, self._description.preparation
        return onnx_model(
            self._layers,
            description.shape,
            description.classes,
            self._weights,
            Scale(preparation.grey, preparation.mean, preparation.std),
            temperature=description.temperature,
        )
