"""Lists whose labels are sequences of symbols: `--target sequence`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_numbers import NUMBERS, draw_number, write_list

import picturewise
from picturewise.data.arrays.symbols import Symbols
from picturewise.data.hints import Hints
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.read import read
from picturewise.data.read_options import AsItIs
from picturewise.data.recognise import recognise
from picturewise.errors import DataError
from picturewise.targets.places import Places
from picturewise.targets.sequences import DIGITS


def texts(part: ImageSet) -> list[str]:
    return [part.target.text(label) for label in part.required_labels]


def numbers(root: Path, **options: object) -> dict[str, list[str]]:
    """Return the texts of the list's own splits, in the order of its files."""
    source = recognise(root, hints=Hints(target="sequence", **options))  # type: ignore[arg-type]
    found = source.read(source.splits, DataOptions())
    return {split: texts(part.pictures) for split, part in found.parts.items()}


@pytest.mark.parametrize("header", ["file,number", "filename,label", "image,text", "file,house_number"])
def test_labels_stay_texts(tmp_path: Path, header: str) -> None:
    root = write_list(tmp_path / "set", {"train": NUMBERS, "test": ("10", "0")}, header=header)
    assert numbers(root) == {"train": [*NUMBERS], "test": ["10", "0"]}


def test_a_list_without_a_header(tmp_path: Path) -> None:
    write_list(tmp_path / "set", {"train": NUMBERS})
    lines = (tmp_path / "set" / "train.csv").read_text().splitlines()[1:]
    (tmp_path / "set" / "train.csv").write_text("\n".join(lines))
    assert numbers(tmp_path / "set") == {"train": [*NUMBERS]}


def test_one_list_passed_by_itself(tmp_path: Path) -> None:
    root = write_list(tmp_path / "set", {"train": NUMBERS, "test": NUMBERS})
    assert numbers(root / "test.csv") == {"test": [*NUMBERS]}


def test_other_columns_do_not_matter_or_are_asked_about(tmp_path: Path) -> None:
    root = write_list(
        tmp_path / "set",
        {"train": NUMBERS},
        header="file,number,width",
        labels=lambda text: f"{text},{len(text)}",
    )
    assert numbers(root) == {"train": [*NUMBERS]}
    path = root / "train.csv"
    path.write_text(path.read_text().replace("number,width", "what,size"))
    with pytest.raises(
        DataError, match=r"several columns could be the numbers: .*what.*size.* --label-column"
    ):
        numbers(root)
    assert numbers(root, label_column="what") == {"train": [*NUMBERS]}


def test_letters_are_symbols_too(tmp_path: Path) -> None:
    root = tmp_path / "set"
    (root / "train").mkdir(parents=True)
    for number, text in enumerate(("12A", "B3")):
        draw_number(text).save(root / "train" / f"{number}.png")
    (root / "train.csv").write_text("file,plate\n0.png,12A\n1.png,B3\n")
    found = recognise(root, hints=Hints(target="sequence")).read(["train"], DataOptions())
    assert found.parts["train"].pictures.target == Places(("1", "2", "3", "A", "B"), 3)


def test_the_longest_of_train_decides_the_places_and_longer_ones_are_noted(tmp_path: Path) -> None:
    root = write_list(tmp_path / "set", {"train": ("1", "12", "21"), "test": ("1234", "5")})
    source = recognise(root, hints=Hints(target="sequence"))
    found = source.read(["test"], DataOptions())
    labels = found.parts["test"].pictures.labels
    assert labels is not None
    assert labels.tolist() == [[3, 1, 2], [1, 5, -1]]
    assert any("1 number has more than 2 symbols, the most in train" in note for note in found.notes)
    assert texts(found.parts["test"].pictures) == ["12…", "5"]


def test_a_classifier_decides_instead_of_train(tmp_path: Path) -> None:
    root = write_list(tmp_path / "set", {"train": ("1", "12", "123")})
    source = recognise(root, sequences=True)
    options = AsItIs((16, 32), symbols=Symbols(DIGITS, 2))
    part = read(source, options, ["train"]).split("train")
    assert part.target == Places(DIGITS, 2)
    assert part.required_labels[:, 0].tolist() == [1, 2, 3]
    with pytest.raises(
        DataError, match=r"contains '3', which is not among the symbols of train or the classifier, 12"
    ):
        read(source, AsItIs((16, 32), symbols=Symbols(("1", "2"), 2)), ["train"])


