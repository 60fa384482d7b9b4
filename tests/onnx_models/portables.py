"""One network in PyTorch and as an ONNX model, for the tests of this room."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from picturewise.architectures.layers import Shape
from picturewise.architectures.lines import parse
from picturewise.networks.builder import build
from picturewise.onnx_models.model import Normalisation, onnx_model
from picturewise.onnx_models.session import Session
from picturewise.preparing.preparation import Preparation
from picturewise.targets import OneClass, Target

TEMPERATURE = 1.7


def pictures(count: int, shape: Shape, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


class Pair:
    """The same network twice: its weights are drawn, the running means too, so that each of them counts."""

    def __init__(
        self,
        lines: str | Sequence[str],
        shape: Shape = (12, 9, 3),
        classes: int = 5,
        *,
        grey: bool = False,
        target: Target | None = None,
    ) -> None:
        kept = 1 if grey else shape[2]
        self.scale = Normalisation(
            grey, tuple(100.0 + 9 * c for c in range(kept)), tuple(50.0 + 7 * c for c in range(kept))
        )
        self.shape, self.layers = shape, parse(lines)
        self.target = target or OneClass(tuple(f"class {number}" for number in range(classes)))
        self.network = build(self.layers, (*shape[:2], kept), self.target.output_line, seed=1).eval()
        random = torch.Generator().manual_seed(2)
        for name, tensor in self.network.state_dict().items():
            if tensor.ndim == 1:  # scales, shifts, running means and variances
                tensor.copy_(
                    torch.rand(tensor.shape, generator=random) + (0.5 if "bias" not in name else -0.5)
                )
        self.state = {name: tensor.numpy() for name, tensor in self.network.state_dict().items()}
        self.model = onnx_model(
            self.layers, shape, self.target, self.state, self.scale, temperature=TEMPERATURE, version="1.2.3"
        )

    def by_torch(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits as PyTorch computes them."""
        preparation = Preparation(**self.scale._asdict())
        with torch.inference_mode():
            found: torch.Tensor = self.network(preparation.apply(torch.from_numpy(images))) / TEMPERATURE
        return found.numpy()

    def difference(self, images: NDArray[np.uint8], threads: int = 1) -> float:
        """Return how far the two are apart at most, as a share of the spread of PyTorch's logits."""
        expected, found = self.by_torch(images), Session(self.model, threads).logits(images)
        assert found.dtype == np.float32
        assert found.shape == expected.shape
        spread = float(np.ptp(expected))
        assert spread > 0.01  # they are not all the same, nor vanish
        assert math.isfinite(spread)
        if self.target.outputs > 1:
            assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()
        return float(np.abs(found - expected).max()) / spread
