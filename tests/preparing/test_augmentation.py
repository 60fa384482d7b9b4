from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picturewise.errors import UsageError
from picturewise.preparing.augmentation import (
    Augmentation,
    check,
    default_augmentation,
    parse,
    suitable,
)
from picturewise.preparing.augmentation_kinds import KINDS

DIGITS = tuple("0123456789")
ANIMALS = ("cat", "dog")
PIXELS = st.integers(1, 1024).map(float)
AUGMENTATIONS = st.one_of(
    st.builds(Augmentation, st.sampled_from(["shift", "crop", "cutout"]), PIXELS, st.booleans()),
    st.builds(Augmentation, st.just("flip"), st.just(0), st.booleans(), st.booleans()),
    st.builds(Augmentation, st.just("rotate"), st.floats(0, 180, exclude_min=True), st.booleans()),
    st.builds(
        Augmentation, st.sampled_from(["mixup", "cutmix"]), st.floats(0, 10, exclude_min=True), st.booleans()
    ),
    st.builds(Augmentation, st.just("noise"), st.floats(0, 255, exclude_min=True), st.booleans()),
    st.builds(Augmentation, st.just("crop random"), st.floats(0.01, 1), st.booleans()),
    st.builds(
        lambda kind, always, *ends: Augmentation(kind, max(ends), always, least=min(ends)),
        st.sampled_from(["zoom", "brightness", "contrast", "colour", "blur", "noise"]),
        st.booleans(),
        st.floats(0.1, 10),
        st.floats(0.1, 10),
    ),
    st.builds(
        lambda operations, level: Augmentation("rand-augment", level, operations=operations),
        st.integers(1, 10),
        st.integers(1, 30).map(float),
    ),
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
        ("brightness 0.5", Augmentation("brightness", 0.5)),
        ("contrast 0.3..1", Augmentation("contrast", 1, least=0.3)),
        ("colour 0..2", Augmentation("colour", 2, least=0)),
        ("hue 20", Augmentation("hue", 20)),
        ("zoom .8..1.25", Augmentation("zoom", 1.25, least=0.8)),
        ("blur 2", Augmentation("blur", 2)),
        ("noise 5..5", Augmentation("noise", 5, least=5)),
        ("crop random", Augmentation("crop random", 0.25)),
        ("crop random 0.08", Augmentation("crop random", 0.08)),
        ("Crop 0.5..0.9 random", Augmentation("crop random", 0.9, least=0.5)),
        ("erase 0.1..0.2", Augmentation("erase", 0.2, least=0.1)),
        ("cutmix", Augmentation("cutmix", 1)),
        ("rand-augment", Augmentation("rand-augment", 9, operations=2)),
        ("rand-augment 3 15", Augmentation("rand-augment", 15, operations=3)),
    ],
)
def test_each_form_of_a_line_is_read(line: str, augmentation: Augmentation) -> None:
    assert parse(line) == (augmentation,)


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("brightness", (0.6, 1.4)),
        ("contrast 1", (0, 2)),
        ("colour 0.3..1", (0.3, 1)),
        ("zoom 0.25", (0.75, 1.25)),
        ("blur 2", (0, 2)),
        ("noise", (0, 20)),
        ("crop random", (0.25, 1)),
        ("crop random 0.5..0.6", (0.5, 0.6)),
        ("erase", (0.02, 0.33)),
        ("erase 0.01", (0.01, 0.01)),
    ],
)
def test_a_single_number_stands_for_a_range(line: str, ends: tuple[float, float]) -> None:
    assert parse(line)[0].range == pytest.approx(ends)


def test_a_kind_with_a_usual_number_does_not_need_one() -> None:
    for kind, known in KINDS.items():
        if known.usual is not None:
            assert parse(kind)[0].amount == known.usual
        for number in (known.example, known.example_range):
            if number:
                assert parse(f"{kind} {number}")[0].line == f"{kind} {number}"


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
            (
                "'flp' is not an augmentation. Choose from shift, crop, flip, rotate, zoom, brightness, contrast, "
                "colour, hue, blur, noise, cutout, erase, mixup, cutmix, rand-augment. Did you mean 'flip'?"
            ),
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
        ("zoom 2", "it needs a change of the factor greater than 0 and at most 0.9."),
        (
            "brightness 0.5 1",
            "it needs a change of the factor, such as 'brightness 0.4', or a range such as 'brightness 0.3..1'.",
        ),
        ("brightness 1..0.5", "its range must be within 0..10, with the smaller number first."),
        ("contrast 0..0", "its range must be within 0..10, with the smaller number first."),
        ("zoom 0.05..1", "its range must be within 0.1..10, with the smaller number first."),
        (
            "noise 1..2..3",
            "it needs a standard deviation, such as 'noise 20', or a range such as 'noise 5..20'.",
        ),
        ("hue 5..10", "it needs a number of degrees, such as 'hue 15'."),
        ("crop random 0.001", "it needs a share of the area of at least 0.01 and at most 1."),
        (
            "rand-augment 2",
            "it needs the number of operations and their magnitude, such as 'rand-augment 2 9'.",
        ),
        ("rand-augment 2 31", "it needs 1 to 10 operations and a magnitude from 1 to 30."),
        ("rand-augment 0 9", "it needs 1 to 10 operations and a magnitude from 1 to 30."),
        ("mixup alot", "it needs a parameter of the Beta distribution, such as 'mixup 0.2'."),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(f"flip;  {line}")
    assert str(caught.value) == f"Augmentation line '{line}' cannot be read: {complaint}"


