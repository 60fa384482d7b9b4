from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from drawn_numbers import NUMBERS, boxes_of, draw_number, write_digit_struct, write_format_1
from PIL import Image

from picturewise.data.arrays.symbols import Symbols
from picturewise.data.contract import Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.pictures.cut import Cut, Spacing
from picturewise.data.read_options import AsItIs
from picturewise.data.readers.digit_struct import picture_of, recognise
from picturewise.data.recognise import recognise as recognise_any
from picturewise.errors import DataError
from picturewise.targets.places import Places
from picturewise.targets.sequences import DIGITS


def read(root: Path, *, hints: Hints = NO_HINTS, **options: object) -> Reading:
    reader = recognise(root, hints)
    assert reader is not None
    return reader.read(reader.splits, DataOptions(**options))


def texts(part: ImageSet) -> list[str]:
    return [part.target.text(label) for label in part.required_labels]


def numbers_of(reading: Reading, split: str) -> list[str]:
    return texts(reading.parts[split].pictures)  # type: ignore[index]


def test_whole_numbers_are_read_with_their_zeros_in_the_order_of_the_file(tmp_path: Path) -> None:
    root = write_format_1(tmp_path / "svhn", {"train": NUMBERS, "test": ("10", "2")})
    reading = read(root)
    assert numbers_of(reading, "train") == list(NUMBERS)
    assert numbers_of(reading, "test") == ["10", "2"]
    train = reading.parts["train"].pictures
    assert train.target == Places(DIGITS, 4)
    assert train.names is not None
    assert train.names[1] == "train/2.png"
    assert reading.parts["test"].pictures.labels is not None
    assert reading.parts["test"].pictures.labels.tolist() == [[2, 1, 0, -1, -1], [1, 2, -1, -1, -1]]


def test_pixels_are_those_of_the_pictures(tmp_path: Path) -> None:
    root = write_format_1(tmp_path / "svhn", {"train": ("12", "34")})
    images = read(root).parts["train"].pictures.images
    assert np.array_equal(images[1], np.asarray(draw_number("34")))


def test_a_single_picture_and_a_single_folder(tmp_path: Path) -> None:
    """As MATLAB writes a struct array of one element: without references."""
    folder = tmp_path / "numbers"
    folder.mkdir()
    draw_number("5").save(folder / "one.png")
    with h5py.File(folder / "digitStruct.mat", "w") as file:
        top = file.create_group("digitStruct")
        top["name"] = np.array([[ord(letter)] for letter in "one.png"], np.uint16)
        for field, value in zip(("left", "top", "width", "height", "label"), boxes_of("5")[0], strict=True):
            top[f"bbox/{field}"] = [[float(value)]]
    reading = read(folder)
    assert [*reading.parts] == ["train"]
    assert numbers_of(reading, "train") == ["5"]
    assert recognise(folder / "digitStruct.mat") is not None


def test_a_folder_named_test_is_the_test_split(tmp_path: Path) -> None:
    root = write_format_1(tmp_path, {"test": NUMBERS})
    reader = recognise(root / "test")
    assert reader is not None
    assert reader.splits == ("test",)


def test_extra_is_not_added_to_train(tmp_path: Path) -> None:
    root = write_format_1(tmp_path / "svhn", {"train": NUMBERS, "extra": ("1", "2")})
    reading = read(root)
    assert len(reading.parts["train"].pictures) == len(NUMBERS)
    assert any(
        "extra was not used. To train on extra, pass this folder alone" in note for note in reading.notes
    )
    assert len(read(root / "extra").parts["train"].pictures) == 2


def test_it_is_found_like_any_form_and_knows_its_target(tmp_path: Path) -> None:
    root = write_format_1(tmp_path / "archive" / "svhn", {"train": NUMBERS})
    source = recognise_any(root.parent, hints=Hints(target="sequence"))
    assert source.hints.sequences
    digits = recognise_any(root, hints=Hints(target="class"))
    assert (digits.name, digits.hints.sequences) == ("svhn-digits", False)


DIGITS_ALONE = Hints(target="class")


def test_single_digits_are_the_squares_around_their_boxes_in_the_order_of_the_file(tmp_path: Path) -> None:
    """The boxes of `boxes_of` are 12 pixels wide and 16 high, from 2 below the top."""
    root = write_format_1(tmp_path / "svhn", {"train": NUMBERS, "test": ("10", "2")})
    reading = read(root, hints=DIGITS_ALONE, size=[16, 16])
    train, test = (reading.parts[split].pictures for split in ("train", "test"))  # type: ignore[index]
    assert train.classes == DIGITS
    assert [DIGITS[label] for label in train.required_labels] == list("".join(NUMBERS))
    assert test.names == ["test/1.png#1", "test/1.png#2", "test/2.png#1"]
    number = draw_number("10")
    assert np.array_equal(test.images[0], np.asarray(number.crop((2, 2, 18, 18))))
    assert np.array_equal(test.images[1], np.asarray(number.crop((14, 2, 30, 18))))
    assert any("Each digit was cut out, as the square around its box" in note for note in reading.notes)


