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
"""What objects that were made in part, and folders that are damaged, raise when they are looked at."""


def never_raises(describe: Callable[[Of], str]) -> Callable[[Of], str]:
    """Return a `__repr__` or `__str__` that says of an object that is not whole what is wrong with it.

    Lines stay lines; other hidden characters are escaped, and the middle of long texts is left out.
    """

    @functools.wraps(describe)
    def described(of: Of) -> str:
        try:
            text = describe(of)
        except PARTIAL as error:
            return f"<{type(of).__name__}, not whole: {shortened(error, 200)}>"
        if len(text) > LONGEST:
            return shortened(text.replace("\n", "; "), LONGEST)
        return printable(text, keep="\n")

    return described


def fields_of(of: object, names: Iterable[str]) -> str:
    """Return `Name(field=value, …)` with every value short; of those that are missing nothing is said."""
    brief = reprlib.Repr()
    brief.maxtuple = brief.maxlist = brief.maxdict = 3
    brief.maxstring = brief.maxother = 80
    values = {name: getattr(of, name) for name in names if hasattr(of, name)}
    return (
        f"{type(of).__name__}({', '.join(f'{name}={brief.repr(value)}' for name, value in values.items())})"
    )


def offered(of: Any, *, internal: Collection[str] = ()) -> list[str]:
    """Return what `dir` offers of an object: neither names with an underscore nor those that only our code needs."""
    return sorted(
        name
        for name in object.__dir__(of)
        if name not in internal and (not name.startswith("_") or name.endswith("__"))
    )
