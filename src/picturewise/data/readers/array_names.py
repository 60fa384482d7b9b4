"""Which of a file's arrays hold the pictures and the labels of each split: found by names, or else by shapes.

Names such as `x_train`, `test_images` and `y` say what an array is. Everything else is used by its form, refused, or
named in a note: no array beside the pictures is ignored silently.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import prod

from picturewise.data.arrays.layout import layout_of
from picturewise.errors import DataError, UsageError
from picturewise.printable import printable
from picturewise.split_names import SplitName, split_of

PICTURE_WORDS = frozenset(
    {"x", "image", "images", "img", "imgs", "picture", "pictures", "pic", "pics", "photo", "photos", "data"}
    | {"features", "pixels", "input", "inputs"}
)
LABEL_WORDS = frozenset({"y", "label", "labels", "lbl", "lbls", "target", "targets", "category", "class"})
CLASS_NAMES = (
    *("labels", "classes", "class_names", "label_names", "list_classes", "target_names", "categories"),
    *("classnames", "class_labels", "class_to_idx", "idx_to_class", "names"),
)
# An array with these words is about the pictures or the labels; it does not hold them.
_ABOUT_WORDS = frozenset(
    {"mean", "std", "name", "names", "file", "files", "filename", "filenames", "id", "ids", "path", "paths"}
    | {"mask", "masks", "weight", "weights", "box", "boxes", "bbox", "bboxes", "to", "list", "classes"}
)
# These words describe the whole set; such an array cannot be pictures or labels.
_PLAIN_WORDS = frozenset({"version", "license", "licence", "author", "description", "info", "date", "readme"})
_GLUED = re.compile(
    r"([xy])(train|training|val|valid|validation|dev|test|testing)|(train|val|valid|test)([xy])"
)
_FEW_PICTURES = 8  # each of which may belong to another class
_FEW_NUMBERS = 64  # in a row whose name does not say that it is a picture
EXPECTED = "x_train and y_train (and x_test, y_test, x_validation, y_validation), or images and labels"


@dataclass(frozen=True)
class ArrayForm:
    """What is known about an array before it is read: its shape, and the kind of its values.

    Kinds are NumPy's letters: b, u, i and f for numbers, U and S for strings; anything else is neither.
    """

    shape: tuple[int, ...]
    kind: str

    def __str__(self) -> str:
        values = {
            "b": "booleans",
            "u": "integers",
            "i": "integers",
            "f": "floats",
            "U": "strings",
            "S": "strings",
        }
        what = values.get(self.kind, "other values")
        return f"{'x'.join(f'{side:,}' for side in self.shape)} {what}" if self.shape else "a single value"

    @property
    def can_be_labels(self) -> bool:
        """Whether it can hold a label for each picture: integers or strings in one column."""
        return len(self.shape) > 0 and prod(self.shape[1:]) == 1 and self.kind in "buiUS"

    @property
    def can_be_pictures(self) -> bool:
        """Whether its shape and its values can be those of pictures, whatever its name is."""
        enough = len(self.shape) in {3, 4} or (len(self.shape) == 2 and self.shape[1] >= _FEW_NUMBERS)
        return self.kind in "buif" and enough and layout_of(self.shape) is not None

    @property
    def can_be_names(self) -> bool:
        """Whether it can be a list of class names."""
        return len(self.shape) == 1 and self.kind in "US" and self.shape[0] > 1


Forms = Mapping[str, "ArrayForm | None"]


@dataclass(frozen=True)
class Keys:
    """The names of the arrays: pictures and labels of each split, class names, the normalisation.

    Attributes:
        pictures: by split.
        labels: by split.
        classes: the class names.
        mean: what was subtracted from the pictures.
        std: what they were divided by.
        pictures_last: the names of arrays of pictures whose last axis counts them.
        others: what is not used.
        notes: what to tell the user about this, including what is not used.
    """

    pictures: Mapping[SplitName, str]
    labels: Mapping[SplitName, str]
    classes: str | None
    mean: str | None
    std: str | None
    pictures_last: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_keys(arrays: Forms, where: str, label_column: str | None = None) -> Keys | None:
    """Return what names and forms say, or None if nothing suggests pictures.

    The case of names and the order of their words do not matter. Names without a split are those of train, unless
    others have one: then `labels` are the class names. Names with further words, such as `train_set_x`, are used if
    there are no plainer ones. If no name suggests pictures, the only array with their shape is used, with the labels
    beside it.

    Args:
        arrays: the form of each array by its name; None: unknown.
        where: what to call the file in messages.
        label_column: the name of the array with the labels, of any split: words for splits are ignored.

    Raises:
        DataError: two names mean the same, or there are labels without their pictures.
        UsageError: no array has the requested name.
    """
    names = [name for name in arrays if label_column is None or not _is_of(name, label_column)]
    plain = bool(_roles(names, PICTURE_WORDS, where, plain=True))
    pictures = _roles(names, PICTURE_WORDS, where, plain=plain)
    notes: tuple[str, ...] = ()
    by_shape: dict[SplitName, str] = {}
    if not pictures:
        pictures, by_shape, notes = _by_shape(arrays, where, label_column)
        if not pictures:
            return None
    if label_column is not None:
        labels = _asked_for(arrays, where, label_column)
    else:
        labels = by_shape or _labels(arrays, pictures, where, plain=plain)
    lonely = [name for split, name in labels.items() if split not in pictures]
    if lonely:
        raise _missing(names, where, f"has the labels '{printable(lonely[0])}', but not their pictures")
    taken = {*pictures.values(), *labels.values()}
    classes = _class_names(arrays, pictures, taken)
    mean, std = (_one_of(arrays, words, taken) for words in (("mean_image", "mean"), ("std_image", "std")))
    last = frozenset(name for split, name in pictures.items() if _count_last(arrays, name, labels.get(split)))
    used = {*taken, classes, mean, std}
    return Keys(
        pictures,
        labels,
        classes,
        mean,
        std,
        last,
        tuple(name for name in arrays if name not in used),
        (*notes, *_turned(last, where), *_unused(arrays, used, _count(arrays, pictures), where)),
    )


def unlike_any(names: Iterable[str], where: str) -> DataError:
    """Return the error for names that do not suggest pictures."""
    return _missing(names, where, "does not have an array of pictures")


def words_of(name: str) -> list[str]:
    """Return the words of a name, in lower case.

    >>> words_of("X_train-images"), words_of("trainImages"), words_of("Xtest")
    (['x', 'train', 'images'], ['train', 'images'], ['x', 'test'])
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).casefold()
    found = []
    for word in re.split(r"[^a-z0-9]+", spaced):
        glued = _GLUED.fullmatch(word)
        found += [part for part in glued.groups() if part] if glued else [word]
    return [word for word in found if word]


