"""`Space`: the options that a search varies, each with its choices or its range; TOML on disk.

    [model]
    name = ["default", "cnn"]

    [scale]
    learning_rate = { low = 0.1, high = 10, log = true }

    [training]
    batch_size = [32, 64, 128]

The tables and keys are those of a recipe. The table `scale` has factors on what a network is trained with by default.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from picturewise.errors import UsageError, nearest
from picturewise.recipes.recipe import make_recipe, parse_setting, recipe_keys
from picturewise.seeds import stream
from picturewise.toml_files import parse_toml, read_text

DEFAULT = "default"
"""As a choice of `model.name`: the network that training chooses if none is named."""
MODEL, RATE, AUGMENTATION, WIDTH = "model.name", "scale.learning_rate", "scale.augmentation", "scale.width"
SCALES = {RATE: "training.learning_rate", AUGMENTATION: "preparation.augmentation", WIDTH: "model.layers"}
"""Factors, and the keys of a recipe that they change."""
_BOUNDS = {RATE: (1e-6, 1e6), AUGMENTATION: (0.0, 10.0), WIDTH: (0.01, 100.0)}
_FIXED = {"training.device", "training.engine", "training.precision", "training.folds", "training.keep"}
_FIXED |= {"training.checkpoint_minutes", "training.head_fit", "model.head"}
_RANGE_KEYS = ("low", "high", "log", "step")


@dataclass(frozen=True)
class Choices:
    """A list of values, in no order."""

    values: tuple[Any, ...]

    def as_own(self, value: Any) -> Any:
        """Return the choice that equals a value, or None."""
        return next((own for own in self.values if _same(own, value)), None)

    def at(self, share: float) -> Any:
        """Return the choice at a share of the list, in [0, 1)."""
        return self.values[int(share * len(self.values))]


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`.

    Attributes:
        low: the smallest.
        high: the largest.
        log: numbers are drawn evenly on a logarithmic scale.
        step: only low, low + step, low + 2 step, …; None: all.
        whole: only whole numbers.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    def as_own(self, value: Any) -> Any:
        """Return a value if it is one of these numbers, or None."""
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not self.low <= value <= self.high
        ):
            return None
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        return value if math.isclose(steps, round(steps), abs_tol=1e-9) else None

    def at(self, share: float) -> float:
        """Return the number at a share of the way from `low` to `high`, in [0, 1)."""
        step = self.step or (1.0 if self.whole and not self.log else None)
        if step is not None:
            steps = math.floor((self.high - self.low) / step + 1e-9)
            found = self.low + math.floor(share * (steps + 1)) * step
        elif self.log:
            found = self.low * (self.high / self.low) ** share
        else:
            found = self.low + share * (self.high - self.low)
        return round(found) if self.whole else min(float(found), float(self.high))


@dataclass(frozen=True)
class Space:
    """The options of a search.

    Attributes:
        options: dotted key of a recipe, or one of `SCALES` → the values that it may have.
        text: the TOML that it was read from.
    """

    options: Mapping[str, Choices | Range]
    text: str

    @property
    def models(self) -> tuple[str, ...]:
        """The networks; only the default one if the space does not name any."""
        found = self.options.get(MODEL)
        return found.values if isinstance(found, Choices) else (DEFAULT,)

    def spread(self, count: int, seed: int) -> list[dict[str, Any]]:
        """Return values of all options for some trials that, together, cover each option evenly.

        This is Latin hypercube sampling (McKay, Beckman and Conover, "A Comparison of Three Methods for Selecting
        Values of Input Variables in the Analysis of Output from a Computer Code", 1979).
        """
        rows: list[dict[str, Any]] = [{} for _ in range(count)]
        for key, values in self.options.items():
            random = stream(seed, f"spread {key}")
            for row, part in zip(rows, random.permutation(count), strict=True):
                row[key] = values.at((part + random.random()) / count)
        return rows

    def without(self, keys: set[str]) -> Space:
        """Return the space without options that the user has fixed."""
        return Space({key: values for key, values in self.options.items() if key not in keys}, self.text)


def default_space() -> Space:
    """Return the space that comes with Picturewise."""
    file = resources.files("picturewise.tuning") / "default.toml"
    return parse_space(file.read_text(encoding="utf-8"), "The search space default.toml")


def read_space(path: Path) -> Space:
    """Return the space in a TOML file.

    Raises:
        UsageError: the file cannot be read, or an option, a choice or a range is not valid; the message names its line.
    """
    return parse_space(read_text(path, "search space"), f"The search space {path}")


def parse_space(text: str, where: str) -> Space:
    """Return the space in a TOML text; `where` names it in messages, see `read_space`."""
    content, options = parse_toml(text, where), dict[str, Choices | Range]()
    for table, keys in content.items():
        if not isinstance(keys, dict):
            raise _wrong(
                text,
                where,
                table,
                f"'{table}' is not in a table. Put options into tables such as [training].",
            )
        for name, given in keys.items():
            key = f"{table}.{name}"
            try:
                options[key] = _values(key, given)
            except UsageError as error:
                raise _wrong(text, where, key, str(error)) from error
    if not options:
        raise UsageError(f"{where} does not have any options. Add at least one, such as training.batch_size.")
    for scale, key in SCALES.items():
        if scale in options and key in options:
            raise _wrong(text, where, scale, f"{scale} and {key} set the same option. Remove one of them.")
    if "model.layers" in options and MODEL in options:
        raise _wrong(
            text, where, MODEL, "model.name and model.layers both name networks. Remove one of them."
        )
    return Space(options, text)


def _values(key: str, given: Any) -> Choices | Range:
    _check_key(key)
    if isinstance(given, dict):
        return _range(key, given)
    if not isinstance(given, list):
        raise UsageError(
            f"{key} is {given!r}. Expected a list of choices, or a range such as {{ low = 0.1, high = 1.0 }}."
        )
    if not given:
        raise UsageError(f"{key} does not have any choices. Add some, or remove the line.")
    for number, choice in enumerate(given):
        _check_value(key, choice)
        if any(_same(choice, other) for other in given[:number]):
            raise UsageError(f"{key} has the choice {choice!r} twice. Remove one of them.")
    return Choices(tuple(given))


def _range(key: str, given: Mapping[str, Any]) -> Range:
    for name in given:
        if name not in _RANGE_KEYS:
            raise UsageError(
                f"{key} has the unknown key '{name}'. A range has low and high, and may have log = true or a "
                f"step.{nearest(name, _RANGE_KEYS)}"
            )
    low, high, log, step = (given.get(name) for name in _RANGE_KEYS)
    for name, value in (("low", low), ("high", high), *([("step", step)] if "step" in given else [])):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            found = f"{name} is {value!r}" if name in given else f"{name} is missing"
            raise UsageError(f"{key}: {found}. Expected a number.")
    assert isinstance(low, int | float)  # noqa: S101 (checked above)
    assert isinstance(high, int | float)  # noqa: S101 (the same)
    if low >= high:
        raise UsageError(f"{key}: low is {low} and high is {high}. Expected low to be smaller than high.")
    if log not in {None, True, False}:
        raise UsageError(f"{key}: log is {log!r}. Expected true or false.")
    if log and low <= 0:
        raise UsageError(f"{key}: low is {low}, but on a logarithmic scale it must be greater than 0.")
    if step is not None and (log or not 0 < step <= high - low):
        raise UsageError(
            f"{key}: step is {step}. Expected a number greater than 0 and at most high - low, without log."
        )
    _check_value(key, low)
    _check_value(key, high)
    return Range(low, high, bool(log), step, whole=key not in SCALES and _is_whole(key))


def _check_key(key: str) -> None:
    if key in SCALES:
        return
    if key.startswith(("data.", "start.")) or key == "seed" or key in _FIXED:
        raise UsageError(f"{key} cannot be searched. Set it for the whole search with --set or a recipe.")
    if key.startswith("scale."):
        raise UsageError(f"Unknown factor '{key}'. Choose from {', '.join(SCALES)}.{nearest(key, SCALES)}")
    if key not in recipe_keys():
        parse_setting(key, "")  # raises, with the nearest key


def _check_value(key: str, value: Any) -> None:
    if key not in SCALES:
        make_recipe({"data": {}}, _nested(key, value))
        return
    low, high = _BOUNDS[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UsageError(f"{key} has the value {value!r}. Expected a factor from {low:g} to {high:g}.")


def _is_whole(key: str) -> bool:
    """Return whether a key of a recipe accepts only whole numbers."""
    try:
        make_recipe({"data": {}}, _nested(key, 2.5))
    except UsageError:
        try:
            make_recipe({"data": {}}, _nested(key, 0.5))  # a share
        except UsageError:
            return True
    return False


def _nested(key: str, value: Any) -> dict[str, Any]:
    table, _, name = key.partition(".")
    return {table: {name: value}}


def _same(one: Any, other: Any) -> bool:
    """Return whether two choices are equal; a tuple equals a list, and 1 equals 1.0, but not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other) or json.dumps(one) == json.dumps(other)


def _wrong(text: str, where: str, key: str, problem: str) -> UsageError:
    line = line_of(text, key)
    return UsageError(f"{where}{'' if line is None else f', line {line}'}: {problem}")


def line_of(text: str, key: str) -> int | None:
    r"""Return the number, from 1, of the line of a TOML text that sets a dotted key; None: it was not found.

    >>> line_of('[training]\n# rates\nlearning_rate = [0.1]', 'training.learning_rate')
    3
    """
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([^\]\[]+?)\s*\]", line):
            table = header[1].replace('"', "")
        elif found := re.match(r"\s*([A-Za-z0-9_.\"' -]+?)\s*=", line):
            name = found[1].replace('"', "").replace("'", "").replace(" ", "")
            if key in {f"{table}.{name}".lstrip("."), name if not table else None}:
                return number
    return None
