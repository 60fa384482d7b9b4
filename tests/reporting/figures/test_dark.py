import io
import re
from importlib.resources import files

import matplotlib.image
import numpy as np
import pytest

from picturewise.reporting.figures import draw_sample_sheet, look, to_both_papers, to_png
from picturewise.reporting.figures.dark import PAPER, Box, darkened


def pixels_of(png):
    return np.rint(255 * matplotlib.image.imread(io.BytesIO(png))[..., :3]).astype(np.uint8)


def turned(colour):
    """What a colour such as "#0072B2" becomes on dark paper."""
    rgb = np.array([[[int(colour[at : at + 2], 16) for at in (1, 3, 5)]]], np.uint8)
    return tuple(int(part) for part in darkened(rgb, [])[0, 0])


def luminance(rgb):
    shares = np.array(rgb) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_white_becomes_the_paper_of_a_report_and_black_becomes_white():
    assert turned("#ffffff") == PAPER
    assert turned("#000000") == (255, 255, 255)
    style = (files("picturewise.reporting") / "report_style.html.jinja").read_text(encoding="utf-8")
    dark = style.split("prefers-color-scheme: dark")[1]
    paper = re.search(r"--paper: #(\w{6});", dark)[1]
    assert tuple(bytes.fromhex(paper)) == PAPER


@pytest.mark.parametrize(
    ("colour", "least"),
    [(look.INK, 7), (look.MUTED, 4.5), (look.RIGHT, 4.5), (look.WRONG, 4.5), (look.GREEN, 4.5)],
)
def test_text_has_enough_contrast_to_dark_paper(colour, least):
    # WCAG 2.2: 4.5 for text.
    assert (luminance(turned(colour)) + 0.05) / (luminance(PAPER) + 0.05) >= least


def test_colours_keep_their_hue():
    red, _, blue = turned(look.BLUE)
    assert blue > red + 100
    red, _, blue = turned(look.VERMILION)
    assert red > blue + 100
    assert len({turned(colour) for colour in look.MODEL_COLOURS}) == len(look.MODEL_COLOURS)


def test_a_box_is_copied_and_what_is_around_it_is_not():
    pixels = np.full((600, 4, 3), 255, np.uint8)  # more rows than are turned at once
    dark = darkened(pixels, [Box(top=298, bottom=300, left=1, right=3)])
    assert np.all(dark[298:300, 1:3] == 255)
    dark[298:300, 1:3] = PAPER
    assert np.all(dark == PAPER)


def test_a_sheet_is_drawn_on_both_papers_with_the_same_pictures():
    red = np.zeros((4, 8, 8, 3), np.uint8)
    red[..., 0] = 200
    light, dark = to_both_papers(draw_sample_sheet(red, ["a"] * 4))
    assert light == to_png(draw_sample_sheet(red, ["a"] * 4))
    on_white, on_dark = pixels_of(light), pixels_of(dark)
    assert tuple(on_white[0, 0]) == (255, 255, 255)
    assert tuple(on_dark[0, 0]) == PAPER
    places = np.all(on_white == (200, 0, 0), axis=2)
    assert places.sum() > 1000
    assert np.array_equal(places, np.all(on_dark == (200, 0, 0), axis=2))
