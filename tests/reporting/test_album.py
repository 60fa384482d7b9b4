import io

import matplotlib.image
import numpy as np
import pytest

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.reporting.album import Album
from picturewise.reporting.figure_words import WORDS

pytestmark = pytest.mark.usefixtures("coarse_figures")

RED, GREY = (210, 0, 0), (70, 70, 70)


@pytest.fixture
def red():
    """Six red pictures of two classes."""
    images = np.zeros((6, 8, 8, 3), np.uint8)
    images[..., 0] = RED[0]
    return ImageSet(images, np.arange(6) % 2, ("cat", "dog"), "made by a test")


def shows(path, colour):
    pixels = np.rint(255 * matplotlib.image.imread(io.BytesIO(path.read_bytes()))[..., :3])
    return int(np.all(pixels == colour, axis=2).sum()) > 50


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_figures_lie_beside_the_same_on_dark_paper(tmp_path, red):
    album = Album(tmp_path)
    album.draw_data(Dataset("pets", train=red), seed=0)
    assert names(tmp_path) == [
        "classes-dark.png", "classes.png", "counts-dark.png", "counts.png", "samples-dark.png", "samples.png",
    ]  # fmt: skip
    (samples,) = album.get("samples")
    assert samples.png == (tmp_path / "samples.png").read_bytes()
    assert samples.dark == (tmp_path / "samples-dark.png").read_bytes()
    assert samples.caption == WORDS["samples"].caption
    assert shows(tmp_path / "samples.png", RED)
    assert shows(tmp_path / "samples-dark.png", RED)


def test_a_figure_that_was_drawn_on_white_alone_is_still_shown(tmp_path, red):
    album = Album(tmp_path)
    album.draw_data(Dataset("pets", train=red), seed=0)
    (tmp_path / "samples-dark.png").unlink()
    assert album.get("samples")[0].dark == b""


def test_an_inspection_has_a_second_sheet_in_grey_and_no_dark_paper(tmp_path, red):
    Album(tmp_path, dark=False).draw_data(Dataset("pets", train=red), seed=0, also_in_grey=True)
    assert names(tmp_path) == ["classes.png", "counts.png", "samples-grey.png", "samples.png"]
    assert shows(tmp_path / "samples.png", RED)
    assert shows(tmp_path / "samples-grey.png", GREY)


def test_pictures_that_a_network_sees_in_grey_are_drawn_in_grey(tmp_path, red, evaluation):
    album = Album(tmp_path)
    album.draw_data(Dataset("pets", train=red), seed=0, in_grey=True)
    wrong = np.array([[0.1, 0.9], [0.9, 0.1]], np.float32)[red.labels]
    album.draw_evaluation(
        evaluation(("cat", "dog")), wrong, red, red.labels, red.target, "cnn", seed=0, in_grey=True
    )
    for name in ("samples", "classes", "predictions", "errors"):
        assert shows(album.path(name), GREY), name
        assert not shows(album.path(name), RED), name
        (figure,) = album.get(name, in_grey=True)
        assert figure.caption.endswith("They are shown in grey, as the network sees them.")
    (confusion,) = album.get("confusion", in_grey=True)
    assert "grey" not in confusion.caption


def test_an_older_sheet_of_errors_goes_with_its_dark_one(tmp_path, red, evaluation):
    album = Album(tmp_path)
    right = np.array([[0.9, 0.1], [0.1, 0.9]], np.float32)[red.labels]
    for probabilities in (1 - right, right):
        album.draw_evaluation(
            evaluation(("cat", "dog")), probabilities, red, red.labels, red.target, "cnn", seed=0
        )
    assert names(tmp_path) == [
        "confusion-dark.png", "confusion.png", "predictions-dark.png", "predictions.png",
    ]  # fmt: skip


def test_sheets_of_more_models_than_now_go_with_their_dark_ones(tmp_path, red):
    album = Album(tmp_path)
    table = np.full((6, 2), 0.5, np.float32)
    five = {str(number): table for number in range(5)}
    assert album.draw_predictions(five, red, red.labels, red.target, seed=0) == (
        "predictions", "predictions-2",
    )  # fmt: skip
    assert [path.name for path in album.sheets("predictions")] == ["predictions-2.png", "predictions.png"]
    album.draw_predictions({"0": table}, red, red.labels, red.target, seed=0)
    assert names(tmp_path) == ["predictions-dark.png", "predictions.png"]
