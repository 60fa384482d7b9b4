import numpy as np
import pytest

from picturewise.reporting.figures import look
from picturewise.reporting.figures.page import Page


@pytest.fixture
def page():
    with look.house_style():
        yield Page(4, 3)


def test_a_data_unit_is_an_inch_from_the_top_left(page):
    left, top = page.axes.transData.transform((1, 0.5))
    assert (left, top) == pytest.approx((look.DPI, (3 - 0.5) * look.DPI))


def test_a_picture_is_drawn_upright_and_pixel_for_pixel(page, drawn):
    image = np.random.default_rng(0).integers(0, 256, (3, 3, 3), dtype=np.uint8)
    page.picture(image, left=1, top=0.5, width=1, height=1)
    pixels = drawn(page.figure)[75:225, 150:300]  # one inch is 150 pixels
    assert np.array_equal(pixels[25::50, 25::50], image)


def test_grey_is_drawn_as_it_is_however_little_of_it_is_used(page, drawn):
    image = np.array([[100, 110], [120, 130]], dtype=np.uint8)[:, :, np.newaxis]
    page.picture(image, left=0, top=0, width=2, height=2)
    pixels = drawn(page.figure)[75:300:150, 75:300:150]
    assert np.array_equal(pixels, np.repeat(image, 3, axis=2))


@pytest.mark.parametrize(("side", "shown"), [(2, 100), (100, 210), (210, 100)])
def test_a_picture_of_any_size_fills_its_place_within_a_frame(page, drawn, side, shown):
    image = np.full((side, side, 3), (10, 200, 30), np.uint8)
    inches = shown / look.DPI
    page.picture(image, left=100 / look.DPI, top=60 / look.DPI, width=inches, height=inches)
    pixels = drawn(page.figure)
    assert (pixels[60 : 60 + shown, 100 : 100 + shown] == (10, 200, 30)).all()
    frame = [pixels[59, 100], pixels[60 + shown, 100], pixels[60, 99], pixels[60, 100 + shown]]
    assert [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in frame] == [look.EDGE] * 4
    assert (pixels[58, 100] == 255).all()


@pytest.mark.parametrize("shape", [(10, 20, 1), (20, 10, 3), (16, 16, 1)])
def test_a_picture_keeps_its_shape_and_stays_in_its_box(page, shape):
    artist = page.picture(np.zeros(shape, np.uint8), left=1, top=1, width=1.5, height=1)
    left, right, bottom, top = artist.get_extent()
    assert (right - left) / (bottom - top) == pytest.approx(shape[1] / shape[0])
    assert left >= 1
    assert right <= 2.5
    assert top >= 1
    assert bottom <= 2
    assert (left + right) / 2 == pytest.approx(1.75)
    assert (top + bottom) / 2 == pytest.approx(1.5)
    assert page.axes.get_aspect() == 1


def test_text_is_literal(page):
    text = page.text("$x_1$", 0, 0)
    assert text.get_text() == "$x_1$"
    assert text.get_parse_math() is False


def test_lines_share_their_baseline_whatever_their_letters(page):
    low, high = page.text("one", 0, 1), page.text("ÄÖÜ gj", 1, 1)
    assert low.get_position()[1] == high.get_position()[1]
    assert low.get_verticalalignment() == high.get_verticalalignment() == "baseline"


def test_text_stays_on_its_side_of_the_line(page):
    pixel = 1 / look.DPI
    for vertical, least, most in (("top", 1, 2), ("bottom", 0, 1), ("center", 0.9, 1.1)):
        box = page.text("Hg", 0, 1, vertical=vertical).get_window_extent()
        assert 3 - box.y1 / look.DPI >= least - pixel
        assert 3 - box.y0 / look.DPI <= most + pixel
