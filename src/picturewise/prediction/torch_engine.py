"""A classifier's logits by PyTorch, in the classifier's number format."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from picturewise.prediction.computation import Computation, computation
from picturewise.prediction.description import Description
from picturewise.prediction.engine import Compute

_FACTORS = {torch.conv2d, functional.linear}


class EndsInFloat32(TorchFunctionMode):
    """Within autocast, computes the first convolution or dense layer that is called in float32, and the output layer.

    autocast would round the logits to 8 bits, so that two classes could have equal ones.

    Args:
        network: that is called once within the context.
        device: the type of its device.
    """

    def __init__(self, network: nn.Module, device: str) -> None:
        super().__init__()
        dense = [module for module in network.modules() if isinstance(module, nn.Linear)]
        self._last = dense[-1].weight if dense else None
        self._device, self._begun = device, False

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func not in _FACTORS or (self._begun and args[1] is not self._last):
            return func(*args, **(kwargs or {}))
        self._begun = True
        with torch.autocast(self._device, enabled=False):
            return func(args[0].float(), *args[1:], **(kwargs or {}))


class TorchEngine:
    """A module, computed where its weights are.

    Args:
        network: (B, C, H, W) prepared floats in, (B, K) logits out; in evaluation mode.
        description: how pictures are prepared.
    """

    def __init__(self, network: nn.Module, description: Description) -> None:
        self._network = network
        self._description = description

    def ready(self, pictures: int) -> tuple[int, Compute]:
        """Return 1, because PyTorch shares each layer itself, and the function that computes a batch."""
        return 1, self._logits

    def computation(self, pictures: int) -> Computation:
        """Return how pictures are computed."""
        del pictures
        return computation(self._description.number_format, "torch")

    def _logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (B, K) logits, divided by the temperature, for a batch (B, H, W, C)."""
        network, description = self._network, self._description
        first = next(itertools.chain(network.parameters(), network.buffers()), None)
        device = torch.device("cpu") if first is None else first.device
        prepared = description.preparation.apply(torch.from_numpy(pictures).to(device))
        narrow = description.number_format == "bfloat16"
        # On a GPU, PyTorch would otherwise use only ten fraction bits (TF32) in convolutions.
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(allow_tf32=False),
            torch.autocast(device.type, dtype=torch.bfloat16, enabled=narrow),
            EndsInFloat32(network, device.type) if narrow else contextlib.nullcontext(),
        ):
            outputs: Tensor = network(prepared)
            return (outputs.to(torch.float32) / description.temperature).cpu().numpy()
