"""Pixels that are prepared in an ONNX graph are those of Pillow, bit for bit."""

from __future__ import annotations

from typing import Literal

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from picturewise.data.pictures.pixels import as_channels
from picturewise.data.pictures.resize import resize_all
from picturewise.errors import RunError
from picturewise.exporting.resizing import with_channels, with_size
from picturewise.onnx_models.graph import Graph
from picturewise.onnx_models.model import taken_from
from picturewise.onnx_models.session import Session

Mode = Literal["crop", "pad", "stretch"]
MODES: tuple[Mode, ...] = ("crop", "pad", "stretch")


def model(size: tuple[int, int], mode: Mode, channels: int) -> bytes:
    graph = Graph(taken_from({}))
    found = with_channels(graph, with_size(graph, "images", size, mode), channels)
    graph.node("Transpose", found, output="prepared", perm=(0, 2, 3, 1))
    return graph.model(
        ("images", np.uint8, ("N", "H", "W", "C")),
        [("prepared", np.uint8, ("N", *size, channels))],
        version="",
        metadata={},
    )


def in_graph(session: Session, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    (found,) = session.run(["prepared"], {"images": images})
    return found


def pictures(
    count: int, own: tuple[int, int], channels: int, random: np.random.Generator
) -> NDArray[np.uint8]:
    found = random.integers(0, 256, (count, *own, channels), np.uint8)
    return np.where(found > 127, 255, 0).astype(np.uint8) if random.random() < 0.3 else found


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_every_pixel_of_random_sizes_is_pillows(mode: Mode, channels: int) -> None:
    random = np.random.default_rng(0)
    for _ in range(6):
        height, width = (int(side) for side in random.integers(1, 65, 2))
        content = model((height, width), mode, channels)
        onnx.checker.check_model(content, full_check=True)
        session = Session(content, 1)
        for _ in range(6):
            own = tuple(int(side) for side in np.exp(random.uniform(0, np.log(300), 2)).round())
            images = pictures(2, (own[0], own[1]), int(random.choice([1, 3])), random)
            expected = as_channels(resize_all(images, (height, width), mode=mode), channels)
            np.testing.assert_array_equal(
                in_graph(session, images), expected, err_msg=f"{own} {height}x{width}"
            )


@pytest.mark.campaign
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_every_pixel_of_a_thousand_sizes_is_pillows(
    mode: Mode, channels: int, *, whole_campaign: bool
) -> None:
    random = np.random.default_rng(1)
    for _ in range(100 if whole_campaign else 2):
        height, width = (int(side) for side in random.integers(1, 129, 2))
        session = Session(model((height, width), mode, channels), 1)
        for _ in range(10):
            own = tuple(int(side) for side in np.exp(random.uniform(0, np.log(1500), 2)).round())
            images = pictures(1, (own[0], own[1]), int(random.choice([1, 3])), random)
            expected = as_channels(resize_all(images, (height, width), mode=mode), channels)
            np.testing.assert_array_equal(
                in_graph(session, images), expected, err_msg=f"{own} {height}x{width}"
            )


@pytest.mark.parametrize("mode", MODES)
def test_pictures_of_the_size_are_not_touched(mode: Mode) -> None:
    images = pictures(3, (9, 7), 3, np.random.default_rng(2))
    np.testing.assert_array_equal(in_graph(Session(model((9, 7), mode, 3), 1), images), images)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_with_an_alpha_channel_are_refused(channels: int) -> None:
    with pytest.raises(RunError, match="ONNX Runtime cannot"):
        in_graph(Session(model((4, 4), "crop", channels), 1), np.zeros((1, 4, 4, 4), np.uint8))
