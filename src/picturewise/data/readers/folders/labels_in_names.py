r"""Whether the file names of pictures contain their class (`cat.0.jpg`, `n01440764_36.JPEG`), and a pattern for it.

Such classes are used only if the user asks for it: a pattern is tried on all names and then suggested.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_SAMPLE = 2000  # names that the patterns are first tried on
_FEW = 5  # the most classes that a pattern lists

# In the order in which they are tried: the class before a number, a first word, a last word, a word after a number.
_PATTERNS = (
    r"([^/]+)_[0-9]+\.[^/.]+$",
    r"([^/]+)-[0-9]+\.[^/.]+$",
    r"([^/]+)\.[0-9]+\.[^/.]+$",
    r"([^/]+) [0-9]+\.[^/.]+$",
    r"([^/]+) \([0-9]+\)\.[^/.]+$",
    r"([^/]*[^/0-9._ -])[0-9]+\.[^/.]+$",
    r"([^/]*[^/0-9._ -])[._ -]*\(?[0-9]+\)?\.[^/.]+$",
    r"([^/._ -]+)[._ -][^/]*$",
    r"[._ -]([^/._ -]*[^/0-9._ -][^/._ -]*)\.[^/.]+$",
    r"[0-9]([^/0-9._ -][^/.]*)\.[^/.]+$",
)


@dataclass(frozen=True)
class Offer:
    """A pattern whose first group is the class in the name of every picture, and the classes, most frequent first."""

    pattern: str
    classes: tuple[str, ...]


def offer(names: Sequence[str]) -> Offer | None:
    r"""Return a pattern for the labels in the names of pictures; None: the names do not share a few words.

    It finds a class in every name, at least two classes in all, and each class in at least two names.

    >>> offer(["train/cat.0.jpg", "train/cat.1.jpg", "train/dog.0.jpg", "train/dog.1.jpg"])
    Offer(pattern='(cat|dog)\\.', classes=('cat', 'dog'))
    >>> offer(["IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"])
    """
    sample = names[:: 1 + len(names) // _SAMPLE]
    for fits in (_is_without_digits, _is_a_word):
        for pattern in _PATTERNS:
            labels = _labels(pattern, sample, fits)
            if labels and (labels := labels if len(sample) == len(names) else _labels(pattern, names, fits)):
                classes = tuple(name for name, _ in Counter(labels).most_common())
                return Offer(_written_out(names, labels, sorted(set(labels))) or pattern, classes)
    return None


def _labels(pattern: str, names: Sequence[str], fits: Callable[[str], bool]) -> list[str] | None:
    """Return the class in each name, or None if a name has none, or the classes are not a few that repeat."""
    compiled, labels = re.compile(pattern), []
    for name in names:
        found = compiled.search(name)
        if found is None or not fits(found[1]) or f"/{name}".rpartition(".")[0].endswith(f"/{found[1]}"):
            return None  # the last: the whole name, which several folders have
        labels.append(found[1])
    counts = Counter(labels)
    few = 2 <= len(counts) <= len(labels) // 2 and min(counts.values()) > 1
    return labels if few else None


def _is_without_digits(label: str) -> bool:
    return not re.search("[0-9]", label)


def _is_a_word(label: str) -> bool:
    return not re.fullmatch("[0-9]{4,}", label)  # a year or a running number


def _written_out(names: Sequence[str], labels: Sequence[str], classes: list[str]) -> str | None:
    r"""Return a pattern such as `(cat|dog)\.` that finds the same; None: there are too many classes, or it does not."""
    if len(classes) > _FEW or any(re.escape(name) != name or "'" in name for name in classes):
        return None
    words = f"({'|'.join(classes)})"
    start = names[0].rindex(labels[0])
    end = start + len(labels[0])
    for attempt in (
        words + re.escape(names[0][end : end + 1]),
        re.escape(names[0][start - 1 : start]) + words,
    ):
        pairs = zip(map(re.compile(attempt).search, names), labels, strict=True)
        if all(found is not None and found[1] == label for found, label in pairs):
            return attempt
    return None