def test_what_turns_characters_into_others_is_left_out_with_a_note_for_each() -> None:
    kept, notes = suitable(
        parse("shift 1; flip; rotate 10; rotate 46; rotate 45; flip always"), mirrors_matter=True
    )
    assert kept == parse("shift 1; rotate 10; rotate 45; flip always")
    assert notes == tuple(
        f"'{line}' was left out, because it would turn pictures of some classes into others. To "
        f"use it anyway, write '{line} always'."
        for line in ("flip", "rotate 46")
    )


def test_other_classes_keep_everything() -> None:
    lines = parse("flip; rotate 180")
    assert suitable(lines, mirrors_matter=False) == (lines, ())


@pytest.mark.parametrize(
    ("shape", "matters", "lines"),
    [
        ((28, 28, 1), True, "shift 1; brightness 0.5; contrast 0.7"),
        ((64, 64, 1), True, "shift 3; brightness 0.5; contrast 0.7"),
        ((8, 8, 1), True, ""),
        ((11, 40, 1), True, ""),
        ((12, 12, 1), True, "shift 1; brightness 0.5; contrast 0.7"),
        ((28, 28, 1), False, "crop 4; flip; brightness 0.5; contrast 0.7"),
        ((32, 32, 3), True, "shift 1"),
        ((32, 32, 3), False, "crop 4; flip"),
        ((8, 8, 3), False, "flip"),
        ((224, 64, 3), False, "crop 8; flip"),
    ],
)
def test_the_default_is_gentle_and_suits_the_data(
    shape: tuple[int, int, int], matters: bool, lines: str
) -> None:
    assert default_augmentation(shape, mirrors_matter=matters) == parse(lines)


@given(st.integers(1, 300), st.integers(1, 300), st.booleans())
def test_the_default_always_fits_and_is_always_suitable(height: int, width: int, matters: bool) -> None:
    found = default_augmentation((height, width, 3), mirrors_matter=matters)
    check(found, (height, width, 3))
    assert suitable(found, mirrors_matter=matters) == (found, ())


@pytest.mark.parametrize("kind", ["shift", "crop", "cutout"])
def test_moves_and_blanks_must_be_smaller_than_the_pictures(kind: str) -> None:
    check(parse(f"{kind} 7; rotate 90"), (8, 20, 1))
    with pytest.raises(
        UsageError, match=rf"'{kind} 8' is too large for pictures of 8x20\. Use at most 7 pixels"
    ):
        check(parse(f"flip; {kind} 8"), (8, 20, 1))


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (
            "crop 2; flip; crop 3",
            "Augmentation line 'crop' occurs twice: 'crop 2' and 'crop 3'. Remove one of them.",
        ),
        (
            "flip; flip alternate",
            "Augmentation line 'flip' occurs twice: 'flip' and 'flip alternate'. Remove one of them.",
        ),
        (
            "crop random; crop 2",
            (
                "Augmentation lines 'crop 2' and 'crop random 0.25' cannot be combined, because both crop. Remove one "
                "of them."
            ),
        ),
        (
            "mixup 0.2; cutmix",
            (
                "Augmentation lines 'mixup 0.2' and 'cutmix 1' cannot be combined, because both combine pairs of "
                "pictures. Remove one of them."
            ),
        ),
        (
            "brightness; colour",
            "Augmentation line 'colour 0.4' is for colour pictures, but these are grey. Remove it.",
        ),
        (
            "hue",
            "Augmentation line 'hue 15' is for colour pictures, but these are grey. Remove it.",
        ),
    ],
)
def test_lines_that_do_not_fit_together_or_the_pictures_are_refused(lines: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(parse(lines), (8, 8, 1))
    assert str(caught.value) == complaint


def test_all_other_lines_fit_together() -> None:
    kept = [kind for kind in KINDS if kind not in {"crop random", "cutmix", "rand-augment"}]
    lines = [f"{kind} {KINDS[kind].example}" for kind in kept]
    check(parse([*lines, "rand-augment"]), (9, 9, 3))
