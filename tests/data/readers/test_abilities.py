"""What each reader makes of what others do in their files: one cell for each pair of a reader and an ability.

A cell reads a small source and compares it with the right value, or says in which sentence it is refused, or why the
form has no such thing. A pair without a cell fails.
"""

from __future__ import annotations

import ability_sources as make
import numpy as np
import pytest
from ability_sources import CLASSES, COLOUR, DIGITS, GREY, LABELS, NAMED

from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.in_memory.in_memory_source import in_memory_source
from picturewise.data.read_options import AsItIs
from picturewise.data.recognise import recognise
from picturewise.errors import PicturewiseError

ABILITIES = (
    "class names", "text labels", "one-hot", "a picture without label", "test without labels", "split column",
    "value range", "layout", "names with spaces", "several parts",
)  # fmt: skip
READERS = (
    "folders", "lists", "npz", "npy", "pickle", "hdf5", "matlab 7.3", "svhn", "idx", "cifar", "pixel csv", "parquet",
    "usps", "loose pictures", "arrays", "pairs", "hugging face",
)  # fmt: skip
NO_LABEL = r"not have labels for|not have a label"
SKIP = r"--skip-bad"
"""What is said of pictures without a label."""

ALL = {"train": 24}
TWO = {"train": 16, "test": 8}
IN_TRAIN = np.arange(24) < 16
THREE = {"train": 16, "valid": 4, "test": 4}
TEXT = "a label is one of a fixed set of numbers, which the form says itself"
FOLDER = "the folder of a picture is its label"
NOT_SAID = "the form has no place for it"


class Gives:
    """The right value: how many pictures each split has, the classes, and of train the labels and the pictures."""

    def __init__(self, source, splits=ALL, classes=DIGITS, labels=None, images=None, noted=None, **options):
        self.source, self.splits, self.classes, self.noted = source, splits, classes, noted
        self.labels, self.images = labels, images
        self.options = options

    def check(self, folder):
        reading, found = read(self.source(folder), **self.options)
        assert {split: len(part.pictures) for split, part in reading.parts.items()} == self.splits
        first = next(iter(reading.parts.values())).pictures
        assert first.classes == self.classes
        if self.labels is not None:
            assert first.labels.tolist() == list(self.labels)
        elif self.splits == ALL and self.classes:
            assert first.labels.tolist() == LABELS.tolist()
        if self.images is not None:
            np.testing.assert_array_equal(first.images, self.images)
        notes = " ".join([*reading.notes, *getattr(found, "notes", ())])
        if self.noted is None:
            assert not notes
        else:
            assert_matches(self.noted, notes)


class Refused:
    """The sentence with which it is refused."""

    def __init__(self, source, *said, **options):
        self.source, self.said, self.options = source, said, options

    def check(self, folder):
        with pytest.raises(PicturewiseError) as caught:
            read(self.source(folder), **self.options)
        for said in self.said:
            assert_matches(said, str(caught.value))
        assert "\n" not in str(caught.value)


class DoesNotApply:
    """Why the form has no such thing."""

    def __init__(self, reason):
        self.reason = reason

    def check(self, folder):
        assert self.reason


def assert_matches(pattern, text):
    with pytest.raises(AssertionError, match=pattern):
        raise AssertionError(text)


def read(source, *, hints=NO_HINTS, skip_bad=False, size=None, labelled=True, classes=None):
    """Return the reading of all splits, and the source."""
    options = AsItIs(skip_bad=skip_bad, size=size)
    if classes is not None:
        found = in_memory_source(source, classes=classes, hints=hints)
    else:
        found = recognise(source, hints=hints, labelled=labelled)
    # Files are read directly: the store is another room's, and takes its time.
    inner = getattr(found, "reader", found)
    return inner.read(found.splits, options), found


