"""The three splits, and the words for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
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
    """Return the split that a folder's name or a word of a file's name means, in any case, or None.

    >>> split_of("Validation"), split_of("roses")
    ('valid', None)
    """
    return _SPLIT_WORDS.get(word.casefold())


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text.

    >>> sorted(word_set("train test"))
    ['test', 'train']
    """
    return frozenset(words.split())


@dataclass(frozen=True)
class SplitMark:
    """The split that a folder's name means, and the other words of the name.

    Attributes:
        split: the split; `evaluation` means the test split or, if there is another folder for that, the validation
            split: it is used for both.
        rest: the other words of the name, lower case, without numbers and words such as `set` and `images`.
    """

    split: SplitName | Literal["evaluation"]
    rest: tuple[str, ...] = ()


_MARKS: Mapping[str, SplitName | Literal["evaluation"]] = {
    **{word: split for word, split in _SPLIT_WORDS.items() if word != "t10k"},
    "trn": "train",
    "trainval": "train",
    "validate": "valid",
    "devel": "valid",
    "tst": "test",
    "eval": "evaluation",
    "evaluation": "evaluation",
    "holdout": "evaluation",
}
# Words without information about a folder of pictures.
GENERIC_WORDS = word_set(
    "set sets data dataset datasets image images img imgs pic pics picture pictures photo photos file "
    "files samples examples folder folders dir split splits part jpg jpeg jpgs png pngs final full all new x"
)
_WORDS = re.compile(r"[A-Z]+(?![^\W\dA-Z_])|[A-Z]?[^\W\dA-Z_]+|\d+")
_GLUED = re.compile(  # trainset, imagestest
    f"(?P<before>{'|'.join(sorted(GENERIC_WORDS - {'x'}))})?(?P<word>{'|'.join(_MARKS)})"
    f"(?P<after>{'|'.join(sorted(GENERIC_WORDS - {'x'}))})?"
)


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case, and its numbers.

    >>> words_of("TrainImages_2017"), words_of("01 seg-test")
    (['train', 'images', '2017'], ['01', 'seg', 'test'])
    """
    return [word.lower() for word in _WORDS.findall(name)]


def split_in(name: str) -> SplitMark | None:
    """Return the split in a folder's name, or None: there is none, or several.

    >>> split_in("seg_train"), split_in("TestImages"), split_in("car")
    (SplitMark(split='train', rest=('seg',)), SplitMark(split='test', rest=()), None)
    """
    words = words_of(re.sub("hold[ _-]out", "holdout", name, flags=re.IGNORECASE))
    found, rest = set(), []
    for word in words:
        glued = _GLUED.fullmatch(word)
        if glued is not None:
            found.add(_MARKS[glued["word"]])
        elif not word.isdigit() and word not in GENERIC_WORDS:
            rest.append(word)
    if found == {"train", "valid"}:  # all pictures but test, before they are divided
        found = {"train"}
    return SplitMark(found.pop(), tuple(rest)) if len(found) == 1 else None
