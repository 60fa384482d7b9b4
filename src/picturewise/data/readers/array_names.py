"""Names of arrays such as `x_train`, `test_images` and `y`: which holds the pictures or the labels of which split."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.split_names import SplitName, split_of

PICTURE_WORDS = frozenset({"x", "image", "images", "picture", "pictures", "data", "features"})
LABEL_WORDS = frozenset({"y", "label", "labels", "target", "targets"})
_CLASS_NAMES = ("labels", "classes", "class_names", "label_names", "names")
# An array of these is something about the pictures or the labels, not they themselves.
_ABOUT_WORDS = frozenset({"mean", "std", "name", "names", "file", "files", "id", "ids", "path", "paths"})
EXPECTED = "x_train and y_train (and x_test, y_test, x_validation, y_validation), or images and labels"


@dataclass(frozen=True)
class Keys:
    """Under which names the arrays stand: pictures and labels of each split, class names, the normalisation."""

    pictures: Mapping[SplitName, str]
    labels: Mapping[SplitName, str]
    classes: str | None
    mean: str | None
    std: str | None


def find_keys(names: Iterable[str], where: str) -> Keys | None:
    """Return what names say, in any case and order of words, or None where no name speaks of pictures.

    Names without a split are those of train, unless others have one: then `labels` are the class names. Names with
    further words, such as `train_set_x`, count where there are no plainer ones.

    Raises:
        DataError: two names say the same, or there are labels without their pictures.
    """
    names = list(names)
    plain = bool(_roles(names, PICTURE_WORDS, where, plain=True))
    pictures = _roles(names, PICTURE_WORDS, where, plain=plain)
    if not pictures:
        return None
    labels = _roles(names, LABEL_WORDS, where, plain=plain)
    lonely = [name for split, name in labels.items() if split not in pictures]
    if lonely:
        raise _missing(names, where, f"has '{printable(lonely[0])}' without its pictures")
    taken = {*pictures.values(), *labels.values()}
    return Keys(
        pictures,
        labels,
        classes=_one_of(names, _CLASS_NAMES, taken),
        mean=_one_of(names, ("mean_image", "mean"), taken),
        std=_one_of(names, ("std_image", "std"), taken),
    )


def unlike_any(names: Iterable[str], where: str) -> DataError:
    """Return the error for names of which none speaks of pictures."""
    return _missing(names, where, "has no array of pictures")


def words_of(name: str) -> list[str]:
    """Return the words of a name, in lower case.

    >>> words_of("X_train-images")
    ['x', 'train', 'images']
    """
    return [part for part in re.split(r"[^a-z0-9]+", name.casefold()) if part]


def _missing(names: Iterable[str], where: str, what: str) -> DataError:
    names = list(names)
    shown = ", ".join(f"'{printable(name[:40])}'" for name in names[:12]) + (", …" if len(names) > 12 else "")
    return DataError(f"{where} {what}: found {shown or 'no names'}, expected {EXPECTED}.")


def _roles(names: Iterable[str], words: frozenset[str], where: str, *, plain: bool) -> dict[SplitName, str]:
    """Return by split the name that has one of `words` and a split; without any split, what is train."""
    found: dict[SplitName | None, str] = {}
    for name in names:
        parts = words_of(name)
        splits = [split for part in parts if (split := split_of(part)) is not None]
        if len(splits) > 1 or not words & set(parts) or _ABOUT_WORDS & set(parts):
            continue
        if plain and len(parts) != 1 + len(splits):
            continue
        split = splits[0] if splits else None
        if split in found:
            raise DataError(
                f"{where} has '{printable(found[split])}' and '{printable(name)}' for one split, expected one."
            )
        found[split] = name
    told = {split: name for split, name in found.items() if split is not None}
    return told or ({"train": found[None]} if None in found else {})


def _one_of(names: Iterable[str], candidates: Collection[str], taken: Collection[str]) -> str | None:
    return next((name for name in names if name.casefold() in candidates and name not in taken), None)
