"""Event files for TensorBoard, in the run's folder `tensorboard`."""

from __future__ import annotations

import contextlib
import copy
import io
import time
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from picturewise.architectures.layers import show
from picturewise.runs.history import Epoch
from picturewise.tracking.first_pictures import draw_first_pictures
from picturewise.tracking.tracker import Tracker
from picturewise.training.trainer import Trainer

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

SCALARS = {
    "loss/train": "train_loss",
    "loss/valid": "valid_loss",
    "accuracy/train": "train_accuracy",
    "accuracy/valid": "valid_accuracy",
    "learning_rate": "learning_rate",
    "images_per_second": "images_per_second",
}
"""Names in TensorBoard, where those before a slash share a section → columns of the history."""


class TensorBoard(Tracker):
    """Writes the scalars of each epoch, the network's graph and a sheet of the first pictures.

    A resumed run writes everything again into a second file, which tells TensorBoard to forget the first one. So the
    log always agrees with the history, even if epochs were repeated or trained without tracking.
    """

    name: ClassVar[str] = "tensorboard"
    packages: ClassVar[tuple[str, ...]] = ("tensorboard",)

    def begin(self, trainer: Trainer) -> None:
        """Write pictures, graph and the epochs so far."""
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 (seconds, and an extra)

        self._writer = SummaryWriter(str(trainer.run.tensorboard), purge_step=0)
        self._writer.add_image(
            "pictures", draw_first_pictures(trainer.learner), global_step=0, dataformats="HWC"
        )
        _add_graph(self._writer, trainer)
        ended = time.time()
        for row in reversed(trainer.history):
            ended -= row.seconds
        for row in trainer.history:
            ended += row.seconds
            self._write(row, ended)
        self._writer.flush()

    def add(self, trainer: Trainer, row: Epoch) -> None:
        """Write the scalars of an epoch."""
        self._write(row, time.time())
        self._writer.flush()

    def end(self, trainer: Trainer) -> None:
        """Close the file."""
        self._writer.close()

    def _write(self, row: Epoch, ended: float) -> None:
        for tag, column in SCALARS.items():
            self._writer.add_scalar(tag, getattr(row, column), row.epoch, walltime=ended)


def _add_graph(writer: SummaryWriter, trainer: Trainer) -> None:
    """Write the network's graph, or note why there is none; the network and the random state are not changed."""
    height, width, channels = trainer.learner.preparation.output(trainer.record.data.shape)
    try:
        # A copy, because a module may count its calls; on the processor, because the graph does not show the device.
        network: Any = copy.deepcopy(trainer.network).cpu().eval()
        with (
            torch.random.fork_rng(devices=[]),
            torch.no_grad(),
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),  # the writer prints its complaints
        ):
            warnings.simplefilter("ignore")  # tracing is deprecated, but the writer needs it
            writer.add_graph(network, torch.zeros(1, channels, height, width))
    except Exception as error:  # noqa: BLE001 (a user's module may raise anything)
        trainer.note(
            f"TensorBoard will not show a graph: the network cannot be traced with pictures of "
            f"{show((height, width, channels))} ({type(error).__name__})."
        )
