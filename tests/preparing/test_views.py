"""Views of a picture, against a picture moved and mirrored by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from picturewise.errors import UsageError
from picturewise.preparing.preparation import Preparation
from picturewise.preparing.views import Views, parse, suitable
from picturewise.runs.run import open_run
from picturewise.training import start as starting

ANIMALS, DIGITS = ("cat", "dog"), ("0", "1")


def noise(side: int = 4) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (5, side, side + 1, 3), np.uint8)


@pytest.mark.parametrize(
    ("text", "views"),
    [
        ("", Views()),
        ("mirror", Views(mirror=True)),
        ("MIRROR  always", Views(mirror=True, always=True)),
        ("shift 2", Views(shift=2)),
        ("shift 1; mirror", Views(mirror=True, shift=1)),
    ],
)
def test_each_form_is_read_and_survives_being_written(text: str, views: Views) -> None:
    assert parse(text) == parse(parse(text).lines) == views


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("miror", "choose from mirror, shift. Did you mean 'mirror'?"),
        ("mirror 2", "write 'mirror' or 'mirror always'."),
        ("shift", "write a number of pixels, such as 'shift 1'."),
        ("shift -1", "write a number of pixels, such as 'shift 1'."),
        ("shift 0", "the number of pixels must be in 1..64."),
        ("shift 65", "the number of pixels must be in 1..64."),
        ("shift 1; shift 2", "'shift' occurs twice."),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=r"^View '") as caught:
        parse(line)
    assert str(caught.value).endswith(complaint)


def test_the_six_views_are_those_of_hand_and_the_middle_counts_half() -> None:
    pictures = noise()
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    middle, up_left, down_right = pictures, padded[:, 2:, 2:], padded[:, :-2, :-2]
    np.testing.assert_array_equal(up_left[:, :-1, :-1], pictures[:, 1:, 1:])
    expected = [(0.25, middle), (0.125, up_left), (0.125, down_right)]
    found = list(parse("mirror; shift 1").each(pictures))
    assert sum(share for share, _ in found) == 1
    for number, (share, view) in enumerate(expected):
        for mirrored, (found_share, found_view) in enumerate(found[2 * number : 2 * number + 2]):
            assert found_share == share
            np.testing.assert_array_equal(found_view, view[:, :, ::-1] if mirrored else view)


def test_logits_are_averaged_by_the_shares() -> None:
    def brightness(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        corner = pictures[:, :1, :1].reshape(len(pictures), -1).astype(np.float32)
        return corner[:, :2]

    pictures = noise()
    views = list(parse("mirror; shift 1").each(pictures))
    expected = np.sum([share * brightness(view) for share, view in views], axis=0)
    np.testing.assert_allclose(parse("mirror; shift 1").average(pictures, brightness), expected, rtol=1e-6)
    assert np.array_equal(Views().average(pictures, brightness), brightness(pictures))


def test_a_mirrored_picture_of_one_column_is_contiguous_like_any_other() -> None:
    pictures = np.arange(6, dtype=np.uint8).reshape(2, 3, 1, 1)
    for _, view in Views(mirror=True).each(pictures):
        assert all(stride > 0 for stride in view.strides)  # PyTorch takes no others
        np.testing.assert_array_equal(view, pictures)


def test_a_move_may_be_wider_than_the_picture() -> None:
    (_, _), (_, up_left), (_, down_right) = parse("shift 9").each(noise())
    np.testing.assert_array_equal(up_left, np.broadcast_to(noise()[:, -1:, -1:], noise().shape))
    np.testing.assert_array_equal(down_right, np.broadcast_to(noise()[:, :1, :1], noise().shape))


def test_characters_are_not_mirrored_unless_requested() -> None:
    views, notes = suitable(parse("mirror; shift 1"), mirrors_matter=True)
    assert views == Views(shift=1)
    assert "The view 'mirror' was left out" in notes[0]
    assert suitable(parse("mirror; shift 1"), mirrors_matter=False) == (parse("mirror; shift 1"), ())
    assert suitable(parse("mirror always"), mirrors_matter=True) == (parse("mirror always"), ())


def test_a_damaged_preparation_is_refused() -> None:
    with pytest.raises(ValueError, match="View 'turn' cannot be read"):
        Preparation(mean=(0.0,), std=(1.0,), views=("turn",))


@pytest.mark.parametrize("engine", ["torch", "numpy"])
def test_validation_and_the_saved_classifier_look_at_the_same_views(
    tmp_path: Path, tiny: ModuleType, engine: str
) -> None:
    recipe = tiny.recipe(engine=engine)
    preparation = recipe.preparation.model_copy(update={"views": ("mirror", "shift 1")})
    trainer = starting.start(
        recipe.model_copy(update={"preparation": preparation}), tiny.dataset(), tmp_path / "r"
    )
    trainer.fit()
    classifier = open_run(tmp_path / "r").classifier()
    assert classifier.description.preparation.views == ("mirror", "shift 1")
    images = np.array(trainer.learner.valid.images)
    plain = replace(classifier.description.preparation, views=())
    with torch.inference_mode():
        by_view = [
            share * classifier.network(plain.apply(torch.from_numpy(view))).numpy()
            for share, view in parse("mirror; shift 1").each(images)
        ]
    expected = np.sum(by_view, axis=0) / classifier.description.temperature
    np.testing.assert_allclose(classifier.logits(images), expected, rtol=1e-4, atol=1e-4)
    loaded = open_run(tmp_path / "r").classifier()  # computed by ONNX Runtime
    np.testing.assert_allclose(loaded.logits(images), expected, rtol=1e-4, atol=1e-4)
    best = min(trainer.history, key=lambda row: (-row.valid_accuracy, row.valid_loss))
    right = classifier.logits(images).argmax(axis=1) == trainer.learner.valid.labels
    assert best.valid_accuracy == pytest.approx(right.mean())