def test_digits_of_one_picture_count_as_parts_of_it(tmp_path: Path) -> None:
    """So that they stay together where a split is held out."""
    part = read(write_format_1(tmp_path / "svhn", {"train": ("10", "23")}), hints=DIGITS_ALONE).parts["train"]
    first, second, third, fourth = part.source_digests[:].tolist()
    assert first == second
    assert third == fourth
    assert first != third
    assert [picture_of(name) for name in part.pictures.names or ()] == ["train/1.png"] * 2 + [
        "train/2.png"
    ] * 2


def test_more_digits_than_are_decoded_at_once_come_out_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_format_1(tmp_path / "svhn", {"train": NUMBERS, "test": NUMBERS})
    whole = read(root, hints=DIGITS_ALONE)
    monkeypatch.setattr("picturewise.data.pictures.decode_files._AT_ONCE", 3)
    again = read(root, hints=DIGITS_ALONE)
    for split, part in whole.parts.items():
        assert np.array_equal(part.pictures.images, again.parts[split].pictures.images)


def test_a_digit_that_cannot_be_cut_out_is_named(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for number in (1, 2):
        draw_number("12").save(tmp_path / "train" / f"{number}.png")
    outside = [boxes_of("12")[0], [500.0, 10.0, 10.0, 10.0, 2.0]]
    write_digit_struct(tmp_path / "train", ("12", "12"), [boxes_of("12"), outside])
    with pytest.raises(DataError, match=r"1 of 4 .* train/2.png#2: the boxes of its symbols are outside"):
        read(tmp_path, hints=DIGITS_ALONE)
    (tmp_path / "train" / "1.png").write_bytes(b"nothing")
    left = read(tmp_path, hints=DIGITS_ALONE, skip_bad=True).parts["train"]
    assert left.pictures.names == ["train/2.png#1"]
    assert [item.path for item in left.skipped] == ["train/1.png#1", "train/1.png#2", "train/2.png#2"]


def test_spacing_is_measured_in_heights_of_what_is_read_as_a_number(tmp_path: Path) -> None:
    """A picture of `draw_number` is 20 high; a digit is 12 wide, and 4 are free at the edges."""
    cut = read(write_format_1(tmp_path / "svhn", {"train": ("12", "345")}), hints=DIGITS_ALONE).cut
    assert cut == Cut("symbol", Spacing(16 / 20, (10 / 20, 0.05), (12 / 20, 0.05)))
    assert read(tmp_path / "svhn").cut is None
    (tmp_path / "street" / "train").mkdir(parents=True)
    boxes = []
    for number, text in enumerate(("12", "345"), 1):
        street = Image.new("RGB", (300, 200), "red")
        street.paste(draw_number(text), (100, 50))
        street.save(tmp_path / "street" / "train" / f"{number}.png")
        boxes.append([[left + 100, top + 50, *rest] for left, top, *rest in boxes_of(text)])
    write_digit_struct(tmp_path / "street" / "train", ("12", "345"), boxes)
    cut = read(tmp_path / "street", hints=DIGITS_ALONE).cut
    # Numbers are cropped there: 16 pixels and 3 more above and below; 6 to the edge of the digits and 4 or 6 more.
    assert cut is not None
    assert cut.spacing is not None
    assert cut.spacing.side == pytest.approx(16 / 22)
    assert cut.spacing.pitch == (pytest.approx(12 / 22), 0.05)
    assert cut.spacing.edge[0] == pytest.approx(11 / 22)
    assert read(tmp_path / "street").cut == Cut("sequence")


def test_spacing_is_not_measured_where_there_is_none(tmp_path: Path) -> None:
    cut = read(write_format_1(tmp_path / "svhn", {"train": ("1", "2")}), hints=DIGITS_ALONE).cut
    assert cut == Cut("symbol")


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    root = write_format_1(tmp_path / "svhn", {"train": NUMBERS})
    (root / "train" / "3.png").unlink()
    with pytest.raises(
        DataError, match=r"does not fit the pictures beside it: 1 of 8 are missing, the first is train/3"
    ):
        read(root)
    left = read(root, skip_bad=True).parts["train"]
    assert len(left.pictures) == 7
    assert [item.path for item in left.skipped] == ["train/3.png"]


def test_a_picture_that_is_not_listed_is_noted(tmp_path: Path) -> None:
    root = write_format_1(tmp_path / "svhn", {"train": NUMBERS})
    draw_number("1").save(root / "train" / "99.png")
    assert any(
        "1 picture is not in digitStruct.mat and was not used; the first is 99.png" in n
        for n in read(root).notes
    )


def test_small_boxes_are_cropped_in_all_splits_even_if_they_reach_beyond_the_picture(tmp_path: Path) -> None:
    root = tmp_path / "svhn"
    for split in ("train", "test"):
        (root / split).mkdir(parents=True)
        boxes = []
        for number, text in enumerate(("12", "345"), 1):
            street = Image.new("RGB", (200, 100), "red")
            place = (-2 if number == 1 else 60, 30)
            street.paste(draw_number(text), place)
            street.save(root / split / f"{number}.png")
            boxes.append([[left + place[0], top + place[1], *rest] for left, top, *rest in boxes_of(text)])
        write_digit_struct(root / split, ("12", "345"), boxes)
    reading = read(root, size=[16, 32])
    assert any(
        "so each picture was cropped to them, with 15 % more on each side" in note for note in reading.notes
    )
    for part in reading.parts.values():
        street = Image.open(root / "test" / "2.png")
        left, top = 60 + 4, 32
        # 36 x 16 pixels, enlarged by 5.4 and 2.4 on each side to whole pixels
        seen = street.crop((left - 6, top - 3, left + 36 + 6, top + 16 + 3))
        narrow = seen.resize((32, seen.height), Image.Resampling.BILINEAR)
        assert np.array_equal(
            part.pictures.images[1], np.asarray(narrow.resize((32, 16), Image.Resampling.BILINEAR))
        )
        assert (part.pictures.images[0] != [255, 0, 0]).any(axis=2).mean() > 0.7


def test_the_common_size_is_that_of_the_crops(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    boxes = []
    for number in (1, 2, 3):
        Image.new("RGB", (400, 100 + number), "white").save(tmp_path / "train" / f"{number}.png")
        boxes.append([[10.0, 10.0, 40.0, 40.0, 1.0]])
    write_digit_struct(tmp_path / "train", ("1", "1", "1"), boxes)
    assert read(tmp_path).parts["train"].pictures.shape == (52, 52, 3)


def test_large_boxes_are_not_cropped(tmp_path: Path) -> None:
    reading = read(write_format_1(tmp_path / "svhn", {"train": NUMBERS}), size=[16, 32])
    assert any("so the whole pictures were used" in note for note in reading.notes)


def test_boxes_outside_of_the_picture_do_not_fit(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for number in (1, 2, 3):
        Image.new("RGB", (200, 100), "white").save(tmp_path / "train" / f"{number}.png")
    boxes = [
        [[10.0, 10.0, 40.0, 40.0, 1.0]],
        [[500.0, 10.0, 10.0, 10.0, 1.0]],
        [[10.0, 10.0, 40.0, 40.0, 1.0]],
    ]
    write_digit_struct(tmp_path / "train", ("1", "1", "1"), boxes)
    with pytest.raises(
        DataError, match=r"train/2.png: the boxes of its symbols are outside of its 100x200 pixels"
    ):
        read(tmp_path)


def test_a_classifier_numbers_the_digits(tmp_path: Path) -> None:
    reader = recognise(write_format_1(tmp_path / "svhn", {"test": ("12", "345")}))
    assert reader is not None
    part = reader.read(["test"], AsItIs((32, 64), symbols=Symbols(DIGITS, 2))).parts["test"].pictures
    assert part.labels is not None
    assert part.labels.tolist() == [[2, 1, 2], [3, 3, 4]]


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ([[1, 1, 9, 9, 11]], r"a label of picture 2 is 11. Expected 1 to 9, or 10 for zero"),
        ([[1, 1, 9, 9, 0]], r"a label of picture 2 is 0"),
        ([[1, 1, 9, 9, 1.5]], r"a label of picture 2 is 1.5"),
        ([[1, 1, -9, 9, 1]], r"a box of picture 2 is not valid"),
        ([[1, 1, np.nan, 9, 1]], r"a number of picture 2 is not finite"),
        (
            [[1, 1, 9, 9, 1]] * 65,
            r"is not a digitStruct.mat as SVHN has it: a part of picture 2 has shape|has 65 left",
        ),
    ],
)
def test_digits_that_are_not_valid_are_named(tmp_path: Path, digits: list[list[float]], said: str) -> None:
    (tmp_path / "train").mkdir()
    for number in (1, 2):
        draw_number("1").save(tmp_path / "train" / f"{number}.png")
    write_digit_struct(tmp_path / "train", ("1", "1"), [boxes_of("1"), digits])
    with pytest.raises(DataError, match=said):
        read(tmp_path)


def test_a_file_without_digits_is_refused(tmp_path: Path) -> None:
    draw_number("1").save(tmp_path / "1.png")
    with h5py.File(tmp_path / "digitStruct.mat", "w") as file:
        file["X"] = np.zeros((2, 2))
    with pytest.raises(DataError, match=r"is not a digitStruct.mat as SVHN has it: it does not have a group"):
        read(tmp_path)
    (tmp_path / "digitStruct.mat").write_bytes(b"MATLAB 7.3 nonsense")
    with pytest.raises(DataError, match="is damaged or truncated"):
        read(tmp_path)


def test_a_name_in_two_lines_is_refused(tmp_path: Path) -> None:
    root = write_format_1(tmp_path / "svhn", {"train": ("1", "2")})
    with h5py.File(root / "train" / "digitStruct.mat", "r+") as file:
        names = file["digitStruct/name"][...]
        names[1] = names[0]
        file["digitStruct/name"][...] = names
    with pytest.raises(DataError, match=r"lists train/1.png twice"):
        read(root)


def _to_a_group(file: h5py.File) -> None:
    names = file["digitStruct/name"][...]
    names[1] = file["digitStruct"].ref
    file["digitStruct/name"][...] = names


def _to_nothing(file: h5py.File) -> None:
    boxes = file["digitStruct/bbox"][...]
    boxes[1] = h5py.Reference()
    file["digitStruct/bbox"][...] = boxes


def _numbers_instead_of_boxes(file: h5py.File) -> None:
    boxes = file["digitStruct/bbox"][...]
    boxes[1] = file["digitStruct/name"][1, 0]
    file["digitStruct/bbox"][...] = boxes


def _column_of_itself(file: h5py.File) -> None:
    struct = file[file["digitStruct/bbox"][1, 0]]
    left = struct["left"]
    left[...] = np.array([left.ref] * len(left), h5py.ref_dtype)[:, np.newaxis]


def _linked_elsewhere(file: h5py.File) -> None:
    struct = file[file["digitStruct/bbox"][1, 0]]
    del struct["left"]
    struct["left"] = h5py.ExternalLink("/etc/passwd", "/left")


def _stored_elsewhere(file: h5py.File) -> None:
    struct = file[file["digitStruct/bbox"][1, 0]]
    del struct["left"]
    struct.create_dataset("left", (1, 1), "<f8", external=[("/etc/passwd", 0, 8)])


def _long_name(file: h5py.File) -> None:
    names = file["digitStruct/name"][...]
    names[1] = file.create_dataset("long", data=np.full((1 << 20, 1), 65, np.uint16), compression="gzip").ref
    file["digitStruct/name"][...] = names


def _fewer_names(file: h5py.File) -> None:
    names = file["digitStruct/name"][:1]
    del file["digitStruct/name"]
    file["digitStruct"].create_dataset("name", data=names, dtype=h5py.ref_dtype)


@pytest.mark.parametrize(
    "change",
    [
        _to_a_group,
        _to_nothing,
        _numbers_instead_of_boxes,
        _column_of_itself,
        _linked_elsewhere,
        _stored_elsewhere,
        _long_name,
        _fewer_names,
    ],
)
def test_a_file_made_to_do_harm_is_refused_in_a_sentence(
    tmp_path: Path, change: Callable[[h5py.File], None]
) -> None:
    root = write_format_1(tmp_path / "svhn", {"train": ("12", "34")})
    with h5py.File(root / "train" / "digitStruct.mat", "r+") as file:
        change(file)
    with pytest.raises(
        DataError, match=r"digitStruct.mat.* (is not a digitStruct.mat as SVHN has it|stores its data)"
    ):
        read(root)


@pytest.mark.parametrize("at", range(600, 6000, 1100))
def test_a_damaged_file_never_harms(tmp_path: Path, at: int) -> None:
    root = write_format_1(tmp_path / "svhn", {"train": ("12", "34")})
    path = root / "train" / "digitStruct.mat"
    content = bytearray(path.read_bytes())
    content[at : at + 40] = bytes(range(100, 140))
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        assert len(read(root, skip_bad=True).parts["train"].pictures) <= 2
