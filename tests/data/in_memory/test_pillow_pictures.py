"""Pillow pictures in memory: transparency is put on one background for the whole set, as in files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from picturewise.data.in_memory.in_memory_source import in_memory_source
from picturewise.data.in_memory.pillow_pictures import hidden_in
from picturewise.data.read_options import AsItIs
from picturewise.tasks.load import make_dataset


def icon(number: int, ink: int = 255) -> Image.Image:
    alpha = np.zeros((8, 9), np.uint8)
    alpha[2 + number % 3 : 5, 1 : 3 + number % 5] = 255
    return Image.merge("RGBA", [Image.new("L", (9, 8), ink)] * 3 + [Image.fromarray(alpha)])


def corner(data: Any, **options: Any) -> tuple[int, tuple[str, ...], str]:
    """Return the value of a transparent pixel, the notes and the background."""
    source = in_memory_source(data)
    reading = source.read(["train"], AsItIs(**options))
    return int(reading.parts["train"].pictures.images[0, 0, 0, 0]), reading.notes, reading.background


LABELS = [number % 2 for number in range(20)]


class Pairs:
    """What PyTorch calls a map-style data set."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        if not 0 <= index < 20:
            raise IndexError
        return icon(index), LABELS[index]


@pytest.mark.parametrize(
    "data", [([icon(n) for n in range(20)], LABELS), Pairs(), [icon(n) for n in range(20)]]
)
def test_light_icons_are_put_on_black_with_a_note(data: Any) -> None:
    value, (note,), background = corner(data)
    assert (value, background) == (0, "black")
    assert note.startswith(
        "20 of 20 training pictures with transparency are so light that white would hide them"
    )


def test_dark_icons_are_put_on_white_without_a_note() -> None:
    assert corner([icon(n, ink=0) for n in range(20)]) == (255, (), "white")


@pytest.mark.parametrize(("background", "value"), [("white", 255), ("black", 0)])
def test_what_the_options_say_counts(background: str, value: int) -> None:
    assert corner([icon(n) for n in range(20)], background=background) == (value, (), background)


def test_a_data_set_made_in_python_takes_the_option() -> None:
    icons = [icon(number, ink=128) for number in range(20)]
    assert make_dataset((icons, LABELS)).background == "white"
    assert make_dataset((icons, LABELS), background="black").background == "black"


def test_train_decides_for_test() -> None:
    source = in_memory_source(
        {
            "train": ([icon(n) for n in range(20)], LABELS),
            "test": ([icon(n, ink=0) for n in range(20)], LABELS),
        }
    )
    reading = source.read(["test"], AsItIs())
    assert reading.background == "black"
    assert reading.parts["test"].pictures.images.max() == 0  # black strokes on black: as bad as train says


def test_of_many_pictures_a_sample_is_looked_at_and_of_arrays_none() -> None:
    assert hidden_in([icon(0)] * 1000) == ["white"] * 63
    assert hidden_in(np.zeros((5, 8, 9), np.uint8)) == []
    assert hidden_in(([np.zeros((8, 9), np.uint8)], [0])) == []
    assert hidden_in(iter([icon(0)])) == []
