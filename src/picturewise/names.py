"""Names of files, classes and data sets, in a form to print, to sort and to compare between machines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from picturewise.printable import printable


def natural_order(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Return the key that sorts names as people do: numbers by value, letters regardless of case.

    >>> sorted(["class10", "class2", "Apple", "banana"], key=natural_order)
    ['Apple', 'banana', 'class2', 'class10']
    """
    pieces = re.findall(r"[0-9]+|[^0-9]+", name)
    key = tuple((0, int(p), "") if p[0] in "0123456789" else (1, 0, p.casefold()) for p in pieces)
    return key, name  # the name itself orders keys that are otherwise equal: "A" and "a", "1" and "01"


def slug(path: Path) -> str:
    """Return a short name for the data at `path`: lower-case letters, digits and dashes.

    >>> slug(Path("data/My Flowers (2024)"))
    'my-flowers-2024'
    >>> slug(Path("data/train-images-idx3-ubyte.gz"))
    'train-images-idx3-ubyte'
    """
    last = path.name if path.name not in {"", ".."} else path.resolve().name
    plain = unicodedata.normalize("NFKD", last.removesuffix(".gz")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "pictures"


def listed(names: Sequence[object]) -> str:
    """Return the first five names, separated by commas, and whether there are more."""
    return ", ".join(printable(name) for name in names[:5]) + (", …" if len(names) > 5 else "")


def pictures(count: int) -> str:
    """Return a number of pictures in words.

    >>> pictures(1), pictures(1200)
    ('1 picture', '1,200 pictures')
    """
    return f"{count:,} picture" if count == 1 else f"{count:,} pictures"


def shown_bytes(size: int) -> str:
    """Return a number of bytes as people read it.

    >>> shown_bytes(11_594_722), shown_bytes(4_542), shown_bytes(1_575_594_780)
    ('11.6 MB', '4.5 kB', '1.6 GB')
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
