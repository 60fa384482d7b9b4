"""Sheets of readings: what is written beside the pictures, and that nothing lies on anything else."""

import numpy as np
import pytest
from matplotlib.text import Text

from picturewise.reporting.figures import draw_reading_sheet
from picturewise.targets import Places
from picturewise.targets.sequences import DIGITS, labels_of


def sheet(read, wanted, *, places=3, models=1, shape=(12, 30, 1), pictures=True):
    target = Places(DIGITS, places)
    readings = labels_of(read, DIGITS, places, "here")
    table = target.probabilities(6 * target.shares(readings))
    images = np.zeros((len(read), *shape), np.uint8) if pictures else None
    labels = None if wanted is None else labels_of(wanted, DIGITS, places, "here")
    return table, draw_reading_sheet(images, labels, target, {f"model {n}": table for n in range(models)})


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_a_reading_stands_above_a_bar_for_the_length_and_each_symbol():
    table, figure = sheet(["07", "5"], ["07", "4"])
    written = texts(figure)
    assert {"✓ right: 07", "✗ wrong: 5", "label: 07", "label: 4", "model 0"} <= set(written)
    names = ["length: 2", "place 1: 0", "place 2: 7", "length: 1", "place 1: 5"]
    assert [text for text in written if ": " in text and text in names] == names
    shares = [table[0, 2], table[0, 5], table[0, 22], table[1, 1], table[1, 10]]
    bars = [one.get_width() for one in figure.axes[0].patches]
    assert np.array(bars) / bars[-1] == pytest.approx(np.array(shares) / shares[-1], rel=1e-5)


def test_models_with_other_places_are_right_about_the_same_labels():
    wide, narrow = Places(DIGITS, 4), Places(DIGITS, 2)
    wanted = labels_of(["1234", "12"], DIGITS, 4, "here")
    tables = {
        "wide": wide.probabilities(6 * wide.shares(wanted)),
        "narrow": narrow.probabilities(6 * narrow.shares(labels_of(["12", "12"], DIGITS, 2, "here"))),
    }
    figure = draw_reading_sheet(None, wanted, wide, tables, targets={"narrow": narrow})
    verdicts = [text for text in texts(figure) if text[0] in "✓✗"]
    assert verdicts == ["✓ right: 1234", "✓ right: 12", "✗ wrong: 12", "✓ right: 12"]


def test_without_labels_nothing_is_right_or_wrong():
    _, figure = sheet(["07"], None, pictures=False)
    assert "07" in texts(figure)
    assert not any(word in text for text in texts(figure) for word in ("right", "wrong", "label"))


@pytest.mark.parametrize("models", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(12, 60, 1), (40, 12, 3)])
def test_nothing_lies_on_anything_else(models, shape, overlapping):
    _, figure = sheet(["123456789012", "4"], ["123456789012", "5"], places=12, models=models, shape=shape)
    assert overlapping(figure) == []


def test_the_rest_of_a_very_long_reading_is_counted(overlapping):
    _, figure = sheet(["1" * 30], ["1" * 30], places=30)
    assert "and 14 more" in texts(figure)
    assert "place 17: 1" not in texts(figure)
    assert overlapping(figure) == []
