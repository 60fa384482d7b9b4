"""Texts and names of objects for people at a prompt: a `repr` that never raises or fills the screen, and `dir`."""

from __future__ import annotations

import functools
import reprlib
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from picturewise.errors import PicturewiseError
from picturewise.printable import printable, shortened

Of = TypeVar("Of")
LONGEST = 1000
"""Characters of a `repr`."""
PARTIAL = (
    PicturewiseError,
    AttributeError,
    IndexError,
    KeyError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
"""Raised by incomplete objects and damaged folders when they are inspected."""


def never_raises(describe: Callable[[Of], str]) -> Callable[[Of], str]:
    """Return a `__repr__` or `__str__` that describes what is wrong with an incomplete object.

    Lines stay lines; other hidden characters are escaped, and the middle of long texts is left out.
    """

    @functools.wraps(describe)
    def described(of: Of) -> str:
        try:
            text = describe(of)
        except PARTIAL as error:
            return f"<{type(of).__name__}, incomplete: {shortened(error, 200)}>"
        if len(text) > LONGEST:
            return shortened(text.replace("\n", "; "), LONGEST)
        return printable(text, keep="\n")

    return described


def fields_of(of: object, names: Iterable[str]) -> str:
    """Return `Name(field=value, …)` with every value short; missing fields are omitted."""
    brief = reprlib.Repr()
    brief.maxtuple = brief.maxlist = brief.maxdict = 3
    brief.maxstring = brief.maxother = 80
    values = {name: getattr(of, name) for name in names if hasattr(of, name)}
    return (
        f"{type(of).__name__}({', '.join(f'{name}={brief.repr(value)}' for name, value in values.items())})"
    )


def offered(of: Any, *, internal: Collection[str] = ()) -> list[str]:
    """Return what `dir` lists of an object: no names with an underscore, and none that only our code needs."""
    return sorted(
        name
        for name in object.__dir__(of)
        if name not in internal and (not name.startswith("_") or name.endswith("__"))
    )
