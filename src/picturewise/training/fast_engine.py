"""A training step of which each worker computes one part, and that ends as one of the whole batch, up to rounding."""

from __future__ import annotations

import contextlib

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from picturewise.preparing.preparation import Preparation
from picturewise.seeds import derive
from picturewise.training.buffers import check_buffers, copied_buffers
from picturewise.training.gradient_buckets import GradientBuckets
from picturewise.training.group import Group
from picturewise.training.losses import Loss
from picturewise.training.machine import Machine
from picturewise.training.optimizers import Optimizer
from picturewise.training.small_pictures import convolving
from picturewise.training.whole_batch import WholeBatch


class FastEngine:
    """PyTorch, a part of each batch in each worker: gradients are added in buckets during the backward pass.

    Batch normalisation uses the statistics of the whole batch. Dropout's noise is drawn for each part, so it depends on
    the number of workers.

    Args:
        network: in training mode while a step is taken.
        optimizer: of the network.
        machine: device and precision.
        preparation: from 0..255 to the network's input.
        loss: what is minimised.
        seed: of the noise.
        group: the workers, two or more.
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
        group: Group,
    ) -> None:
        self._network, self._optimizer, self._machine = network, optimizer, machine
        self._preparation, self._loss, self._seed = preparation, loss, seed
        self._group = group
        self._checked = False
        self._buckets: GradientBuckets | None = None

    def step(self, pictures: Tensor, targets: Tensor, learning_rate: float, place: tuple[int, int]) -> Tensor:
        """Take one step; see `train_step`. Every worker gets the whole batch, and computes its part of it.

        Raises:
            UsageError: the network has a buffer that cannot be put together from those of the parts.
        """
        count, group = len(targets), self._group
        # Batches that are too small for a picture each are computed by all workers as a whole.
        together = count >= group.size
        start, stop = part_of(count, group) if together else (0, count)
        share = (stop - start) / count if together else 1 / group.size
        noise = derive(self._seed, "noise", *place, group.rank if together else 0)
        torch.default_generator.manual_seed(noise)
        if self._machine.device.type == "cuda":
            torch.cuda.manual_seed(noise)
        wanted = targets[start:stop]
        logits = self._forward(pictures[start:stop], together=together)
        minimised = self._loss(logits, wanted)
        with self._trained().adding():
            (minimised * share).backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        with torch.no_grad():
            plain = self._loss.plain(logits, wanted, minimised)
            right = self._loss.right(logits, wanted)
            each = 1.0 if together else share
            numbers = [minimised.double() * share, plain.double() * each, right.double() * each]
            seen = group.quick_sum(torch.stack(numbers))
        self._optimizer.step(learning_rate)
        return torch.cat([seen, seen.new_tensor([count])])

    def _forward(self, pictures: Tensor, *, together: bool) -> Tensor:
        """Return the logits (B, outputs) of the pictures of a part, or of all if the workers do not divide them."""
        before = None if self._checked else copied_buffers(self._network)
        prepared = self._preparation.apply(pictures)
        whole = WholeBatch(self._group) if together else contextlib.nullcontext()
        with self._machine.computing(), convolving(self._network, self._machine), whole as statistics:
            logits: Tensor = self._network(prepared)
        if before is not None and statistics is not None:
            counters = [
                module.num_batches_tracked
                for module in self._network.modules()
                if isinstance(module, _BatchNorm) and module.num_batches_tracked is not None
            ]
            check_buffers(self._network, before, [*statistics.averages, *counters])
            self._checked = True
        return logits.float()

    def _trained(self) -> GradientBuckets:
        """Return the buckets of the weights that are trained now."""
        parameters = [one for one in self._network.parameters() if one.requires_grad]
        if self._buckets is None or not self._buckets.hold(parameters):
            if self._buckets is not None:
                self._buckets.remove()
            self._buckets = GradientBuckets(parameters, self._group)
        return self._buckets


def part_of(pictures: int, group: Group) -> tuple[int, int]:
    """Return (start, stop) of the worker's part of a batch; parts differ by at most one picture."""
    return group.rank * pictures // group.size, (group.rank + 1) * pictures // group.size
