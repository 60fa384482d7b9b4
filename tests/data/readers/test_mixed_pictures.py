"""Pictures of several kinds in one set: each is read with the right values, independent of the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from picturewise.data.read_options import AsItIs
from picturewise.data.readers.folders.reader import recognise

GREY = (np.arange(48, dtype=np.uint8) * 5).reshape(6, 8)
COLOUR = np.stack([GREY, GREY[::-1], np.full_like(GREY, 100)], axis=2)
KINDS: dict[str, tuple[str, Callable[[], Image.Image], np.ndarray]] = {
    "grey": ("png", lambda: Image.fromarray(GREY), GREY),
    "16 bits": ("png", lambda: Image.fromarray(GREY.astype(np.uint16) * 257), GREY),
    "16-bit TIFF": ("tif", lambda: Image.fromarray(GREY.astype(np.uint16) * 257), GREY),
    "palette": ("png", lambda: Image.fromarray(GREY, "L").convert("P"), GREY),
    "colour": ("png", lambda: Image.fromarray(COLOUR), COLOUR),
    "colour palette": ("png", lambda: Image.fromarray(COLOUR).quantize(256), COLOUR),
    "opaque": ("png", lambda: Image.fromarray(COLOUR).convert("RGBA"), COLOUR),
    "BMP": ("bmp", lambda: Image.fromarray(COLOUR), COLOUR),
    "lossless WebP": ("webp", lambda: Image.fromarray(COLOUR), COLOUR),
}


@pytest.mark.parametrize("coloured", [False, True])
def test_each_kind_has_its_values_beside_all_others(tmp_path: Path, coloured: bool) -> None:
    kinds = {
        name: kind
        for name, kind in KINDS.items()
        if coloured or (kind[2].ndim == 2 and kind[1]().mode != "P")  # a palette counts as colour
    }
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Image.new("L", (8, 6), 9).save(tmp_path / folder / "other.png")
    for name, (ending, make, _) in kinds.items():
        make().save(tmp_path / "a" / f"{name}.{ending}", lossless=True)
    source = recognise(tmp_path)
    assert source is not None
    pictures = source.read(["train"], AsItIs()).parts["train"].pictures
    assert pictures.shape == (6, 8, 3 if coloured else 1)
    found = dict(zip(pictures.names or (), pictures.images, strict=True))
    for name, (ending, _, values) in kinds.items():
        expected = (
            values if values.ndim == 3 else np.repeat(values[..., np.newaxis], pictures.shape[2], axis=2)
        )
        np.testing.assert_array_equal(found[f"a/{name}.{ending}"], expected, name)
