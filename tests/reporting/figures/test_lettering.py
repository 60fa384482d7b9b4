import pytest
from matplotlib.figure import Figure

from picturewise.reporting.figures import look
from picturewise.reporting.figures.lettering import drawable, families, shortened, text_width

NAMES = [
    "rose",
    "$x_1$ and \\alpha",
    "W" * 80,
    "i" * 200,
    "向日葵",
    "роза",
    "תפוח",
    "e\u0301" * 50,
    "\u202eline\nbreak\x00",
    "x" * 100_000,
    "\udcff",
    "",
]


def extent(text, *, size, weight="normal"):
    with look.house_style():
        figure = Figure(figsize=(30, 2), dpi=look.DPI)
        drawn = figure.text(0, 0.5, text, fontsize=size, fontweight=weight)
        return drawn.get_window_extent().width / look.DPI


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
@pytest.mark.parametrize("size", [look.TINY, look.SMALL, look.BODY])
@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_a_shortened_name_is_no_wider_than_its_place(name, size, weight):
    line = shortened(name, inches=1.2, size=size, weight=weight)
    assert extent(line, size=size, weight=weight) <= 1.2


def test_a_name_that_fits_is_not_touched():
    assert shortened("$x_1$", inches=2, size=9) == "$x_1$"


def test_a_long_name_keeps_both_ends():
    line = shortened("flowers/sunflower/photo-000123.jpg", inches=1.5, size=9)
    assert line.startswith("flowe")
    assert line.endswith("123.jpg")
    assert "…" in line


def test_a_prefix_is_never_cut():
    line = shortened("W" * 80, inches=1.2, size=9, prefix="✗ wrong: ")
    assert line.startswith("✗ wrong: W")
    assert extent(line, size=9) <= 1.2


def test_where_nothing_fits_an_ellipsis_stands():
    assert shortened("WWWW", inches=0.1, size=9) == "…"


def test_a_letter_and_its_accent_stay_together():
    # x with macron below has no single code point.
    line = shortened("x\u0331" * 60, inches=1, size=9)
    assert line.replace("x\u0331", "") == "…"


def test_letters_that_no_font_has_are_escaped_and_stay_apart():
    first, second = drawable("\U000e1234"), drawable("\U000e1235")
    assert first == r"\U000e1234"
    assert first != second


def test_names_are_one_line():
    assert drawable("two\nlines\r\x0b") == r"two\nlines\r\x0b"


def test_what_is_drawn_is_measured_on_the_safe_side():
    for text in ("illicit", "WAVE", "0123456789", "flower_07-rose.jpg"):
        measured = text_width(text, size=9)
        assert extent(text, size=9) <= measured <= 1.25 * extent(text, size=9) + 0.02


def test_the_first_family_is_the_one_that_comes_with_matplotlib():
    assert families()[0] == "DejaVu Sans"
