"""`Evaluation`: the numbers of one classifier on one image set, each with its interval."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Interval(BaseModel):
    """A number and the 95 % interval around it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float


class ClassScore(BaseModel):
    """The scores of one class; a score is None if its denominator is zero."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    support: int = Field(description="Pictures whose label is this class.")
    predicted: int = Field(description="Pictures that were predicted as this class.")
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None


class Evaluation(BaseModel):
    """One classifier on one image set.

    `confusion[i][j]` counts the pictures of class i that were predicted as class j.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    split: str
    fingerprint: str = Field(description="SHA-256 of the pictures and labels, see ImageSet.fingerprint.")
    pictures: int
    own: bool = Field(default=True, description="Whether these are pictures of the run's own data.")
    learned_from: int | None = Field(
        default=None,
        description="How many of them the run was trained on, recognised by their pixels; None: not known.",
    )
    notes: tuple[str, ...] = Field(default=(), description="What to know before quoting a score.")
    skipped: dict[str, str] = Field(default={}, description="Files left out with skip_bad: path → reason.")
    classes: tuple[str, ...]
    loss: Interval = Field(description="Mean cross-entropy in nats.")
    accuracy: Interval = Field(description="Share of pictures whose most probable class is their label.")
    calibration_error: Interval = Field(
        description="Expected calibration error: the difference between confidence and accuracy; 0 is perfect."
    )
    per_class: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
