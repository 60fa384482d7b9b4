from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from picturewise.data.imageset import ImageSet
from picturewise.data.in_memory import arrays_and_pairs
from picturewise.data.in_memory.in_memory_source import in_memory_source
from picturewise.data.read_options import AsItIs
from picturewise.errors import DataError, UsageError
from picturewise.tasks.load import make_dataset


def noise(count: int = 40, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 5, channels), np.uint8)


def halves(count: int = 40) -> NDArray[np.int64]:
    return np.arange(count) % 2


def collect(data: Any, *, progress: Any = None, **options: Any) -> dict[str, ImageSet]:
    """Return every split of a source, converted; nothing is held out."""
    source = in_memory_source(data, **options)
    reading = source.read(source.splits, AsItIs(), progress)
    return {split: part.pictures for split, part in reading.parts.items()}


def train_of(pictures: Any, labels: Any = None, **options: Any) -> ImageSet:
    return collect((pictures, halves(len(pictures)) if labels is None else labels), **options)["train"]


class Pictures:
    """A map-style data set such as torchvision's, without PyTorch."""

    classes = ("cat", "dog")

    def __init__(self, pictures: list[Any], labels: list[Any]) -> None:
        self.pictures, self.labels = pictures, labels

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.pictures[index], self.labels[index]


FORMS = {
    "uint8": lambda images: images,
    "one byte a colour, channels first": lambda images: images.transpose(0, 3, 1, 2),
    "floats in 0..1": lambda images: images / 255,
    "half floats in 0..1": lambda images: (images / 255).astype(np.float16),
    "floats in 0..255": lambda images: images.astype(np.float32),
    "wide whole numbers": lambda images: images.astype(np.int64),
    "a tensor": torch.from_numpy,
    "a tensor of floats, channels first": lambda images: torch.from_numpy(images).permute(0, 3, 1, 2) / 255,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_of_any_usual_form_are_the_same_pictures(
    form: str, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays_and_pairs, "_BYTES_AT_ONCE", 1000)
    images = noise(channels=channels)
    found = train_of(FORMS[form](images))
    assert found.images.dtype == np.uint8
    np.testing.assert_array_equal(found.images, images)
    np.testing.assert_array_equal(found.labels, halves())


def test_grey_pictures_may_do_without_channels() -> None:
    images = noise(channels=1)
    np.testing.assert_array_equal(train_of(images[..., 0]).images, images)


def test_bytes_in_our_layout_are_not_copied() -> None:
    images = noise()
    assert np.shares_memory(train_of(images).images, images)
    assert np.shares_memory(train_of(torch.from_numpy(images)).images, images)
    assert np.shares_memory(train_of(images[..., 0]).images, images) is False  # a view with gaps must be


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (halves(), ("0", "1")),
        (torch.from_numpy(halves()), ("0", "1")),
        (halves().tolist(), ("0", "1")),
        (halves().astype(np.float32)[:, np.newaxis], ("0", "1")),
        (np.eye(3)[halves()], ("0", "1", "2")),
        (np.array(["dog", "cat"])[halves()], ("cat", "dog")),
        (np.array(["dog", "cat"], object)[halves()], ("cat", "dog")),
        ([["class10", "class2"][label] for label in halves()], ("class2", "class10")),
    ],
    ids=["numbers", "tensor", "list", "column", "one-hot", "texts", "objects", "natural order"],
)
def test_labels_of_any_usual_form_name_their_classes(labels: Any, classes: tuple[str, ...]) -> None:
    found = train_of(noise(), labels)
    assert found.classes == classes
    assert found.labels is not None
    named = [found.classes[label] for label in found.labels[:2]]
    assert named in ([["0", "1"], ["dog", "cat"], ["class10", "class2"]])


def test_class_names_mean_numbers_and_give_the_order_of_texts() -> None:
    assert train_of(noise(), classes=["b", "a"]).counts() == {"b": 20, "a": 20}
    found = train_of(noise(), np.array(["x", "y"])[halves()], classes=["y", "x"])
    assert found.labels is not None
    assert found.labels[:2].tolist() == [1, 0]


def as_items(images: NDArray[np.uint8], kind: str) -> list[Any]:
    if kind == "Pillow":
        return [Image.fromarray(image) for image in images]
    if kind == "arrays":
        return list(images)
    tensors = torch.from_numpy(images).permute(0, 3, 1, 2)
    return list(tensors if kind == "tensors" else tensors / 255)


@pytest.mark.parametrize("kind", ["Pillow", "arrays", "tensors", "floats"])
def test_data_sets_of_pairs_are_the_same_pictures(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays_and_pairs, "_BYTES_AT_ONCE", 1000)
    images, seen = noise(), list[tuple[int, int]]()
    data = Pictures(as_items(images, kind), halves().tolist())
    found = collect(data, progress=lambda done, total: seen.append((done, total)))["train"]
    np.testing.assert_array_equal(found.images, images)
    np.testing.assert_array_equal(found.labels, halves())
    assert found.classes == ("cat", "dog")
    assert seen[-1] == (40, 40)


