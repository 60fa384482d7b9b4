"""Files beside a set that name its classes: EMNIST's `…-mapping.txt`, and lists such as `class_names.txt`.

EMNIST's tables are those of its publication: G. Cohen, S. Afshar, J. Tapson, A. van Schaik, EMNIST: an extension of
MNIST to handwritten letters, arXiv:1702.05373, 2017.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from picturewise.data.arrays.labels import MAX_CLASSES
from picturewise.errors import DataError
from picturewise.printable import printable

_MAX_BYTES = 1 << 20
_LIST = re.compile(
    r"(.*[-_ ])?(class|classes|label|labels|class[-_ ]?names|label[-_ ]?names|categories)\.txt", re.IGNORECASE
)
_MAPPING = re.compile(r"(.*[-_ ])?(mapping|classmap|class[-_ ]?map|label[-_ ]?map)\.txt", re.IGNORECASE)
_NAMING = re.compile(r"(class|label|categor|name|map)", re.IGNORECASE)
_MERGED = "abdefghnqrt"  # small letters that are separate classes from the capital letters
_EMNIST: Mapping[str, str] = {
    "digits": string.digits,
    "mnist": string.digits,
    "letters": string.ascii_lowercase,
    "byclass": string.digits + string.ascii_uppercase + string.ascii_lowercase,
    "bymerge": string.digits + string.ascii_uppercase + _MERGED,
    "balanced": string.digits + string.ascii_uppercase + _MERGED,
}


@dataclass(frozen=True)
class NamedClasses:
    """Names of classes in the order of their numbers, and the number of the first."""

    names: tuple[str, ...]
    first: int


def emnist_classes(words: Sequence[str]) -> NamedClasses | None:
    """Return the classes of the part of EMNIST that the words of a file's name mean, or None.

    >>> emnist_classes(["emnist", "letters"]).names[:3], emnist_classes(["emnist", "letters"]).first
    (('a', 'b', 'c'), 1)
    """
    part = next((word for word in words if word in _EMNIST), None)
    return None if part is None else NamedClasses(tuple(_EMNIST[part]), int(part == "letters"))


def class_file(names: Sequence[str], words: Sequence[str]) -> str | None:
    """Return the file of a folder that names the classes of a set, or None if there is none, or which one is not clear.

    Args:
        names: of the files.
        words: of the set's name.
    """
    for pattern in (_MAPPING, _LIST):
        found = [name for name in names if pattern.fullmatch(name)]
        own = [name for name in found if set(words) <= set(re.split(r"[-_. ]+", name.casefold()))]
        if len(own or found) == 1:
            return (own or found)[0]
    return None


def may_name_classes(name: str) -> bool:
    """Return whether a file's name mentions classes or labels."""
    return name.casefold().endswith((".txt", ".csv", ".json", ".yaml")) and _NAMING.search(name) is not None


def read_class_file(path: Path) -> NamedClasses:
    """Return the classes that a file names: one line each, with a number and character codes, or a name.

    Raises:
        DataError: the file is something else.
        OSError: it cannot be read.
    """
    where = printable(path)
    if path.stat().st_size > _MAX_BYTES:
        raise DataError(
            f"{where} is too large for a list of classes. At most {_MAX_BYTES:,} bytes are allowed."
        )
    text = path.read_bytes().decode("utf-8-sig", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not 0 < len(lines) <= MAX_CLASSES:
        raise DataError(
            f"{where} contains {len(lines):,} lines. Write one line for each class, and at most {MAX_CLASSES:,} lines."
        )
    numbered = [re.fullmatch(r"(\d{1,6})[\s,;:]+(.+)", line) for line in lines]
    found = {int(match[1]): match[2] for match in numbered if match is not None}
    if len(found) < len(lines):
        found = dict(enumerate(lines))
    first = min(found)
    if sorted(found) != list(range(first, first + len(found))):
        raise DataError(f"{where} skips some class numbers. Number the classes consecutively from {first}.")
    codes = all(re.fullmatch(r"\d{2,6}(\s+\d{2,6})*", name) for name in found.values())
    names = tuple(
        _character(found[number]) if codes else printable(found[number]) for number in sorted(found)
    )
    if len(set(names)) < len(names):
        raise DataError(f"{where} contains a duplicate class. List each class once.")
    return NamedClasses(names, first)


def _character(codes: str) -> str:
    """Return the character of a code; for a capital and a small letter, the small one."""
    code = int(codes.rsplit(maxsplit=1)[-1])
    return printable(chr(code)) if code < 0xD800 else codes
