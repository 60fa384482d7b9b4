"""What a contender is asked to do: a JSON file, which the parent writes and the contender's command names."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

JobTask = Literal["train", "predict", "save"]


@dataclass(frozen=True)
class Job:
    """One network, the pictures, and what is to be done with them.

    Attributes:
        task: train or predict in turns, or save a network for a later process.
        layers: the fields of Picturewise's layers in order, the output layer too; "layer" is the name of the kind,
            "incoming" the shape that comes in.
        parameters: how many trainable ones the network has in Picturewise, and must have here.
        shape: (H, W, C) of the pictures.
        classes: how many there are.
        batch_size: pictures a training step.
        prediction_batch: pictures a call in prediction, for those who must be told.
        optimizer: sgd, rmsprop or adam, at a constant rate.
        data: an .npz file with `images` (N, H, W, C) uint8 and `labels` (N,) int64.
        model: where a network is saved.
        precision: of Picturewise's training.
    """

    task: JobTask
    layers: list[dict[str, Any]]
    parameters: int
    shape: tuple[int, int, int]
    classes: int
    batch_size: int
    prediction_batch: int
    optimizer: Literal["sgd", "rmsprop", "adam"]
    learning_rate: float
    momentum: float
    data: str
    model: str = ""
    precision: str = "auto"

    def write(self, path: Path) -> None:
        """Write the job as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    def pictures(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return images (N, H, W, C) uint8 and labels (N,) int64."""
        import numpy as np

        with np.load(self.data) as data:
            return data["images"], data["labels"]

    def floats(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return images (N, H, W, C) float32 in 0..1, as tutorials prepare them, and labels (N,) int64."""
        images, labels = self.pictures()
        return images.astype("float32") / 255, labels

    def check(self, parameters: int) -> None:
        """End the process if a network with so many trainable parameters is another one than Picturewise's."""
        if parameters != self.parameters:
            raise SystemExit(
                f"{Path(sys.argv[0]).name} built a network of {parameters:,} trainable parameters; Picturewise's has "
                f"{self.parameters:,}, so they are not the same."
            )


def do_job(tasks: Mapping[str, Callable[[Job], None]]) -> None:
    """Do the job whose file the command names."""
    from stopwatch import end_with_parent  # it lies beside the contenders, not beside those who import `Job`

    end_with_parent()
    job = Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    tasks[job.task](job)


def check_table(job: Job, probabilities: NDArray[np.float32], images: int) -> None:
    """End the process if a prediction is no table (images, classes) of probabilities."""
    import numpy as np

    if probabilities.shape != (images, job.classes) or not np.allclose(
        probabilities.sum(axis=1), 1, atol=1e-3
    ):
        raise SystemExit(
            f"{Path(sys.argv[0]).name} predicted a table of {probabilities.shape}; expected ({images}, {job.classes}) "
            "with rows that sum to 1."
        )
