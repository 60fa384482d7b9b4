import io

import matplotlib.image
import numpy as np
import pytest

from picturewise.errors import SaveError
from picturewise.reporting.figures import draw_learning_curves, save_png, to_pixels, to_png


def test_the_same_figure_gives_the_same_bytes(history):
    assert to_png(draw_learning_curves({"cnn": history(5)})) == to_png(
        draw_learning_curves({"cnn": history(5)})
    )


def test_a_figure_has_150_pixels_an_inch(history):
    figure = draw_learning_curves({"cnn": history(5)})
    height, width = matplotlib.image.imread(io.BytesIO(to_png(figure))).shape[:2]
    assert (width, height) == pytest.approx(tuple(150 * figure.get_size_inches()), abs=1)


def test_the_pixels_of_a_figure_are_those_of_its_file(history):
    pixels = to_pixels(draw_learning_curves({"cnn": history(3)}))
    file = matplotlib.image.imread(io.BytesIO(to_png(draw_learning_curves({"cnn": history(3)}))))
    assert np.array_equal(pixels, np.rint(file[..., :3] * 255).astype(np.uint8))


def test_neither_program_nor_date_is_written(history):
    content = to_png(draw_learning_curves({"cnn": history(1)}))
    assert b"matplotlib" not in content.lower()
    assert b"tEXt" not in content


def test_a_saved_figure_is_the_figure(tmp_path, history):
    figure = draw_learning_curves({"cnn": history(2)})
    save_png(figure, tmp_path / "figures" / "curves.png")
    assert (tmp_path / "figures" / "curves.png").read_bytes() == to_png(figure)


def test_a_place_that_cannot_be_written_is_a_save_error(tmp_path, history):
    (tmp_path / "figures").write_bytes(b"")
    with pytest.raises(SaveError, match=r"curves\.png"):
        save_png(draw_learning_curves({"cnn": history(1)}), tmp_path / "figures" / "curves.png")


def test_drawing_leaves_nothing_in_the_paper_but_the_figure(history):
    pixels = matplotlib.image.imread(io.BytesIO(to_png(draw_learning_curves({"cnn": history(3)}))))
    assert np.all(pixels[:3] == 1)
    assert np.all(pixels[-3:] == 1)
