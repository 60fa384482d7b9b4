"""`Preparation`: how uint8 pictures become the input of a network; kept with the classifier."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from reprlib import repr as shown  # short for any value
from typing import TYPE_CHECKING

from picturewise.architectures.layers import Shape
from picturewise.errors import UsageError
from picturewise.preparing.views import Views, parse

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from picturewise.data.imageset import ImageSet


MOST, LEAST = 1e9, 1e-9
"""The largest value. Means and deviations of pictures are far below; above, 1/std is not a float32."""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """Grey or not, then (x − mean) / std for each channel, with x in 0..255.

    Attributes:
        grey: average the channels; one channel is kept.
        mean: per channel after greying, in 0..255.
        std: per channel after greying, in 0..255; from 1e-9.
        views: lines of `views`: further views of a picture, whose logits are averaged with its own.

    Raises:
        ValueError: a value is not valid.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 (pydantic needs it if a record holds one)

    grey: bool = False
    mean: tuple[float, ...]
    std: tuple[float, ...]
    views: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.grey, bool):
            raise ValueError(f"grey is {shown(self.grey)}, but must be true or false")  # noqa: TRY004 (as for all values)
        for name, least in (("mean", -MOST), ("std", LEAST)):
            numbers = getattr(self, name)
            if not isinstance(numbers, tuple) or not all(is_within(n, least, MOST) for n in numbers):
                raise ValueError(
                    f"{name} is {shown(numbers)}, but must have a number from {least:g} to {MOST:g} for each channel"
                )
        if not isinstance(self.views, tuple) or not all(isinstance(line, str) for line in self.views):
            raise ValueError(f"views is {shown(self.views)}, but must be a list of lines")
        try:
            parse(self.views)
        except UsageError as error:
            raise ValueError(str(error).removesuffix(".")) from error

    @property
    def seen(self) -> Views:
        """The views of a picture that are used."""
        return parse(self.views)

    def output(self, shape: Shape) -> Shape:
        """Return the shape (H, W, C) after preparation."""
        return (*shape[:2], 1 if self.grey else shape[2])

    def apply(self, pictures: Tensor) -> Tensor:
        """(B, H, W, C) uint8 or float in 0..255 → (B, C, H, W) float32, channels-last in memory."""
        import torch  # noqa: PLC0415 (a classifier without PyTorch has a preparation, too)

        floats = pictures.to(torch.float32)
        if self.grey and floats.shape[3] > 1:
            floats = floats.mean(dim=3, keepdim=True)
        count, height, width, channels = floats.shape
        shift, scale = _line(self.mean, self.std, height * width, floats.device)
        flat = floats.reshape(count, height * width * channels)
        # One pass over memory: x·(1/std) − mean/std. The permuted view is channels-last without a copy.
        return torch.addcmul(shift, flat, scale).view(count, height, width, channels).permute(0, 3, 1, 2)


@lru_cache(maxsize=2)
def _line(
    mean: tuple[float, ...], std: tuple[float, ...], pixels: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return −mean/std and 1/std for each number of a picture, kept from one batch to the next.

    As long as a picture, so that the processor handles several numbers at once instead of channel by channel.
    """
    import torch  # noqa: PLC0415 (as above)

    with torch.inference_mode(False):  # otherwise they could not be used outside that mode
        divisor = torch.tensor(std)
        pair = -torch.tensor(mean) / divisor, 1 / divisor
        # Does not wait for a GPU, see `on_device`.
        shift, scale = (numbers.to(device, non_blocking=True).repeat(pixels) for numbers in pair)
        return shift, scale


def fit_preparation(pictures: ImageSet, *, grey: bool) -> Preparation:
    """Return the preparation whose mean and standard deviation are those of `pictures`.

    Pass only the train split. The sums are whole numbers, so they are exact and do not depend on the
    order of the pictures. A channel that never changes keeps std 1.
    """
    height, width, channels = pictures.shape
    totals = pictures.statistics.totals()
    total, squares = totals[:channels], totals[channels : 2 * channels]
    grey = grey and channels > 1
    if grey:  # a grey value is a sum of channels, divided at the end
        total, squares = [sum(total)], totals[2 * channels :]
    levels = channels if grey else 1
    count = len(pictures) * height * width
    mean = [t / (count * levels) for t in total]
    # Python's integers do not round: a channel that never changes has a variance of exactly 0.
    variance = [(count * s - t * t) / (count * levels) ** 2 for t, s in zip(total, squares, strict=True)]
    std = [math.sqrt(v) or 1.0 for v in variance]
    return Preparation(grey=grey, mean=tuple(mean), std=tuple(std))


def is_within(value: object, least: float, most: float) -> bool:
    """Return whether a value is a number from `least` to `most`, both included, and not a boolean."""
    return type(value) in {int, float} and least <= value <= most  # type: ignore[operator]  # it is a number
