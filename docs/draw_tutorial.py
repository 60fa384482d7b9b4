"""Draws the pictures of tutorial.md: runs its commands, and keeps some of the figures that they make.

python docs/draw_tutorial.py
"""

from __future__ import annotations

import contextlib
import re
import shlex
import tempfile
from pathlib import Path

from PIL import Image

from picturewise.cli.app import run

HERE = Path(__file__).parent
FIGURES = {
    "samples.png": "inspect-digits/samples.png",
    "learning-curves.png": "runs/cnn/figures/learning-curves.png",
    "confusion.png": "runs/cnn/figures/confusion.png",
    "predictions.png": "compare-mlp-cnn/figures/predictions.png",
}
"""Picture of the tutorial → the figure that its commands make, from the folder where they were run."""
_WIDEST = 900  # pixels: twice what a page shows of most


def collect(work: Path, folder: Path) -> None:
    """Write the tutorial's pictures into `folder`, in 64 colours, from the figures below `work`."""
    folder.mkdir(exist_ok=True)
    for name, figure in FIGURES.items():
        with Image.open(work / figure) as picture:
            scale = min(1, _WIDEST / picture.width)
            size = round(picture.width * scale), round(picture.height * scale)
            small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
            small.quantize(64).save(folder / name, optimize=True)


def main() -> None:
    """Run the tutorial's commands up to the last figure, and keep the figures."""
    page = (HERE / "tutorial.md").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as work, contextlib.chdir(work):
        for line in re.findall(r"^\$ picturewise (.*)$", page.partition("## 7")[0], re.MULTILINE):
            run(shlex.split(line))
        collect(Path(work), HERE / "tutorial")


if __name__ == "__main__":
    main()
