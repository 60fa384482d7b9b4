"""Hostile Parquet files: bombs, lies in the footer, types that ask for code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hostile.file import Hostile


def table(pictures: pa.Array, labels: pa.Array | None = None) -> pa.Table:
    return pa.table({"image": pictures, "label": pa.array([0] * len(pictures)) if labels is None else labels})


def one_picture_a_million_times(path: Path) -> None:
    pictures = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(200_000, np.int32)), pa.array([b"x" * 10_000])
    )
    pq.write_table(table(pictures), path, store_schema=False)


def zeros(path: Path) -> None:
    pq.write_table(table(pa.array([bytes(100_000_000)])), path, compression="zstd", use_dictionary=False)


def huge_group(path: Path) -> None:
    pq.write_table(table(pa.array([bytes(1 << 20)] * 520)), path, compression="zstd", use_dictionary=False)


def many_rows(path: Path) -> None:
    labels = pa.array(np.zeros(21_000_000, np.int8))
    pq.write_table(table(pa.nulls(len(labels), pa.binary()), labels), path, compression="zstd")


def nested(path: Path) -> None:
    kind = pa.binary()
    for _ in range(60):
        kind = pa.struct([("bytes", kind)])
    pq.write_table(table(pa.nulls(2, kind)), path)


def encrypted(path: Path) -> None:
    path.write_bytes(b"PAR1" + bytes(1000) + b"PARE")


def footer_of_gigabytes(path: Path) -> None:
    path.write_bytes(b"PAR1" + bytes(1000) + (2**32 - 1).to_bytes(4, "little") + b"PAR1")


def a_footer_of_zeros(path: Path) -> None:
    path.write_bytes(b"PAR1" + bytes(1000) + (900).to_bytes(4, "little") + b"PAR1")


def a_pickle_in_an_extension_type(path: Path) -> None:
    executed = path.with_name("executed")
    code = f"cposix\nsystem\n(S'touch {executed}'\ntR.".encode()
    metadata = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": code}
    field = pa.field("label", pa.int64(), metadata=metadata)
    schema = pa.schema([pa.field("image", pa.binary()), field])
    pq.write_table(pa.Table.from_arrays([pa.array([b"x", b"y"]), pa.array([0, 1])], schema=schema), path)


def lies_in_the_metadata(path: Path) -> None:
    names = b'{"info": {"features": {"label": {"names": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}}}"
    pq.write_table(table(pa.array([b"x", b"y"])).replace_schema_metadata({b"huggingface": names}), path)


_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "one picture a million times": (one_picture_a_million_times, "unpacks to more than"),
    "zeros": (zeros, "unpacks to more than"),
    "huge group": (huge_group, "has a row group of 54"),
    "many rows": (many_rows, "declares 21,000,000 rows"),
    "nested": (nested, "contains pictures of type struct"),
    "encrypted": (encrypted, "damaged or truncated"),
    "footer of gigabytes": (footer_of_gigabytes, "damaged or truncated"),
    "footer of zeros": (a_footer_of_zeros, "damaged or truncated"),
    "pickle in an extension type": (a_pickle_in_an_extension_type, "none of the .* files can be read"),
    "lies in the metadata": (lies_in_the_metadata, "none of the .* files can be read"),
}


def _hostile(name: str, make: Callable[[Path], object], said: str) -> Hostile:
    def write(folder: Path) -> Path:
        path = folder / "train.parquet"
        make(path)
        return path

    return Hostile(name, write, said)


FILES = [_hostile(name, *file) for name, file in _FILES.items()]
