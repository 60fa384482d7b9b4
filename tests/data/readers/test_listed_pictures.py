from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reading_here import work_through

from picturewise.data.contract import Reading
from picturewise.data.options import DataOptions
from picturewise.data.pictures import decode_files
from picturewise.data.readers import listed_pictures
from picturewise.data.readers.folders.reader import recognise
from picturewise.data.store.stored_split import Workshop
from picturewise.untrusted.confined.pool_thread import Task

SavePicture = Callable[..., Path]

COUNT = 80  # of files, more than are sampled
ODD = 4  # the number of one that the sample leaves out


@pytest.fixture
def folder(tmp_path: Path, save_picture: SavePicture) -> Path:
    """Two classes, grey pictures of one size."""
    for number in range(COUNT):
        save_picture(tmp_path / "ab"[number % 2] / f"{number:02}.png", 6, 8, "L", seed=number)
    return tmp_path


def odd(folder: Path) -> Path:
    """Return the file of those in `folder` that stands at `ODD` when they are sorted."""
    return sorted(folder.glob("*/*"))[ODD]


@pytest.fixture(autouse=True)
def passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, bool, int]]:
    """Whether each pass over files looked at them, whether it decoded them, and how many they were.

    They are read in this process, for confined children would take most of the time to start.
    """
    made = []

    def noted(task: Task, items: list[Path], *rest: object) -> dict[int, str]:
        if items:
            made.append((task.request["look"], task.request["form"] is not None, len(items)))
        return work_through(task, items, *rest)

    monkeypatch.setattr(decode_files, "work_through", noted)
    return made


def read(folder: Path, progress: Callable[[int, int], None] | None = None, **options: object) -> Reading:
    source = recognise(folder)
    assert source is not None
    return source.read(source.splits, DataOptions(source=str(folder), **options), progress)


def check_the_same_in_two_passes(folder: Path, monkeypatch: pytest.MonkeyPatch, **options: object) -> Reading:
    """Check that nothing depends on whether files were decoded when they were looked at."""
    reading = read(folder, **options)
    monkeypatch.setattr(listed_pictures, "_SAMPLE", 10 * COUNT)
    other = read(folder, **options)
    assert reading.notes == other.notes
    for split, part in reading.parts.items():
        again = other.parts[split]
        assert part.skipped == again.skipped
        assert part.pictures.names == again.pictures.names
        assert part.pictures.classes == again.pictures.classes
        np.testing.assert_array_equal(part.pictures.images, again.pictures.images)
        np.testing.assert_array_equal(part.pictures.labels, again.pictures.labels)
        np.testing.assert_array_equal(part.digests, again.digests)
    return reading


