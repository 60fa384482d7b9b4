"""Drawn characters look like those that a classifier was trained on."""

from __future__ import annotations

from dataclasses import replace

import pages
import pytest

from picturewise.prediction.drawing import drawing_style

DIGITS = tuple("0123456789")


def test_characters_are_drawn_in_the_colours_of_the_training_pictures() -> None:
    def style(mean: float, std: float, ends: tuple[float, float]) -> dict[str, object]:
        description = pages.classifier(DIGITS, (28, 28, 1)).description
        preparation = replace(description.preparation, mean=(mean,), std=(std,))
        assert description.learned is not None
        learned = replace(description.learned, mean=(0.0, *ends, 255.0))
        found = drawing_style(replace(description, preparation=preparation, learned=learned))
        assert found is not None
        return found

    mnist = style(33.3, 78.6, (10.0, 66.0))
    assert (mnist["paper"], mnist["ink"], mnist["share"]) == ([0.0] * 3, [255.0] * 3, 20 / 28)
    assert mnist["by_mass"] is True
    inverted = style(221.7, 78.6, (189.0, 245.0))
    assert (inverted["paper"], inverted["ink"], inverted["share"]) == ([255.0] * 3, [0.0] * 3, 20 / 28)
    assert style(78.0, 95.9, (59.7, 101.0))["share"] == 1.0  # scikit-learn's digits fill the picture
    house_numbers = style(115.0, 50.0, (29.2, 233.9))
    assert (house_numbers["paper"], house_numbers["ink"]) == ([65.0] * 3, [190.0] * 3)


@pytest.mark.parametrize(
    ("classes", "drawn"),
    [
        (DIGITS, True),
        (("a", "B", "ß"), True),
        (("zero", "Nine"), True),
        (("rose", "tulip"), False),
        (("1", "12"), False),
        (("1", "-"), False),
    ],
)
def test_only_digits_and_letters_are_drawn(classes: tuple[str, ...], drawn: bool) -> None:
    assert (drawing_style(pages.classifier(classes).description) is not None) is drawn
