"""The layers as frozen values: how each is written, its output shape, its number of parameters.

A shape is (height, width, channels) for pictures and (features,) for flat vectors; the batch is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args

ActivationName = Literal["relu", "relu6", "tanh", "sigmoid", "gelu", "silu"]
ACTIVATIONS: tuple[ActivationName, ...] = get_args(ActivationName)

Shape: TypeAlias = tuple[int, ...]
Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = Literal["same", "same-upper", "valid"]
"""same: the window is centred on the pixels that the stride reaches. same-upper: as in TensorFlow and Keras, as little
padding as possible, and an extra row and column below and to the right. valid: none."""


class ShapeError(ValueError):
    """A layer does not fit the incoming shape; the message says what it expects."""


@dataclass(frozen=True)
class Count:
    """How many numbers a layer has: `trainable` by the optimizer, `fixed` such as running means."""

    trainable: int = 0
    fixed: int = 0

    @property
    def total(self) -> int:
        """Both together."""
        return self.trainable + self.fixed


class Layer(Protocol):
    """The interface of every layer."""

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""

    def output(self, shape: Shape) -> Shape:
        """Return the output shape for the incoming `shape`; raises ShapeError."""

    def count(self, shape: Shape) -> Count:
        """Return the number of parameters for the incoming `shape`."""


@dataclass(frozen=True)
class Conv:
    """A two-dimensional convolution, then an activation; a bias is useless if batch normalisation follows.

    Attributes:
        whiten: the kernels are computed from the training pictures and are not trained; only for the first layer.
        groups: the input channels are split into as many groups, and each filter sees one of them.
        depthwise: as many groups as input channels.
    """

    filters: int
    kernel: Pair = (3, 3)
    stride: int = 1
    padding: Padding = "same"
    activation: ActivationName | None = None
    bias: bool = True
    whiten: bool = False
    groups: int = 1
    depthwise: bool = False

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        words = [f"conv {self.filters} {self.kernel[0]}x{self.kernel[1]}"]
        words += [f"groups {self.groups}"] * (self.groups > 1) + ["depthwise"] * self.depthwise
        words += [self.padding] * (self.padding != "same") + [f"/{self.stride}"] * (self.stride > 1)
        words += ["nobias"] * (not self.bias) + ["whiten"] * self.whiten
        return " ".join([*words, *([self.activation] if self.activation else [])])

    def output(self, shape: Shape) -> Shape:
        """Return (ceil(H / stride), ceil(W / stride), filters); without padding the kernel must fit."""
        height, width, channels = sides_and_channels(shape, "conv")
        groups = self.groups_of(channels)
        if channels % groups or self.filters % groups:
            some, whole = ("depthwise", channels) if self.depthwise else (f"groups {groups}", groups)
            raise ShapeError(
                f"'{some}' requires the number of filters to be a multiple of {whole}"
                + f", and also the number of input channels ({channels})" * (not self.depthwise)
            )
        if self.whiten and self.filters > (most := 2 * self.kernel[0] * self.kernel[1] * channels):
            raise ShapeError(
                f"patches of {show(self.kernel)} pixels with {channels} channel{'s' * (channels > 1)} have "
                f"{most // 2} directions, each used with both signs; use at most 'conv {most}'"
            )
        if self.padding != "valid":
            return (-(-height // self.stride), -(-width // self.stride), self.filters)
        return (*_windows((height, width), self.kernel, self.stride), self.filters)

    def groups_of(self, channels: int) -> int:
        """Return the number of groups for so many input channels."""
        return channels if self.depthwise else self.groups

    def seen(self, channels: int) -> int:
        """Return how many of so many input channels each filter sees."""
        return channels // self.groups_of(channels)

    def count(self, shape: Shape) -> Count:
        """Return kernel weights and, if there is one, a bias for each filter."""
        weights = self.kernel[0] * self.kernel[1] * self.seen(shape[-1]) * self.filters
        biases = self.bias * self.filters
        return Count(biases, weights) if self.whiten else Count(weights + biases)


@dataclass(frozen=True)
class Pool:
    """The largest or the mean value of each window.

    Attributes:
        size: the side of the window; None is the whole picture (mean only).
        stride: None means the window's own size.
        padding: valid: only whole windows are used; same: every place that the stride reaches gets a window, and
            positions outside the picture are ignored (only for the largest value).
    """

    kind: Literal["maxpool", "avgpool"]
    size: int | None
    stride: int | None = None
    padding: Literal["same", "valid"] = "valid"

    @property
    def step(self) -> int:
        """The distance between windows; their own size unless written otherwise."""
        return self.stride or self.size or 1

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        if self.size is None:
            return f"{self.kind} global"
        words = [f"{self.kind} {self.size}"] + [f"/{self.step}"] * (self.step != self.size)
        return " ".join(words + ["same"] * (self.padding == "same"))

    def output(self, shape: Shape) -> Shape:
        """Return the number of windows down and across; for a global pool, (channels,)."""
        height, width, channels = sides_and_channels(shape, self.kind)
        if self.size is None:
            return (channels,)
        if self.padding == "same":
            return (-(-height // self.step), -(-width // self.step), channels)
        return (*_windows((height, width), (self.size, self.size), self.step), channels)

    def count(self, shape: Shape) -> Count:
        """Return nothing: pooling holds no numbers."""
        return Count()


@dataclass(frozen=True)
class Dense:
    """A fully connected layer with bias, then an activation."""

    units: int
    activation: ActivationName | None = None

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        return f"dense {self.units}" + (f" {self.activation}" if self.activation else "")

    def output(self, shape: Shape) -> Shape:
        """Return (units,); only flat shapes fit."""
        if len(shape) != 1:
            raise ShapeError("dense needs a flat input; add 'flatten' or 'avgpool global' before it")
        return (self.units,)

    def count(self, shape: Shape) -> Count:
        """Return weights and one bias for each unit."""
        return Count(trainable=(shape[0] + 1) * self.units)


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation (Ioffe and Szegedy, 2015) over channels or features."""

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        return "batchnorm"

    def output(self, shape: Shape) -> Shape:
        """Return the shape unchanged."""
        return shape

    def count(self, shape: Shape) -> Count:
        """Return scale and shift (trainable), running mean and variance (fixed)."""
        return Count(trainable=2 * shape[-1], fixed=2 * shape[-1])


