import numpy as np
import pytest

from picturewise.reporting.figures import Evaluated, draw_worst_errors


def evaluated(label="cat", prediction="dog", name=None, *, side=8):
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Evaluated(image, label, prediction, probability=0.987, loss=6.234, name=name)


def test_a_picture_stands_above_what_was_said_about_it():
    picture = evaluated(name="test/0001.png")
    axes = draw_worst_errors([picture]).axes[0]
    assert [text.get_text() for text in axes.texts] == [
        "label: cat", "✗ predicted: dog", "probability 99 %, loss 6.23", "test/0001.png",
    ]  # fmt: skip
    assert np.array_equal(axes.images[0].get_array(), picture.image)
    bottom = axes.images[0].get_extent()[2]
    assert all(text.get_position()[1] > bottom for text in axes.texts)


def test_a_picture_without_a_file_has_no_name():
    axes = draw_worst_errors([evaluated()]).axes[0]
    assert len(axes.texts) == 3


def test_a_right_prediction_is_not_called_wrong():
    texts = [text.get_text() for text in draw_worst_errors([evaluated("cat", "cat")]).axes[0].texts]
    assert "✓ predicted: cat" in texts


@pytest.mark.parametrize("number", [1, 5, 6, 20])
def test_no_text_lies_on_another(number, overlapping, strange_names):
    pictures = [
        evaluated(strange_names[n % 10], strange_names[-1 - n % 10], f"{n}/{strange_names[3]}.png")
        for n in range(number)
    ]
    assert overlapping(draw_worst_errors(pictures)) == []
