"""A classifier's logits by OpenVINO, in bfloat16."""

from __future__ import annotations

from picturewise.cores import available_cores
from picturewise.onnx_models.openvino_session import OpenVinoSession
from picturewise.prediction.computation import Computation, computation
from picturewise.prediction.description import Description
from picturewise.prediction.engine import Compute
from picturewise.prediction.network_forms import Arrays
from picturewise.prediction.onnx_engine import model_of


class OpenVinoEngine:
    """An ONNX model of layer lines in OpenVINO, made when it is first needed.

    Args:
        weights: as for `OnnxEngine`.
        description: of the lines, and how pictures are prepared.
        cores: that it may use; None: all.
    """

    def __init__(self, weights: Arrays, description: Description, cores: int | None = None) -> None:
        self._weights, self._description, self._cores = weights, description, cores
        self._session: OpenVinoSession | None = None

    def ready(self, pictures: int) -> tuple[int, Compute]:
        """Return how many threads may compute in parallel, each its own batches, and the function that they call."""
        del pictures
        threads = self._cores or available_cores()
        if self._session is None:
            model = model_of(self._weights, self._description, narrow="exact first")
            self._session = OpenVinoSession(model, threads)
        return threads, self._session.logits

    def computation(self, pictures: int) -> Computation:
        """Return how pictures are computed."""
        del pictures
        return computation("bfloat16", "openvino")
