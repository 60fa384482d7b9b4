"""Labels in file names: whatever the pattern finds is the class, and what it does not find is never guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from picturewise.data.hints import Hints
from picturewise.data.options import DataOptions
from picturewise.data.readers.folder_listing import Listing
from picturewise.data.readers.folders.named_pictures import NamedPicturesReader, recognise
from picturewise.errors import DataError, UsageError

SavePicture = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Make files below `set`; nothing but their names counts here."""

    def make(*names: str) -> Path:
        for name in names:
            (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "set" / name).touch()
        return tmp_path / "set"

    return make


def recognised(root: Path, pattern: str) -> NamedPicturesReader:
    found = recognise(root, Hints(label_from=pattern))
    assert found is not None
    return found


def read(root: Path, pattern: str, *, skip_bad: bool = False) -> dict[str, Listing]:
    found = recognised(root, pattern)
    return {**found.listings(found.splits, skip_bad=skip_bad)}


def labelled(listings: dict[str, Listing], split: str = "train") -> dict[str, str]:
    return {entry.name: entry.class_name for entry in listings[split].entries}


CATS = [f"train/{word}.{number}.jpg" for word in ("cat", "dog") for number in range(3)]


@pytest.mark.parametrize(
    ("names", "pattern", "expected"),
    [
        (CATS, r"(cat|dog)\.", ["cat"] * 3 + ["dog"] * 3),
        (CATS, r"cat|dog", ["cat"] * 3 + ["dog"] * 3),
        (["cat_1.png", "dog_1.png", "dog_2.png"], r"^([a-z]+)_", ["cat", "dog", "dog"]),
        (["n01_36.JPEG", "n02_1.JPEG"], r"(n[0-9]+)_", ["n01", "n02"]),
        (["a/x/deep/cat/1.png", "b/x/dog/1.png"], r"([^/]+)/[^/]+$", ["cat", "dog"]),
        (["color/cat/1.png", "gray/cat/1.png", "gray/dog/1.png"], r"^([^/]+)/", ["color", "gray", "gray"]),
        (["fold1/a/1.png", "fold2/b/1.png"], r"([^/]+)/[^/]+$", ["a", "b"]),
        (["p 1/größe 猫.png", "p 1/x 犬.png"], r" (.)\.", ["猫", "犬"]),
    ],
)
def test_the_first_group_is_the_class(
    save: Callable[..., Path], names: Sequence[str], pattern: str, expected: list[str]
) -> None:
    root = save(*names)
    assert labelled(read(root, pattern)) == dict(zip(names, expected, strict=True))


def test_without_a_pattern_nothing_is_recognised(save: Callable[..., Path]) -> None:
    root = save(*CATS)
    assert recognise(root, Hints()) is None
    assert recognise(root / CATS[0], Hints(label_from="(cat|dog)")) is None
    (root / "empty").mkdir()
    assert recognise(root / "empty", Hints(label_from="(cat|dog)")) is None


def test_a_test_folder_in_which_the_pattern_finds_nothing_is_not_a_split(save: Callable[..., Path]) -> None:
    root = save(*CATS, "test1/1.jpg", "test1/2.jpg")
    found = recognised(root, r"(cat|dog)\.")
    assert found.splits == ("train",)
    (note,) = found.fresh_notes
    assert note == (
        "The folder test1 contains 2 pictures without classes, so it was not used as the test split. Classify these "
        f"pictures with: picturewise predict RUN {root}/test1"
    )
    assert found.hints == Hints(label_from=r"(cat|dog)\.")


def test_splits_are_kept_where_the_pattern_finds_something(save: Callable[..., Path]) -> None:
    root = save(*CATS, "test/dog.7.jpg", "test/cat.8.jpg", "val/val/cat.9.jpg")
    reading = read(root, r"(cat|dog)\.")
    assert {split: len(part.entries) for split, part in reading.items()} == {
        "train": 6,
        "valid": 1,
        "test": 2,
    }
    assert labelled(reading, "test") == {"test/cat.8.jpg": "cat", "test/dog.7.jpg": "dog"}


def test_folders_named_after_split_and_class_are_parts_of_their_split(save: Callable[..., Path]) -> None:
    root = save(*(f"{name}_{split}/1.png" for name in ("cats", "dogs") for split in ("train", "test")))
    reading = read(root, r"^[^/]*?(cats|dogs)")
    assert labelled(reading) == {"cats_train/1.png": "cats", "dogs_train/1.png": "dogs"}
    assert labelled(reading, "test") == {"cats_test/1.png": "cats", "dogs_test/1.png": "dogs"}


