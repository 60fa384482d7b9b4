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
    labels_csv,
    npy,
    npz,
    parquet,
    pickled_arrays,
    pixel_csv,
    svhn,
    usps,
)

Recognised = Callable[[Path, Hints], Reader | None]


def _without_hints(recognise: Callable[[Path], Reader | None]) -> Recognised:
    """Return the function of a form about which nothing can be said."""
    return lambda path, _: recognise(path)


READERS: tuple[Recognised, ...] = (
    _without_hints(svhn.recognise),
    hdf5.recognise,
    parquet.recognise,
    _without_hints(pixel_csv.recognise),
    _without_hints(labels_csv.recognise),
    _without_hints(idx.recognise),
    _without_hints(usps.recognise),
    _without_hints(cifar.recognise),
    npz.recognise,
    npy.recognise,
    pickled_arrays.recognise,
    _without_hints(folders.recognise),
    _without_hints(pixel_csv.recognise_unlabelled),
)
