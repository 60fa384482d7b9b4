"""The three splits, and the words that people name them with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

SplitName = Literal["train", "valid", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)

_SPLIT_WORDS: Mapping[str, SplitName] = {
    "train": "train",
    "training": "train",
    "val": "valid",
    "valid": "valid",
    "validation": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
    "t10k": "test",
}


def split_of(word: str) -> SplitName | None:
    """Return the split that a folder's name or a word of a file's name stands for, in any case, or None.

    >>> split_of("Validation"), split_of("roses")
    ('valid', None)
    """
    return _SPLIT_WORDS.get(word.casefold())
