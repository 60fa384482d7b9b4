import numpy as np
import pytest
from matplotlib.colors import to_hex

from picturewise.reporting.figures import draw_prediction_sheet, look


def some(pictures, classes, *, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (pictures, 8, 8, 1), dtype=np.uint8)
    return images, generator.dirichlet(np.full(classes, 0.3), pictures)


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def bars(figure):
    return [patch for patch in figure.axes[0].patches if patch.get_facecolor()[3] > 0]


def test_bars_are_the_distribution():
    images, probabilities = some(3, 4)
    figure = draw_prediction_sheet(images, [0, 1, 2], "abcd", {"cnn": probabilities})
    lengths = np.array([bar.get_width() for bar in bars(figure)]).reshape(3, 4)
    assert lengths / lengths.sum(axis=1, keepdims=True) == pytest.approx(probabilities)


def test_every_model_is_named_and_has_its_own_bars():
    images, probabilities = some(2, 3)
    figure = draw_prediction_sheet(images, [0, 1], "abc", {"cnn": probabilities, "mlp": probabilities[::-1]})
    assert {"cnn", "mlp"} <= set(texts(figure))
    lengths = np.array([bar.get_width() for bar in bars(figure)]).reshape(2, 2, 3)
    assert lengths[0] == pytest.approx(lengths[1, ::-1])


def test_the_verdict_is_said_in_words_and_colour():
    images, _ = some(2, 2)
    figure = draw_prediction_sheet(
        images, [0, 0], ["cat", "dog"], {"cnn": np.array([[0.9, 0.1], [0.2, 0.8]])}
    )
    assert {"✓ right: cat", "✗ wrong: dog", "label: cat"} <= set(texts(figure))
    colours = [to_hex(bar.get_facecolor()).upper() for bar in bars(figure)]
    assert colours == [look.RIGHT, look.BAR.upper(), look.BAR.upper(), look.WRONG]


def test_the_label_is_in_bold():
    images, _ = some(1, 2)
    figure = draw_prediction_sheet(images, [1], ["cat", "dog"], {"cnn": np.array([[0.9, 0.1]])})
    weights = {text.get_text(): text.get_fontweight() for text in figure.axes[0].texts}
    assert (weights["cat"], weights["dog"]) == ("normal", "bold")


def test_without_labels_nothing_is_evaluated():
    images, probabilities = some(2, 3)
    drawn = texts(draw_prediction_sheet(images, None, "abc", {"cnn": probabilities}))
    assert not any("right" in text or "wrong" in text or "label" in text for text in drawn)


def test_of_many_classes_the_five_most_probable_and_the_label_are_shown():
    names = [f"class-{n}" for n in range(20)]
    probabilities = np.linspace(0, 1, 20)[np.newaxis] / 10
    shown = texts(draw_prediction_sheet(some(1, 20)[0], [0], names, {"cnn": probabilities}))
    assert [text for text in shown if text.startswith("class-")] == [
        "class-19", "class-18", "class-17", "class-16", "class-15", "class-0",
    ]  # fmt: skip


def test_of_ten_classes_all_are_shown_in_their_order():
    names = [f"class-{n}" for n in range(10)]
    images, probabilities = some(1, 10)
    shown = texts(draw_prediction_sheet(images, [0], names, {"cnn": probabilities}))
    assert [text for text in shown if text.startswith("class-")] == names


def test_pictures_stand_beside_their_charts():
    images, probabilities = some(4, 3)
    figure = draw_prediction_sheet(images, [0, 1, 2, 0], "abc", {"cnn": probabilities})
    rows = np.array([bar.get_y() for bar in bars(figure)]).reshape(4, 3)
    for image, artist, tops in zip(images, figure.axes[0].images, rows, strict=True):
        assert np.array_equal(artist.get_array(), image[:, :, 0])
        left, right, bottom, top = artist.get_extent()
        assert top <= tops.min() <= tops.max() <= bottom + 0.3
        assert right - left == pytest.approx(bottom - top)


@pytest.mark.slow
@pytest.mark.parametrize("models", [1, 2, 4])
@pytest.mark.parametrize("classes", [2, 10, 100])
def test_no_text_lies_on_another(models, classes, overlapping, strange_names):
    images, _ = some(5, classes)
    certain = np.eye(classes)[[0, 1, 0, 1, 0]]
    names = [strange_names[n % 10] + str(n) for n in range(classes)]
    predictions = {
        strange_names[n]: certain if n == 0 else some(5, classes, seed=n)[1] for n in range(models)
    }
    assert overlapping(draw_prediction_sheet(images, [1, 1, 0, 0, 0], names, predictions)) == []
