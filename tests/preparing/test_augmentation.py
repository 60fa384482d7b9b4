from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picturewise.errors import UsageError
from picturewise.preparing.augmentation import (
    Augmentation,
    check_sizes,
    default_augmentation,
    mirrors_matter,
    parse,
    suitable,
)

DIGITS = tuple("0123456789")
ANIMALS = ("cat", "dog")
PIXELS = st.integers(1, 1024).map(float)
AUGMENTATIONS = st.one_of(
    st.builds(Augmentation, st.sampled_from(["shift", "crop", "cutout"]), PIXELS, st.booleans()),
    st.builds(Augmentation, st.just("flip"), st.just(0), st.booleans(), st.booleans()),
    st.builds(Augmentation, st.just("rotate"), st.floats(0, 180, exclude_min=True), st.booleans()),
    st.builds(Augmentation, st.just("mixup"), st.floats(0, 10, exclude_min=True), st.booleans()),
)


@pytest.mark.parametrize(
    ("line", "augmentation"),
    [
        ("shift 2", Augmentation("shift", 2)),
        ("CROP   4", Augmentation("crop", 4)),
        ("flip", Augmentation("flip")),
        ("flip always", Augmentation("flip", always=True)),
        ("flip alternate", Augmentation("flip", alternate=True)),
        ("flip always alternate", Augmentation("flip", always=True, alternate=True)),
        ("rotate 10", Augmentation("rotate", 10)),
        ("rotate always 90", Augmentation("rotate", 90, always=True)),
        ("rotate 7.5", Augmentation("rotate", 7.5)),
        ("cutout 8", Augmentation("cutout", 8)),
        ("mixup .2", Augmentation("mixup", 0.2)),
    ],
)
def test_each_form_of_a_line_is_read(line: str, augmentation: Augmentation) -> None:
    assert parse(line) == (augmentation,)


def test_lines_end_at_semicolons_and_new_lines() -> None:
    expected = (Augmentation("shift", 2), Augmentation("flip"), Augmentation("mixup", 0.2))
    assert parse("shift 2; flip\n\n;mixup 0.2") == parse(["shift 2", "flip;mixup 0.2"]) == expected
    assert parse("") == parse(()) == ()


@given(AUGMENTATIONS)
def test_a_line_survives_being_written_and_read(augmentation: Augmentation) -> None:
    assert parse(augmentation.line) == (augmentation,)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (
            "flp",
            "'flp' is not an augmentation. Choose from shift, crop, flip, rotate, cutout, mixup. Did you mean 'flip'?",
        ),
        ("flip 0.5", "'flip' does not accept '0.5'. Remove it."),
        ("shift", "it needs a whole number of pixels, such as 'shift 2'."),
        ("shift 1.5", "it needs a whole number of pixels, such as 'shift 2'."),
        ("shift 1 2", "it needs a whole number of pixels, such as 'shift 2'."),
        ("crop -1", "it needs a whole number of pixels, such as 'crop 4'."),
        ("cutout 1025", "it needs a whole number of pixels greater than 0 and at most 1024."),
        ("rotate", "it needs a number of degrees, such as 'rotate 10'."),
        ("rotate 181", "it needs a number of degrees greater than 0 and at most 180."),
        ("mixup 0", "it needs a parameter of the Beta distribution greater than 0 and at most 10."),
        ("mixup alot", "it needs a parameter of the Beta distribution, such as 'mixup 0.2'."),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(f"flip;  {line}")
    assert str(caught.value) == f"Augmentation line '{line}' cannot be read: {complaint}"


@pytest.mark.parametrize(
    ("classes", "characters"),
    [
        (DIGITS, True),
        (("10", "11"), True),
        (("a", "B", "7"), True),
        (ANIMALS, False),
        (("0", "none"), False),
        (("turn-left", "straight on"), True),
        (("Right hand", "other hand"), True),
        (("bright", "leftover"), False),
    ],
)
def test_mirrors_matter_to_characters_and_to_left_and_right(
    classes: tuple[str, ...], characters: bool
) -> None:
    assert mirrors_matter(classes) == characters


def test_what_turns_characters_into_others_is_left_out_with_a_note_for_each() -> None:
    kept, notes = suitable(parse("shift 1; flip; rotate 10; rotate 46; rotate 45; flip always"), DIGITS)
    assert kept == parse("shift 1; rotate 10; rotate 45; flip always")
    assert notes == tuple(
        f"'{line}' was left out, because it would turn pictures of some classes into others. To "
        f"use it anyway, write '{line} always'."
        for line in ("flip", "rotate 46")
    )


def test_other_classes_keep_everything() -> None:
    lines = parse("flip; rotate 180")
    assert suitable(lines, ANIMALS) == (lines, ())


@pytest.mark.parametrize(
    ("shape", "classes", "lines"),
    [
        ((28, 28, 1), DIGITS, "shift 1"),
        ((64, 64, 1), DIGITS, "shift 3"),
        ((8, 8, 1), DIGITS, ""),
        ((11, 40, 1), DIGITS, ""),
        ((12, 12, 1), DIGITS, "shift 1"),
        ((32, 32, 3), ANIMALS, "crop 4; flip"),
        ((8, 8, 3), ANIMALS, "flip"),
        ((224, 64, 3), ANIMALS, "crop 8; flip"),
    ],
)
def test_the_default_is_gentle_and_suits_the_data(
    shape: tuple[int, int, int], classes: tuple[str, ...], lines: str
) -> None:
    assert default_augmentation(shape, classes) == parse(lines)


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([DIGITS, ANIMALS]))
def test_the_default_always_fits_and_is_always_suitable(
    height: int, width: int, classes: tuple[str, ...]
) -> None:
    found = default_augmentation((height, width, 3), classes)
    check_sizes(found, (height, width, 3))
    assert suitable(found, classes) == (found, ())


@pytest.mark.parametrize("kind", ["shift", "crop", "cutout"])
def test_moves_and_blanks_must_be_smaller_than_the_pictures(kind: str) -> None:
    check_sizes(parse(f"{kind} 7; rotate 90"), (8, 20, 1))
    with pytest.raises(
        UsageError, match=rf"'{kind} 8' is too large for pictures of 8x20\. Use at most 7 pixels"
    ):
        check_sizes(parse(f"flip; {kind} 8"), (8, 20, 1))
