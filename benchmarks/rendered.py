"""Draws a set of colour pictures of 128x128: letters in 18 typefaces, turned and tinted, on blotchy backgrounds.

    python benchmarks/rendered.py OUT --each 60

OUT gets a folder for each of eight letters, with files named after their typeface: `serif-bold-17.png`. A typeface is
a group: benchmarks/photographs.py with `--group "([a-z-]+)-[0-9]+[.]"` keeps it in one split, so that the test pictures
show typefaces that were not trained on. The fonts are those of Matplotlib.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

LETTERS = "ABEGKRST"
FACES = {
    "sans": "DejaVuSans",
    "sans-bold": "DejaVuSans-Bold",
    "sans-oblique": "DejaVuSans-Oblique",
    "mono": "DejaVuSansMono",
    "mono-bold": "DejaVuSansMono-Bold",
    "mono-oblique": "DejaVuSansMono-Oblique",
    "serif": "DejaVuSerif",
    "serif-bold": "DejaVuSerif-Bold",
    "serif-italic": "DejaVuSerif-Italic",
    "times": "STIXGeneral",
    "times-bold": "STIXGeneralBol",
    "times-italic": "STIXGeneralItalic",
    "roman": "cmr10",
    "roman-bold": "cmb10",
    "roman-italic": "cmti10",
    "round": "cmss10",
    "typewriter": "cmtt10",
    "slanted": "DejaVuSans-BoldOblique",
}
SIDE = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--each", type=int, default=60, help="pictures of each letter in each typeface")
    asked = parser.parse_args()
    random = np.random.default_rng(0)
    for letter in LETTERS:
        (asked.out / letter).mkdir(parents=True)
        for face in FACES:
            for number in range(asked.each):
                drawn(letter, face, random).save(asked.out / letter / f"{face}-{number}.png")
    print(f"{len(LETTERS) * len(FACES) * asked.each:,} pictures in {asked.out}")


def drawn(letter: str, face: str, random: np.random.Generator) -> Image.Image:
    """Return a letter on a background of blurred blotches, with some strokes over both."""
    coarse = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    font = ImageFont.truetype(
        str(Path(mpl.get_data_path(), "fonts", "ttf", f"{FACES[face]}.ttf")),
        int(random.integers(40, 88)),
    )
    layer = Image.new("L", (SIDE, SIDE))
    place = tuple(random.integers(-12, 13, 2) + SIDE // 2)
    ImageDraw.Draw(layer).text(place, letter, fill=255, font=font, anchor="mm")
    layer = layer.rotate(float(random.uniform(-25, 25)), Image.Resampling.BICUBIC)
    picture.paste(tuple(random.integers(0, 256, 3).tolist()), mask=layer)
    draw = ImageDraw.Draw(picture)
    for _ in range(3):
        ends = random.integers(0, SIDE, 4).tolist()
        draw.line(ends, fill=tuple(random.integers(0, 256, 3).tolist()), width=2)
    return picture.filter(ImageFilter.GaussianBlur(float(random.uniform(0, 1.5))))


if __name__ == "__main__":
    main()
