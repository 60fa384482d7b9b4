import numpy as np
import pytest

from picturewise.reporting.figures import draw_sample_sheet


@pytest.mark.parametrize("channels", [1, 3])
def test_every_picture_stands_above_its_caption(channels):
    images = np.random.default_rng(0).integers(0, 256, (10, 8, 8, channels), dtype=np.uint8)
    axes = draw_sample_sheet(images, [f"label {n}" for n in range(10)]).axes[0]
    assert [text.get_text() for text in axes.texts] == [f"label {n}" for n in range(10)]
    for image, artist, text in zip(images, axes.images, axes.texts, strict=True):
        assert np.array_equal(artist.get_array().reshape(image.shape), image)
        left, right, bottom, _ = artist.get_extent()
        assert text.get_position()[0] == pytest.approx((left + right) / 2)
        assert bottom < text.get_position()[1] < bottom + 0.3


def test_pictures_are_laid_out_row_by_row():
    axes = draw_sample_sheet(np.zeros((12, 8, 8, 1), np.uint8), [""] * 12, columns=4).axes[0]
    corners = [(artist.get_extent()[3], artist.get_extent()[0]) for artist in axes.images]
    assert corners == sorted(corners)
    assert len({top for top, _ in corners}) == 3


def test_grey_pictures_use_all_greys(drawn):
    figure = draw_sample_sheet(np.full((1, 8, 8, 1), 77, np.uint8), ["a"])
    box = figure.axes[0].images[0].get_window_extent()
    pixels = drawn(figure)
    middle = pixels[pixels.shape[0] - round((box.y0 + box.y1) / 2), round((box.x0 + box.x1) / 2)]
    assert middle.tolist() == [77, 77, 77]


@pytest.mark.parametrize("number", [1, 2, 7, 30])
def test_no_text_lies_on_another(number, overlapping, strange_names):
    captions = [strange_names[n % 10] for n in range(number)]
    assert overlapping(draw_sample_sheet(np.zeros((number, 32, 24, 3), np.uint8), captions)) == []


def test_a_caption_too_few_is_refused():
    with pytest.raises(ValueError, match="zip"):
        draw_sample_sheet(np.zeros((3, 8, 8, 1), np.uint8), ["a", "b"])