@dataclass(frozen=True)
class GroupNorm:
    """Group normalisation (Wu and He, 2018): within a picture, over each of `groups` equal groups of channels."""

    groups: int

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        return f"groupnorm {self.groups}"

    def output(self, shape: Shape) -> Shape:
        """Return the shape unchanged; the groups must divide the channels and have more than one number each."""
        channels = shape[-1]
        if channels % self.groups:
            divisors = [groups for groups in range(1, self.groups) if channels % groups == 0]
            raise ShapeError(
                f"the number of groups must divide the {channels} channels evenly; write 'groupnorm {divisors[-1]}', "
                "or change the number of channels of the layer before it"
            )
        if Flatten().output(shape) == (self.groups,):
            raise ShapeError(
                "each group would contain only one value, which is always normalised to 0; use fewer groups"
            )
        return shape

    def count(self, shape: Shape) -> Count:
        """Return scale and shift; there are no running means, because the pictures of a batch are independent."""
        return Count(trainable=2 * shape[-1])


@dataclass(frozen=True)
class Dropout:
    """In training, sets each number to zero with probability `rate` (Srivastava et al., 2014)."""

    rate: float

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        return f"dropout {decimal(self.rate)}"

    def output(self, shape: Shape) -> Shape:
        """Return the shape unchanged."""
        return shape

    def count(self, shape: Shape) -> Count:
        """Return nothing: dropout holds no numbers."""
        return Count()


@dataclass(frozen=True)
class Flatten:
    """Lays a picture out as one vector: row by row, pixel by pixel, the channels of a pixel side by side."""

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        return "flatten"

    def output(self, shape: Shape) -> Shape:
        """Return (height × width × channels,)."""
        size = 1
        for side in shape:
            size *= side
        return (size,)

    def count(self, shape: Shape) -> Count:
        """Return nothing: flattening holds no numbers."""
        return Count()


@dataclass(frozen=True)
class Activation:
    """A nonlinearity on a line of its own, as after a batch normalisation."""

    name: ActivationName

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        return self.name

    def output(self, shape: Shape) -> Shape:
        """Return the shape unchanged."""
        return shape

    def count(self, shape: Shape) -> Count:
        """Return nothing: activations hold no numbers."""
        return Count()


def show(shape: Shape) -> str:
    """Return a shape as text.

    >>> show((28, 28, 1))
    '28x28x1'
    >>> show((512,))
    '512'
    """
    return "x".join(map(str, shape))


def decimal(number: float) -> str:
    """Return a number's shortest text that is read back exactly, without an exponent.

    >>> decimal(0.25), decimal(1e-05), decimal(10.0)
    ('0.25', '0.00001', '10')
    """
    from decimal import Decimal  # noqa: PLC0415 (few layer lines have such a number, and predictions have none)

    return f"{Decimal(repr(number)).normalize():f}"


def sides_and_channels(shape: Shape, kind: str) -> tuple[int, int, int]:
    """Return height, width and channels; raises ShapeError, in the name of the layer `kind`, for a flat shape."""
    if len(shape) != 3:
        raise ShapeError(
            f"{kind} needs an input with height and width, so it must come before 'flatten', 'dense' and global pooling"
        )
    height, width, channels = shape
    return height, width, channels


def _windows(sides: Pair, window: Pair, stride: int) -> Pair:
    """Return how many whole windows fit down and across."""
    if sides[0] < window[0] or sides[1] < window[1]:
        raise ShapeError(
            f"its window needs at least {show(window)} pixels; use a smaller window, or less pooling before it"
        )
    return (sides[0] - window[0]) // stride + 1, (sides[1] - window[1]) // stride + 1
