"""An exponential moving average of a network's weights, which is validated and saved instead of the network's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

_PREFIX = "average/"


class WeightAverage:
    """The average over about the last 1 / (1 - decay) steps (Polyak and Juditsky, 1992).

    After step t (from 1), the decay is at most t / (t + 9), so that the initial random weights are soon forgotten.
    Running means are averaged too; counters are copied.

    Args:
        network: whose weights are averaged; it starts with the present ones.
        decay: share of the average that is kept in a step, in 0..1, excluding 1.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network, self._decay = network, decay
        self._average = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}

    def update(self, step: int) -> None:
        """Add the network's weights after `step` (from 1) to the average."""
        decay = min(self._decay, step / (step + 9))
        with torch.no_grad():
            for name, tensor in self._network.state_dict().items():
                if tensor.is_floating_point():
                    self._average[name].lerp_(tensor, 1 - decay)
                else:
                    self._average[name].copy_(tensor)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Within the block, the network's weights are the average; afterwards they are its own again, bit for bit."""
        own = {name: tensor.detach().clone() for name, tensor in self._network.state_dict().items()}
        self._copy(self._average)
        try:
            yield
        finally:
            self._copy(own)

    def state(self) -> dict[str, Tensor]:
        """Return the average as a flat table, `average/name` → tensor, to be stored beside an optimizer's state."""
        return {_PREFIX + name: tensor for name, tensor in self._average.items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Load an average that `state` returned for the same network.

        Raises:
            KeyError: a tensor is missing.
        """
        for name, tensor in self._average.items():
            tensor.copy_(state[_PREFIX + name])

    def _copy(self, source: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, tensor in self._network.state_dict().items():
                tensor.copy_(source[name])