def test_pictures_of_one_size_are_opened_once(
    folder: Path, passes: list[tuple[bool, bool, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = check_the_same_in_two_passes(folder, monkeypatch)
    assert reading.parts["train"].pictures.images.shape == (COUNT, 6, 8, 1)
    assert passes[:2] == [(True, False, 64), (True, True, COUNT)]
    assert passes[2:] == [(True, False, COUNT), (False, True, COUNT)]


@pytest.mark.parametrize("options", [{}, {"size": (4, 4)}, {"size": (4, 4), "resize": "pad"}])
def test_one_in_colour_that_the_sample_misses_has_all_decoded_again(
    folder: Path,
    save_picture: SavePicture,
    passes: list[tuple[bool, bool, int]],
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, object],
) -> None:
    save_picture(odd(folder), 6, 8, "RGB")
    reading = check_the_same_in_two_passes(folder, monkeypatch, **options)
    assert reading.parts["train"].pictures.images.shape[3] == 3
    assert passes[:2] == [(True, False, 64), (True, True, COUNT)]
    assert passes[2:4] == [(False, True, COUNT), (True, False, COUNT)]


def test_one_of_another_size_that_the_sample_misses_has_all_decoded_again(
    folder: Path, save_picture: SavePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_picture(odd(folder), 30, 20, "L")
    reading = check_the_same_in_two_passes(folder, monkeypatch)
    assert reading.parts["train"].pictures.images.shape == (COUNT, 6, 8, 1)
    assert "from 6 to 30 pixels" in reading.notes[0]


def test_room_for_a_wrong_guess_is_given_back_before_the_right_one_is_taken(
    folder: Path, save_picture: SavePicture, tmp_path_factory: pytest.TempPathFactory
) -> None:
    save_picture(odd(folder), 6, 8, "RGB")
    workshop, source = Workshop(tmp_path_factory.mktemp("workshop")), recognise(folder)
    assert source is not None
    part = source.read(["train"], DataOptions(source=""), None, workshop.allocate).parts["train"]
    assert [path.name for path in workshop.folder.iterdir()] == ["images-1.npy"]
    images = np.array(part.pictures.images)
    placed = workshop.write("train", part, (), "")
    assert [path.name for path in workshop.folder.iterdir()] == ["train"]
    np.testing.assert_array_equal(np.load(placed / "images.npy"), images)


def test_pictures_of_different_or_large_sizes_are_looked_at_first(
    folder: Path, save_picture: SavePicture, passes: list[tuple[bool, bool, int]]
) -> None:
    for number, path in enumerate(folder.glob("*/*")):
        save_picture(path, 6, 8 + number % 2, "L")
    read(folder)
    for path in folder.glob("*/*"):
        save_picture(path, 2, 225, "L")
    read(folder)
    read(folder, size=(2, 20))
    assert passes == 3 * [(True, False, 64), (True, False, COUNT), (False, True, COUNT)]
    passes.clear()
    for path in folder.glob("*/*"):
        save_picture(path, 2, 225, "RGB")
    read(folder, size=(2, 20))
    assert passes == [(True, False, 64), (True, True, COUNT)]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_bad_files_are_left_out_with_their_reasons(
    folder: Path, save_picture: SavePicture, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    save_picture(odd(folder), 6, 8, mode)
    paths = sorted(folder.glob("*/*"))
    paths[0].write_text("text")
    paths[70].write_bytes(paths[70].read_bytes()[:40])
    header_only(save_picture(paths[72].with_suffix(".jpg"), 6, 8, "L"))
    paths[72].unlink()
    reading = check_the_same_in_two_passes(folder, monkeypatch, skip_bad=True)
    assert [file.path for file in reading.skipped] == ["a/00.png", "b/61.png", "b/65.jpg"]
    assert "it is text" in reading.skipped[0].reason
    assert "truncated" in reading.skipped[2].reason
    assert reading.parts["train"].pictures.images.shape == (COUNT - 3, 6, 8, len(mode))


def header_only(path: Path) -> None:
    """Cut a JPEG off where its pixels begin, which only who decodes it finds out."""
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"\xff\xda") + 14])


def test_a_header_without_pixels_counts_whichever_split_is_asked_for(
    folder: Path, save_picture: SavePicture, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("set")
    for name in ("a", "b"):
        save_picture(folder / name / "jpeg.jpg", 6, 8, "L")
        save_picture(root / "test" / name / "one.png", 6, 8, "L")
    header_only(save_picture(folder / "a" / "jpeg.jpg", 6, 8, "RGB"))
    folder.rename(root / "train")
    source = recognise(root)
    assert source is not None
    options = DataOptions(source=str(root), skip_bad=True)
    for splits in (["train"], ["test"], ["train", "test"]):
        for part in source.read(splits, options).parts.values():
            assert part.pictures.images.shape[1:] == (6, 8, 3)


def test_a_sample_of_bad_files_says_nothing(folder: Path, save_picture: SavePicture) -> None:
    kept = odd(folder)
    for path in set(folder.glob("*/*")) - {kept, folder / "b" / "79.png", folder / "b" / "77.png"}:
        path.write_text("text")
    save_picture(folder / "b" / "79.png", 6, 8, "L")
    assert len(read(folder, skip_bad=True).parts["train"].pictures) == 3


def test_splits_after_the_first_are_opened_once_in_any_case(
    folder: Path,
    save_picture: SavePicture,
    passes: list[tuple[bool, bool, int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("set")
    folder.rename(root / "train")
    for name in ("a", "b"):
        save_picture(root / "test" / name / "one.png", 9, 9, "RGB")
    reading = read(root)
    assert reading.parts["test"].pictures.images.shape == (2, 6, 8, 1)
    assert passes == [(True, False, 64), (True, True, COUNT), (True, True, 2)]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_progress_ends_with_all_done(folder: Path, save_picture: SavePicture, mode: str) -> None:
    save_picture(odd(folder), 6, 8, mode)
    told: list[tuple[int, int]] = []
    read(folder, lambda done, total: told.append((done, total)))
    assert told[-1] == (2 * COUNT, 2 * COUNT)
    assert {total for _, total in told} == {2 * COUNT}
    assert all(0 <= done <= total for done, total in told)
