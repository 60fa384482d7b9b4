"""What predicting many pictures costs: time and memory, for one IDX file and for picture files in folders.

    python benchmarks/predicting.py RUN --pictures 10000 100000 1000000

The pictures are 28x28 and grey; the picture files are 1,000 different PNG files with many names each, in folders of
1,000. Every figure comes from a fresh process with a store of its own; see `importing.py` for what anonymous memory is.
Prints Markdown. Linux only.
"""

from __future__ import annotations

import argparse
import os
import platform
import struct
import tempfile
from pathlib import Path

import numpy as np
from importing import measured
from PIL import Image

SIDE, DIFFERENT = 28, 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--pictures", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--place", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    print(f"load before the start: {os.getloadavg()[0]:.1f}\n")
    print("| pictures | from | wall s | processor s | peak anonymous MB |\n|---|---|---|---|---|")
    noise = np.random.default_rng(0).integers(0, 256, (DIFFERENT, SIDE, SIDE), np.uint8)
    for count in arguments.pictures:
        for form, write, options in (
            ("an IDX file", write_idx, ()),
            ("PNG files", write_files, ("--recursive",)),
        ):
            with tempfile.TemporaryDirectory(dir=arguments.place) as place:
                source, table = write(Path(place), noise, count), Path(place, "table.csv")
                found = measured(
                    f"{place}/home", None, "predict", arguments.run, source, *options, "--csv", table
                )
                with table.open("rb") as lines:
                    assert sum(1 for _ in lines) == count + 1
            print(
                f"| {count:,} | {form} | {found.wall:.0f} | {found.processor:.0f} | {found.megabytes:.0f} |",
                flush=True,
            )


def write_idx(folder: Path, noise: np.ndarray, count: int) -> Path:
    """Write `count` pictures to one file."""
    path = folder / "pictures-idx3-ubyte"
    with path.open("wb") as file:
        file.write(bytes([0, 0, 8, 3]) + struct.pack(">III", count, SIDE, SIDE))
        for first in range(0, count, DIFFERENT):
            file.write(noise[: count - first].tobytes())
    return path


def write_files(folder: Path, noise: np.ndarray, count: int) -> Path:
    """Write the different pictures as files, and link to them under `count` names."""
    (folder / "different").mkdir()
    for number, picture in enumerate(noise):
        Image.fromarray(picture).save(folder / f"different/{number}.png")
    for number in range(count):
        inside = folder / "pictures" / f"{number // DIFFERENT:06}"
        if number % DIFFERENT == 0:
            inside.mkdir(parents=True)
        os.link(folder / f"different/{number % DIFFERENT}.png", inside / f"{number % DIFFERENT:03}.png")
    return folder / "pictures"


if __name__ == "__main__":
    main()