def arrays(form):
    """Return the cells of a form that has arrays under names."""
    one = LABELS.copy()
    one[[3, 9]] = -1
    missing = {"x": GREY, "y": one}
    kept = np.flatnonzero(one >= 0)
    planar = COLOUR.transpose(0, 3, 1, 2)

    def of(**given):
        return lambda folder: make.ARRAYS[form](folder / f"set{make.ENDINGS[form]}", given)

    splits = np.where(IN_TRAIN, "train", "test")
    test = {"x_test": GREY[:4], "y_test": -np.ones(4, int)}
    three = {
        f"{name}_{split}": values[rows]
        for name, values in (("x", GREY), ("y", LABELS))
        for split, rows in (("train", slice(16)), ("val", slice(16, 20)), ("test", slice(20, 24)))
    }
    cells = {
        "class names": [
            Gives(of(x=GREY, y=LABELS, **{key: np.array(NAMED)}), classes=NAMED)
            for key in make.NAME_KEYS[: 1 if form == "hdf5" else None]
        ],
        "text labels": [
            Gives(of(x=GREY, y=np.array(NAMED)[LABELS]), classes=CLASSES, labels=make.BY_NAME),
            Gives(of(x=GREY, y=np.array(NAMED).astype("S")[LABELS]), classes=CLASSES, labels=make.BY_NAME),
        ],
        "one-hot": [Gives(of(x=GREY, y=np.eye(3)[LABELS])), Gives(of(x=GREY, y=np.eye(3, dtype=int)[LABELS]))],
        "a picture without label": [
            Refused(of(**missing), r"not have labels for 2 of 24 pictures: label 3 \(counted from 0\) is -1", SKIP),
            Gives(of(**missing), {"train": 22}, labels=LABELS[kept], images=GREY[kept], skip_bad=True),
        ],
        "test without labels": [
            Gives(of(x_train=GREY, y_train=LABELS, **test), noted=r"'y_test' contains only -1.*not used as the test")
        ],
        "split column": [
            Gives(of(x=GREY, y=LABELS, split=splits), TWO, labels=LABELS[:16]),
            Gives(
                of(x=GREY, y=LABELS, part=splits), TWO, labels=LABELS[:16],
                hints=Hints(split_column="part"),
            ),
        ] if form != "hdf5" else [Gives(of(x=GREY, y=LABELS, split=splits), TWO, labels=LABELS[:16])],
        "value range": [
            Gives(of(x=GREY / 255, y=LABELS), images=GREY),
            Gives(of(x=GREY / 51, y=LABELS), images=GREY, hints=Hints(value_range="0..5")),
        ],
        "layout": [
            Gives(of(x=planar, y=LABELS), images=COLOUR),
            Gives(of(x=planar.reshape(24, -1), y=LABELS), images=COLOUR, hints=Hints(layout="planar")),
            Gives(of(x=COLOUR.transpose(1, 2, 3, 0), y=LABELS), images=COLOUR, noted="last axis of"),
        ],
        "names with spaces": [
            Gives(lambda folder: make.ARRAYS[form](
                folder / "my sets (2)" / f"all of it{make.ENDINGS[form]}", {"X train": GREY, "y train": LABELS}))
        ],
        "several parts": [Gives(of(**three), THREE)],
    }  # fmt: skip
    if form in {"npz", "hdf5"}:
        cells["several parts"].append(Gives(lambda folder: make.parts(folder, form), TWO, labels=LABELS[:16]))
    return cells


