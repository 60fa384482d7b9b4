"""Patterns for labels in file names: each that is offered finds the right class in every name."""

from __future__ import annotations

import re

import pytest

from picturewise.data.readers.folders.labels_in_names import offer

ROWS = [
    ("train/{}.{}.jpg", ("cat", "dog"), r"(cat|dog)\."),
    ("{}_{:03}.png", ("cat", "dog"), r"(cat|dog)_"),
    ("{} ({}).jpg", ("sunny", "rain", "fog"), r"(fog|rain|sunny)\ "),
    ("{1}_{0}.jpg", ("cat", "dog"), r"(cat|dog)\."),
    ("shot-{1}-{0}.jpg", ("left", "right"), r"(left|right)\."),
    ("{}{:04}.bmp", ("healthy", "sick"), None),
    ("{}_{}.JPEG", ("n01440764", "n01443537", "n02102040"), r"(n01440764|n01443537|n02102040)_"),
    ("images/{}_{}.jpg", ("a_pug", "a_cat", "b_cat", "c_cat", "boxer", "Birman"), None),
    ("{}-{}.jpg", ("a.b", "c+d"), None),
    ("{}_{}_x.png", ("0", "1", "7"), r"(0|1|7)_"),
    ("{} {}.png", ("猫", "犬"), r"(犬|猫)\ "),
]


@pytest.mark.parametrize(("form", "classes", "pattern"), ROWS)
def test_the_offered_pattern_finds_each_class(
    form: str, classes: tuple[str, ...], pattern: str | None
) -> None:
    labels = {form.format(name, number): name for name in classes for number in range(11, 15)}
    found = offer(sorted(labels))
    assert found is not None
    assert set(found.classes) == set(classes)
    if pattern is not None:
        assert found.pattern == pattern
    for name, label in labels.items():
        match = re.search(found.pattern, name)
        assert match is not None
        assert match[1] == label


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["a.png"],
        [f"IMG_{number:04}.jpg" for number in range(20)],
        [f"{number}.jpg" for number in range(20)],
        [f"{folder}/{number}.jpg" for folder in "ab" for number in range(5)],
        ["cat_1.jpg", "cat_2.jpg", "dog_1.jpg"],
        [f"{chr(97 + number)}_1.jpg" for number in range(20)],
        [
            *(f"cat_{number}.jpg" for number in range(9)),
            *(f"dog_{number}.jpg" for number in range(9)),
            "7.jpg",
        ],
        [f"{year}_{number}.jpg" for year in (2020, 2021) for number in range(9)],
    ],
)
def test_names_that_say_no_class_get_no_offer(names: list[str]) -> None:
    assert offer(names) is None


def test_a_pattern_is_tried_on_all_names_and_not_on_a_sample() -> None:
    names = [f"{word}_{number}.jpg" for word in ("cat", "dog") for number in range(5000)]
    assert offer(names) is not None
    assert offer([*names[:4001], "elephant.jpg", *names[4001:]]) is None
