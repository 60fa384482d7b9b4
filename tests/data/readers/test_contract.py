from __future__ import annotations

import numpy as np
import pytest

from sightline.data.readers.contract import digest, digest_each, split_of


def test_equal_pictures_have_equal_digests_and_others_have_not() -> None:
    images = np.zeros((3, 2, 2, 1), np.uint8)
    images[2, 1, 1] = 1
    first, second, third = digest_each(images)
    assert first == second == digest(bytes(4))
    assert third == digest(b"\0\0\0\1")
    assert third != first


def test_no_pictures_have_no_digests() -> None:
    assert digest_each(np.zeros((0, 2, 2, 1), np.uint8)) == ()


def test_the_digest_is_that_of_the_pixels_wherever_they_lie_in_memory() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 2, 1), dtype=np.uint8)
    assert digest_each(images[::2]) == digest_each(images)[::2]


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