def table():
    """Return the cells by reader and ability."""
    cells = {form: arrays(form) for form in ("npz", "npy", "pickle", "hdf5")}
    cells["matlab 7.3"] = {
        "class names": [DoesNotApply("texts are references there, which are not followed; classes have numbers")],
        "text labels": [Refused(make.matlab_references, "contains strings, objects or references instead of numbers")],
        "one-hot": [Gives(lambda f: make.matlab(f, X=GREY, y=np.eye(3)[LABELS]), noted="reversed axes")],
        "a picture without label": [
            Refused(lambda f: make.matlab(f, X=GREY, y=np.where(LABELS == 1, -1, LABELS)[:, None]), NO_LABEL, SKIP)
        ],
        "test without labels": [
            Gives(
                lambda f: make.matlab(
                    f, X_train=GREY, y_train=LABELS[:, None], X_test=GREY[:4], y_test=-np.ones((4, 1))
                ),
                noted="test split",
            )
        ],
        "split column": [DoesNotApply("texts are references there; each split has arrays of its own")],
        "value range": [
            Gives(lambda f: make.matlab(f, X=GREY / 255, y=LABELS[:, None]), images=GREY, noted="reversed axes")
        ],
        "layout": [
            Gives(
                lambda f: make.matlab(f, X=COLOUR.transpose(1, 2, 3, 0), y=LABELS[:, None]), images=COLOUR,
                noted="reversed axes.*last axis of",
            ),
            Gives(lambda f: make.matlab(f, X=COLOUR, y=LABELS[:, None]), images=COLOUR, noted="reversed axes"),
        ],
        "names with spaces": [
            Gives(lambda f: make.matlab(f / "my sets", X=GREY, y=LABELS[:, None]), noted="reversed axes")
        ],
        "several parts": [
            Gives(
                lambda f: make.matlab(
                    f, X_train=GREY[:16], y_train=LABELS[:16], X_test=GREY[16:], y_test=LABELS[16:]
                ),
                TWO, noted="reversed axes", labels=LABELS[:16],
            )
        ],
    }  # fmt: skip
    ten = tuple("0123456789")
    cells["svhn"] = {
        "class names": [Gives(make.svhn, classes=ten, labels=LABELS + 1)],
        "text labels": [
            Refused(lambda f: make.svhn(f, y=np.array(["one", "two"] * 12, object)), "does not contain both X and y")
        ],
        "one-hot": [Refused(lambda f: make.svhn(f, y=np.eye(10)[LABELS]), "y has shape", "one label per picture")],
        "a picture without label": [Refused(lambda f: make.svhn(f, y=LABELS[:, None] - 1), "label 0 .* is -1")],
        "test without labels": [
            Refused(lambda f: make.svhn_and_test(f, y=-np.ones((24, 1))), "test_32x32.*label 0 .* is -1")
        ],
        "split column": [DoesNotApply("each split is a file")],
        "value range": [Gives(lambda f: make.svhn(f, scale=1 / 255), classes=ten, labels=LABELS + 1)],
        "layout": [
            Refused(
                lambda f: make.svhn(f, X=np.zeros((24, 32, 32, 3), np.uint8)), r"Expected .*\(height, width, 3, N\)"
            )
        ],
        "names with spaces": [Gives(lambda f: make.svhn(f / "my digits"), classes=ten, labels=LABELS + 1)],
        "several parts": [
            Gives(make.svhn_and_test, {"train": 24, "test": 24}, classes=ten, labels=LABELS + 1)
        ],
    }  # fmt: skip
    cells["idx"] = {
        "class names": [
            Gives(lambda f: make.idx(f, names="class_names.txt"), classes=NAMED),
            Gives(lambda f: make.idx(f, names="train-mapping.txt"), classes=NAMED),
        ],
        "text labels": [DoesNotApply("IDX holds numbers alone")],
        "one-hot": [
            Refused(lambda f: make.idx(f, labels=np.eye(3, dtype=np.uint8)[LABELS]), "instead of labels .integers")
        ],
        "a picture without label": [
            Refused(lambda f: make.idx(f, labels=(LABELS - 1).astype("i1")), "not have labels for 8 of 24", SKIP),
            Gives(
                lambda f: make.idx(f, labels=(LABELS - 1).astype("i1")), {"train": 16}, classes=("0", "1"),
                labels=LABELS[LABELS > 0] - 1, images=GREY[LABELS > 0], skip_bad=True,
            ),
        ],
        "test without labels": [
            Gives(lambda f: make.idx(f, test=-np.ones(4, ">i4")), noted="only -1.*not used as the test.*predict")
        ],
        "split column": [DoesNotApply("each split is a pair of files")],
        "value range": [Gives(lambda f: make.idx(f, pictures=(GREY[..., 0] / 255).astype(">f4")), images=GREY)],
        "layout": [
            Gives(
                lambda f: make.idx(f, pictures=GREY[..., 0].transpose(0, 2, 1), before="emnist-digits-"), images=GREY,
                classes=ten, noted="were transposed",
            )
        ],
        "names with spaces": [Gives(lambda f: make.idx(f / "my set (1)", before="hand written "))],
        "several parts": [
            Gives(lambda f: make.idx(f, test=LABELS[:4].astype("u1")), {"train": 24, "test": 4}, labels=LABELS),
            Gives(lambda f: make.idx(f, labels=LABELS.astype(">i4"), own_folders=True), images=GREY),
        ],
    }  # fmt: skip
    cells["cifar"] = {
        "class names": [Gives(make.cifar, {"train": 4}, classes=make.CIFAR, labels=[6, 9, 6, 9])],
        "text labels": [Refused(lambda f: make.cifar(f, ["cat", "dog"]), "contains strings. Pass class numbers")],
        "one-hot": [
            Gives(
                lambda f: make.cifar(f, np.eye(10)[[6, 9]]), {"train": 4}, classes=make.CIFAR, labels=[6, 9, 6, 9]
            )
        ],
        "a picture without label": [Refused(lambda f: make.cifar(f, [6, -1]), "label 1 .* is -1. Expected")],
        "test without labels": [Refused(lambda f: make.cifar(f, test=[-1, -1]), "test_batch.*label 0 .* is -1")],
        "split column": [DoesNotApply("each split has files of its own")],
        "value range": [Refused(lambda f: make.cifar(f, scale=1 / 255), "Expected a uint8")],
        "layout": [
            Gives(
                make.cifar, {"train": 4}, classes=make.CIFAR, labels=[6, 9, 6, 9], images=make.CIFAR_PICTURES
            )
        ],
        "names with spaces": [
            Gives(lambda f: make.cifar(f / "my set"), {"train": 4}, classes=make.CIFAR, labels=[6, 9, 6, 9])
        ],
        "several parts": [
            Gives(
                lambda f: make.cifar(f, test=[1, 2]), {"train": 4, "test": 2}, classes=make.CIFAR, labels=[6, 9, 6, 9]
            )
        ],
    }  # fmt: skip
    missing = np.where(LABELS == 1, -1, LABELS)
    cells["pixel csv"] = {
        "class names": [DoesNotApply("a table has labels, and texts among them are the names")],
        "text labels": [
            Gives(
                lambda f: make.csv(f, {"label": np.array(NAMED)[LABELS]}), classes=CLASSES, labels=make.BY_NAME,
                images=GREY,
            )
        ],
        "one-hot": [
            Refused(
                lambda f: make.csv(f, {f"is {name}": make.one_hot(n) for n, name in enumerate(NAMED)}),
                "could be the labels", "--label-column",
            )
        ],
        "a picture without label": [
            Refused(lambda f: make.csv(f, {"label": missing}), "not have labels for 8 of 24 pictures", SKIP),
            Refused(
                lambda f: make.csv(f, {"label": np.where(LABELS == 1, "", LABELS.astype(str))}),
                "does not have labels for 8 of 24 pictures: label 1 .* is empty", SKIP,
            ),
            Gives(
                lambda f: make.csv(f, {"label": missing}), {"train": 16}, labels=LABELS[LABELS != 1],
                images=GREY[LABELS != 1], skip_bad=True,
            ),
        ],
        "test without labels": [Gives(make.csv_and_test, noted="test.csv does not have labels.*not used")],
        "split column": [
            Gives(
                lambda f: make.csv(f, {"label": LABELS, "Usage": np.where(IN_TRAIN, "Training", "PublicTest")}),
                TWO, labels=LABELS[:16],
            ),
            Gives(
                lambda f: make.csv(f, {"label": LABELS, "which": np.where(IN_TRAIN, "train", "test")}),
                TWO, labels=LABELS[:16], hints=Hints(split_column="which"),
            ),
        ],
        "value range": [Gives(lambda f: make.csv(f, {"label": LABELS}, pictures=GREY / 255), images=GREY)],
        "layout": [
            Gives(
                lambda f: make.csv(f, {"label": LABELS}, pictures=COLOUR.transpose(0, 3, 1, 2)), images=COLOUR,
                hints=Hints(layout="planar"),
            ),
        ],
        "names with spaces": [Gives(lambda f: make.csv(f / "my set", {"label": LABELS}, name="the digits (1).csv"))],
        "several parts": [Gives(lambda f: make.csv_and_test(f, LABELS[:4]), {"train": 24, "test": 4}, labels=LABELS)],
    }  # fmt: skip
    cells["parquet"] = {
        "class names": [Gives(lambda f: make.parquet(f, {"label": LABELS}, names=NAMED), classes=NAMED)],
        "text labels": [
            Gives(
                lambda f: make.parquet(f, {"label": np.array(NAMED)[LABELS]}), classes=CLASSES, labels=make.BY_NAME
            )
        ],
        "one-hot": [Gives(lambda f: make.parquet(f, {"label": np.eye(3, dtype=int)[LABELS]}))],
        "a picture without label": [
            Refused(lambda f: make.parquet(f, {"label": missing}), r"row 1: it does not have a label", SKIP),
            Gives(
                lambda f: make.parquet(f, {"label": missing}), {"train": 16}, classes=("0", "2"),
                labels=LABELS[LABELS != 1] // 2, images=GREY[LABELS != 1], skip_bad=True,
            ),
        ],
        "test without labels": [
            Gives(lambda f: make.shards(f, -np.ones(4, int)), noted="the test pictures do not have labels.*predict")
        ],
        "split column": [
            Gives(
                lambda f: make.parquet(f, {"label": LABELS, "split": np.where(IN_TRAIN, "train", "test")}),
                TWO, labels=LABELS[:16],
            )
        ],
        "value range": [Gives(lambda f: make.parquet(f, {"label": LABELS}, lists=GREY[..., 0] / 255), images=GREY)],
        "layout": [
            Gives(lambda f: make.parquet(f, {"label": LABELS}, lists=COLOUR.transpose(0, 3, 1, 2)), images=COLOUR)
        ],
        "names with spaces": [Gives(lambda f: make.parquet(f / "my set (1)", {"label": LABELS}))],
        "several parts": [Gives(lambda f: make.shards(f, LABELS[:4]), {"train": 24, "test": 4}, labels=LABELS)],
    }  # fmt: skip
    cells["usps"] = {
        "class names": [Gives(make.usps, classes=ten)],
        "text labels": [Refused(lambda f: make.usps(f, ["one"] * 24), "contains something other than numbers")],
        "one-hot": [DoesNotApply("a line begins with one number")],
        "a picture without label": [Refused(lambda f: make.usps(f, [-1] * 24), "the label -1. Expected a label")],
        "test without labels": [
            Refused(lambda f: make.usps(make.usps(f), [-1] * 24, name="usps.t"), "the label -1. Expected a label")
        ],
        "split column": [DoesNotApply("each split is a file")],
        "value range": [Refused(lambda f: make.usps(f, top=255.0), "values outside -1..1")],
        "layout": [DoesNotApply("the places of the numbers are written beside them")],
        "names with spaces": [Gives(lambda f: make.usps(f / "my set"), classes=ten)],
        "several parts": [
            Gives(
                lambda f: make.usps(make.usps(f), name="usps.t"), {"train": 24, "test": 24}, classes=ten, labels=LABELS
            )
        ],
    }  # fmt: skip
    unlabelled = DoesNotApply("these are pictures without labels, to be predicted")
    cells["loose pictures"] = {ability: [unlabelled] for ability in ABILITIES} | {
        "value range": [
            Gives(
                make.loose,
                {"train": 24},
                classes=(),
                labelled=False,
                size=(8, 8),
                images=GREY.repeat(3, axis=3),
            )
        ],
        "layout": [DoesNotApply("a picture file says how it lies")],
        "names with spaces": [
            Gives(
                lambda f: make.loose(f / "my pictures"),
                {"train": 24},
                classes=(),
                labelled=False,
                size=(8, 8),
            )
        ],
    }
    cells["folders"] = {
        "class names": [Gives(make.folders, classes=CLASSES, labels=make.SORTED)],
        "text labels": [Gives(make.folders, classes=CLASSES, labels=make.SORTED)],
        "one-hot": [DoesNotApply(FOLDER)],
        "a picture without label": [
            Refused(lambda f: make.folders(f, beside=True), "outside the class folders", SKIP),
            Gives(
                lambda f: make.folders(f, beside=True), classes=CLASSES, labels=make.SORTED, skip_bad=True
            ),
        ],
        "test without labels": [Gives(make.folders_and_test, classes=CLASSES, labels=make.SORTED, noted="test")],
        "split column": [DoesNotApply("folders of splits say it")],
        "value range": [
            Gives(
                lambda f: make.folders(f, deep=True), classes=CLASSES, labels=make.SORTED,
                noted=r"0\.\.4095 \(12 bits\)",
            )
        ],
        "layout": [DoesNotApply("a picture file says how it lies")],
        "names with spaces": [
            Gives(
                lambda f: make.folders(f / "my pets (1)", more=" breed"), classes=tuple(f"{c} breed" for c in CLASSES),
                labels=make.SORTED,
            )
        ],
        "several parts": [
            Gives(make.folders_of_splits, {"train": 24, "test": 24}, classes=CLASSES, labels=make.SORTED)
        ],
    }  # fmt: skip
    words = np.array(NAMED)[LABELS]
    cells["lists"] = {
        "class names": [DoesNotApply("a list has labels, and texts among them are the names")],
        "text labels": [Gives(lambda f: make.listed(f, {"label": words}), classes=CLASSES, labels=make.BY_NAME)],
        "one-hot": [
            Gives(
                lambda f: make.listed(f, {name: make.one_hot(n) for n, name in enumerate(NAMED)}),
                classes=CLASSES, labels=make.BY_NAME, noted="the classes are the columns rose, daisy, tulip",
            )
        ],
        "a picture without label": [
            Refused(lambda f: make.listed(f, {"label": np.where(LABELS == 1, "", words)}), "label", SKIP)
        ],
        "test without labels": [Gives(make.listed_and_test, classes=CLASSES, labels=make.BY_NAME, noted="test.csv")],
        "split column": [
            Gives(
                lambda f: make.listed(f, {"label": words, "split": np.where(IN_TRAIN, "train", "test")}), TWO,
                classes=CLASSES, labels=make.BY_NAME[:16],
            )
        ],
        "value range": [DoesNotApply("its pictures are those of folders, which see")],
        "layout": [DoesNotApply("a picture file says how it lies")],
        "names with spaces": [
            Gives(
                lambda f: make.listed(f / "my pets (1)", {"label": words}, name="my labels.csv"), classes=CLASSES,
                labels=make.BY_NAME,
            )
        ],
        "several parts": [
            Gives(
                lambda f: make.listed_and_test(f, words), {"train": 24, "test": 24}, classes=CLASSES,
                labels=make.BY_NAME,
            )
        ],
    }  # fmt: skip
    cells["arrays"] = {
        "class names": [Named(lambda f: (GREY, LABELS), classes=NAMED)],
        "text labels": [
            Gives(lambda f: (GREY, np.array(NAMED)[LABELS]), classes=CLASSES, labels=make.BY_NAME),
            Gives(lambda f: (GREY, [NAMED[n].encode() for n in LABELS]), classes=CLASSES, labels=make.BY_NAME),
        ],
        "one-hot": [Gives(lambda f: (GREY, np.eye(3)[LABELS]))],
        "a picture without label": [
            Refused(lambda f: (GREY, missing), "not have labels for 8 of 24 pictures", SKIP),
            Gives(
                lambda f: (GREY, missing), {"train": 16}, labels=LABELS[LABELS != 1], images=GREY[LABELS != 1],
                skip_bad=True,
            ),
        ],
        "test without labels": [
            Gives(
                lambda f: {"train": (GREY, LABELS), "test": (GREY[:4], [-1] * 4)},
                noted="the test pictures do not have labels",
            )
        ],
        "split column": [DoesNotApply("a dict says the splits")],
        "value range": [
            Gives(lambda f: (GREY / 255, LABELS), images=GREY),
            Gives(lambda f: (GREY / 51, LABELS), images=GREY, hints=Hints(value_range="0..5")),
        ],
        "layout": [
            Gives(lambda f: (COLOUR.transpose(0, 3, 1, 2), LABELS), images=COLOUR),
            Gives(
                lambda f: (COLOUR.transpose(0, 3, 1, 2).reshape(24, -1), LABELS), images=COLOUR,
                hints=Hints(layout="planar"),
            ),
        ],
        "names with spaces": [
            Gives(lambda f: (GREY, np.array(["a b", "c  d"])[LABELS % 2]), classes=("a b", "c  d"), labels=LABELS % 2)
        ],
        "several parts": [
            Gives(lambda f: {"train": (GREY[:16], LABELS[:16]), "test": (GREY[16:], LABELS[16:])}, TWO)
        ],
    }  # fmt: skip
    cells["pairs"] = {
        "class names": [Gives(lambda f: make.Pairs(GREY, LABELS, NAMED), classes=NAMED)],
        "text labels": [
            Gives(lambda f: make.Pairs(GREY, np.array(NAMED)[LABELS].tolist()), classes=CLASSES, labels=make.BY_NAME)
        ],
        "one-hot": [Gives(lambda f: make.Pairs(GREY, np.eye(3)[LABELS]))],
        "a picture without label": [
            Refused(lambda f: make.Pairs(GREY, missing), "not have labels for 8 of 24 pictures", SKIP),
            Gives(
                lambda f: make.Pairs(GREY, missing), {"train": 16}, labels=LABELS[LABELS != 1], skip_bad=True
            ),
        ],
        "test without labels": [
            Refused(
                lambda f: {"train": make.Pairs(GREY, LABELS), "test": make.Pairs(GREY[:4], [-1] * 4)},
                r"pictures \(test\) does not have labels \(all are -1\)", "Omit this split",
            )
        ],
        "split column": [DoesNotApply("a dict says the splits")],
        "value range": [Gives(lambda f: make.Pairs((GREY / 255).astype("f4"), LABELS), images=GREY)],
        "layout": [Gives(lambda f: make.Pairs(COLOUR.transpose(0, 3, 1, 2), LABELS), images=COLOUR)],
        "names with spaces": [
            Gives(lambda f: make.Pairs(GREY, LABELS, ("a b", "c d", "e f")), classes=("a b", "c d", "e f"))
        ],
        "several parts": [
            Gives(
                lambda f: {"train": make.Pairs(GREY[:16], LABELS[:16]), "test": make.Pairs(GREY[16:], LABELS[16:])}, TWO
            )
        ],
    }  # fmt: skip
    cells["hugging face"] = {
        "class names": [Gives(lambda f: make.Hub(LABELS, NAMED), classes=NAMED, images=GREY)],
        "text labels": [
            Gives(lambda f: make.Hub(np.array(NAMED)[LABELS].tolist()), classes=CLASSES, labels=make.BY_NAME)
        ],
        "one-hot": [Gives(lambda f: make.Hub(np.eye(3)[LABELS].tolist()))],
        "a picture without label": [
            Refused(lambda f: make.Hub(missing.tolist(), NAMED), "not have labels for 8 of 24 pictures", SKIP)
        ],
        "test without labels": [
            Gives(
                lambda f: {"train": make.Hub(LABELS, NAMED), "test": make.Hub([-1] * 24, NAMED)}, classes=NAMED,
                noted="the test pictures do not have labels",
            )
        ],
        "split column": [
            Gives(lambda f: make.Hub(LABELS, NAMED, more="split"), classes=NAMED, noted="columns were not used: split")
        ],
        "value range": [DoesNotApply("its pictures are Pillow's, of 8 bits")],
        "layout": [DoesNotApply("its pictures are Pillow's")],
        "names with spaces": [
            Gives(
                lambda f: make.Hub(LABELS, NAMED, label="my label"), classes=NAMED, hints=Hints(label_column="my label")
            )
        ],
        "several parts": [
            Gives(
                lambda f: {"train": make.Hub(LABELS, NAMED), "validation": make.Hub(LABELS, NAMED)},
                {"train": 24, "valid": 24}, classes=NAMED,
            )
        ],
    }  # fmt: skip
    return cells


class Named(Gives):
    """As `Gives`, with the names of the classes beside the source."""

    def __init__(self, source, classes):
        super().__init__(source, classes=classes)
        self.options = {"classes": classes}


TABLE = table()


SLOW = {"hdf5", "matlab 7.3", "parquet", "folders", "lists", "loose pictures"}  # child processes read these


@pytest.mark.parametrize("ability", ABILITIES)
@pytest.mark.parametrize(
    "reader", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in READERS]
)
def test_a_reader_gives_the_right_value_or_says_why_not(tmp_path, reader, ability):
    cell = TABLE[reader][ability]
    assert cell
    for number, one in enumerate(cell):
        folder = tmp_path / str(number)
        folder.mkdir()
        one.check(folder)
