from __future__ import annotations

import base64
import re
from xml.etree import ElementTree as ET

import pytest

from picturewise.reporting.notebook.curves import curves

SVG = "{http://www.w3.org/2000/svg}"


def panels(html: str) -> list[ET.Element]:
    return [ET.fromstring(base64.b64decode(data)) for data in re.findall(r"base64,([^\"]+)", html)]


@pytest.mark.parametrize("epochs", [1, 2, 40, 1500])
def test_every_length_of_a_history_is_two_small_pictures(history, epochs: int) -> None:
    html = curves(history(epochs))
    loss, accuracy = panels(html)
    assert len(html) < 40_000
    for panel in (loss, accuracy):
        for line in panel.iter(f"{SVG}polyline"):
            points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
            assert len(points) == min(epochs, 300) or 150 <= len(points) <= 301
            assert all(50 <= x <= 292 and 20 <= y <= 112 for x, y in points)
    texts = [text.text for text in loss.iter(f"{SVG}text")]
    assert f"epoch {epochs}" in texts


def test_the_best_epoch_is_marked_where_it_lies(history) -> None:
    loss, _ = panels(curves(history(5)))  # the last epoch is worse than the last but one
    mark = list(loss.iter(f"{SVG}circle"))[-1]
    assert float(mark.attrib["cx"]) == pytest.approx(52 + 238 * 3 / 4, abs=0.1)
