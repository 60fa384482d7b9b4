from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from picturewise.reporting.notebook.picture_data import picture


@pytest.mark.parametrize(
    ("size", "stored", "shown"),
    [((8, 4), (56, 28), (56, 28)), ((900, 300), (96, 32), (56, 19)), ((1, 500), (1, 96), (1, 56))],
)
def test_it_is_undistorted_small_and_sharp(
    size: tuple[int, int], stored: tuple[int, int], shown: tuple[int, int]
) -> None:
    html = picture(np.zeros((*size, 1), np.uint8), side=56, title="<b>")
    data = re.search(r"base64,([^\"]+)", html)
    assert data is not None
    assert Image.open(io.BytesIO(base64.b64decode(data[1]))).size == stored[::-1]
    assert f'width="{shown[1]}" height="{shown[0]}"' in html
    assert 'title="&lt;b&gt;"' in html
