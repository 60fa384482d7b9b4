import numpy as np
import pytest

from picturewise.reporting.figures import draw_augmented_sheet


@pytest.mark.parametrize("channels", [1, 3])
def test_every_row_has_its_caption_the_original_and_its_versions(channels):
    random = np.random.default_rng(0)
    originals = random.integers(0, 256, (3, 8, 9, channels), dtype=np.uint8)
    versions = random.integers(0, 256, (3, 4, 8, 9, channels), dtype=np.uint8)
    axes = draw_augmented_sheet(originals, versions, ["a", "b", "c"], ["crop 2", "flip"]).axes[0]
    assert [text.get_text() for text in axes.texts] == [
        *("original", "augmented: crop 2; flip"),
        *("a", "b", "c"),
    ]
    drawn = [artist.get_array().reshape(8, 9, channels) for artist in axes.images]
    expected = [picture for row in range(3) for picture in (originals[row], *versions[row])]
    assert all(np.array_equal(one, other) for one, other in zip(drawn, expected, strict=True))
    for row in range(3):
        places = [artist.get_extent() for artist in axes.images[5 * row : 5 * row + 5]]
        assert len({round(top, 6) for *_, top in places}) == 1
        assert [left for left, *_ in places] == sorted(left for left, *_ in places)
        assert places[0][3] < axes.texts[2 + row].get_position()[1] < places[0][2]


@pytest.mark.parametrize(("number", "times"), [(1, 1), (8, 8), (12, 2)])
def test_no_text_lies_on_another(number, times, overlapping, strange_names):
    captions = [strange_names[n % 10] for n in range(number)]
    pictures = np.zeros((number, times + 1, 32, 24, 3), np.uint8)
    sheet = draw_augmented_sheet(pictures[:, 0], pictures[:, 1:], captions, ["rand-augment 2 9"] * 30)
    assert overlapping(sheet) == []


def test_pictures_without_labels_fill_the_sheet():
    pictures = np.zeros((2, 3, 8, 8, 1), np.uint8)
    axes = draw_augmented_sheet(pictures[:, 0], pictures[:, 1:], ["", ""], ["flip"]).axes[0]
    assert axes.images[0].get_extent()[0] < 0.2
