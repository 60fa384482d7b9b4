"""What is measured: five networks, and four things that people do with them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from picturewise.architectures.layers import Dense, Shape, show
from picturewise.architectures.lines import parse
from picturewise.architectures.summary import Summary, summarise

CLASSES = 10
Task = Literal["train", "predict", "picture", "import"]


@dataclass(frozen=True)
class Network:
    """Layer lines and how they learn; every contender translates the lines.

    Attributes:
        lines: without the output layer.
        shape: (H, W, C) of the pictures.
        batch_size: pictures a training step.
        images: pictures of a timed epoch, so many that the usual tools take seconds for it.
    """

    lines: str
    shape: tuple[int, int, int]
    batch_size: int
    optimizer: Literal["sgd", "rmsprop", "adam"]
    learning_rate: float
    images: int
    momentum: float = 0.0

    @property
    def summary(self) -> Summary:
        """The table of its layers, the output layer included."""
        return summarise(parse(self.lines), self.shape, f"dense {CLASSES}")

    @property
    def learning(self) -> str:
        """How it learns, in words."""
        momentum = f", momentum {self.momentum:g}" if self.momentum else ""
        return f"{self.optimizer} at {self.learning_rate:g}{momentum}, batches of {self.batch_size:,}"

    def layers(self) -> list[dict[str, Any]]:
        """Return the fields of every layer as plain values, with its line, its kind and the shape that comes in."""
        incoming: Shape = self.shape
        found = []
        for layer, row in zip([*parse(self.lines), Dense(CLASSES)], self.summary.rows, strict=True):
            found.append(
                {"layer": type(layer).__name__, "line": layer.line, "incoming": incoming, **asdict(layer)}
            )
            incoming = row.output
        return found


@dataclass(frozen=True)
class Workload:
    """One table of results."""

    task: Task
    network: str = ""

    @property
    def name(self) -> str:
        """How it is asked for, such as train-dense."""
        return f"{self.task}-{self.network}" if self.network else self.task


def _airbench_group(filters: int) -> str:
    convolution = f"conv {filters} 3x3 nobias"
    return f"{convolution}; maxpool 2; batchnorm; gelu; {convolution}; batchnorm; gelu"


NETWORKS = {
    "dense": Network("flatten; dense 512 relu; dense 512 relu", (28, 28, 1), 256, "rmsprop", 0.001, 51_200),
    "batchnorm": Network(
        "flatten; " + "; ".join(f"dense {units} relu; batchnorm" for units in (4096, 1024, 256, 64, 16)),
        (32, 32, 1),
        1000,
        "sgd",
        0.01,
        20_000,
    ),
    "cnn": Network(
        "conv 32 3x3 relu; conv 64 3x3 relu; maxpool 2; flatten; dense 128 relu",
        (28, 28, 1),
        128,
        "adam",
        0.001,
        6_400,
    ),
    "cifar": Network(
        "conv 32 3x3 relu; conv 32 3x3 relu; maxpool 2; conv 64 3x3 relu; conv 64 3x3 relu; maxpool 2; flatten; "
        "dense 512 relu",
        (32, 32, 3),
        128,
        "adam",
        0.001,
        6_400,
    ),
    # The network of KellerJordan/cifar10-airbench's airbench94, but for the whitening of its first layer, the scaling
    # of its output and biases that learn at a rate of their own, which cost next to nothing.
    "airbench": Network(
        f"conv 24 2x2 valid gelu; {'; '.join(map(_airbench_group, (64, 256, 256)))}; maxpool 3; flatten",
        (32, 32, 3),
        1000,
        "sgd",
        0.01,
        5_000,
        momentum=0.9,
    ),
}
PICTURE_NETWORKS = ("dense", "cnn")  # of 28x28: the one that scikit-learn has too, and a convolutional one
WORKLOADS = {
    workload.name: workload
    for workload in (
        *(Workload("train", name) for name in NETWORKS),
        *(Workload("predict", name) for name in NETWORKS),
        *(Workload("picture", name) for name in PICTURE_NETWORKS),
        Workload("import"),
    )
}


def described(workload: Workload, network: Network | None, images: int) -> str:
    """Return what a workload is, in a paragraph of Markdown.

    Args:
        workload: one of the table.
        network: as it is measured; an import has none.
        images: pictures of one turn.
    """
    if network is None:
        return (
            f"{images:,} JPEG files in a folder per class, from process start until all pixels are in memory."
        )
    layers = f"`{network.lines}; dense {CLASSES}` on {show(network.shape)}, {network.summary.trainable:,} parameters"
    match workload.task:
        case "train":
            return f"{layers}; {network.learning}; epochs of {images:,} pictures."
        case "predict":
            return f"{layers}; probabilities of {images:,} pictures."
        case _:
            return f"{layers}; one PNG file, from process start to printed prediction."
