"""`Description`: everything in a classifier except its weights."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from reprlib import repr as shown  # short for any value
from typing import Any, Literal

from picturewise.architectures.lines import MOST_SYMBOLS, MOST_UNITS
from picturewise.data.arrays.symbols import symbols_of
from picturewise.data.arrays.value_range import PLAIN
from picturewise.data.pictures.background import WHITE, Background
from picturewise.data.pictures.cut import Cut, Spacing
from picturewise.data.read_options import AsItIs
from picturewise.prediction.computation import NumberFormat
from picturewise.prediction.learned import LearnedPictures
from picturewise.preparing.preparation import LEAST, MOST, Preparation, is_within
from picturewise.printable import printable
from picturewise.reprs import fields_of, never_raises
from picturewise.targets import OneClass, Target, is_target, make_target
from picturewise.targets.sequences import is_sequences

FORMAT = 2
"""Version 1 had `fit` instead of `resize`."""
_OPTIONAL = frozenset({"values", "learned", "thresholds", "cut"})
_GOAL = re.compile(r"0\.[0-9]{1,6}")
LONGEST_NAME = 10_000
"""Characters of a class's name."""
MOST_PIXELS = 1024
"""Pixels of a side of the pictures, as in a recipe."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Description:
    """Everything in a classifier except its weights; stored as JSON in the file's metadata.

    Not a pydantic model: predicting one picture would take longer for pydantic than for the network.

    Attributes:
        format: of the file.
        layers: layer lines; None: the network is a Python class.
        module: name of that Python class, for messages only.
        shape: height, width, channels of the pictures before preparation; sides up to 1,024.
        resize: how pictures of another shape are resized.
        background: the background of transparent pictures; not written if it is white, as in older files.
        classes: their names, in the order of the outputs; as they are printed, each different.
        answer: the name of the target, which says what the outputs mean.
        preparation: how pictures become floats.
        temperature: logits are divided by it, so that probabilities are calibrated.
        number_format: of the factors in convolutions and dense layers, in both validation and prediction. The first of
            these layers is always computed in float32, and so are all sums. bfloat16 is for layer lines only.
        provenance: where it came from: data, epoch, versions.
        values: the stored values of black and white if the type of train's pictures did not determine them.
        learned: statistics of train's pictures; None: older versions did not keep them.
        thresholds: for sequences, accuracy → the confidence from which on readings of validation pictures reached it,
            such as '0.98' → 0.71; None: of classes.
        cut: what was cut out of train's pictures by their boxes; None: they were whole, or older versions did not keep
            it.

    Raises:
        ValueError: a value is not valid, or values are inconsistent.
    """

    format: int = FORMAT
    layers: tuple[str, ...] | None
    module: str | None = None
    shape: tuple[int, int, int]
    resize: Literal["crop", "pad", "stretch"]
    classes: tuple[str, ...]
    answer: str = OneClass.name
    preparation: Preparation
    temperature: float = 1.0
    number_format: NumberFormat = "float32"
    background: Background = WHITE
    provenance: Mapping[str, str] = field(default_factory=dict)
    values: tuple[float, float] | None = None
    learned: LearnedPictures | None = None
    thresholds: Mapping[str, float] | None = None
    cut: Cut | None = None

    def __post_init__(self) -> None:
        for name, (holds, expected) in _EXPECTED.items():
            value = getattr(self, name)
            if not holds(value):
                raise ValueError(f"{name} is {shown(value)}, but must be {expected}")
        kept = self.preparation.output(self.shape)[2]
        if not kept == len(self.preparation.mean) == len(self.preparation.std):
            raise ValueError("preparation and shape have different numbers of channels")
        if self.layers is None and self.number_format != "float32":
            raise ValueError("number_format is bfloat16, but must be float32 for a Python class")
        if is_sequences(self.target):
            if len(self.classes) > MOST_SYMBOLS or any(len(symbol) != 1 for symbol in self.classes):
                raise ValueError(
                    f"classes is {shown(self.classes)}, but for sequences must be up to {MOST_SYMBOLS:,} single "
                    "characters"
                )
        elif self.thresholds is not None:
            raise ValueError(f"thresholds is {shown(self.thresholds)}, but classes have none")

    @never_raises
    def __repr__(self) -> str:
        return fields_of(self, [one.name for one in fields(self)])

    @functools.cached_property
    def target(self) -> Target:
        """The meaning of the outputs."""
        return make_target(self.answer, self.classes)

    def read_options(self, *, skip_bad: bool = False) -> AsItIs:
        """Return how pictures are read for this classifier: as those that it was trained on."""
        height, width, _ = self.shape
        learned = self.values or PLAIN
        return AsItIs(
            (height, width),
            self.resize,
            skip_bad,
            background=self.background,
            learned=learned,
            symbols=symbols_of(self.target),
        )

    def to_json(self) -> str:
        """Return the description as JSON; equal ones give equal strings."""
        # Missing values are left out: a file contains only what it must.
        plain = {k: v for k, v in asdict(self).items() if v is not None or k not in _OPTIONAL}
        if self.background == WHITE:
            del plain["background"]
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Description:
        """Return the description from the JSON of `to_json`.

        Raises:
            ValueError: it is not a description.
        """
        plain = read_table(text)
        if plain.get("format") == 1:
            plain |= {"format": FORMAT, "resize": plain.pop("fit", None)}
        plain["preparation"] = _made(Preparation, plain.get("preparation"), "preparation")
        if plain.get("learned") is not None:
            plain["learned"] = _made(LearnedPictures, plain["learned"], "learned")
        if plain.get("cut") is not None:
            plain["cut"] = _made_cut(plain["cut"])
        made: Description = _made(cls, plain, "the description")
        return made


def read_table(text: str) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        ValueError: the text is not one.
    """
    try:
        plain = json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("its JSON is nested too deeply") from error
    if not isinstance(plain, dict):
        raise ValueError("its description is not a JSON object")  # noqa: TRY004 (as for all values in JSON)
    return plain


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a valid number in JSON")


