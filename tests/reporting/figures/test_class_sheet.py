import numpy as np
import pytest

from picturewise.reporting.class_rows import ClassRow
from picturewise.reporting.figures import draw_class_sheet


def rows(names, *, samples=12, side=8):
    images = np.random.default_rng(0).integers(0, 256, (samples, side, side, 1), dtype=np.uint8)
    return [ClassRow(name, 1234 + n, images, images.mean(axis=0)) for n, name in enumerate(names)]


def test_a_class_has_its_name_count_mean_and_samples():
    (row,) = rows(["rose"])
    axes = draw_class_sheet([row]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["class", "mean", "samples", "rose", "1,234"]
    mean, *samples = (artist.get_array() for artist in axes.images)
    assert np.array_equal(mean, np.rint(row.mean)[:, :, 0])
    assert np.array_equal(samples, row.samples[:10, :, :, 0])


def test_the_pictures_of_a_class_stand_in_its_row():
    axes = draw_class_sheet(rows(["a", "b", "c"], samples=4)).axes[0]
    tops = [round(artist.get_extent()[3], 6) for artist in axes.images]
    assert tops == sorted(tops)
    assert [tops.count(top) for top in sorted(set(tops))] == [5, 5, 5]


def test_a_class_without_pictures_keeps_its_row():
    empty = ClassRow("none", 0, np.zeros((0, 8, 8, 1), np.uint8), None)
    axes = draw_class_sheet([*rows(["a"]), empty]).axes[0]
    assert [text.get_text() for text in axes.texts][-2:] == ["none", "0"]
    assert len(axes.images) == 11


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 12, 13, 41, 100])
def test_no_text_or_picture_lies_on_another(classes, overlapping, renderer, strange_names):
    figure = draw_class_sheet(rows([strange_names[n % 10] + str(n) for n in range(classes)], samples=2))
    assert overlapping(figure) == []
    ruler = renderer(figure)
    pictures = [artist.get_window_extent(ruler) for artist in figure.axes[0].images]
    for text in figure.axes[0].texts:
        assert text.get_window_extent(ruler).count_overlaps(pictures) == 0


@pytest.mark.parametrize("classes", [2, 100])
def test_names_stay_legible(classes):
    figure = draw_class_sheet(rows([f"class {n}" for n in range(classes)], samples=1))
    assert min(text.get_fontsize() for text in figure.axes[0].texts) >= 7
    assert figure.get_figwidth() == 10
    assert figure.get_figheight() < 20
