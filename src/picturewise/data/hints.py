"""`Hints`: what a user specifies about a source whose files are ambiguous."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from picturewise.errors import UsageError

LayoutName = Literal["planar", "interleaved", "channels-first", "channels-last"]
LAYOUTS: tuple[LayoutName, ...] = get_args(LayoutName)
TargetName = Literal["class", "sequence"]
TARGETS: tuple[TargetName, ...] = get_args(TargetName)
ValidHalf = Literal["choosing", "reporting"]
"""The halves of a validation split; see `halved`."""

_RANGE = re.compile(
    r"\s*(-?[0-9.]+(?:e[+-]?[0-9]+)?)\s*\.\.\s*(-?[0-9.]+(?:e[+-]?[0-9]+)?)\s*", re.IGNORECASE
)


@dataclass(frozen=True)
class Hints:
    """Hints about how to read a source; None: detected automatically, or an error if that is not possible.

    A reader uses the hints that apply to its form; each set of hints has its own import in the store.

    Attributes:
        label_from: a regular expression that is searched for in the path of each picture below the source, with `/`
            as separator; its first group is the class, or the whole match if there is no group.
        label_column: the column, or the name of the array, that contains the labels.
        file_column: the column of a list that contains the names of the picture files.
        split_column: the column that contains the split of each picture.
        value_range: `LOW..HIGH`, the stored values of black and of white, for everything but 8-bit picture files.
        layout: the order of a picture's numbers in a row or an array: planar (a plane for each colour) or interleaved
            (the colours of each pixel together) in rows, channels first or last in arrays of more axes.
        target: what the label of a picture is: a class, or a sequence of symbols, such as the digits of a house number.

    Raises:
        UsageError: the range, the layout or the target is not valid.
    """

    label_from: str | None = None
    label_column: str | None = None
    file_column: str | None = None
    split_column: str | None = None
    value_range: str | None = None
    layout: LayoutName | None = None
    target: TargetName | None = None

    def __post_init__(self) -> None:
        for name, value in self.given().items():
            if not isinstance(value, str):
                raise UsageError(f"The hint {name} is of type {type(value).__name__}. Pass a string.")
        if self.layout is not None and self.layout not in LAYOUTS:
            raise UsageError(f"Unknown layout '{self.layout}'. Choose from {', '.join(LAYOUTS)}.")
        if self.target is not None and self.target not in TARGETS:
            raise UsageError(f"Unknown target '{self.target}'. Choose from {', '.join(TARGETS)}.")
        if self.value_range is not None:
            parse_value_range(self.value_range)

    def given(self) -> dict[str, str]:
        """Return the given hints by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def only(self, *names: str) -> Hints:
        """Return only the hints with these names: those that a reader obeys."""
        return Hints(**{name: value for name, value in self.given().items() if name in names})  # type: ignore[arg-type]

    @property
    def sequences(self) -> bool:
        """Whether the labels are sequences of symbols."""
        return self.target == "sequence"

    def __or__(self, other: Hints) -> Hints:
        """Return these hints, replaced by those of `other` where it has any."""
        values: dict[str, Any] = {**self.given(), **other.given()}
        return Hints(**values)


NO_HINTS = Hints()


def with_target(hints: Hints, *, sequences: bool) -> Hints:
    """Return the hints for pictures that a classifier is used on, which knows whether labels are sequences.

    Raises:
        UsageError: the user says something else.
    """
    target: TargetName = "sequence" if sequences else "class"
    if hints.target not in {None, target}:
        raise UsageError(
            f"--target {hints.target} does not fit the classifier, whose target is a {target}. Omit --target."
        )
    return hints | Hints(target=target)


def option_of(name: str) -> str:
    """Return the option of the command that gives a hint.

    >>> option_of("label_from")
    '--label-from'
    """
    return "--" + name.replace("_", "-")


def does_not_apply(place: str, names: Collection[str], why: str) -> UsageError:
    """Return the error for hints that do not apply to a source.

    >>> str(does_not_apply("pets", ["layout"], "It contains picture files."))
    '--layout does not apply to pets. It contains picture files.'
    """
    does = "does" if len(names) == 1 else "do"
    return UsageError(f"{', '.join(map(option_of, names))} {does} not apply to {place}. {why}")


def parse_value_range(text: str) -> tuple[float, float]:
    """Return the stored values of black and white.

    Raises:
        UsageError: the text is not a range, or the range is empty.

    >>> parse_value_range("0..4095")
    (0.0, 4095.0)
    """
    found = _RANGE.fullmatch(text)
    try:
        low, high = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    except ValueError:  # several decimal points
        low, high = 0.0, 0.0
    if not -1e30 < low < high < 1e30:
        raise UsageError(f"'{text}' is not a valid range of values. Pass LOW..HIGH, such as 0..1 or 0..4095.")
    return low, high
