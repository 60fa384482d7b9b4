"""Targets by name, as they stand in a classifier's file: 'one class', 'numbers 5', 'ctc 5 16 1'."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile

from picturewise.targets.ctc import Ctc
from picturewise.targets.one_class import OneClass
from picturewise.targets.places import Places
from picturewise.targets.target import Target

TARGETS: dict[str, Callable[..., Target]] = {OneClass.name: OneClass, Places.word: Places, Ctc.word: Ctc}
"""Targets by the words of their names; each is made from the names of the classes and the numbers in its name."""
_MOST_DIGITS = 4


def is_target(name: str) -> bool:
    """Return whether a target has this name.

    >>> is_target("one class"), is_target("numbers 5"), is_target("numbers"), is_target("numbers 05")
    (True, True, False, False)
    """
    try:
        return make_target(name, ("0", "1")).name == name
    except ValueError:
        return False


def make_target(name: str, classes: tuple[str, ...]) -> Target:
    """Return the target of a name, from the names of its classes or its symbols.

    Raises:
        ValueError: no target has this name.
    """
    words = name.split(" ")
    numbers = [*takewhile(lambda word: word.isdecimal() and len(word) <= _MOST_DIGITS, reversed(words))][::-1]
    kind = TARGETS.get(" ".join(words[: len(words) - len(numbers)]))
    strange = ValueError(f"{name} is not the name of a target")
    if kind is None:
        raise strange
    try:
        return kind(classes, *map(int, numbers))
    except TypeError as error:  # another number of numbers
        raise strange from error