def test_pictures_that_do_not_match_are_counted_and_the_first_is_named(save: Callable[..., Path]) -> None:
    root = save(*CATS, "train/fox.1.jpg", "train/owl.1.jpg")
    with pytest.raises(
        DataError,
        match=r"set: --label-from '\(cat\|dog\)' does not match the paths of 2 of 8 pictures; the first is "
        r"train/fox.1.jpg\. Correct the pattern, or leave these pictures out with --skip-bad",
    ):
        read(root, "(cat|dog)")
    reading = read(root, "(cat|dog)", skip_bad=True)
    assert len(reading["train"].entries) == 6
    assert [item.path for item in reading["train"].bad] == ["train/fox.1.jpg", "train/owl.1.jpg"]
    assert reading["train"].bad[0].reason == "its path does not match --label-from '(cat|dog)'"


@pytest.mark.parametrize("skip_bad", [False, True])
def test_a_pattern_that_matches_nothing_is_refused(save: Callable[..., Path], *, skip_bad: bool) -> None:
    with pytest.raises(
        DataError,
        match=r"'\(lion\)' does not match the path of any picture .*train; the first path is train/cat\.0\.jpg",
    ):
        read(save(*CATS), "(lion)", skip_bad=skip_bad)


def test_an_empty_group_is_not_a_class(save: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="does not match the paths of 3 of 6"):
        read(save(*CATS), "/(cat|).[0-9]")


def test_one_class_is_refused(save: Callable[..., Path]) -> None:
    with pytest.raises(
        DataError, match=r"finds 1 class in .* \(the first is 'train'\). Use a pattern that finds 2 to"
    ):
        read(save(*CATS), "^([^/]+)/")


def test_a_class_that_only_test_has_is_refused(save: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"test contains the class 'Cat', but .*train does not.* mean 'cat'"):
        read(save(*CATS, "test/Cat.1.jpg"), r"([A-Za-z]+)\.[0-9]")


def test_masks_beside_the_pictures_are_left_aside_with_a_note(save: Callable[..., Path]) -> None:
    names = [
        f"{name}/{kind}/{number}.png"
        for name in ("COVID", "Normal")
        for kind in ("images", "masks")
        for number in "12"
    ]
    reading = read(save(*names), "^([^/]+)/")
    assert list(labelled(reading)) == [name for name in names if "images" in name]
    assert reading["train"].notes == (
        "The files in COVID/masks, Normal/masks were not used, because they seem to be masks or annotations.",
    )
    pets = (
        save("pets/images/pug_1.jpg", "pets/images/boxer_1.jpg", "pets/annotations/trimaps/pug_1.png")
        / "pets"
    )
    assert list(labelled(read(pets, "([^/]+)_"))) == ["images/boxer_1.jpg", "images/pug_1.jpg"]


def test_a_class_called_masks_stays_one_where_the_pattern_says_so(save: Callable[..., Path]) -> None:
    reading = read(save("hats/1.png", "masks/1.png", "test/1.png"), "^([^/]+)/")
    assert reading["train"].classes == ("hats", "masks", "test")
    assert reading["train"].notes == ()


def test_files_that_match_are_looked_at_whatever_their_ending_and_lists_are_passed_over(
    save: Callable[..., Path],
) -> None:
    root = save(*CATS, "train/cat.9.heif", "train/cat.labels.csv")
    assert list(labelled(read(root, r"(cat|dog)\."))) == sorted([*CATS, "train/cat.9.heif"])


def test_the_pictures_are_read(tmp_path: Path, save_picture: SavePicture) -> None:
    for seed, name in enumerate(CATS):
        save_picture(tmp_path / name, seed=seed)
    found = recognised(tmp_path, r"(cat|dog)\.")
    pictures = found.read(["train"], DataOptions(source=str(tmp_path))).parts["train"].pictures
    assert (pictures.names, pictures.classes) == (CATS, ("cat", "dog"))
    assert pictures.required_labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_splits_beside_others_are_refused(save: Callable[..., Path]) -> None:
    with pytest.raises(
        DataError, match=r"contains both split folders and other folders: extra, train. Keep either"
    ):
        recognise(save("train/a/cat.1.jpg", "extra/dog.1.jpg"), Hints(label_from="(cat|dog)"))
    with pytest.raises(DataError, match=r"contains pictures alongside the folders test\. Move each"):
        recognise(save("x/cat.1.jpg", "x/test/dog.1.jpg") / "x", Hints(label_from="(cat|dog)"))


def test_a_pattern_that_would_never_end_is_stopped(save: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match="takes too much time or memory"):
        read(save("a" * 60 + "!.png", "b.png"), "^(a+)+$")


def test_the_inputs_are_the_folders_of_the_split_and_of_train(save: Callable[..., Path]) -> None:
    found = recognised(save(*CATS, "test/cat.1.jpg"), "(cat|dog)")
    assert found.inputs("train") == (found.root / "train",)
    assert found.inputs("test") == (found.root / "train", found.root / "test")