def test_tensor_data_sets_and_their_subsets_are_taken() -> None:
    images = noise()
    whole = TensorDataset(torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(halves()))
    found = collect(Subset(Subset(whole, range(30)), [5, 3]))["train"]
    np.testing.assert_array_equal(found.images, images[[5, 3]])
    named = Subset(Subset(Pictures(list(images), halves().tolist()), range(30)), [5, 3])  # type: ignore[arg-type]
    assert collect(named)["train"].classes == ("cat", "dog")


def test_labels_of_pairs_may_be_texts_or_one_hot() -> None:
    texts = Pictures(list(noise(4)), ["dog", "cat", "cat", "dog"])
    assert collect(texts)["train"].counts() == {"cat": 2, "dog": 2}
    rows = Pictures(list(noise(4)), list(torch.eye(2)[halves(4)]))
    assert collect(rows)["train"].counts() == {"cat": 2, "dog": 2}


def test_floats_that_seem_to_end_at_one_and_do_not_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays_and_pairs, "_BYTES_AT_ONCE", 1)  # one picture at a time
    images = noise(4).astype(np.float32)
    images[:2] = 1
    np.testing.assert_array_equal(train_of(images).images, images.astype(np.uint8))
    data = Pictures(list(images), halves(4).tolist())
    found = collect(data)["train"]
    np.testing.assert_array_equal(found.images, images.astype(np.uint8))
    assert found.labels is not None
    assert len(found.labels) == 4


def test_the_range_of_train_decides_for_the_other_splits() -> None:
    dark, bright = np.full((4, 6, 5), 40, np.float32), noise(40, 1)[..., 0].astype(np.float32)
    parts = collect({"train": (bright, halves()), "val": (dark, halves(4)), "test": (dark * 0, halves(4))})
    assert (parts["valid"].images.max(), parts["test"].images.max()) == (40, 0)
    with pytest.raises(
        DataError, match=r"pictures \(test\): picture 0 .* but the range of the training pictures is 0\.\.1"
    ):
        collect({"train": (bright / 255, halves()), "test": (bright, halves())})
    for train in (noise(), bright):
        with pytest.raises(
            DataError,
            match=r"\(test\) contains values in 0\.\.1, but the train split contains values in 0\.\.255",
        ):
            collect({"train": (train, halves()), "test": (train / 255, halves())})


def test_pictures_alone_have_no_labels() -> None:
    images = noise(4)
    pillow = [Image.fromarray(image) for image in images]
    for pictures in (images, torch.from_numpy(images), list(images), pillow, images.transpose(0, 3, 1, 2)):
        part = collect(pictures)["train"]
        np.testing.assert_array_equal(part.images, images)
        assert (part.labels, part.classes) == (None, ())
    assert collect(pillow[0])["train"].images.shape == (1, 6, 5, 3)
    assert collect(images[0, :, :, 0])["train"].images.shape == (1, 6, 5, 1)


def test_lists_of_pictures_may_have_labels_beside_them_and_mix_grey_with_colour() -> None:
    images = noise(4)
    part = collect((list(images), ["a", "b", "a", "b"]))["train"]
    np.testing.assert_array_equal(part.images, images)
    assert part.counts() == {"a": 2, "b": 2}
    mixed = collect([Image.fromarray(images[0]), Image.fromarray(images[1, :, :, 0])])["train"]
    np.testing.assert_array_equal(mixed.images[1], np.repeat(images[1, :, :, :1], 3, axis=2))


def test_pictures_of_several_sizes_are_resized_to_the_requested_size() -> None:
    pictures = [Image.new("L", (9, 4), 200), Image.new("L", (3, 3), 100)]
    reading = in_memory_source(pictures).read(["train"], AsItIs(size=(3, 5)))
    assert reading.parts["train"].pictures.images.shape == (2, 3, 5, 1)
    with pytest.raises(
        DataError,
        match=r"picture 1 \(counted from 0\) is 3x3x1, but the first is 4x9x1\. Give all pictures the same size",
    ):
        collect(pictures)


@pytest.mark.parametrize("shape", [(16, 16), (28, 28, 3), (28, 28, 1), (3, 28, 28)])
def test_a_shape_that_can_be_one_picture_or_several_is_refused_without_labels(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        DataError, match=r"could be one picture or \d+ pictures\. Pass one picture as picture\[None\]"
    ):
        collect(np.zeros(shape, np.uint8))
    assert len(collect((np.zeros((28, 3, 3), np.uint8), halves(28)))["train"]) == 28


