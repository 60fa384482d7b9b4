"""Files with transparency: one background for the whole set, found on train and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from read_place import read_place

from picturewise.data.dataset import Dataset
from picturewise.data.options import DataOptions
from picturewise.data.read_options import AsItIs
from picturewise.data.readers.folders.reader import recognise

pytestmark = pytest.mark.slow  # small, but many


KINDS = ("bar", "block")


def alpha_of(kind: str, number: int) -> np.ndarray:
    alpha = np.zeros((8, 9), np.uint8)
    height = 1 if kind == "bar" else 4
    alpha[1 + number % 3 : 1 + number % 3 + height, 1 : 4 + number % 5] = 255 - number % 7
    return alpha


def save_icons(folder: Path, ink: int, count: int = 20, ending: str = "png") -> None:
    for kind in KINDS:
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            alpha = Image.fromarray(alpha_of(kind, number))
            picture = Image.merge("RGBA", [Image.new("L", alpha.size, ink)] * 3 + [alpha])
            picture.save(folder / kind / f"{number:02}.{ending}", lossless=True)


def read(folder: Path, **options: object) -> Dataset:
    return read_place(DataOptions(source=str(folder), **options))


def notes(dataset: Dataset) -> list[str]:
    return [note for note in dataset.notes if "transparency" in note]


@pytest.mark.parametrize("ending", ["png", "webp"])
@pytest.mark.parametrize("count", [20, 50])  # 50 of each of two classes: more than the sample
def test_white_icons_are_put_on_black_and_stay_different(tmp_path: Path, ending: str, count: int) -> None:
    save_icons(tmp_path, 255, count, ending)
    dataset = read(tmp_path)
    assert dataset.background == "black"
    assert dataset.train is not None
    assert dataset.train.names is not None
    for name, image in zip(dataset.train.names[:5], dataset.train.images[:5], strict=True):
        kind, _, number = name.removesuffix(f".{ending}").partition("/")
        np.testing.assert_array_equal(image[..., 0], alpha_of(kind, int(number)))
    (note,) = notes(dataset)
    assert note.startswith(f"{2 * count} of {2 * count} training pictures with transparency are so light")


def test_black_icons_are_put_on_white_without_a_note(tmp_path: Path) -> None:
    save_icons(tmp_path, 0)
    dataset = read(tmp_path)
    assert dataset.background == "white"
    assert notes(dataset) == []
    assert dataset.train is not None
    assert dataset.train.images[:1][0, 0, 0, 0] == 255


@pytest.mark.parametrize(("background", "value"), [("white", 255), ("black", 0)])
def test_the_option_decides(tmp_path: Path, background: str, value: int) -> None:
    save_icons(tmp_path, 128)
    dataset = read(tmp_path, background=background)
    assert dataset.background == background
    assert dataset.train is not None
    assert (dataset.train.images[:][:, 0, 0] == value).all()


def test_an_import_remembers_what_was_found(tmp_path: Path) -> None:
    save_icons(tmp_path / "light", 255)
    first, again = read(tmp_path / "light"), read(tmp_path / "light")
    assert (again.background, again.notes) == (first.background, first.notes)
    save_icons(tmp_path / "grey", 128)
    for background in ("white", "black", "white"):
        assert read(tmp_path / "grey", background=background).background == background


def test_train_decides_for_test(tmp_path: Path) -> None:
    save_icons(tmp_path / "train", 255)
    save_icons(tmp_path / "test", 0)
    source = recognise(tmp_path)
    assert source is not None
    alone = source.read(["test"], AsItIs())
    assert alone.background == "black"
    assert alone.parts["test"].pictures.images.max() == 0
    both = source.read(["train", "test"], AsItIs())
    np.testing.assert_array_equal(both.parts["test"].pictures.images, alone.parts["test"].pictures.images)
