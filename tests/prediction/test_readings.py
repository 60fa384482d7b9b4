"""What a classifier that reads sequences returns in Python."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from matplotlib.text import Text
from reading_classifiers import pictures, reader

import picturewise
from picturewise.errors import UsageError
from picturewise.prediction.classifier import Classifier
from picturewise.types import Prediction, Reading

IMAGES = pictures(24)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return reader()


@pytest.fixture(scope="module")
def readings(classifier: Classifier) -> list[Prediction]:
    return picturewise.predict(classifier, IMAGES).predictions


def test_a_reading_has_its_text_its_probability_and_its_parts(
    classifier: Classifier, readings: list[Prediction]
) -> None:
    target = classifier.description.target
    table = classifier.probabilities(IMAGES)
    answers, confidence = target.decode(table)
    assert {len(one.label) for one in readings} >= {1, 3}
    assert any(one.label.startswith("0") and len(one.label) > 1 for one in readings)
    for one, row, answer, sure in zip(readings, table, answers, confidence, strict=True):
        assert isinstance(one, Reading)
        assert (one.label, one.abstained) == (target.text(answer), False)
        assert one.probability == pytest.approx(sure)
        length, *symbols = one.parts
        assert length == (f"length: {len(one.label)}", pytest.approx(row[len(one.label)]))
        assert [part for part, _ in symbols] == [
            f"place {place}: {symbol}" for place, symbol in enumerate(one.label, start=1)
        ]
        # The probability of the whole is the product of those of its parts.
        assert np.prod([share for _, share in one.parts]) == pytest.approx(one.probability, rel=1e-5)
        assert [*one.probabilities.items()] == one.alternatives(5)


def test_predict_returns_texts_and_predict_proba_says_what_to_use(classifier: Classifier) -> None:
    texts = classifier.predict(IMAGES)
    assert texts[:3] == [classifier.predict(image) for image in IMAGES[:3]]
    with pytest.raises(UsageError, match=r"reads sequences of symbols.* Use predict for the readings"):
        classifier.predict_proba(IMAGES)
    assert "numbers of up to 3 digits (1, 2, 3, 4, 0, …)" in repr(classifier)


def test_pictures_below_the_threshold_are_left_to_people(
    classifier: Classifier, readings: list[Prediction]
) -> None:
    found = picturewise.predict(classifier, IMAGES, abstain=0.99).predictions
    left = [one.abstained for one in found if isinstance(one, Reading)]
    assert left == [one.probability < 0.5 for one in readings]
    assert True in left
    assert False in left
    for one, all_read in zip(found, readings, strict=True):
        assert one.label == ("" if all_read.probability < 0.5 else all_read.label)
        assert one.probability == all_read.probability
        assert ("left to people" in repr(one)) == (one.label == "")
    assert [one.label for one in picturewise.predict_each(classifier, IMAGES, abstain=0.99)] == [
        one.label for one in found
    ]


def test_a_copy_is_equal_and_keeps_what_it_knows(readings: list[Prediction]) -> None:
    one = readings[0]
    assert isinstance(one, Reading)
    copy = pickle.loads(pickle.dumps(one))
    assert copy == one != readings[1]
    assert copy.alternatives(3) == one.alternatives(3)
    assert copy.picture is None
    for count in (0, 101):
        with pytest.raises(UsageError, match=f"count is {count}"):
            one.alternatives(count)


def test_it_is_drawn_and_shown_in_a_notebook(readings: list[Prediction]) -> None:
    one = next(reading for reading in readings if len(reading.label) == 3)
    texts = [text.get_text() for text in one.plot().findobj(Text)]
    for words in (one.label, "length: 3", f"place 1: {one.label[0]}"):
        assert any(words in text for text in texts), words
    html = one._repr_html_()
    assert html is not None
    assert f"place 3: {one.label[2]}" in html
