"""Draws the pictures of reference/augmentation.md: each line on a photograph that comes with scikit-learn.

python docs/draw_augmentation.py
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_images

from picturewise.preparing.augmentation import parse
from picturewise.preparing.preview import previews
from picturewise.reporting import figures

HERE = Path(__file__).parent
LINES = {
    "places": ("shift 12", "crop 12", "crop random", "flip", "rotate 20", "zoom 0.3"),
    "values": ("brightness 0.5", "contrast 0.7", "colour 0.9", "hue 40", "blur 2", "noise 40"),
    "regions": ("cutout 30", "erase", "mixup 1", "cutmix", "rand-augment 2 9", "rand-augment 2 20"),
}
"""Figure → its lines, strong enough to be seen."""
_SIDE, _TIMES, _WIDTH = 96, 8, 1000  # pixels of a picture, versions of it, pixels of a figure


def photographs() -> NDArray[np.uint8]:
    """Return the middle of each photograph, (2, 96, 96, 3)."""
    found = []
    for pixels in load_sample_images().images:
        height, width = pixels.shape[:2]
        left = (width - height) // 2
        square = Image.fromarray(pixels).crop((left, 0, left + height, height))
        found.append(np.asarray(square.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)))
    return np.stack(found)


def main() -> None:
    """Draw one figure for each group of lines."""
    pictures = photographs()
    for name, lines in LINES.items():
        versions = [previews(pictures, parse(line), _TIMES, seed=1)[0] for line in lines]
        originals = np.repeat(pictures[:1], len(lines), axis=0)
        sheet = figures.draw_augmented_sheet(originals, np.stack(versions), lines, ())
        with Image.open(io.BytesIO(figures.to_png(sheet))) as picture:
            size = _WIDTH, round(picture.height * _WIDTH / picture.width)
            small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
            small.quantize(128).save(HERE / "reference" / f"augmentation-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
