from __future__ import annotations

from picturewise.data.readers.folders.split_folders import marked, rest_of


def test_a_shared_name_beside_two_splits_is_that_of_the_set() -> None:
    found = marked(["seg_train", "seg_test", "seg_pred"])
    assert found.named == {"seg_train": "train", "seg_test": "test"}
    assert found.rests == {(), ("seg",)}


def test_an_unrelated_name_beside_one_split_is_doubtful() -> None:
    found = marked(["freight train", "steam train", "test-multiple", "Test"])
    assert found.named == {"Test": "test"}
    assert found.doubtful == {"freight train": "train", "steam train": "train", "test-multiple": "test"}


def test_an_evaluation_folder_is_what_is_missing() -> None:
    assert marked(["train", "eval"]).named["eval"] == "test"
    found = marked(["train", "holdout", "test"])
    assert found.named["holdout"] == "valid"
    assert found.notes == (
        "The folder holdout was used as the validation split, because there is also a test split.",
    )


def test_the_other_words_of_a_name() -> None:
    assert (rest_of("cats_train"), rest_of("train_images"), rest_of("cats")) == (("cats",), (), ())