def _missing(names: Iterable[str], where: str, what: str) -> DataError:
    names = list(names)
    shown = ", ".join(f"'{printable(name[:40])}'" for name in names[:12]) + (", …" if len(names) > 12 else "")
    return DataError(f"{where} {what} (found {shown or 'no arrays'}). Name the arrays {EXPECTED}.")


def _splits_in(words: Iterable[str]) -> set[SplitName]:
    return {split for word in words if (split := split_of(word)) is not None}


def _without_splits(name: str) -> list[str]:
    return [word for word in words_of(name) if split_of(word) is None]


def _is_of(name: str, asked: str) -> bool:
    """Return whether a name is the requested one, or the corresponding name of another split."""
    return name == asked or _without_splits(name) == _without_splits(asked) != []


def _roles(
    names: Iterable[str],
    words: frozenset[str],
    where: str,
    *,
    plain: bool,
    way_out: str = "Rename or remove one of them.",
) -> dict[SplitName, str]:
    """Return by split the name that has one of `words` and a split; what has no split is train."""
    found: dict[SplitName | None, str] = {}
    for name in names:
        parts = words_of(name)
        splits = _splits_in(parts)
        if len(splits) > 1 or not words & set(parts) or _ABOUT_WORDS & set(parts):
            continue
        if plain and len({part for part in parts if split_of(part) is None}) != 1:
            continue
        split = next(iter(splits), None)
        if split in found:
            raise DataError(
                f"{where} has two arrays for the same split, '{printable(found[split])}' and '{printable(name)}'. "
                f"{way_out}"
            )
        found[split] = name
    told = {split: name for split, name in found.items() if split is not None}
    return told if None not in found or "train" in told else {"train": found[None], **told}


