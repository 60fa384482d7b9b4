"""Every form of files that is recognised, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from picturewise.data.contract import Reader
from picturewise.data.hints import Hints
from picturewise.data.readers import (
    cifar,
    digit_struct,
    hdf5,
    idx,
    npy,
    npz,
    parquet,
    pickled_arrays,
    pixel_csv,
    svhn,
    usps,
)
from picturewise.data.readers.folders import named_pictures
from picturewise.data.readers.folders import reader as folders
from picturewise.data.readers.lists import recognise as lists

Recognised = Callable[[Path, Hints], Reader | None]


def _without_hints(recognise: Callable[[Path], Reader | None]) -> Recognised:
    """Return the function of a form without hints."""
    return lambda path, _: recognise(path)


def _with(recognise: Callable[[Path], Reader | None], *names: str) -> Recognised:
    """Return the function of a form that obeys the hints with these names when it is read."""

    def recognised(path: Path, hints: Hints) -> Reader | None:
        reader = recognise(path)
        return None if reader is None else replace(reader, hints=hints.only(*names))  # type: ignore[type-var]

    return recognised


READERS: tuple[Recognised, ...] = (
    named_pictures.recognise,  # only if the user asks for it, and then before any other form
    digit_struct.recognise,
    _with(svhn.recognise, "value_range"),
    hdf5.recognise,
    parquet.recognise,
    lists.recognise,
    pixel_csv.recognise,
    _with(idx.recognise, "value_range"),
    _without_hints(usps.recognise),
    _without_hints(cifar.recognise),
    npz.recognise,
    npy.recognise,
    pickled_arrays.recognise,
    lists.refuse_unused,
    _with(folders.recognise, "value_range"),
    pixel_csv.recognise_unlabelled,
)
