"""Whether mirroring matters: pictures of which it is known, and names where the pictures are too few."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from picturewise import read_dataset
from picturewise.data.imageset import ImageSet
from picturewise.preparing.augmentation import Augmentation
from picturewise.recipes.recipe import make_recipe
from picturewise.training.derive import derive_recipe
from picturewise.training.mirrors import FEWEST_PICTURES, are_characters, ask, decide, described

LINES_OF_LIGHT = ("brightness 0.5", "contrast 0.7")


def arrows(count: int, *, left: int = 0, right: int = 1, other: int = 0, seed: int = 0) -> ImageSet:
    """Return noisy arrows to the left, to the right and, if `other` is not 0, upwards: classes 0, 1 and 2."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2 + bool(other), count)
    images = random.integers(0, 60, (count, 24, 24, 1))
    slope = np.abs(np.arange(-8, 9))
    for image, label in zip(images, labels, strict=True):
        top, start = random.integers(2, 6), random.integers(4, 8)
        for row, away in enumerate(slope):
            place = start + (away if label == left else 8 - away)
            if label == 2:
                image[start + away, top + row] += 180
            else:
                image[top + row, place] += 180
    names = ("0", "1", "2")[: 2 + bool(other)]
    return ImageSet(images.astype(np.uint8), labels, names, "arrows")


def discs(count: int, seed: int = 0) -> ImageSet:
    """Return small and large discs, whose classes are numbered."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    across, down = np.meshgrid(np.arange(24), np.arange(24))
    images: NDArray[np.int64] = random.integers(0, 60, (count, 24, 24, 1))
    for image, label in zip(images, labels, strict=True):
        x, y = random.integers(8, 16, 2)
        image[(across - x) ** 2 + (down - y) ** 2 < (9 if label == 0 else 36)] += 180
    return ImageSet(images.astype(np.uint8), labels, ("0", "1"), "discs")


def test_digits_are_others_in_the_mirror_even_if_their_classes_have_words_for_names() -> None:
    digits = read_dataset("digits", splits=["train"]).split("train")
    words = ("null", "one", "deux", "tres", "quattro", "fünf", "six", "sept", "otto", "nove")
    for names in (
        digits.classes,
        words,
        tuple("abcdefghij"),
        tuple(f"class {number}" for number in range(10)),
    ):
        found = decide(replace(digits, classes=names))
        assert found.matters
        assert found.notes[0].startswith("Pictures are not mirrored: a quick classifier recognised 9")


def test_an_arrow_to_the_left_is_one_to_the_right_in_the_mirror() -> None:
    found = ask(arrows(400))
    assert found is not None
    assert found.matters
    assert found.before > 0.9
    assert found.after < 0.2


def test_two_classes_that_change_are_enough_among_others_that_do_not() -> None:
    found = ask(arrows(900, other=1))
    assert found is not None
    assert found.matters


def test_discs_are_the_same_in_the_mirror_although_their_classes_are_numbered() -> None:
    found = decide(discs(400))
    assert not found.matters
    assert found.notes[0].startswith("Pictures are mirrored in spite of the class names: a quick classifier")


def test_pictures_that_cannot_be_told_apart_say_nothing_and_names_decide() -> None:
    random = np.random.default_rng(0)
    noise = ImageSet(
        random.integers(0, 256, (600, 16, 16, 3), dtype=np.uint8),
        random.integers(0, 2, 600),
        ("0", "1"),
        "noise",
    )
    assert ask(noise) is None
    assert decide(noise) == (True, ())
    assert decide(replace(noise, classes=("cat", "dog"))) == (False, ())


def test_few_pictures_say_nothing() -> None:
    assert ask(discs(FEWEST_PICTURES - 1)) is None
    assert ask(discs(FEWEST_PICTURES)) is not None


@pytest.mark.parametrize("names", [("turn-left", "straight on"), ("Right hand", "other hand")])
def test_names_with_left_and_right_decide(names: tuple[str, ...]) -> None:
    found = decide(replace(discs(400), classes=names))
    assert found == (
        True,
        ("Pictures are not mirrored, because the class names distinguish left and right.",),
    )


@pytest.mark.parametrize(
    ("names", "characters"),
    [
        (("0", "1"), True),
        (("10", "11"), True),
        (("a", "B", "7"), True),
        (("six", "nine"), True),
        (("Fünf", "sechs"), True),
        (("siete", "NUEVE "), True),
        (("cat", "dog"), False),
        (("0", "none"), False),
        (("bright", "leftover"), False),
    ],
)
def test_characters_are_letters_numbers_and_words_for_numbers(
    names: tuple[str, ...], characters: bool
) -> None:
    assert are_characters(names) is characters


def test_the_description_sees_edges_of_any_size_and_channels() -> None:
    import torch

    for shape in ((5, 40, 30, 1), (3, 7, 9, 3), (2, 224, 224, 3)):
        found = described(torch.zeros(shape, dtype=torch.uint8))
        assert len(found) == shape[0]
        assert bool(found.isfinite().all())


def test_the_default_augmentation_and_a_typed_flip_follow_the_pictures() -> None:
    recipe = make_recipe({"data": {"source": "x"}})
    effective, notes = derive_recipe(recipe, discs(400))
    assert effective.preparation.augmentation == ("crop 3", "flip", *LINES_OF_LIGHT)
    assert "Pictures are mirrored in spite of the class names" in notes[0]
    effective, notes = derive_recipe(recipe, arrows(400))
    assert effective.preparation.augmentation == ("shift 1", *LINES_OF_LIGHT)
    assert "Pictures are not mirrored" in notes[0]
    typed = make_recipe(
        {"data": {"source": "x"}, "preparation": {"augmentation": ["flip", "shift 1"], "views": ["mirror"]}}
    )
    effective, notes = derive_recipe(typed, arrows(400))
    assert (effective.preparation.augmentation, effective.preparation.views) == (("shift 1",), ())
    assert ["was left out" in note for note in notes] == [True, True, False]
    effective, notes = derive_recipe(typed, discs(400))
    assert (effective.preparation.augmentation, effective.preparation.views) == (
        ("flip", "shift 1"),
        ("mirror",),
    )
    assert Augmentation("flip").may_change_class
    assert notes == ()
