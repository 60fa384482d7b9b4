"""Picture files of more than 8 bits: one range for a whole set, whatever each picture holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reading_here import work_through

from picturewise.data.contract import Reading
from picturewise.data.hints import Hints
from picturewise.data.in_memory.in_memory_source import in_memory_source
from picturewise.data.pictures import decode_files
from picturewise.data.read_options import AsItIs
from picturewise.data.readers.folders.reader import recognise
from picturewise.data.readers.loose_pictures import LoosePictures
from picturewise.errors import DataError

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.integers(40, 250, (12, 5, 6), np.uint8)
PICTURES[0] //= 4  # a dark one: alone, it would have another range


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_files, "work_through", work_through)


def write(folder: Path, pictures: np.ndarray, ending: str = "tif") -> Path:
    for number, picture in enumerate(pictures):
        place = folder / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{number:03}.{ending}")
    return folder


def in_order(count: int) -> list[int]:
    """The numbers of pictures as the classes hold them."""
    return [*range(0, count, 2), *range(1, count, 2)]


def read(folder: Path, *, said: str | None = None, options: AsItIs | None = None) -> Reading:
    reader = recognise(folder)
    assert reader is not None
    source = type(reader)(**{**vars(reader), "hints": Hints(value_range=said)})
    return source.read(source.splits, options or AsItIs())


KINDS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str, tuple[float, float] | None, int]] = {
    "floats in 0..1": (lambda a: (a / 255).astype("f4"), "tif", None, 0),
    "floats in 0..255": (lambda a: a.astype("f4"), "tif", None, 0),
    "floats in 0..4095": (lambda a: (a * (4095 / 255)).astype("f4"), "tif", (0, 4095), 1),
    "12 bits in 16": (lambda a: np.rint(a * (4095 / 255)).astype("u2"), "png", (0, 4095), 1),
    "10 bits in 16": (lambda a: np.rint(a * (1023 / 255)).astype("u2"), "tif", (0, 1023), 1),
    "8 bits in 16": (lambda a: a.astype("u2"), "png", (0, 255), 1),
    "16 bits": (lambda a: a.astype("u2") * 257, "png", (0, 65535), 0),
    "32 bits in 0..255": (lambda a: a.astype("i4"), "tif", None, 0),
    "32 bits in 0..4095": (lambda a: np.rint(a * (4095 / 255)).astype("i4"), "tif", (0, 4095), 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_deep_files_come_to_the_bytes_that_8_bit_ones_have(tmp_path: Path, kind: str) -> None:
    stored, ending, kept, notes = KINDS[kind]
    reading = read(write(tmp_path, stored(PICTURES), ending))
    found = reading.parts["train"].pictures
    np.testing.assert_array_equal(np.asarray(found.images)[..., 0], PICTURES[in_order(12)])
    assert (reading.values, len(reading.notes)) == (kept, notes)
    for note in reading.notes:
        assert f"the largest value is {stored(PICTURES).max():g}, so" in note


def test_many_files_are_read_as_few_are(tmp_path: Path) -> None:
    many = RANDOM.integers(0, 256, (90, 3, 4), np.uint8)
    many[:75] //= 20  # what the sample of files sees may be dark
    stored = many.astype("u2") * 16
    reading = read(write(tmp_path, stored, "png"))
    expected = np.rint(stored * 255.0 / 4095)[in_order(90)]
    np.testing.assert_array_equal(np.asarray(reading.parts["train"].pictures.images)[..., 0], expected)


def test_32_bit_files_of_mixed_exposure_keep_it(tmp_path: Path) -> None:
    stored = PICTURES.astype("i4")
    stored[1::2] *= 100
    reading = read(write(tmp_path, stored))
    expected = np.rint(stored * 255 / 65535)[in_order(12)]
    np.testing.assert_array_equal(np.asarray(reading.parts["train"].pictures.images)[..., 0], expected)


def test_a_given_range_is_used(tmp_path: Path) -> None:
    stored = PICTURES.astype("i4") * 16 - 1000
    folder = write(tmp_path, stored)
    with pytest.raises(DataError, match=r"has -\d+\. Pass the values .*--value-range -\d+\.\.\d+"):
        read(folder)
    reading = read(folder, said="-1000..3080")
    np.testing.assert_array_equal(
        np.asarray(reading.parts["train"].pictures.images)[..., 0], PICTURES[in_order(12)]
    )
    with pytest.raises(DataError, match=r"its values are in .*, but must be in 0\.\.3000"):
        read(write(tmp_path / "other", np.abs(stored) + 3000), said="0..3000")


def test_8_bit_files_are_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"only 8-bit pictures, whose values are always read as 0\.\.255\. Omit --value-range"
    ):
        read(write(tmp_path, PICTURES, "png"), said="0..100")
    reading = read(write(tmp_path / "dark", PICTURES // 17, "png"))
    assert np.asarray(reading.parts["train"].pictures.images).max() == PICTURES.max() // 17
    assert "so the pictures look black" in reading.notes[0]
    assert read(write(tmp_path / "dim", PICTURES // 14, "png")).notes == ()


def splits(folder: Path, train: np.ndarray, test: np.ndarray) -> Path:
    write(folder / "train", train)
    write(folder / "test", test)
    return folder


def test_splits_of_several_kinds_are_read_in_one_range_or_refused(tmp_path: Path) -> None:
    deep, unit = PICTURES.astype("u2") * 257, (PICTURES / 255).astype("f4")
    reading = read(splits(tmp_path / "0", PICTURES, deep))  # 16 bits are as well defined as 8
    for part in reading.parts.values():
        np.testing.assert_array_equal(np.asarray(part.pictures.images)[..., 0], PICTURES[in_order(12)])
    for number, (train, test, sentence) in enumerate(
        (
            (
                PICTURES,
                PICTURES.astype("u2") * 16,
                r"test contains 16-bit integers up to \d+, but the train split contains 8-bit .*0\.\.255",
            ),
            (PICTURES, unit, r"test contains floats up to 0\.\d+, but the train split contains 8-bit"),
            (
                PICTURES.astype("f4"),
                unit,
                r"test contains values in 0\.\.0\.\d+, but the train split contains values in 0\.\.255",
            ),
            (
                deep,
                PICTURES.astype("u2"),
                r"test contains values in 0\.\.\d+, but the train split contains values in 0\.\.65535",
            ),
            (unit, PICTURES.astype("f4"), r"its values are in .*, but must be in 0\.\.1; .*--value-range"),
        ),
        start=1,
    ):
        with pytest.raises(DataError, match=sentence):
            read(splits(tmp_path / str(number), train, test))


def test_files_of_8_and_of_16_bits_may_be_mixed(tmp_path: Path) -> None:
    write(tmp_path, PICTURES[:6], "png")
    for number, picture in enumerate(PICTURES[6:].astype("u2") * 257, start=6):
        Image.fromarray(picture).save(tmp_path / "ab"[number % 2] / f"{number:03}.png")
    found = read(tmp_path)
    np.testing.assert_array_equal(
        np.asarray(found.parts["train"].pictures.images)[..., 0], PICTURES[in_order(12)]
    )
    assert found.notes == ()


def test_kinds_whose_ranges_differ_are_refused(tmp_path: Path) -> None:
    write(tmp_path, (PICTURES[:6] / 255).astype("f4"))
    for number, picture in enumerate(PICTURES[6:].astype("u2") * 16, start=6):
        Image.fromarray(picture).save(tmp_path / "ab"[number % 2] / f"{number:03}.png")
    with pytest.raises(DataError, match=r"different ranges: (floats|16-bit).* and .*--value-range"):
        read(tmp_path)


def loose(folder: Path, pictures: np.ndarray) -> LoosePictures:
    folder.mkdir(exist_ok=True)
    files = []
    for number, picture in enumerate(pictures):
        files.append(folder / f"{number}.tif")
        Image.fromarray(picture).save(files[-1])
    return LoosePictures((tuple(files),), str(folder))


def pixels(
    source: LoosePictures, learned: tuple[float, float] | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    reading = source.read(["train"], AsItIs((5, 6), learned=learned))
    return np.asarray(reading.parts["train"].pictures.images)[..., 0], reading.notes


def test_loose_files_are_read_in_the_range_that_the_classifier_was_trained_on(tmp_path: Path) -> None:
    deep = np.rint(PICTURES * (4095 / 255)).astype("u2")
    found, notes = pixels(loose(tmp_path / "deep", deep[:1]), learned=(0, 4095))  # the dark one, alone
    np.testing.assert_array_equal(found, PICTURES[:1])
    assert notes == ()
    found, notes = pixels(loose(tmp_path / "bytes", PICTURES), learned=(0, 4095))
    np.testing.assert_array_equal(found, PICTURES)  # 8 bits are 0..255 by definition
    with pytest.raises(DataError, match=r"the classifier was trained on 0\.\.4095"):
        pixels(loose(tmp_path / "unit", (PICTURES / 255).astype("f4")), learned=(0, 4095))


def test_a_classifier_of_bytes_finds_the_range_of_deep_files_over_all_of_them(tmp_path: Path) -> None:
    deep = np.rint(PICTURES * (4095 / 255)).astype("u2")
    found, notes = pixels(loose(tmp_path / "deep", deep), learned=(0, 255))
    np.testing.assert_array_equal(found, PICTURES)
    assert "read as 0..4095 (12 bits)" in notes[0]
    found, notes = pixels(loose(tmp_path / "unit", (PICTURES / 255).astype("f4")), learned=(0, 255))
    np.testing.assert_array_equal(found, PICTURES)
    assert notes == ()


def test_a_loose_file_that_is_broken_is_reported_beside_deep_ones(tmp_path: Path) -> None:
    source = loose(tmp_path / "deep", PICTURES.astype("u2") * 257)
    [*source.files][3].write_bytes(b"broken")
    found = source.read(["train"], AsItIs((5, 6), skip_bad=True))
    np.testing.assert_array_equal(
        np.asarray(found.parts["train"].pictures.images)[..., 0], np.delete(PICTURES, 3, axis=0)
    )
    assert [Path(item.path).name for item in found.skipped] == ["3.tif"]


def test_deep_pictures_of_pillow_have_one_range_too() -> None:
    deep = [Image.fromarray(np.rint(picture * (4095 / 255)).astype("u2")) for picture in PICTURES]
    for data in (deep, [(picture, number % 2) for number, picture in enumerate(deep)]):
        source = in_memory_source({"train": data})
        reading = source.read(source.splits, AsItIs())
        np.testing.assert_array_equal(reading.parts["train"].pictures.images[..., 0], PICTURES)
        assert reading.values == (0, 4095)
    mixed = in_memory_source([*deep[:6], *map(Image.fromarray, PICTURES[6:])])
    np.testing.assert_array_equal(
        mixed.read(mixed.splits, AsItIs()).parts["train"].pictures.images[..., 0], PICTURES
    )
