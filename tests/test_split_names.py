from __future__ import annotations

import pytest

from picturewise.split_names import split_of


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
