from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from picturewise.data.contract import Reading
from picturewise.data.options import DataOptions
from picturewise.data.pictures.decode import read_picture
from picturewise.data.readers.folders.reader import FolderReader, recognise
from picturewise.errors import DataError
from picturewise.names import slug

SavePicture = Callable[..., Path]
MakeClasses = Callable[..., Path]


def recognised(path: Path) -> FolderReader:
    source = recognise(path)
    assert source is not None
    return source


def read(path: Path, *splits: str, **options: object) -> Reading:
    return recognised(path).read(splits or ("train",), DataOptions(source=str(path), **options))


def test_a_folder_per_class_is_all_train(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path, ("dog", "cat"), count=3)
    assert recognised(tmp_path).splits == ("train",)
    pictures = read(tmp_path).parts["train"].pictures
    assert pictures.classes == ("cat", "dog")
    assert pictures.labels is not None
    assert pictures.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert pictures.names == ["cat/0.png", "cat/1.png", "cat/2.png", "dog/0.png", "dog/1.png", "dog/2.png"]
    for name, image in zip(pictures.names, pictures.images, strict=True):
        np.testing.assert_array_equal(image, read_picture(tmp_path / name, None, 3))


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("train", "valid", "test"), ("train", "valid", "test")),
        (("Training", "Testing"), ("train", "test")),
        (("train", "val"), ("train", "valid")),
        (("train", "dev", "test"), ("train", "valid", "test")),
        (("test",), ("test",)),
    ],
)
def test_a_level_of_splits_is_known_by_its_names(
    tmp_path: Path, make_classes: MakeClasses, names: tuple[str, ...], splits: tuple[str, ...]
) -> None:
    for number, name in enumerate(names, start=1):
        make_classes(tmp_path / name, count=number)
    source = recognised(tmp_path)
    assert source.splits == splits
    reading = source.read(source.splits, DataOptions(source=""))
    assert [len(part.pictures) for part in reading.parts.values()] == [
        2 * n for n in range(1, len(names) + 1)
    ]


def test_a_class_can_have_the_name_of_a_split(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path, ("train", "car", "plane"))
    assert recognised(tmp_path).splits == ("train",)
    assert read(tmp_path).parts["train"].pictures.classes == ("car", "plane", "train")


def test_splits_beside_other_folders_are_an_error(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path / "train")
    make_classes(tmp_path, ("extra",))
    with pytest.raises(
        DataError, match=r"contains both split folders and other folders: extra, train. Keep either"
    ):
        recognise(tmp_path)


def test_two_folders_for_one_split_are_an_error(tmp_path: Path, make_classes: MakeClasses) -> None:
    for name in ("train", "val", "valid"):
        make_classes(tmp_path / name)
    with pytest.raises(
        DataError, match=r"contains both split folders and other folders: train, val, valid. Keep either"
    ):
        recognise(tmp_path)


def test_splits_without_class_folders_are_an_error(tmp_path: Path, save_picture: SavePicture) -> None:
    save_picture(tmp_path / "train" / "1.png")
    save_picture(tmp_path / "test" / "1.png")
    with pytest.raises(DataError, match="train contains pictures, but no class folders"):
        recognise(tmp_path)


def test_what_holds_neither_folders_nor_pictures_is_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".hidden").mkdir()
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "notes.txt") is None


def test_pictures_without_class_folders_are_refused(tmp_path: Path, save_picture: SavePicture) -> None:
    save_picture(tmp_path / "1.png")
    with pytest.raises(DataError, match="contains pictures, but no class folders"):
        recognise(tmp_path)


def test_single_folders_are_stepped_through_and_names_are_those_below_the_source(
    tmp_path: Path, make_classes: MakeClasses
) -> None:
    make_classes(tmp_path / "archive" / "flowers", count=1)
    source = recognised(tmp_path)
    assert source.fresh_notes == ()
    assert source.name == slug(tmp_path)
    assert read(tmp_path).parts["train"].pictures.names == [
        "archive/flowers/cat/0.png",
        "archive/flowers/dog/0.png",
    ]


def test_one_class_only_is_an_error(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path, ("cat",))
    with pytest.raises(
        DataError, match=r"contains only one folder of pictures, cat. Use one folder for each of two"
    ):
        recognise(tmp_path)
    make_classes(tmp_path / "both" / "train", ("cat",))
    (tmp_path / "both" / "train" / "x").mkdir()
    (tmp_path / "both" / "train" / "x" / "a").write_text("no picture")
    with pytest.raises(DataError, match="of the class 'x'"):
        read(tmp_path / "both", skip_bad=True)


@pytest.mark.parametrize("skip_bad", [False, True])
def test_an_empty_album_is_not_a_class_and_shifts_no_label(
    tmp_path: Path, make_classes: MakeClasses, *, skip_bad: bool
) -> None:
    make_classes(tmp_path / "train", ("bee", "cat", "dog"), count=2)
    make_classes(tmp_path / "test", ("dog",), count=2)
    (tmp_path / "train" / "ant").mkdir()
    (tmp_path / "test" / "ant").mkdir()
    source = recognised(tmp_path)
    assert source.fresh_notes == (
        "The folder train/ant does not contain pictures, so it was not used as a class.",
    )
    parts = read(tmp_path, "train", "test", skip_bad=skip_bad).parts
    assert parts["train"].pictures.classes == parts["test"].pictures.classes == ("bee", "cat", "dog")
    assert parts["test"].pictures.required_labels.tolist() == [2, 2]


