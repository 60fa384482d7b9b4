from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from picturewise.reporting import figures
from picturewise.targets import OneClass, Places
from picturewise.tracking.first_pictures import _caption, draw_first_pictures
from picturewise.training import engine
from picturewise.training.learner import Learner


def drawn(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, list[str]]:
    """Return the pictures and captions that the sheet is drawn from."""
    seen = []

    def draw(pictures: np.ndarray, captions: list[str]) -> object:
        seen.append((pictures, captions))
        return real(pictures, captions)

    real = figures.draw_sample_sheet
    monkeypatch.setattr(figures, "draw_sample_sheet", draw)
    sheet = draw_first_pictures(learner)
    assert (sheet.dtype, sheet.ndim, sheet.shape[2]) == (np.uint8, 3, 3)
    assert np.ptp(sheet) > 200
    return seen[0]


@pytest.mark.usefixtures("drawn_figures")
def test_the_sheet_shows_what_the_first_step_learned_from(
    tmp_path: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = tiny.start(tmp_path / "run", epochs=1)
    pictures, captions = drawn(trainer.learner, monkeypatch)
    steps = []
    real = engine.train_step

    def train_step(*arguments: object) -> object:
        steps.append(arguments[5:7])
        return real(*arguments)

    monkeypatch.setattr(engine, "train_step", train_step)
    trainer.fit()
    learned, targets = (tensor.numpy() for tensor in steps[0])
    assert pictures.shape == (8, 6, 6, 1)
    assert np.abs(pictures - learned).max() <= 0.5  # rounded to whole levels
    for caption, shares in zip(captions, targets, strict=True):
        named = [name for name, share in zip(tiny.CLASSES, shares, strict=True) if share >= 0.05]
        assert sorted(part.partition(" ")[0] for part in caption.split(", ")) == sorted(named)


def test_a_resumed_run_draws_the_same_sheet(tmp_path: Path, tiny: ModuleType) -> None:
    trainer = tiny.start(tmp_path / "run")
    first = draw_first_pictures(trainer.learner)
    trainer.fit()
    assert np.array_equal(draw_first_pictures(tiny.resume(tmp_path / "run").learner), first)


@pytest.mark.parametrize(
    ("shares", "caption"),
    [([0, 1, 0], "half"), ([0.3, 0, 0.7], "light 70%, dark 30%"), ([0.04, 0.96, 0], "half")],
)
def test_a_caption_names_the_classes_that_have_a_share(
    shares: list[float], caption: str, tiny: ModuleType
) -> None:
    assert _caption(np.array(shares, np.float32), OneClass(tiny.CLASSES)) == caption


def test_a_caption_of_a_sequence_is_what_has_the_larger_share() -> None:
    target = Places(("0", "1"), 2)
    first, second = target.shares(np.array([[2, 0, 1], [1, 1, -1]]))
    assert [_caption(0.3 * first + 0.7 * second, target), _caption(0.6 * first + 0.4 * second, target)] == [
        "1",
        "01",
    ]