def _labels(
    arrays: Forms, pictures: Mapping[SplitName, str], where: str, *, plain: bool
) -> dict[SplitName, str]:
    count = _count(arrays, pictures)
    names = [name for name, form in arrays.items() if form is None or not _is_short_list(form, count)]
    way_out = "Choose one with --label-column."
    found = _roles(names, LABEL_WORDS, where, plain=plain, way_out=way_out)
    found = found or _roles(names, LABEL_WORDS, where, plain=False, way_out=way_out)
    # `labels` beside y_test are the names of the classes.
    return {
        split: name
        for split, name in found.items()
        if split != "train" or "train" in pictures or _splits_in(words_of(name))
    }


def _is_short_list(form: ArrayForm, count: int) -> bool:
    """Return whether there are too few strings for one label per picture, so that they can be class names."""
    return form.can_be_names and form.shape[0] < count


def _asked_for(arrays: Forms, where: str, asked: str) -> dict[SplitName, str]:
    exact = [name for name in arrays if name == asked]
    found = exact if exact and not _splits_in(words_of(asked)) else [n for n in arrays if _is_of(n, asked)]
    by_split: dict[SplitName, str] = {}
    for name in found:
        split: SplitName = next(iter(_splits_in(words_of(name))), "train")
        by_split[split] = name
    if not by_split:
        shown = ", ".join(f"'{printable(name[:40])}'" for name in list(arrays)[:12])
        raise UsageError(f"{where} does not have an array '{printable(asked)}'. Its arrays are {shown}.")
    return by_split


def _by_shape(
    arrays: Forms, where: str, label_column: str | None
) -> tuple[dict[SplitName, str], dict[SplitName, str], tuple[str, ...]]:
    """Return the only array that has the shape of pictures, and the only one that has the shape of their labels."""
    forms = {name: form for name, form in arrays.items() if form is not None}
    asked = [name for name in forms if label_column is not None and _is_of(name, label_column)]
    counts = {forms[name].shape[0] for name in asked if forms[name].shape}
    found = [
        name
        for name, form in forms.items()
        if form.can_be_pictures
        and not _ABOUT_WORDS & set(words_of(name))
        and (not counts or form.shape[0] in counts)
    ]
    deep = [name for name in found if len(forms[name].shape) > 2]
    found = deep or found
    if len(found) != 1:
        return {}, {}, ()
    pictures = found[0]
    count = forms[pictures].shape[0]
    named = list(_labels(arrays, {"train": pictures}, where, plain=True).values())
    labels = named or [name for name, form in forms.items() if form.can_be_labels and form.shape[0] == count]
    if len(labels) > 1 and not asked:
        shown = ", ".join(f"'{printable(name)}'" for name in labels)
        raise DataError(
            f"{where}: any of {shown} could be the labels of '{printable(pictures)}'. Choose one with --label-column."
        )
    chosen = asked or labels
    beside = f" and '{printable(chosen[0])}' as their labels" if chosen else ""
    shapes = "their shapes" if chosen else "its shape"
    note = f"{where}: '{printable(pictures)}' was used as the pictures{beside}, because of {shapes}."
    return {"train": pictures}, {"train": chosen[0]} if chosen else {}, (note,)


