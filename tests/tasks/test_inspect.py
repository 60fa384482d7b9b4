"""Augmented pictures of an inspection; the rest is in test_tasks.py and in tests/cli."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import picturewise
from picturewise.errors import UsageError
from picturewise.preparing.augmentation import parse
from picturewise.preparing.preview import previews
from picturewise.reporting import figures

LABELS = np.arange(40) % 2
RANDOM = np.random.default_rng(0)
COLOURS = picturewise.make_dataset(
    (RANDOM.integers(0, 256, (40, 16, 16, 3), dtype=np.uint8), LABELS), classes=["cat", "dog"]
)
DIGITS = picturewise.make_dataset((RANDOM.integers(0, 256, (40, 16, 16), dtype=np.uint8), LABELS))


def test_the_sheet_shows_eight_samples_as_training_would_see_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheets = []
    monkeypatch.setattr(figures, "draw_augmented_sheet", lambda *parts: sheets.append(parts))
    monkeypatch.setattr(figures, "save_png", lambda _, path: path.touch())
    monkeypatch.setattr(figures, "draw_sample_sheet", lambda *parts: sheets.append(parts))
    found = picturewise.inspect(COLOURS, out=tmp_path, augment=["crop 2", "contrast;flip"], seed=3)
    assert found.augmentation == ("crop 2", "contrast 0.4", "flip")
    assert found.figures["augmented"] == tmp_path / "augmented.png"
    samples, _, (originals, versions, captions, lines) = sheets
    assert lines == ["crop 2", "contrast 0.4", "flip"]
    np.testing.assert_array_equal(originals, samples[0][:8])
    assert captions == samples[1][:8]
    np.testing.assert_array_equal(versions, previews(originals, parse("crop 2;contrast;flip"), 8, seed=3))


def test_an_older_sheet_does_not_survive_an_inspection_without_augmentation(tmp_path: Path) -> None:
    assert "augmented" in picturewise.inspect(COLOURS, out=tmp_path, augment="blur").figures
    found = picturewise.inspect(COLOURS, out=tmp_path)
    assert "augmented" not in found.figures
    assert found.augmentation == ()
    assert not (tmp_path / "augmented.png").exists()


def test_lines_that_training_would_leave_out_are_left_out_with_its_note(tmp_path: Path) -> None:
    found = picturewise.inspect(DIGITS, out=tmp_path, augment="flip; shift 1")
    assert found.augmentation == ("shift 1",)
    assert found.notes[-1].startswith("'flip' was left out, because")
    assert "augmented" not in picturewise.inspect(DIGITS, out=tmp_path, augment="flip").figures


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("colour", "'colour 0.4' is for colour pictures"),
        ("crop 16", "'crop 16' is too large for pictures of 16x16"),
        ("flp", "'flp' is not an augmentation"),
        (" ; ", r"The augmentation to draw has no lines\. Pass at least one, such as 'crop 4; flip'\."),
        ([], "The augmentation to draw has no lines"),
        (3, r"augment is 3\. Expected a string"),
    ],
)
def test_lines_that_training_would_refuse_are_refused_before_anything_is_drawn(
    lines: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=complaint):
        picturewise.inspect(DIGITS, out=tmp_path / "out", augment=lines)
    assert not (tmp_path / "out").exists()


NUMBERS = picturewise.make_dataset(
    (RANDOM.integers(0, 256, (40, 16, 32), dtype=np.uint8), ["7", "07", "120", "99"] * 10), target="sequence"
)


def test_sequences_have_lengths_and_symbols(tmp_path: Path) -> None:
    found = picturewise.inspect(NUMBERS, out=tmp_path, augment="flip; crop 2")
    assert [*found.figures] == ["lengths", "symbols", "samples", "augmented"]
    assert found.target == "numbers 3"
    assert found.classes == tuple("0123456789")
    lengths, symbols = (
        [getattr(split, name) for split in found.splits.values()] for name in ("lengths", "counts")
    )
    assert {key: sum(one[key] for one in lengths) for key in "123"} == {"1": 10, "2": 20, "3": 10}
    assert {key: sum(one[key] for one in symbols) for key in "01279"} == {
        "0": 20,
        "1": 10,
        "2": 10,
        "7": 20,
        "9": 20,
    }
    assert found.augmentation == ("crop 2",)  # mirrored digits are other symbols
    assert "10 symbols" in repr(found)
    assert ">length<" in found._repr_html_()
    content = json.loads((tmp_path / "inspection.json").read_text())
    assert content["splits"]["train"]["lengths"] == found.splits["train"].lengths


def test_samples_of_sequences_show_their_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheets = []
    monkeypatch.setattr(figures, "save_png", lambda _, path: path.touch())
    monkeypatch.setattr(figures, "draw_sample_sheet", lambda *parts: sheets.append(parts))
    picturewise.inspect(NUMBERS, out=tmp_path)
    ((_, captions),) = sheets
    assert set(captions) <= {"7", "07", "120", "99"}
    assert "07" in captions