def test_many_numbers_without_a_target_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "set"
    (root / "train").mkdir(parents=True)
    lines = ["file,label"]
    for place in range(500):
        draw_number(str(place)).save(root / "train" / f"{place}.png")
        lines.append(f"{place}.png,{place % 220}")
    (root / "train.csv").write_text("\n".join(lines))
    said = "contains 220 different strings of digits: pass --target sequence to read .* or --target class if each"
    with pytest.raises(DataError, match=said):
        picturewise.read_dataset(root)
    assert len(picturewise.read_dataset(root, target="class").classes) == 220
    assert picturewise.read_dataset(root, target="sequence").classes == DIGITS
    (root / "train.csv").write_text(
        "\n".join(["file,value", *(f"{place}.png,{place}" for place in range(500))])
    )
    with pytest.raises(DataError, match="contains 500 different strings of digits: pass --target sequence"):
        picturewise.read_dataset(root)


def test_an_empty_number_is_refused_or_left_out(tmp_path: Path) -> None:
    root = write_list(tmp_path / "set", {"train": NUMBERS})
    path = root / "train.csv"
    path.write_text(path.read_text().replace("train/001.png,07", "train/001.png,"))
    with pytest.raises(
        DataError, match=r"1 of 8 lines does not have a label; the first is line 3 \(train/001.png\)"
    ):
        numbers(root)
    left = picturewise.read_dataset(root, target="sequence", skip_bad=True)
    assert [item.path for item in left.skipped] == ["train/001.png"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("1 2", r"the label '1 2' of train/000.png contains a space"),
        ("9" * 65, "of train/000.png has 65 symbols, but at most 64 are allowed"),
    ],
)
def test_what_is_not_a_sequence_is_refused(tmp_path: Path, number: str, said: str) -> None:
    root = write_list(tmp_path / "set", {"train": NUMBERS})
    path = root / "train.csv"
    path.write_text(path.read_text().replace("train/000.png,7", f"train/000.png,{number}"))
    with pytest.raises(DataError, match=said):
        numbers(root)


def test_symbols_that_train_does_not_have_are_refused(tmp_path: Path) -> None:
    root = write_list(tmp_path / "set", {"train": NUMBERS, "test": NUMBERS})
    path = root / "test.csv"
    path.write_text(path.read_text().replace("1900", "19x0"))
    with pytest.raises(
        DataError, match=r"\(test\): the label '19x0' of test/004.png contains 'x', which is not among"
    ):
        numbers(root)


def test_classes_among_numbers_are_refused(tmp_path: Path) -> None:
    root = write_list(tmp_path / "set", {"train": [*NUMBERS, *NUMBERS]})
    path = root / "train.csv"
    path.write_text(path.read_text().replace("train/007.png,41", "train/007.png,unreadable"))
    with pytest.raises(
        DataError, match=r"mixes numbers and classes: the label 'unreadable' of train/007.png is not"
    ):
        numbers(root)


def test_lost_zeros_are_noted(tmp_path: Path) -> None:
    codes = [f"{number:03d}" for number in np.random.default_rng(1).integers(0, 1000, 60)]
    root = write_list(tmp_path / "set", {"train": codes}, labels=int)
    notes = picturewise.read_dataset(root, target="sequence").notes
    assert any("have 3 digits, and none begins with 0. If all have 3 digits" in note for note in notes)


def test_class_folders_do_not_have_sequences(tmp_path: Path) -> None:
    for name in ("07", "123"):
        (tmp_path / "set" / name).mkdir(parents=True)
        draw_number(name).save(tmp_path / "set" / name / "1.png")
    with pytest.raises(picturewise.UsageError, match="--target does not apply"):
        recognise(tmp_path / "set", hints=Hints(target="sequence"))
    assert recognise(tmp_path / "set", hints=Hints(target="class")).splits == ("train",)


def test_pictures_are_stretched_to_a_size_from_the_data_or_padded(tmp_path: Path) -> None:
    root = write_list(tmp_path / "set", {"train": [*NUMBERS] * 3})
    dataset = picturewise.read_dataset(root, target="sequence")
    # 20 pixels high and 20 to 56 wide: 32 high, and as wide as nine in ten of them become
    assert dataset.split("train").shape == (32, 88, 3)
    assert any("each was resized to 32x88 (resize: stretch)" in note for note in dataset.notes)
    padded = picturewise.read_dataset(root, target="sequence", resize="pad")
    narrow = next(at for at, label in enumerate(padded.split("train").required_labels) if label[0] == 1)
    assert (padded.split("train").images[narrow][:, :8] == 0).all()
    assert (dataset.split("train").images[narrow][:, :8] != 0).any()


def test_a_second_reading_comes_from_the_store(tmp_path: Path) -> None:
    root = write_list(tmp_path / "set", {"train": [*NUMBERS] * 3, "test": NUMBERS})
    once, twice = (picturewise.read_dataset(root, target="sequence") for _ in range(2))
    for split, part in once.splits().items():
        again = twice.split(split)
        assert again.target == part.target
        assert again.fingerprint == part.fingerprint
        assert np.array_equal(again.required_labels, part.required_labels)
    assert twice.notes == once.notes