def _made(kind: type, plain: object, what: str) -> Any:
    """Return a dataclass of the values in a table; lists in JSON are tuples here."""
    if not isinstance(plain, dict):
        raise ValueError(f"{what} is not a JSON object")  # noqa: TRY004 (the same)
    known = [part.name for part in fields(kind)]
    if unknown := [key for key in plain if key not in known]:
        raise ValueError(f"unknown key '{unknown[0]}' in {what}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
    try:
        return kind(**values)
    except TypeError as error:  # a required key is missing
        missing = [name for name in known if name not in plain]
        raise ValueError(f"{what} lacks the required keys {', '.join(missing)}") from error


def _made_cut(plain: object) -> Cut:
    if isinstance(plain, dict) and plain.get("spacing") is not None:
        plain = {**plain, "spacing": _made(Spacing, plain["spacing"], "cut.spacing")}
    made: Cut = _made(Cut, plain, "cut")
    return made


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_texts(value: object) -> bool:
    return isinstance(value, tuple) and all(map(_is_text, value))


def _is_shape(value: object) -> bool:
    sides = isinstance(value, tuple) and all(type(side) is int and 0 < side <= MOST_PIXELS for side in value)
    return sides and len(value) == 3 and value[2] in {1, 3}  # type: ignore[arg-type,index]  # it is a tuple


def _are_classes(value: object) -> bool:
    # As they are shown, because two names that look the same could not be distinguished.
    return (
        isinstance(value, tuple)
        and _are_texts(value)
        and 0 < len(value) <= MOST_UNITS
        and max(map(len, value)) <= LONGEST_NAME
        and len({printable(name) for name in value}) == len(value)
    )


def _is_range(value: object) -> bool:
    numbers = (
        isinstance(value, tuple) and len(value) == 2 and all(is_within(end, -1e30, 1e30) for end in value)
    )
    return numbers and value[0] < value[1]  # type: ignore[index]  # it is a tuple


def _are_thresholds(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        _is_text(goal) and _GOAL.fullmatch(goal) and is_within(least, 0, 1) for goal, least in value.items()
    )


def _is_provenance(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value)) and all(map(_is_text, value.values()))


_EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "format": (lambda value: type(value) is int, "an integer"),
    "layers": (lambda value: value is None or _are_texts(value), "a list of layer lines"),
    "module": (lambda value: value is None or _is_text(value), "a name"),
    "shape": (_is_shape, f"a height and a width up to {MOST_PIXELS:,}, and 1 or 3 channels"),
    "resize": (lambda value: value in ("crop", "pad", "stretch"), "crop, pad or stretch"),
    "background": (lambda value: value in ("white", "black"), "white or black"),
    "classes": (
        _are_classes,
        f"1 to {MOST_UNITS:,} different class names of at most {LONGEST_NAME:,} characters",
    ),
    "answer": (
        lambda value: _is_text(value) and is_target(value),
        "the name of a target, such as 'one class'",
    ),
    "preparation": (lambda value: isinstance(value, Preparation), "a preparation"),
    "temperature": (lambda value: is_within(value, LEAST, MOST), f"a number from {LEAST:g} to {MOST:g}"),
    "number_format": (lambda value: value in ("float32", "bfloat16"), "float32 or bfloat16"),
    "provenance": (_is_provenance, "a table of strings"),
    "values": (lambda value: value is None or _is_range(value), "two increasing numbers"),
    "learned": (
        lambda value: value is None or isinstance(value, LearnedPictures),
        "the statistics of the training pictures",
    ),
    "thresholds": (
        lambda value: value is None or _are_thresholds(value),
        "a table of accuracies and confidences from 0 to 1",
    ),
    "cut": (lambda value: value is None or isinstance(value, Cut), "what was cut out of pictures"),
}