def _class_names(arrays: Forms, pictures: Mapping[SplitName, str], taken: Collection[str]) -> str | None:
    """Return the array with the class names: by its name, else the only short list of strings."""
    count = _count(arrays, pictures)

    def fits(name: str) -> bool:
        form = arrays[name]
        return form is None or (len(form.shape) == 1 and (form.shape[0] < count or count <= _FEW_PICTURES))

    last = {name: re.split(r"[/:]", name)[-1].casefold() for name in arrays if name not in taken}
    for word in CLASS_NAMES:
        named = [name for name, end in last.items() if end == word and fits(name)]
        if named:
            return next((name for name in named if "train" in _splits_in(words_of(name))), named[0])
    texts = [
        name
        for name in last
        if (form := arrays[name]) is not None and form.can_be_names and form.shape[0] * 2 <= count
    ]
    return texts[0] if len(texts) == 1 else None


def _count(arrays: Forms, pictures: Mapping[SplitName, str]) -> int:
    """Return how many pictures the first split has, 0 if unknown."""
    form = arrays.get(next(iter(pictures.values())))
    return form.shape[0] if form is not None and form.shape else 0


def _count_last(arrays: Forms, pictures: str, labels: str | None) -> bool:
    """Return whether the last axis of an array counts the pictures, as in (H, W, C, N)."""
    form, beside = arrays[pictures], None if labels is None else arrays[labels]
    if form is None or len(form.shape) not in {3, 4}:
        return False
    moved = (form.shape[-1], *form.shape[:-1])
    if layout_of(moved) is None:
        return False
    if beside is not None and beside.shape:
        count = prod(beside.shape) if beside.can_be_labels or 1 in beside.shape else beside.shape[0]
        return count == form.shape[-1] and (form.shape[0] != count or layout_of(form.shape) is None)
    return layout_of(form.shape) is None


def _turned(last: Collection[str], where: str) -> list[str]:
    return [
        f"{where}: the last axis of '{printable(name)}' was read as the picture index: (height, width, …, N)."
        for name in sorted(last)
    ]


def _unused(arrays: Forms, used: Collection[str | None], count: int, where: str) -> list[str]:
    """Return notes for the unused arrays, and for those that could be labels."""
    left = {
        name: form
        for name, form in arrays.items()
        if name not in used
        and not _PLAIN_WORDS & set(words_of(name))
        and not name.startswith("__")
        and (form is None or prod(form.shape) > 1)
        and not (form is not None and set(words_of(name)) & {"mean", "std"} and form.shape[:1] != (count,))
    }
    ends = {re.split(r"[/:]", name)[-1].casefold() for name in used if name is not None}
    left = {name: form for name, form in left.items() if not _is_again(name, form, ends)}
    notes = []
    for name, form in list(left.items())[:3]:
        what = "" if form is None else f" ({form})"
        can = form is not None and form.can_be_labels and form.shape[0] == count
        option = f" If it contains the labels, pass --label-column {printable(name)}." if can else ""
        notes.append(f"{where}: '{printable(name)}'{what} was not used.{option}")
    if len(left) > 3:
        shown = ", ".join(f"'{printable(name[:40])}'" for name in list(left)[3:10])
        were = "was" if len(left) == 4 else "were"
        notes.append(f"{where}: {shown}{', …' * (len(left) > 10)} {were} also not used.")
    return notes


def _is_again(name: str, form: ArrayForm | None, ends: Collection[str]) -> bool:
    """Return whether an array is another file's copy of the list of class names that is used."""
    end = re.split(r"[/:]", name)[-1].casefold()
    return end != name.casefold() and end in ends and end in CLASS_NAMES


def _one_of(names: Iterable[str], candidates: Collection[str], taken: Collection[str]) -> str | None:
    return next((name for name in names if name.casefold() in candidates and name not in taken), None)