def test_pictures_of_a_class_whose_train_folder_is_empty_are_refused(
    tmp_path: Path, make_classes: MakeClasses
) -> None:
    make_classes(tmp_path / "train", ("cat", "dog"), count=2)
    make_classes(tmp_path / "test", ("cat", "fox"), count=2)
    (tmp_path / "train" / "fox").mkdir()
    with pytest.raises(DataError, match=r"test contains the class 'fox', but .*train does not"):
        read(tmp_path, "test")


def test_a_test_class_in_other_letters_is_refused_with_the_nearest(
    tmp_path: Path, make_classes: MakeClasses
) -> None:
    make_classes(tmp_path / "train", ("a", "b"), count=2)
    make_classes(tmp_path / "test", ("A", "b "), count=2)
    with pytest.raises(
        DataError, match=r"test contains the class 'A', .* \(its classes are a, b\)\. Did you mean 'a'\?"
    ):
        read(tmp_path, "test")


def test_a_test_class_that_train_does_not_have_is_an_error(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path / "train", ("daisy", "rose"))
    make_classes(tmp_path / "test", ("daisy", "roses"))
    with pytest.raises(DataError, match=r"test contains the class 'roses', .* Did you mean 'rose'\?"):
        read(tmp_path, "test")
    assert list(read(tmp_path, "train").parts) == ["train"]


def test_a_class_that_test_lacks_is_not_an_error(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path / "train", ("cat", "dog", "fox"))
    make_classes(tmp_path / "test", ("dog",))
    (tmp_path / "test" / "cat").mkdir()
    pictures = read(tmp_path, "test").parts["test"].pictures
    assert pictures.classes == ("cat", "dog", "fox")
    assert pictures.counts() == {"cat": 0, "dog": 10, "fox": 0}


def test_pictures_of_one_size_keep_it(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path, count=2, height=300, width=5)
    reading = read(tmp_path)
    assert reading.parts["train"].pictures.shape == (300, 5, 3)
    assert reading.notes == ()


def test_pictures_of_several_sizes_get_the_median(tmp_path: Path, save_picture: SavePicture) -> None:
    for index, (height, width) in enumerate([(10, 40), (12, 50), (30, 20)]):
        save_picture(tmp_path / "cat" / f"{index}.png", height, width)
    save_picture(tmp_path / "dog" / "0.png", 12, 40)
    reading = read(tmp_path)
    assert reading.parts["train"].pictures.shape == (12, 40, 3)
    (note,) = reading.notes
    assert note == (
        "The pictures differ in size, from 10 to 30 pixels in height and 20 to 50 in width, so each was resized to the "
        "median, 12x40 (resize: crop)."
    )


def test_a_large_median_is_scaled_down(tmp_path: Path, save_picture: SavePicture) -> None:
    save_picture(tmp_path / "cat" / "0.png", 300, 448)
    save_picture(tmp_path / "dog" / "0.png", 320, 448)
    reading = read(tmp_path)
    assert reading.parts["train"].pictures.shape == (155, 224, 3)
    assert "the median, 155x224, scaled down from 310x448" in reading.notes[0]


def test_a_size_asked_for_overrides_all(tmp_path: Path, save_picture: SavePicture) -> None:
    save_picture(tmp_path / "cat" / "0.png", 30, 48)
    save_picture(tmp_path / "dog" / "0.png", 32, 48)
    reading = read(tmp_path, size=(16, 20), resize="pad")
    assert reading.parts["train"].pictures.shape == (16, 20, 3)
    assert reading.notes == ()


@pytest.mark.slow
def test_test_gets_the_size_and_channels_of_train(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path / "train", height=6, width=9, mode="L")
    make_classes(tmp_path / "test", height=20, width=20, mode="RGB")
    for splits in (("train", "test"), ("test",)):
        assert read(tmp_path, *splits).parts["test"].pictures.shape == (6, 9, 1)


def test_one_coloured_picture_makes_all_coloured(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path, mode="L")
    assert read(tmp_path).parts["train"].pictures.shape == (8, 8, 1)
    make_classes(tmp_path, ("cat",), count=1, mode="RGB")
    assert read(tmp_path).parts["train"].pictures.shape == (8, 8, 3)


