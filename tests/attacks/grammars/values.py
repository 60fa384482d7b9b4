"""Values that a description, a recipe or a record should not hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Any

TEXTS = (
    "",
    " ",
    "\n",
    "\0",
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\r\x1b[Kpicturewise: all is well",
    "\u202egnp.exe",
    "\u2028line",
    "caf\udce9",  # bytes that are not text
    "\ud800",
    "e\u0301",
    "é",
    "a" * 3000,
    "🏳️\u200d🌈" * 50,
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "{0.__class__}%s%n",
    "../../../../outside/kept",
    "/dev/zero",
    "cat",
)
NUMBERS = (
    *(0, 1, -1, 2, 3, 1024, 1025, 65_536, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**400),
    *(
        0.0,
        -0.0,
        0.5,
        1.5,
        1e-9,
        1e-10,
        1e-38,
        1e-45,
        1e-320,
        5e-324,
        1e9,
        1.1e9,
        1e38,
        3.5e38,
        1e308,
        -1e308,
    ),
    *(math.nan, math.inf, -math.inf),
)
"""Of the last three JSON knows nothing, but Python writes and reads them."""


def value(random: Random, depth: int = 0) -> Any:
    """Return any value that JSON can hold, and some that it cannot."""
    kind = random.randrange(10)
    if kind < 3:
        return random.choice(TEXTS)
    if kind < 6:
        return random.choice(NUMBERS)
    if kind == 6:
        return random.choice((None, True, False))
    if depth > 2:
        return []
    if kind == 7:
        return nested(random.choice((2, 30, 300)))
    if kind == 8:
        return [value(random, depth + 1) for _ in range(random.choice((0, 1, 3, 40)))]
    return {random.choice(TEXTS): value(random, depth + 1) for _ in range(random.choice((0, 1, 3)))}


def nested(depth: int) -> Any:
    """Return a list in a list in a list."""
    found: Any = 1
    for _ in range(depth):
        found = [found]
    return found


def changed(table: Mapping[str, Any], random: Random, keep: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return a table with one thing in it changed, somewhere: a value, a key, a part of a list.

    Args:
        table: of values as JSON has them.
        random: decides.
        keep: keys whose values stay.
    """
    found = dict(table)
    keys = [key for key in found if key not in keep]
    kind = random.randrange(12)
    if kind == 0 or not keys:
        found[random.choice(TEXTS)] = value(random)
        return found
    key = random.choice(keys)
    inside = found[key]
    if kind == 1:
        del found[key]
    elif isinstance(inside, dict) and inside and kind < 10:
        found[key] = changed(inside, random, keep)
    elif isinstance(inside, list) and inside and kind < 8:
        found[key] = _changed_list(inside, random)
    elif type(inside) in {int, float} and kind < 8:
        found[key] = random.choice(NUMBERS)
    elif isinstance(inside, str) and kind < 6:
        found[key] = random.choice(TEXTS)
    elif isinstance(inside, str) and kind < 8:
        place = random.randrange(len(inside) + 1)
        found[key] = inside[:place] + random.choice(TEXTS) + inside[place:]
    else:
        found[key] = value(random)
    return found


def _changed_list(values: list[Any], random: Random) -> list[Any]:
    found = list(values)
    place = random.randrange(len(found))
    match random.randrange(5):
        case 0:
            del found[place]
        case 1:
            found.insert(place, found[place])  # one that occurs twice
        case 2:
            found[place] = random.choice(TEXTS if isinstance(found[place], str) else NUMBERS)
        case 3:
            found *= random.choice((2, 100))
        case _:
            found[place] = value(random)
    return found
