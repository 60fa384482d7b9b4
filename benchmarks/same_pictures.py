"""Whether real data sets in several formats come out as the same pictures, and how long each takes to import.

    python benchmarks/same_pictures.py FOLDER

FOLDER holds, as far as there are any: mnist (IDX) and kaggle-mnist (pixel CSV); cifar10 (the python archive),
cifar10-folders (a folder per class) and kaggle-cifar10 (pre-processed pickles); svhn (MATLAB) and svhn-grey (HDF5);
flowers (photographs). The store is a new one, so everything is imported. Prints Markdown.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from picturewise.data.imageset import ImageSet
from picturewise.data.read_options import AsItIs
from picturewise.data.recognise import recognise
from picturewise.data.store.stored_source import StoredSource

FORMS = (
    *("mnist", "kaggle-mnist", "cifar10", "cifar10-folders", "kaggle-cifar10"),
    *("svhn", "svhn-grey", "flowers"),
)


def main() -> None:
    folder = Path(sys.argv[1])
    found: dict[str, dict[str, ImageSet]] = {}
    print("| source | recognised as | pictures | import s |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as home:
        os.environ["PICTUREWISE_HOME"] = home
        for form in FORMS:
            if not (folder / form).exists():
                continue
            began = time.perf_counter()
            source = recognise(folder / form)
            reading = source.read(source.splits, AsItIs())
            seconds = time.perf_counter() - began
            found[form] = {split: part.pictures for split, part in reading.parts.items()}
            counts = ", ".join(f"{split} {len(part):,}" for split, part in found[form].items())
            assert isinstance(source, StoredSource)  # a folder, and not of loose pictures
            reader = type(source.reader).__module__.rpartition(".")[2]
            print(f"| {form} | {reader} | {counts} | {seconds:.2f} |", flush=True)
        print()
        for one, other in (
            ("kaggle-mnist", "mnist"),
            ("cifar10-folders", "cifar10"),
            ("kaggle-cifar10", "cifar10"),
        ):
            if one in found and other in found:
                ours, theirs = labelled(found[one]), dict(labelled(found[other]))
                same = sum(theirs.get(digest) == name for digest, name in ours)
                print(
                    f"{one}: {same:,} of {len(ours):,} pictures are in {other}, pixel by pixel, with that label"
                )


def labelled(parts: dict[str, ImageSet]) -> list[tuple[bytes, str]]:
    """Return the digest and the class of every picture."""
    return [
        (digest.tobytes(), part.classes[label])
        for part in parts.values()
        for digest, label in zip(part.statistics.digests[:], np.asarray(part.labels), strict=True)
    ]


if __name__ == "__main__":
    main()
