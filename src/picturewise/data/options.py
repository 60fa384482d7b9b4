"""`DataOptions`: which pictures, and how they are read."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from picturewise.data.hints import Hints, LayoutName, TargetName, ValidHalf
from picturewise.data.pictures.background import Background
from picturewise.data.pictures.resize_mode import ResizeMode
from picturewise.errors import UsageError
from picturewise.untrusted.patterns import why_no_pattern

Side = Annotated[int, Field(ge=1, le=1024)]
PHOTOGRAPH_SIZE = (224, 224)
Fraction = Annotated[float, Field(gt=0, lt=1)]


class DataOptions(BaseModel):
    """Which pictures to read and how; a part of the recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None = Field(
        default=None, description="A catalogue name such as 'digits', or a path; none: pictures in memory."
    )
    size: tuple[Side, Side] | None = Field(
        default=None,
        description="Height and width to which every picture is resized; none: the pictures' own size or, if their "
        "sizes differ, a size derived from them.",
    )
    resize: ResizeMode | None = Field(
        default=None,
        description="How a picture with a different aspect ratio is resized: scale it to fill "
        "the size and crop the rest, show the whole picture on a black background (pad), or distort it (stretch). "
        "None: crop, but stretch if the labels are sequences.",
    )
    background: Background | None = Field(
        default=None,
        description="Background for transparent picture files; none: white, or black if white would hide most of the "
        "training pictures.",
    )
    classes: tuple[str, ...] | None = Field(
        default=None,
        min_length=2,
        description="Class names in the order of the network's outputs; they must include all classes of the source. "
        "None: the classes of the source, in its order.",
    )
    skip_bad: bool = Field(default=False, description="Leave out files that cannot be read, and list them.")
    valid_fraction: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.1,
        description="Share of the training pictures that becomes the validation split if the source does not have one; "
        "0: none, for cross-validation in folds.",
    )
    test_fraction: Fraction = Field(
        default=0.2,
        description="Share of the training pictures that becomes the test split if the source does not have one; the "
        "validation split is held out from the rest.",
    )
    split_seed: int = Field(
        default=0,
        ge=0,
        description="Seed for held-out splits; separate from the run's seed, so that runs with different seeds have "
        "the same test split.",
    )
    valid_half: ValidHalf | None = Field(
        default=None,
        description="Use only one half of the validation split, divided class by class with the split seed: "
        "`picturewise tune` chooses with the half 'choosing' and reports with the half 'reporting'. None: all of it.",
    )
    limit: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Use about this many training pictures and as many validation pictures, drawn class by class with "
        "the split seed; the test split is used in full. None: all.",
    )
    group_by: str | None = Field(
        default=None,
        min_length=1,
        description="A regular expression that finds the subject in the path of each picture, such as "
        "'(patient[0-9]+)_': pictures of the same subject are kept in the same split when splits are held out. If it "
        "has a group, the group names the subject.",
    )

    label_from: str | None = Field(
        default=None,
        min_length=1,
        description="A regular expression that finds the class in the path of each picture, such as '(cat|dog)[.]': "
        "its first group is the class. None: the class is not taken from the path.",
    )
    label_column: str | None = Field(
        default=None,
        min_length=1,
        description="The table column that contains the labels; none: detected automatically.",
    )
    file_column: str | None = Field(
        default=None,
        min_length=1,
        description="The column of a list that contains the file names of the pictures; none: detected automatically.",
    )
    split_column: str | None = Field(
        default=None,
        min_length=1,
        description="The column that contains the split of each picture; none: detected automatically.",
    )
    value_range: str | None = Field(
        default=None,
        description="The stored values of black and white, such as '0..1' or '0..4095', for pictures that are not "
        "8-bit files; none: determined from the training pictures.",
    )
    layout: LayoutName | None = Field(
        default=None,
        description="Order of the values in rows (planar, interleaved) or arrays (channels-first, channels-last); "
        "none: detected from the pictures.",
    )

    target: TargetName | None = Field(
        default=None,
        description="What the label of a picture is: a class, or a sequence of symbols such as the digits of a house "
        "number; none: a class, unless the format says otherwise.",
    )

    @property
    def hints(self) -> Hints:
        """What the user says about the source itself."""
        return Hints(**{field.name: getattr(self, field.name) for field in fields(Hints)})

    @property
    def leaves_valid_open(self) -> bool:
        """Whether the user has said nothing about the share of validation."""
        return "valid_fraction" not in self.model_fields_set

    @property
    def learned(self) -> None:
        """None: nothing has been trained yet, so train decides the range of the values."""
        return

    @property
    def symbols(self) -> None:
        """None: nothing has been trained yet, so train decides the symbols of sequences."""
        return

    @property
    def photographs(self) -> tuple[int, int] | None:
        """None: photographs are read like other pictures."""
        return None

    @field_validator("value_range")
    @classmethod
    def _is_a_range(cls, text: str | None) -> str | None:
        try:
            Hints(value_range=text)
        except UsageError as error:
            raise PydanticCustomError(
                "no_range", "Input should be LOW..HIGH such as 0..1 or 0..4095"
            ) from error
        return text

    @field_validator("classes")
    @classmethod
    def _has_each_class_once(cls, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if classes is not None and len(set(classes)) < len(classes):
            raise PydanticCustomError("twice", "Input should be class names without duplicates")
        return classes

    @field_validator("group_by", "label_from")
    @classmethod
    def _is_a_pattern(cls, pattern: str | None) -> str | None:
        problem = why_no_pattern(pattern or "")
        if problem is not None:
            sentence = "Input should be a valid regular expression ({problem})"
            raise PydanticCustomError("no_pattern", sentence, {"problem": problem})
        return pattern


class PhotographOptions(DataOptions):
    """The same options, but colour photographs without a given size are resized to that of published networks."""

    @property
    def photographs(self) -> tuple[int, int]:
        """Height and width that photographs are resized to."""
        return PHOTOGRAPH_SIZE


def data_options(**values: Any) -> DataOptions:
    """Return options with these values.

    Raises:
        UsageError: a value is not valid.
    """
    try:
        return DataOptions(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        why = first["msg"][:1].lower() + first["msg"][1:]
        raise UsageError(
            f"{first['loc'][0]} is {values.get(str(first['loc'][0]))!r}, which is not valid: {why}."
        ) from error
