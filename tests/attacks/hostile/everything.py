"""All families by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hostile import archives, csv_files, hdf5, idx, mat, npz, parquet, pickles, pictures, usps
from hostile.file import Hostile

FAMILIES: Mapping[str, Sequence[Hostile]] = {
    "pickles": pickles.FILES,
    "archives": archives.FILES,
    "arrays of NumPy": npz.FILES,
    "HDF5": hdf5.FILES,
    "Parquet": parquet.FILES,
    "MATLAB": mat.FILES,
    "CSV": csv_files.FILES,
    "IDX": idx.FILES,
    "USPS": usps.FILES,
    "pictures": pictures.FILES,
}
