"""Every form of files that is recognised, in the order in which it is tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from picturewise.data.contract import Reader
from picturewise.data.readers import (
    cifar,
    folders,
    hdf5,
    idx,
    labels_csv,
    npz,
    parquet,
    pickled_arrays,
    pixel_csv,
    svhn,
    usps,
)

READERS: tuple[Callable[[Path], Reader | None], ...] = (
    svhn.recognise,
    hdf5.recognise,
    parquet.recognise,
    pixel_csv.recognise,
    labels_csv.recognise,
    idx.recognise,
    usps.recognise,
    cifar.recognise,
    npz.recognise,
    pickled_arrays.recognise,
    folders.recognise,
    pixel_csv.recognise_unlabelled,
)
