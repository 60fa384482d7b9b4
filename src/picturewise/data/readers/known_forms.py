"""Every form of files that is recognised, in the order in which it is tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from picturewise.data.contract import Reader
from picturewise.data.hints import Hints
from picturewise.data.readers import (
    cifar,
    folders,
    hdf5,
    idx,
    named_pictures,
    npz,
    parquet,
    pickled_arrays,
    pixel_csv,
    svhn,
    usps,
)
from picturewise.data.readers.lists import recognise as lists

Recognised = Callable[[Path, Hints], Reader | None]


def _without_hints(recognise: Callable[[Path], Reader | None]) -> Recognised:
    """Return the function of a form about which nothing can be said."""
    return lambda path, _: recognise(path)


READERS: tuple[Recognised, ...] = (
    named_pictures.recognise,  # only where the user says so, and then before whatever else may lie there
    _without_hints(svhn.recognise),
    _without_hints(hdf5.recognise),
    _without_hints(parquet.recognise),
    lists.recognise,
    _without_hints(pixel_csv.recognise),
    _without_hints(idx.recognise),
    _without_hints(usps.recognise),
    _without_hints(cifar.recognise),
    _without_hints(npz.recognise),
    _without_hints(pickled_arrays.recognise),
    lists.refuse_unused,
    _without_hints(folders.recognise),
    _without_hints(pixel_csv.recognise_unlabelled),
)
