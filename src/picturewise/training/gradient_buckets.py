"""Gradients that workers add in buckets while the backward pass still computes others.

PyTorch's DistributedDataParallel does the same (Li et al., "PyTorch Distributed: experiences on accelerating data
parallel training", 2020). It is not used because it fixes the trained weights when it is constructed, while layers are
thawed from epoch to epoch here; and because it needs processes, while these buckets need only a `Group`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from picturewise.errors import UsageError
from picturewise.training.group import Group

FIRST_BYTES, BYTES = 1 << 20, 25 << 20
"""Of a bucket. The first one is small, so that the workers begin to add soon."""


class GradientBuckets:
    """The gradients of some parameters, in buckets that the workers add.

    The gradients of the last layers are computed first, so they are in the first bucket. Buckets are the same in all
    workers, and are added in their order.

    Args:
        parameters: in the order of the network; those with a gradient, the same in all workers.
        group: the workers.
    """

    def __init__(self, parameters: Sequence[Tensor], group: Group) -> None:
        self._parameters, self._group = tuple(parameters), group
        self._buckets = [_Bucket(members) for members in _cut(parameters)]
        self._places = {member: bucket for bucket in self._buckets for member in bucket.views}
        self._handles = [
            one.register_post_accumulate_grad_hook(self._arrived)  # type: ignore[no-untyped-call]  # torch's
            for one in self._parameters
        ]
        self._begun = 0
        self._waits: list[Callable[[], None]] = []
        self._adding = False

    def hold(self, parameters: Sequence[Tensor]) -> bool:
        """Return whether these are the parameters."""
        return len(parameters) == len(self._parameters) and all(
            one is other for one, other in zip(parameters, self._parameters, strict=True)
        )

    def remove(self) -> None:
        """Let go of the parameters."""
        for handle in self._handles:
            handle.remove()

    @contextlib.contextmanager
    def adding(self) -> Iterator[None]:
        """In the block is a backward pass; after it, the gradients are sums over the workers.

        The gradient of a parameter that the pass did not reach counts as zeros.
        """
        for bucket in self._buckets:
            bucket.missing = set(bucket.views)
        self._begun, self._waits, self._adding = 0, [], True
        try:
            yield
        finally:
            self._adding = False
        while self._begun < len(self._buckets):
            self._begin_next()
        for wait in self._waits:
            wait()

    def _arrived(self, parameter: Tensor) -> None:
        """Put a gradient that was computed into its bucket, and begin to add the buckets that are complete."""
        if not self._adding:
            return
        bucket = self._places[parameter]
        if parameter not in bucket.missing:
            raise UsageError(
                "The network computes the gradient of one of its weights in several passes, which workers cannot add "
                "while it is computed. Omit training.distributed."
            )
        bucket.put(parameter)
        while self._begun < len(self._buckets) and not self._buckets[self._begun].missing:
            self._begin_next()

    def _begin_next(self) -> None:
        bucket = self._buckets[self._begun]
        bucket.fill()
        self._waits.append(self._group.begin_sum(bucket.vector))
        self._begun += 1


class _Bucket:
    """Gradients in one vector.

    Attributes:
        vector: all of them.
        views: parameter → its gradient in the vector, with its shape and laid out like it, because the optimizers'
            kernels read the memory of both in the same order.
        missing: parameters whose gradients are not yet in the vector.
    """

    def __init__(self, members: Sequence[Tensor]) -> None:
        first = members[0]
        self.vector = torch.zeros(sum(one.numel() for one in members), dtype=first.dtype, device=first.device)
        self.views: dict[Tensor, Tensor] = {}
        self.missing: set[Tensor] = set()
        start = 0
        for one in members:
            self.views[one] = self.vector.as_strided(one.shape, one.stride(), start)
            start += one.numel()

    def put(self, parameter: Tensor) -> None:
        """Move a gradient into the vector."""
        view, gradient = self.views[parameter], parameter.grad
        assert gradient is not None  # noqa: S101 (it was just computed)
        view.copy_(gradient)
        parameter.grad = view
        self.missing.remove(parameter)

    def fill(self) -> None:
        """Use zeros for the gradients that are missing."""
        for parameter in self.missing:
            self.views[parameter].zero_()
            parameter.grad = self.views[parameter]
        self.missing.clear()


def _cut(parameters: Sequence[Tensor]) -> list[list[Tensor]]:
    """Return the parameters of each bucket, the last ones of the network first; a large one has a bucket of its own."""
    found, room = list[list[Tensor]](), 0
    for one in reversed(parameters):
        size = one.numel() * one.element_size()
        if not found or size > room or (one.dtype, one.device) != (found[-1][-1].dtype, found[-1][-1].device):
            room = BYTES if found else FIRST_BYTES
            found.append([])
        found[-1].append(one)
        room -= size
    return found