class ClassLabel:
    def __init__(self, *names: str) -> None:
        self.names = list(names)


class Image_:  # noqa: N801 (its name is what is looked at, see below)
    pass


Image_.__name__ = "Image"


class Hub:
    """An imitation of a Hugging Face data set."""

    def __init__(self, features: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        self.features, self.column_names, self._rows = features, list(features), rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._rows[index]


def test_a_data_set_with_columns_is_recognised_by_their_types() -> None:
    images = noise(4)
    rows = [{"id": n, "scan": Image.fromarray(image), "kind": n % 2} for n, image in enumerate(images)]
    hub = Hub({"id": object(), "scan": Image_(), "kind": ClassLabel("cat", "dog")}, rows)
    parts = collect({"train": hub, "validation": hub})
    np.testing.assert_array_equal(parts["valid"].images, images)
    assert parts["train"].counts() == {"cat": 2, "dog": 2}
    named = Hub(
        {"img": object(), "target": object()},
        [{"img": images[0], "target": 0}, {"img": images[1], "target": 1}],
    )
    assert collect(named)["train"].counts() == {"0": 1, "1": 1}


def test_a_data_set_with_two_columns_of_labels_is_refused() -> None:
    features = {"img": Image_(), "fine_label": ClassLabel("a", "b"), "coarse_label": ClassLabel("c", "d")}
    with pytest.raises(
        DataError, match=r"several columns could be the labels \(fine_label, coarse_label\)\. Keep only one"
    ):
        collect(Hub(features, [{}]))
    with pytest.raises(DataError, match=r"no column for pictures was found among id, text\."):
        collect(Hub({"id": object(), "text": object()}, [{}]))


class Stream(IterableDataset):  # type: ignore[type-arg]
    def __iter__(self):
        return iter(())


IMAGES, LABELS = noise(4), halves(4)


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (3, UsageError, "is of type int. Pass a pair"),
        (iter([]), UsageError, "is of type list_iterator. Pass a pair"),
        ((IMAGES, LABELS, LABELS), UsageError, "is a tuple of length 3. Pass one split as a pair"),
        (((IMAGES, LABELS), (IMAGES, LABELS)), UsageError, "{'train': (pictures, labels), 'test': (pictures, labels)}"),
        ({"training": (IMAGES, LABELS), "train": (IMAGES, LABELS)}, UsageError, "each at most once"),
        ({"trian": (IMAGES, LABELS)}, UsageError, "passed as 'trian'. Use the names train, valid and test"),
        ({}, UsageError, "no pictures were passed"),
        (DataLoader(TensorDataset(torch.zeros(2, 3))), UsageError, "DataLoader. Pass the loader's data set instead."),
        (Stream(), DataError, "the Stream does not have a length, so it is a stream"),
        (Pictures([], []), DataError, "the Pictures is empty"),
        (Pictures(list(IMAGES), [0]), DataError, "failed at picture 1 (counted from 0): IndexError"),
        (TensorDataset(torch.zeros(2, 3, 4, 4)), DataError, "returns 1 values for picture 0"),
        (Pictures([IMAGES[0], IMAGES[1, :3]], [0, 1]), DataError,
         "picture 1 (counted from 0) is 3x5x3, but the first is 6x5x3. Give all pictures the same size"),
        (Pictures([IMAGES[0], IMAGES[1] / 255], [0, 1]), DataError, "has dtype float64, but the first has uint8"),
        (Pictures(list(IMAGES / 255 - 0.5), [0, 1, 0, 1]), DataError, "instead of 0..1 or 0..255: picture"),
        (((IMAGES / 255 - 0.5) / 0.5, LABELS), DataError, "without normalisation (Picturewise normalises them itself)"),
        ((IMAGES * 1.5, LABELS), DataError, "instead of 0..1 or 0..255: picture"),
        ((np.full((4, 3, 3), np.nan), LABELS), DataError, "picture 0 (counted from 0) has the value nan"),
        ((IMAGES.astype(int) - 300, LABELS), DataError, "value_range='-3"),
        ((np.zeros((4, 6, 5, 4)), LABELS), DataError, "xpected 1 or 3 channels; leave out a fourth, such as the alp"),
        ((IMAGES[:, :, :, :2], LABELS), DataError, "found an array of shape (4, 6, 5, 2) and dtype uint8"),
        ((IMAGES[:0], LABELS[:0]), DataError, "the array is empty"),
        ((IMAGES.astype(str), LABELS), DataError, "Expected a numeric array of shape (N, H, W)"),
        ((torch.zeros(4, 3, 3, dtype=torch.bfloat16), LABELS), DataError, "cannot convert the Tensor to an array"),
        ((IMAGES, LABELS[:3]), DataError, "3 labels for 4 pictures. Pass one label for each picture"),
        ((IMAGES, LABELS + 0.5), DataError, "Expected an integer"),
        ((IMAGES, LABELS - 1), DataError, "does not have labels for 2 of 4 pictures: label 0"),
        ((IMAGES, ["cat", 1, "dog", 2]), DataError, "neither all numbers nor all strings"),
        ((IMAGES, [None] * 4), DataError, "neither all numbers nor all strings"),
        ((IMAGES, []), DataError, "neither all numbers nor all strings"),
        ((IMAGES, [[1, 0], [1], [0], [1]]), DataError, "neither all numbers nor all strings"),
        ((IMAGES, np.array(["cat", "dog"])), DataError, "contains 2 labels for 4 pictures. Pass one label for each"),
    ],
    ids=lambda value: None if isinstance(value, type) else str(value)[:30] if isinstance(value, str) else "",
)  # fmt: skip
def test_what_cannot_be_used_is_reported_in_one_sentence(
    data: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        collect(data)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"classes": ["ab"]}, "the classes are ab. Pass 2 to 10,000 different strings"),
        ({"classes": ["a", "a"]}, "different strings"),
        ({"names": ["one"]}, "found 1 names for 40 training pictures"),
        ({"test": (noise(4), np.full(4, 2))}, "is 2, but there are only 2 classes. Use labels in 0..1"),
        ({"test": (noise(4), ["no"] * 4)}, "contains unknown labels: no. Use only the classes 0, 1"),
        ({"test": ImageSet(noise(4), halves(4), ("a", "b"), "mine")}, "has the classes a, b. Expected 0, 1"),
        ({"test": (noise(4, 1), halves(4))}, "the splits differ in height, width or channels"),
        (
            {"group_by": "(p.)"},
            "the pictures do not have file names. Omit --group-by '(p.)'",
        ),
    ],
)
def test_splits_and_options_that_do_not_go_together_are_refused(options: Any, said: str) -> None:
    with pytest.raises(DataError) as caught:
        make_dataset((noise(), halves()), **options)
    assert said in str(caught.value)


