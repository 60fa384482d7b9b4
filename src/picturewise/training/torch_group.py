"""`TorchGroup`: workers in processes of their own, on one or several machines, connected by `torch.distributed`."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from picturewise.errors import UsageError, WorkerLostError
from picturewise.stopping import ending_at_sigterm
from picturewise.training.group import Group
from picturewise.training.shards import tree_sum

MINUTES = 30
"""To wait for other workers."""
_all_gather = (
    getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor
)  # its name before PyTorch 2.13


class TorchGroup:
    """The default process group of `torch.distributed`; see `Group`.

    Args:
        device: of the tensors that are sent.
    """

    def __init__(self, device: torch.device) -> None:
        self.rank, self.size, self._device = dist.get_rank(), dist.get_world_size(), device
        self._words = torch.zeros(self.size)
        self._word = 0
        # For `begin_sum`: messages of one process group would have to be in the same order in all workers.
        self._beside: dist.ProcessGroup | None = None

    def sum(self, vector: Tensor) -> Tensor:
        """Return the sum of the workers' vectors: every worker adds a part of them, and sends it to all."""
        flat = self._with_words(vector)
        each = len(flat) // self.size
        received = torch.empty_like(flat)
        with _losing_workers():
            dist.all_to_all_single(received, flat)
            own = tree_sum(received.view(self.size, each).__getitem__, 0, self.size)
            assert own is not None  # noqa: S101 (no part is None)
            _all_gather(flat, own)
        return self._without_words(flat, vector)

    def quick_sum(self, vector: Tensor) -> Tensor:
        """Return the sum of the workers' vectors; of few numbers, sending them all is faster than a sum."""
        flat = self.stacked(self._with_words(vector)).sum(dim=0)
        return self._without_words(flat, vector)

    def begin_sum(self, vector: Tensor) -> Callable[[], None]:
        """Begin to make `vector` the sum of the workers' vectors, as the library adds them."""
        sent = vector.to(self._device)
        with _losing_workers():
            if self._beside is None:
                self._beside = dist.new_group(timeout=timedelta(minutes=MINUTES))
            work = dist.all_reduce(sent, group=self._beside, async_op=True)

        def wait() -> None:
            with _losing_workers():
                work.wait()
            if sent is not vector:
                vector.copy_(sent)

        return wait

    def stacked(self, vector: Tensor) -> Tensor:
        """Return the vectors of all workers."""
        sent = vector.to(self._device)
        rows = torch.empty(self.size * len(sent), dtype=sent.dtype, device=self._device)
        with _losing_workers():
            _all_gather(rows, sent)
        return rows.view(self.size, len(sent)).to(vector.device)

    def _with_words(self, vector: Tensor) -> Tensor:
        """Return the vector, the worker's word in its place, and zeros to a length that the size divides."""
        words = torch.zeros(self.size)
        words[self.rank] = self._word
        padding = torch.zeros(-(len(vector) + self.size) % self.size)
        return torch.cat([part.to(self._device) for part in (vector, words, padding)])

    def _without_words(self, flat: Tensor, vector: Tensor) -> Tensor:
        self._words = flat[len(vector) :][: self.size].cpu()
        return flat[: len(vector)].to(vector.device)

    def heard(self, word: int) -> int:
        """Return the largest word that went along with the last `sum`; `word` goes along with the next."""
        self._word = word
        return int(self._words.max())

    def largest(self, word: int) -> int:
        """Return the largest word of all workers, at once."""
        self._words.zero_()
        found = torch.tensor([word], device=self._device)
        with _losing_workers():
            dist.all_reduce(found, dist.ReduceOp.MAX)
        return int(found)

    def told(self, content: Any) -> Any:
        """Return what the first worker passed."""
        sent = _packed(content if self.rank == 0 else None, self._device)
        length = torch.tensor([len(sent)], device=self._device)
        with _losing_workers():
            dist.broadcast(length, 0)
            if self.rank > 0:
                sent = torch.empty(int(length), dtype=torch.uint8, device=self._device)
            dist.broadcast(sent, 0)
        return _unpacked(sent)

    def gathered(self, content: Any) -> list[Any]:
        """Return what each worker passed."""
        sent = _packed(content, self._device)
        return [_unpacked(part) for part in self._parts(sent)]

    def share(self, tensors: Sequence[Tensor]) -> None:
        """Copy the first worker's values into the tensors of the others."""
        with _losing_workers(), torch.no_grad():
            for tensor in tensors:
                sent = tensor.to(self._device).contiguous()
                dist.broadcast(sent, 0)
                if self.rank > 0:
                    tensor.copy_(sent)

    def joined(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows of all workers."""
        parts = self._parts(torch.from_numpy(np.ascontiguousarray(rows).reshape(-1)).to(self._device))
        return np.concatenate([part.cpu().numpy().reshape(-1, *rows.shape[1:]) for part in parts])

    def _parts(self, own: Tensor) -> list[Tensor]:
        """Return the vectors of all workers, which may differ in length."""
        lengths = [torch.zeros(1, dtype=torch.int64, device=self._device) for _ in range(self.size)]
        with _losing_workers():
            dist.all_gather(lengths, torch.tensor([len(own)], device=self._device))
            longest = max(map(int, lengths))
            padded = torch.zeros(longest, dtype=own.dtype, device=self._device)
            padded[: len(own)] = own
            found = [torch.empty_like(padded) for _ in range(self.size)]
            dist.all_gather(found, padded)
        return [part[: int(length)] for part, length in zip(found, lengths, strict=True)]


@contextlib.contextmanager
def joined_group() -> Iterator[Group]:
    """Within the block, this process is connected to the other workers that torchrun, or the like, has started.

    Raises:
        WorkerLostError: they cannot be reached.
        UsageError: the variables of torchrun are damaged.
    """
    own = not dist.is_initialized()
    on_gpu = torch.cuda.is_available() and _local_size() <= torch.cuda.device_count()
    if own:
        if on_gpu:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        try:
            with ending_at_sigterm():  # it may wait for half an hour
                dist.init_process_group("nccl" if on_gpu else "gloo", timeout=timedelta(minutes=MINUTES))
        except ValueError as error:
            raise UsageError(
                f"The variables of the launcher cannot be used ({error}). Start the workers with torchrun."
            ) from error
        except RuntimeError as error:
            raise WorkerLostError(
                f"The other workers cannot be reached ({error}). Check that all are running and that the port is free."
            ) from error
    try:
        yield TorchGroup(torch.device("cuda" if dist.get_backend() == "nccl" else "cpu"))
    finally:
        if own:
            dist.destroy_process_group()


def _local_size() -> int:
    return int(os.environ.get("LOCAL_WORLD_SIZE", os.environ["WORLD_SIZE"]))


def _packed(content: Any, device: torch.device) -> Tensor:
    return torch.frombuffer(bytearray(json.dumps(content).encode()), dtype=torch.uint8).to(device)


def _unpacked(sent: Tensor) -> Any:
    return json.loads(bytes(sent.cpu().numpy().tobytes()))


@contextlib.contextmanager
def _losing_workers() -> Iterator[None]:
    """Within the block, PyTorch's error for a broken connection becomes ours.

    Raises:
        WorkerLostError: the connection is broken, or another worker did not answer in time.
    """
    try:
        yield
    except RuntimeError as error:
        raise WorkerLostError(
            "The connection to another worker was lost. Continue from the last checkpoint with: picturewise resume"
        ) from error
