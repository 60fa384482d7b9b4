"""`Description`: all of a classifier but its weights."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from sightline.preparing.preparation import Preparation

FORMAT = 1


class Description(BaseModel):
    """All of a classifier but its weights; stored as JSON in the file's metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    layers: tuple[str, ...] | None = Field(description="Layer lines; none: the network is a Python class.")
    module: str | None = Field(default=None, description="Name of that Python class, for messages only.")
    shape: tuple[PositiveInt, PositiveInt, PositiveInt] = Field(
        description="Height, width, channels of the pictures before preparation."
    )
    fit: Literal["crop", "pad", "stretch"] = Field(
        description="How pictures of another shape are brought to it."
    )
    classes: tuple[str, ...] = Field(min_length=1)
    preparation: Preparation
    temperature: float = Field(
        default=1.0, gt=0, description="Logits are divided by it, so that probabilities are calibrated."
    )
    provenance: dict[str, str] = Field(default={}, description="Where it came from: data, epoch, versions.")

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        channels = self.preparation.output(self.shape)[2]
        if self.shape[2] not in {1, 3} or not channels == len(self.preparation.mean) == len(
            self.preparation.std
        ):
            raise ValueError("the preparation is not one for pictures of that shape")
        return self
