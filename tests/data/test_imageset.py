from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_numbers import sequences

from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.read import read
from picturewise.data.recognise import recognise
from picturewise.errors import DataError

IMAGES = np.arange(24, dtype=np.uint8).reshape(3, 2, 4, 1)
LABELS = np.array([1, 0, 1], dtype=np.int64)


def imageset(images: np.ndarray = IMAGES, labels: np.ndarray | None = LABELS, **other: object) -> ImageSet:
    return ImageSet(images, labels, **{"classes": ("a", "b"), "origin": "here", **other})


@pytest.mark.parametrize(
    "images",
    [IMAGES[0], IMAGES.astype(np.float32), np.zeros((3, 2, 4, 2), np.uint8), np.zeros((3, 8), np.uint8)],
)
def test_arrays_that_are_not_pictures_are_refused(images: np.ndarray) -> None:
    with pytest.raises(
        DataError,
        match=r"here: the pictures have shape .* Pass a uint8 array of shape \(N, H, W, 1 or 3\)",
    ):
        imageset(images)


@pytest.mark.parametrize("labels", [LABELS[:2], LABELS.astype(np.int32), LABELS[:, np.newaxis]])
def test_labels_of_another_form_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"here: the labels have .* int64 array of shape \(3,\)"):
        imageset(labels=labels)


@pytest.mark.parametrize("wrong", [-1, 2])
def test_labels_without_a_class_are_refused(wrong: int) -> None:
    with pytest.raises(DataError, match=r"but there are 2 classes \(0\.\.1\)"):
        imageset(labels=np.array([0, 1, wrong]))


def test_labels_that_something_needs_are_there_or_missed_by_name() -> None:
    assert imageset().required_labels is LABELS
    with pytest.raises(DataError, match=r"^here does not have labels\. Pass one label for each picture\.$"):
        _ = imageset(labels=None).required_labels


def test_counts_are_in_the_order_of_the_classes() -> None:
    assert imageset(classes=("a", "b", "c")).counts() == {"a": 1, "b": 2, "c": 0}
    assert imageset(labels=None).counts() == {}


def test_a_selection_takes_pictures_labels_and_names_along() -> None:
    found = imageset(names=["x", "y", "z"]).select(np.array([2, 1]))
    np.testing.assert_array_equal(found.images, IMAGES[[2, 1]])
    assert found.labels is not None
    assert found.labels.tolist() == [1, 0]
    assert found.names == ["z", "y"]
    assert found.shape == (2, 4, 1)


def test_the_fingerprint_does_not_depend_on_names_place_or_memory() -> None:
    strided = np.repeat(IMAGES, 2, axis=0)[::2]
    assert imageset(strided, names=["x", "y", "z"], origin="there").fingerprint == imageset().fingerprint


def test_the_fingerprint_changes_with_pictures_labels_classes_and_shape() -> None:
    changed = IMAGES.copy()
    changed[2, 1, 3, 0] ^= 1
    others = [
        imageset(changed),
        imageset(labels=np.array([1, 1, 1])),
        imageset(labels=None),
        imageset(classes=("a", "c")),
        imageset(IMAGES.reshape(3, 4, 2, 1)),
    ]
    assert len({found.fingerprint for found in [imageset(), *others]}) == 6


def test_the_fingerprint_is_this_one_on_every_machine() -> None:
    assert imageset().fingerprint == "c4fb23938636be78483f2fdc928de51b3955185fbaa111e5e5b10bf009941b26"


def test_pictures_that_are_no_longer_what_was_measured_are_refused() -> None:
    images = IMAGES.copy()
    measured = imageset(images, known=imageset(images).statistics)
    measured.select(np.array([2, 0])).check_pixels()
    images[2, 0, 0] ^= 1
    with pytest.raises(DataError, match="have changed since they were imported"):
        measured.select(np.array([2, 0])).check_pixels()
    measured.select(np.array([1, 0])).check_pixels()


def test_pictures_are_numbered_by_other_classes_or_the_strange_ones_are_named() -> None:
    images = np.zeros((3, 2, 2, 1), np.uint8)
    pictures = ImageSet(images, np.array([0, 1, 1]), ("cat", "dog"), "pets")
    wider = pictures.with_classes(("dog", "emu", "cat"))
    assert wider.classes == ("dog", "emu", "cat")
    assert wider.labels is not None
    assert wider.labels.tolist() == [2, 0, 0]
    with pytest.raises(DataError, match=r"pets has the class dog, which is not among .* \(cat, emu\)"):
        pictures.with_classes(("cat", "emu"))


def test_the_pictures_of_every_kind_of_source_are_read_like_an_array(idx_folder: Path) -> None:
    mapped = read(recognise(idx_folder), DataOptions())
    pixels = np.random.default_rng(0).integers(0, 256, (40, 2, 4, 1), dtype=np.uint8)
    held = read(recognise((pixels, np.arange(40) % 2)), DataOptions())
    kinds = {
        "a memory map": mapped.split("test"),
        "held out from a memory map": mapped.split("valid"),
        "in memory": imageset(),
        "held out in memory": held.split("test"),
        "chosen from what was held out": held.split("train").select(np.array([3, 1])),
    }
    for kind, part in kinds.items():
        images, whole = part.images, np.asarray(part.images)
        assert (images.shape, images.ndim, images.dtype, images.nbytes) == (
            (len(part), *part.shape), 4, np.uint8, whole.nbytes,
        ), kind  # fmt: skip
        odd = np.arange(len(part)) % 2 == 1
        for key in (0, -1, slice(0, 5), (0, slice(None), slice(None), 0), odd, np.array([1, 0]), (..., 0)):
            np.testing.assert_array_equal(images[key], whole[key], err_msg=f"{kind}, {key}")
        assert [image.shape for image in images] == [part.shape] * len(part)


def test_sequences_are_counted_by_symbols_and_by_length() -> None:
    part = sequences(["07", "7", "1234", "77"])
    assert part.has_sequences
    assert part.counts() == dict.fromkeys("0123", 1) | dict.fromkeys("45689", 0) | {"7": 4}
    assert part.length_counts() == {"1": 1, "2": 2, "3": 0, "over 3": 1}
    assert part.strata.tolist() == [2, 1, 4, 2]
    assert sequences(["1"]).length_counts() == {"1": 1, "2": 0, "3": 0}
    assert imageset().length_counts() == part.unlabelled(slice(0, 2)).length_counts() == {}
    assert "10 symbols" in repr(part)


def test_sequences_are_selected_and_numbered_by_another_alphabet() -> None:
    part = sequences(["07", "7", "123"]).select(np.array([2, 0]))
    assert part.required_labels.tolist() == [[3, 1, 2, 3], [2, 0, 7, -1]]
    turned = part.with_classes(tuple("9876543210x"))
    assert turned.required_labels.tolist() == [[3, 8, 7, 6], [2, 9, 2, -1]]
    assert [turned.target.text(label) for label in turned.required_labels] == ["123", "07"]
    with pytest.raises(DataError, match="has the class"):
        part.with_classes(tuple("01234567"))


def test_the_fingerprint_changes_with_a_symbol_of_a_sequence() -> None:
    assert sequences(["07", "12"]).fingerprint == sequences(["07", "12"]).fingerprint
    assert sequences(["07", "12"]).fingerprint != sequences(["7", "12"]).fingerprint
