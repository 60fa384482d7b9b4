"""A training step in virtual shards: each has its own forward and backward pass, and their results are added.

Batch normalisation uses the statistics of each shard. Its running averages are the mean over shards, weighted by their
pictures, as if each shard had been the only one. Dropout's noise is drawn for each shard.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from picturewise.preparing.preparation import Preparation
from picturewise.seeds import derive
from picturewise.training.buffers import check_buffers, copied_buffers
from picturewise.training.group import Group
from picturewise.training.losses import Loss
from picturewise.training.machine import Machine
from picturewise.training.optimizers import Optimizer
from picturewise.training.shards import shard_bounds, tree_sum
from picturewise.training.small_pictures import convolving

_NUMBERS = 4  # see `train_step`


class ShardedEngine:
    """PyTorch, shard after shard; those of other workers are computed at the same time.

    Args:
        network: in training mode while a step is taken.
        optimizer: of the network.
        machine: device and precision.
        preparation: from 0..255 to the network's input.
        loss: what is minimised.
        seed: of the noise.
        shards: of a batch: a power of two that the number of workers divides.
        group: the workers.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: Optimizer,
        machine: Machine,
        preparation: Preparation,
        loss: Loss,
        seed: int,
        *,
        shards: int,
        group: Group,
    ) -> None:
        self._network, self._optimizer, self._machine = network, optimizer, machine
        self._preparation, self._loss, self._seed = preparation, loss, seed
        self._shards, self._group = shards, group
        self._checked = False

    def step(self, pictures: Tensor, targets: Tensor, learning_rate: float, place: tuple[int, int]) -> Tensor:
        """Take one step; see `train_step`. Every worker gets the whole batch, and computes its own shards of it.

        Raises:
            UsageError: the network has a buffer that cannot be put together from those of the shards.
        """
        bounds = shard_bounds(len(targets), self._shards)
        layout = _Layout(self._network)

        def part(number: int) -> Tensor | None:
            start, stop = bounds[number]
            if start == stop:
                return None
            noise = derive(self._seed, "noise", *place, number)
            torch.default_generator.manual_seed(noise)
            if self._machine.device.type == "cuda":
                torch.cuda.manual_seed(noise)
            share = (stop - start) / len(targets)
            return self._one(layout, pictures[start:stop], targets[start:stop], share)

        own = self._shards // self._group.size
        found = tree_sum(part, self._group.rank * own, own)
        seen = layout.apply(self._group.sum(layout.zeros() if found is None else found))
        self._optimizer.step(learning_rate)
        seen[3] = len(targets)
        return seen

    def _one(self, layout: _Layout, pictures: Tensor, targets: Tensor, share: float) -> Tensor:
        """Return what one shard adds to the step; `share` of the batch are its pictures."""
        layout.reset()
        before = None if self._checked else copied_buffers(self._network)
        prepared = self._preparation.apply(pictures)
        with self._machine.computing(), convolving(self._network, self._machine):
            logits: Tensor = self._network(prepared)
        logits = logits.float()
        minimised = self._loss(logits, targets) * share
        minimised.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        with torch.no_grad():
            plain = self._loss.plain(logits, targets, minimised / share)
            right = self._loss.right(logits, targets)
            numbers = torch.stack([minimised, plain, right.float(), torch.zeros_like(minimised)])
        if before is not None:
            check_buffers(self._network, before, layout.known())
            self._checked = True
        return layout.collect(numbers, share)


class _Layout:
    """Where the results of a shard are in one vector: gradients, running averages, and the numbers of the step.

    Args:
        network: in training mode; the running averages are those of now.
    """

    def __init__(self, network: nn.Module) -> None:
        self._parameters = [p for p in network.parameters() if p.requires_grad]
        self._layers = [
            module
            for module in network.modules()
            if isinstance(module, _BatchNorm) and module.training and module.running_mean is not None
        ]
        self._averages = [
            tensor
            for layer in self._layers
            for tensor in (layer.running_mean, layer.running_var)
            if tensor is not None
        ]
        counters = [layer.num_batches_tracked for layer in self._layers]
        self._counters = [counter for counter in counters if counter is not None]
        self._before = [tensor.clone() for tensor in (*self._averages, *self._counters)]
        sizes = [tensor.numel() for tensor in (*self._parameters, *self._averages)]
        self._ends = list(itertools.accumulate(sizes))
        self._length = (self._ends[-1] if self._ends else 0) + _NUMBERS

    def zeros(self) -> Tensor:
        """Return the results of no pictures."""
        return torch.zeros(self._length, device=self._parameters[0].device)

    def reset(self) -> None:
        """Set the running averages and counters to what they were before the step."""
        with torch.no_grad():
            for tensor, before in zip((*self._averages, *self._counters), self._before, strict=True):
                tensor.copy_(before)

    def collect(self, numbers: Tensor, share: float) -> Tensor:
        """Return the vector of a shard whose backward pass has ended, and delete its gradients.

        Args:
            numbers: (4,) of the step.
            share: of the batch; the weight of the running averages.
        """
        vector = torch.empty(self._length, device=numbers.device)
        gradients, averages = self._views(vector)
        with torch.no_grad():
            for parameter, view in zip(self._parameters, gradients, strict=True):
                if parameter.grad is None:
                    view.zero_()
                else:
                    view.copy_(parameter.grad)
                parameter.grad = None
            for average, view in zip(self._averages, averages, strict=True):
                torch.mul(average, share, out=view)
            vector[-_NUMBERS:] = numbers
        return vector

    def apply(self, total: Tensor) -> Tensor:
        """Give the network the gradients and running averages of the whole batch, and return its numbers, float64."""
        gradients, averages = self._views(total)
        with torch.no_grad():
            for parameter, view in zip(self._parameters, gradients, strict=True):
                parameter.grad = view
            for average, view in zip(self._averages, averages, strict=True):
                average.copy_(view)
            for counter, before in zip(self._counters, self._before[len(self._averages) :], strict=True):
                counter.copy_(before + 1)
        return total[-_NUMBERS:].double()

    def known(self) -> list[Tensor]:
        """Return the running averages and counters, which are put together from those of the shards."""
        return [*self._averages, *self._counters]

    def _views(self, vector: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the parts of the vector, with the shapes of parameters and averages, and laid out like them.

        The optimizers' kernels read the memory of a parameter and of its gradient in the same order.
        """
        tensors = [*self._parameters, *self._averages]
        starts = [0, *self._ends[:-1]] if self._ends else []
        views = [
            vector.as_strided(tensor.shape, tensor.stride(), start)
            for tensor, start in zip(tensors, starts, strict=True)
        ]
        return views[: len(self._parameters)], views[len(self._parameters) :]