@pytest.fixture
def with_bad_files(tmp_path: Path, make_classes: MakeClasses) -> Path:
    """Two classes of ten pictures, and four bad files: text, a truncated and an animated picture, a stray."""
    make_classes(tmp_path, height=40, width=40)
    (tmp_path / "cat" / "a.tif").write_text("meow")
    whole = (tmp_path / "cat" / "0.png").read_bytes()
    (tmp_path / "dog" / "short.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "dog" / "broken.png").symlink_to(tmp_path / "gone")
    (tmp_path / "stray.png").write_bytes(whole)
    (tmp_path / "README").write_text("passed over")
    return tmp_path


def test_all_bad_files_are_counted_in_one_error_that_names_the_first(with_bad_files: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(with_bad_files)
    message = str(caught.value)
    assert (
        ": 4 of 24 files cannot be used as pictures; the first is cat/a.tif: not a supported picture"
        in message
    )
    assert message.endswith("or leave them out with --skip-bad.")


def test_texts_among_pictures_are_named_and_not_used(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path)
    for path in ("cat/0.txt", "dog/boxes.csv"):
        (tmp_path / path).write_text("0 0.5 0.5 0.1 0.1")
    reading = read(tmp_path)
    assert len(reading.parts["train"].pictures.images) == 20
    (note,) = reading.notes
    assert note == (
        "2 files in the class folders were not used, because their file names show that they are not pictures; the "
        "first is cat/0.txt."
    )


def test_bad_files_can_be_skipped_and_are_recorded(with_bad_files: Path) -> None:
    reading = read(with_bad_files, skip_bad=True)
    assert [skipped.path for skipped in reading.skipped] == [
        "cat/a.tif",
        "dog/broken.png",
        "dog/short.png",
        "stray.png",
    ]
    assert "it is text" in reading.skipped[0].reason
    part = reading.parts["train"]
    assert part.pictures.counts() == {"cat": 10, "dog": 10}
    assert len(part.digests) == 20
    assert part.pictures.names is not None
    for name, image in zip(part.pictures.names, part.pictures.images, strict=True):
        np.testing.assert_array_equal(image, read_picture(with_bad_files / name, None, 3))


def test_bad_files_of_a_split_that_is_not_read_do_not_matter(
    tmp_path: Path, make_classes: MakeClasses
) -> None:
    make_classes(tmp_path / "train")
    make_classes(tmp_path / "test")
    (tmp_path / "train" / "cat" / "bad.png").write_text("bad")
    assert len(read(tmp_path, "test").parts["test"].pictures) == 20


def test_bad_files_of_all_splits_read_are_counted_together(tmp_path: Path, make_classes: MakeClasses) -> None:
    for split in ("train", "test"):
        make_classes(tmp_path / split)
        (tmp_path / split / "cat" / "bad.png").write_text("bad")
    with pytest.raises(DataError, match="2 of 42 files cannot be used as pictures"):
        read(tmp_path, "train", "test")


def test_a_class_that_loses_all_pictures_is_an_error(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path)
    (tmp_path / "fox").mkdir()
    (tmp_path / "fox" / "bad.png").write_text("bad")
    with pytest.raises(DataError, match="no picture of the class 'fox' can be read"):
        read(tmp_path, skip_bad=True)


def test_a_folder_of_nothing_but_bad_files_is_an_error(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "bad.png").write_text("bad")
    with pytest.raises(
        DataError, match=r"none of the 2 files can be read .* first error is: not a supported picture"
    ):
        read(tmp_path, skip_bad=True)


def test_a_test_folder_without_pictures_is_not_a_split(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path / "train")
    (tmp_path / "test" / "cat").mkdir(parents=True)
    source = recognised(tmp_path)
    assert source.splits == ("train",)
    assert source.fresh_notes == (
        "The folder test does not contain pictures, so it was not used as the test split.",
    )


def test_a_class_made_of_deeper_folders_is_named_with_the_split_that_is_read(
    tmp_path: Path, make_classes: MakeClasses, save_picture: SavePicture
) -> None:
    make_classes(tmp_path / "train", count=2)
    make_classes(tmp_path / "test", count=2)
    save_picture(tmp_path / "test" / "cat" / "kitten" / "0.png")
    assert read(tmp_path, "train").notes == ()
    (note,) = read(tmp_path, "test").notes
    assert note.startswith(
        "The class cat also includes the 1 picture in test/cat/kitten. If the deeper folders are"
    )


def test_progress_counts_every_step_up_to_the_last(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path)
    (tmp_path / "cat" / "bad.png").write_text("bad")
    seen: list[tuple[int, int]] = []
    options = DataOptions(source="", skip_bad=True)
    recognised(tmp_path).read({"train"}, options, lambda done, total: seen.append((done, total)))
    assert {total for _, total in seen} == {42}
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (42, 42)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_a_class_folder_is_a_bad_file_and_does_not_block(
    tmp_path: Path, make_classes: MakeClasses
) -> None:
    make_classes(tmp_path)
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    assert [skipped.reason for skipped in read(tmp_path, skip_bad=True).skipped] == ["not a regular file"]


def test_digests_are_those_of_the_files_and_not_of_the_size_asked_for(
    tmp_path: Path, make_classes: MakeClasses
) -> None:
    make_classes(tmp_path)
    small, large = (read(tmp_path, size=size).parts["train"].source_digests[:] for size in [(4, 4), (16, 16)])
    np.testing.assert_array_equal(small, large)
    assert len(np.unique(small, axis=0)) == 20
