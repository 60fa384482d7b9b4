"""A classifier's logits in bfloat16, by the library that suits the processor and the number of pictures."""

from __future__ import annotations

from picturewise.architectures.lines import parse
from picturewise.architectures.summary import summarise
from picturewise.extras import require
from picturewise.prediction.computation import Computation, LibraryName, bfloat16_library
from picturewise.prediction.description import Description
from picturewise.prediction.engine import Compute, Engine
from picturewise.prediction.network_forms import Arrays, as_module


class Bfloat16Engine:
    """Engines of layer lines, each made when it is first needed.

    Args:
        weights: by name. They must not change.
        description: of the lines, in bfloat16.
        library: that computes; None: `bfloat16_library` chooses it for each number of pictures.
        cores: that ONNX Runtime and OpenVINO may use; None: all.
    """

    def __init__(
        self,
        weights: Arrays,
        description: Description,
        library: LibraryName | None = None,
        cores: int | None = None,
    ) -> None:
        assert description.layers is not None  # noqa: S101 (a Python class has no arrays)
        self._weights, self._description, self._library = weights, description, library
        self._cores = cores
        inner = description.preparation.output(description.shape)
        self._layers = parse(description.layers)
        summary = summarise(self._layers, inner, description.target.output_line)
        self._multiplications = summary.multiplications * description.preparation.seen.count
        self._engines = dict[LibraryName, Engine]()

    def ready(self, pictures: int) -> tuple[int, Compute]:
        """Return how many threads may compute in parallel, and the function that computes a batch."""
        return self._engine(pictures).ready(pictures)

    def computation(self, pictures: int) -> Computation:
        """Return how so many pictures are computed."""
        return self._engine(pictures).computation(pictures)

    def _engine(self, pictures: int) -> Engine:
        library = self._library or bfloat16_library(self._layers, pictures * self._multiplications)
        if library not in self._engines:
            self._engines[library] = self._made(library)
        return self._engines[library]

    def _made(self, library: LibraryName) -> Engine:
        if library == "openvino":
            from picturewise.prediction.openvino_engine import OpenVinoEngine  # noqa: PLC0415 (an extra)

            return OpenVinoEngine(self._weights, self._description, self._cores)
        if library == "torch":
            require("Prediction by PyTorch", "torch")
            from picturewise.prediction.torch_engine import TorchEngine  # noqa: PLC0415 (it loads PyTorch)

            return TorchEngine(as_module(self._weights, self._description), self._description)
        from picturewise.prediction.onnx_engine import OnnxEngine  # noqa: PLC0415 (others may not need it)

        return OnnxEngine(self._weights, self._description, self._cores)
