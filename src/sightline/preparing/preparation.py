"""`Preparation`: how uint8 pictures become the floats that a network takes; kept with the classifier."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, field_validator

from sightline.architectures.layers import Shape
from sightline.errors import UsageError
from sightline.preparing.views import Views, parse

if TYPE_CHECKING:
    from torch import Tensor

    from sightline.data.imageset import ImageSet


class Preparation(BaseModel):
    """Grey or not, then (x − mean) / std for each channel, with x in 0..255."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grey: bool = Field(default=False, description="Average the channels; one channel is kept.")
    mean: tuple[float, ...] = Field(description="Per channel after greying, in 0..255.")
    std: tuple[PositiveFloat, ...] = Field(description="Per channel after greying, in 0..255; never 0.")
    views: tuple[str, ...] = Field(
        default=(), description="Of a picture, beside itself, whose logits are averaged with its own."
    )

    @field_validator("views")
    @classmethod
    def _can_be_read(cls, lines: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return parse(lines).lines
        except UsageError as error:
            raise ValueError(str(error)) from error

    @property
    def seen(self) -> Views:
        """The views of a picture that are looked at."""
        return parse(self.views)

    def output(self, shape: Shape) -> Shape:
        """Return the shape (H, W, C) after preparation."""
        return (*shape[:2], 1 if self.grey else shape[2])

    def apply(self, pictures: Tensor) -> Tensor:
        """(B, H, W, C) uint8 or float in 0..255 → (B, C, H, W) float32, channels-last in memory."""
        import torch  # noqa: PLC0415 (a classifier without PyTorch has a preparation too)

        floats = pictures.to(torch.float32)
        if self.grey and floats.shape[3] > 1:
            floats = floats.mean(dim=3, keepdim=True)
        std = torch.tensor(self.std, device=floats.device)
        shift = -torch.tensor(self.mean, device=floats.device) / std
        # One pass over memory: x·(1/std) − mean/std. The permuted view is channels-last without a copy.
        return torch.addcmul(shift, floats, 1 / std).permute(0, 3, 1, 2)


def fit_preparation(pictures: ImageSet, *, grey: bool) -> Preparation:
    """Return the preparation whose mean and standard deviation are those of `pictures`.

    Hand in the train split only. The sums are whole numbers, so they are exact and do not depend on the
    order of the pictures. A channel that never changes keeps std 1.
    """
    height, width, channels = pictures.shape
    totals = pictures.traits.totals()
    total, squares = totals[:channels], totals[channels : 2 * channels]
    grey = grey and channels > 1
    if grey:  # a grey value is a sum of channels, divided at the very end
        total, squares = [sum(total)], totals[2 * channels :]
    levels = channels if grey else 1
    count = len(pictures) * height * width
    mean = [t / (count * levels) for t in total]
    # Python's integers do not round: a channel that never changes has a variance of 0 and not of nearly 0.
    variance = [(count * s - t * t) / (count * levels) ** 2 for t, s in zip(total, squares, strict=True)]
    std = [math.sqrt(v) or 1.0 for v in variance]
    return Preparation(grey=grey, mean=tuple(mean), std=tuple(std))
