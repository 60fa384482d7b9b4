"""From picture files to named probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from picturewise.data.pictures.decode import Form
from picturewise.data.pictures.decode_files import decode_each
from picturewise.data.pictures.pixels import as_channels
from picturewise.data.pictures.resize import resize_all
from picturewise.errors import DataError
from picturewise.prediction.classifier import Classifier

if TYPE_CHECKING:
    from picturewise.data.dataset import Skipped


@dataclass(frozen=True)
class Prediction:
    """What a classifier makes of one picture.

    Attributes:
        name: the file, as it was given; with the line's number behind it for a CSV file of pixels.
        number: of a line of a CSV file of pixels, from 1; None: a picture file.
        probabilities: class name → calibrated probability, in the order of the classes; they sum to 1.
    """

    name: str
    probabilities: dict[str, float]
    number: int | None = None

    @property
    def label(self) -> str:
        """The most likely class."""
        return max(self.probabilities, key=lambda name: self.probabilities[name])

    @property
    def probability(self) -> float:
        """The probability of the most likely class."""
        return self.probabilities[self.label]


def predict_files(
    classifier: Classifier, paths: Sequence[Path], *, skip_bad: bool = False
) -> tuple[list[Prediction], tuple[Skipped, ...]]:
    """Return a prediction for each picture, and the files left out.

    Args:
        classifier: whose size and channels every picture is brought to.
        paths: picture files of any size and mode; a folder stands for the picture files in it, sorted by name, a
            CSV file with pixels in its lines for these pictures.
        skip_bad: leave out what cannot be read instead of refusing all.

    Raises:
        DataError: a file cannot be read; the message says how many and names the first.
    """
    height, width, channels = classifier.description.shape
    files, mode = _files(paths), classifier.description.resize
    tables = {
        path: as_channels(resize_all(pixels, (height, width), mode=mode), channels)
        for path in files
        if (pixels := _pixels_of(path)) is not None
    }
    pictures = [path for path in files if path not in tables]
    decoded, errors = decode_each(pictures, Form(height, width, channels, mode), lambda _: None)
    images: list[NDArray[np.uint8]] = []
    names: list[tuple[str, int | None]] = []
    bad: list[Skipped] = []
    place = 0  # of the next picture file
    for path in files:
        if path in tables:
            images += list(tables[path])
            names += [(f"{path}, picture {number}", number) for number in range(1, len(tables[path]) + 1)]
            continue
        if place in errors:
            bad.append(_skipped(path, errors[place].reason))
        else:
            images.append(decoded[place])
            names.append((str(path), None))
        place += 1
    if bad and not skip_bad:
        raise DataError(
            f"{len(bad)} of {len(bad) + len(images)} files cannot be read as pictures; the first, {bad[0].path}: "
            f"{bad[0].reason}. Go on without them with --skip-bad."
        )
    if not images and not bad:
        return [], ()
    if not images:
        raise DataError(
            f"None of the {len(bad)} files can be read as a picture; the first, {bad[0].path}: {bad[0].reason}."
        )
    table = classifier.probabilities(np.stack(images))
    predictions = [
        Prediction(name, dict(zip(classifier.classes, map(float, row), strict=True)), number)
        for (name, number), row in zip(names, table, strict=True)
    ]
    return predictions, tuple(bad)


def _pixels_of(path: Path) -> NDArray[np.uint8] | None:
    """Return the pictures in a CSV file of pixels; None: it is something else."""
    if path.suffix.lower() != ".csv":
        return None
    from picturewise.data.readers.pixel_csv import pixel_table, read_pixels  # noqa: PLC0415 (pictures need it not)

    table = pixel_table(path)
    return None if table is None else read_pixels(table)[0]


def _skipped(path: Path, reason: str) -> Skipped:
    from picturewise.data.dataset import Skipped  # noqa: PLC0415 (good pictures need it not)

    return Skipped(str(path), reason)


def _files_in(folder: Path) -> list[Path]:
    from picturewise.data.readers.folder_listing import is_folder, visible_entries  # noqa: PLC0415 (files need it not)

    try:
        return [Path(entry.path) for entry in visible_entries(folder) if not is_folder(entry)]
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be read: {error.strerror}.") from error


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise DataError(f"{path} does not exist; expected a picture file or a folder of picture files.")
        if path.is_dir():
            found = _files_in(path)
            if not found:
                raise DataError(f"The folder {path} has no files directly in it; expected picture files.")
            files += found
        else:
            files.append(path)
    return files
