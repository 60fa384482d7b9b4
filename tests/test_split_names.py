from __future__ import annotations

import pytest

from picturewise.split_names import split_in, split_of, words_of


@pytest.mark.parametrize(
    ("words", "split"),
    [
        (("train", "Train", "training"), "train"),
        (("VAL", "valid", "validation", "dev"), "valid"),
        (("test", "Testing", "t10k"), "test"),
        (("trainer", "", "roses"), None),
    ],
)
def test_the_usual_words_name_a_split(words: tuple[str, ...], split: str | None) -> None:
    assert {split_of(word) for word in words} == {split}


@pytest.mark.parametrize(
    ("name", "split", "rest"),
    [
        *(
            (name, "train", ())
            for name in ("train", "TRAIN", "Train data", "01_train", "train2017", "trainset")
        ),
        *(
            (name, "train", ())
            for name in ("TrainImages", "training_set", "images_train", "trainval", "train_val")
        ),
        *(
            (name, "test", ())
            for name in ("test1", "Testing", "TestImages", "test_images", "imagestest", "tst")
        ),
        *((name, "valid", ()) for name in ("val", "valid_data", "ValidationSet", "dev", "validation2")),
        *((name, "evaluation", ()) for name in ("eval", "evaluation set", "holdout", "hold-out", "Hold Out")),
        ("seg_train", "train", ("seg",)),
        ("PublicTest", "test", ("public",)),
        ("test-multiple_fruits", "test", ("multiple", "fruits")),
    ],
)
def test_the_name_of_a_folder_contains_a_split(name: str, split: str, rest: tuple[str, ...]) -> None:
    found = split_in(name)
    assert found is not None
    assert (found.split, found.rest) == (split, rest)


@pytest.mark.parametrize(
    "name",
    ["", "trainer", "contest", "invalid", "evaluate", "train_test", "strain", "rain", "développement", "猫"],
)
def test_other_names_do_not_contain_a_split(name: str) -> None:
    assert split_in(name) is None


def test_words_are_separated_by_signs_capitals_and_numbers() -> None:
    assert words_of("HAM10000_imagesPart-1 Größe猫") == [
        "ham",
        "10000",
        "images",
        "part",
        "1",
        "größe猫",
    ]