def test_a_share_of_0_holds_out_no_test_split() -> None:
    dataset = make_dataset((noise(100), halves(100)), test_fraction=0)
    assert {name: len(part) for name, part in dataset.splits().items()} == {"train": 90, "valid": 10}
    assert dataset.reserved is None


def test_missing_splits_are_held_out_and_said_to_be() -> None:
    dataset = make_dataset((noise(100), halves(100)))
    assert {name: len(part) for name, part in dataset.splits().items()} == {
        "train": 72,
        "valid": 8,
        "test": 20,
    }
    assert dataset.notes[0].startswith("The source does not have a test split, so ")
    assert dataset.reserved is dataset.test
    own = make_dataset((noise(100), halves(100)), test=(noise(10, seed=1), halves(10)), valid_fraction=0.5)
    assert {name: len(part) for name, part in own.splits().items()} == {"train": 50, "valid": 50, "test": 10}
    assert own.reserved is None


def test_equal_pictures_are_not_parted() -> None:
    images = noise(30).repeat(4, axis=0)
    dataset = make_dataset((images, np.repeat(halves(30), 4)))
    found = Counter()
    for part in dataset.splits().values():
        found.update({bytes(digest) for digest in np.asarray(part.statistics.digests)})
    assert set(found.values()) == {1}


def test_the_form_and_the_order_of_the_pictures_do_not_change_the_splits() -> None:
    images, order = noise(100), np.random.default_rng(0).permutation(100)
    one = make_dataset((images, halves(100)), split_seed=5)
    data = Pictures([Image.fromarray(image) for image in images[order]], halves(100)[order].tolist())
    other = make_dataset(data)
    again = make_dataset(data, split_seed=5)

    def contents(dataset: Any, split: str) -> set[bytes]:
        return {bytes(image) for image in np.asarray(dataset.split(split).images)}

    assert contents(one, "test") == contents(again, "test") != contents(other, "test")


def test_names_keep_things_together_and_stay_with_their_pictures() -> None:
    names = [f"patient{place // 4}_{place % 4}" for place in range(80)]
    dataset = make_dataset((noise(80), np.repeat(halves(20), 4)), names=names, group_by=r"(patient\d+)_")
    patients = [{name.split("_")[0] for name in part.names or ()} for part in dataset.splits().values()]
    assert sum(map(len, patients)) == len(set.union(*patients)) == 20


def test_without_train_there_is_a_set_to_evaluate_on() -> None:
    dataset = make_dataset(None, test=(noise(4), halves(4)), classes=["a", "b"], name="other")
    assert (dataset.name, list(dataset.splits()), dataset.classes) == ("other", ["test"], ("a", "b"))
