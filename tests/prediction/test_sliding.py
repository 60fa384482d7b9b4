from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from picturewise.data.pictures.cut import Cut, Spacing
from picturewise.errors import UsageError
from picturewise.prediction import sliding
from picturewise.prediction.sliding import slide, without_padding
from picturewise.targets import OneClass
from picturewise.targets.places import Places

GREYS = {"a": 60, "b": 120, "c": 180, "d": 240}
SPACING = Spacing(1.0, (0.5, 0.1), (1.0, 0.1))


class OfGreys:
    """Tells symbols apart that are squares of one grey; anything else is unclear to it."""

    def __init__(self, classes: str = "dbac", spacing: Spacing | None = SPACING) -> None:
        self.classes = tuple(classes)
        self.description = SimpleNamespace(
            shape=(8, 8, 1), resize="stretch", target=OneClass(self.classes), cut=Cut("symbol", spacing)
        )
        self.windows = 0

    def probabilities(self, windows: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.windows += len(windows)
        greys = np.array([GREYS[name] for name in self.classes])
        distances = np.abs(windows[:, :, :, :1].astype(np.float64) - greys).mean(axis=(1, 2))
        powers = np.exp(-distances / 10)
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def row(text: str, side: int = 16) -> NDArray[np.uint8]:
    """Return the squares of a text side by side."""
    greys = np.repeat([GREYS[symbol] for symbol in text], side).astype(np.uint8)
    return np.tile(greys, (side, 1))[:, :, None]


def read(classifier: Any, rows: NDArray[np.uint8], places: int = 3, **options: Any) -> list[str]:
    target = Places(("a", "b", "c", "d"), places)
    table = slide(classifier, rows, target, **{"padded": False, **options})
    target.check(target.decode(table)[0], len(rows), "the readings")
    np.testing.assert_allclose(table[:, : places + 2].sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(target.of_places(table).sum(axis=2), 1, rtol=1e-5)
    return [target.text(answer) for answer in target.decode(table)[0]]


@pytest.mark.parametrize("text", ["a", "bd", "ddc", "aaa", "cab"])
def test_symbols_side_by_side_are_read(text: str) -> None:
    assert read(OfGreys(), row(text)[None]) == [text]


def test_padding_is_left_out() -> None:
    rows = np.zeros((2, 24, 60, 1), np.uint8)
    rows[0, 4:20, 6:54], rows[1, 4:20, 22:38] = row("abd"), row("c")
    assert read(OfGreys(), rows, padded=True) == ["abd", "c"]


def test_many_rows_are_read_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["ab", "dc", "ba", "cc", "aa"]
    rows = np.stack([row(text) for text in texts])
    monkeypatch.setattr(sliding, "_WINDOWS_AT_ONCE", 40)
    assert read(OfGreys(), rows) == texts
    assert read(OfGreys(), rows[:0]) == []


def test_windows_are_squares_around_the_columns_cut_off_at_the_edges() -> None:
    seen: list[NDArray[np.uint8]] = []

    class Watched(OfGreys):
        def probabilities(self, windows: NDArray[np.uint8]) -> NDArray[np.float32]:
            seen.extend(windows)
            return super().probabilities(windows)

    watched = Watched(spacing=Spacing(0.5, (0.25, 0.1), (0.5, 0.1)))
    watched.description.shape = (4, 4, 1)
    picture = np.arange(8 * 16, dtype=np.uint8).reshape(8, 16, 1)
    read(watched, picture[None])
    assert len(seen) == 2 * sliding.COLUMNS
    # The middle of column 15 is at 7.75 pixels: 5.75 to 9.75, rounded, and rows 2 to 6.
    np.testing.assert_array_equal(seen[15], picture[2:6, 6:10])


def test_a_symbol_that_the_classifier_does_not_know_is_never_read() -> None:
    assert set(read(OfGreys("ab"), row("cd")[None])[0]) <= {"a", "b"}


def test_other_classes_are_refused() -> None:
    target = Places(("a", "b"), 2)
    with pytest.raises(
        UsageError, match=r"has the classes d, c, which are not symbols of the sequences \(a, b\)"
    ):
        slide(OfGreys(), row("ab")[None], target, padded=False)  # type: ignore[arg-type]
    reader = OfGreys("ab")
    reader.description.target = target
    with pytest.raises(UsageError, match="This classifier reads sequences, so it cannot be moved"):
        slide(reader, row("ab")[None], target, padded=False)  # type: ignore[arg-type]


def test_a_black_picture_stays_as_it_is() -> None:
    assert without_padding(np.zeros((3, 4, 1), np.uint8)).shape == (3, 4, 1)
