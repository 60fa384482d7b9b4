"""A classifier's logits by ONNX Runtime, in the classifier's number format."""

from __future__ import annotations

from picturewise.architectures.lines import parse
from picturewise.architectures.summary import summarise
from picturewise.cores import WORTH_SHARING, available_cores
from picturewise.onnx_models.model import Narrow, Normalisation, onnx_model
from picturewise.onnx_models.session import Session
from picturewise.prediction.computation import Computation, computation
from picturewise.prediction.description import Description
from picturewise.prediction.engine import Compute
from picturewise.prediction.network_forms import Arrays


class OnnxEngine:
    """An ONNX model of layer lines, made when it is first needed, and again if it is needed with other threads.

    Args:
        weights: with the shapes that `portable.model.weight_shapes` returns. They must not change.
        description: of the lines, and how pictures are prepared.
        cores: that it may use; None: all.
    """

    def __init__(self, weights: Arrays, description: Description, cores: int | None = None) -> None:
        assert description.layers is not None  # noqa: S101 (a Python class has no arrays)
        self._weights, self._cores = weights, cores
        self._description = description
        inner = description.preparation.output(description.shape)
        summary = summarise(parse(description.layers), inner, description.target.output_line)
        self._multiplications = summary.multiplications
        self._sessions = dict[int, Session]()  # by the number of threads of a session

    def ready(self, pictures: int) -> tuple[int, Compute]:
        """Return how many threads may compute in parallel, and the function that computes a batch.

        With enough pictures, every core computes its own batches: sharing each layer of a batch costs more, and waits
        for the slowest core each time. Fewer pictures, of a large network, are shared layer by layer.
        """
        if pictures * self._multiplications < WORTH_SHARING:
            return 1, self._session(min(self._sessions, default=1)).logits
        cores = self._cores or available_cores()
        if pictures < cores:
            return 1, self._session(cores).logits
        return cores, self._session(1).logits

    def computation(self, pictures: int) -> Computation:
        """Return how pictures are computed."""
        del pictures
        return computation(self._description.number_format, "onnxruntime")

    def _session(self, threads: int) -> Session:
        if threads not in self._sessions:
            narrow: Narrow = "rounded" if self._description.number_format == "bfloat16" else None
            self._sessions[threads] = Session(
                model_of(self._weights, self._description, narrow=narrow), threads
            )
        return self._sessions[threads]


def model_of(weights: Arrays, description: Description, *, narrow: Narrow = None) -> bytes:
    """Return the ONNX model of a classifier of layer lines.

    Args:
        weights: by name.
        description: of the lines, and how pictures are prepared.
        narrow: for bfloat16, see `onnx_model`.
    """
    preparation = description.preparation
    return onnx_model(
        parse(description.layers or ()),
        description.shape,
        description.target,
        weights,
        Normalisation(preparation.grey, preparation.mean, preparation.std),
        temperature=description.temperature,
        narrow=narrow,
    )
