"""Valid files that hold pictures as numbers: IDX, MATLAB, HDF5, CIFAR, NumPy, pickles, CSV and USPS."""

from __future__ import annotations

import bz2
import gzip
import io
import pickle
import struct
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
from containers import zipped
from numpy.typing import NDArray
from seeds import Files, Seed, one_file

COUNT = 24
RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (COUNT, 5, 4), np.uint8)
COLOUR = RANDOM.integers(0, 256, (COUNT, 5, 4, 3), np.uint8)
LABELS = np.arange(COUNT) % 3
NAMES = ["airplane", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck", "automobile"]


def idx() -> list[Seed]:
    """Plain and gzipped, three and four dimensions, labels of one byte and of four."""
    labels = _idx(LABELS.astype(np.uint8))
    pairs = {
        "grey": (_idx(GREY), labels),
        "colour": (_idx(COLOUR), labels),
        "wide labels": (_idx(GREY), _idx(LABELS.astype(">i4"), 0x0C)),
    }
    found = []
    for name, (pictures, numbers) in pairs.items():
        for packed in (False, True):
            ending, kind = (".gz", "gzip/bytes") if packed else ("", "bytes")
            files = {
                f"train-images-idx3-ubyte{ending}": gzip.compress(pictures, mtime=0) if packed else pictures,
                f"train-labels-idx1-ubyte{ending}": gzip.compress(numbers, mtime=0) if packed else numbers,
            }
            found.append(Seed(f"{name}{ending}", files, dict.fromkeys(files, kind)))
    files = {
        "train-images-idx3-ubyte": _idx(GREY),
        "train-labels-idx1-ubyte": labels,
        "t10k-images-idx3-ubyte": _idx(GREY[:3]),
        "t10k-labels-idx1-ubyte": _idx(LABELS[:3].astype(np.uint8)),
    }
    return [*found, Seed("both splits", files, dict.fromkeys(files, "bytes"))]


def _idx(array: NDArray[Any], kind: int = 8) -> bytes:
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def svhn() -> list[Seed]:
    """Packed and not, labels as MATLAB has them and as bytes."""
    pictures = np.ascontiguousarray(COLOUR.transpose(1, 2, 3, 0))
    found = []
    for name, labels in (
        ("float labels", LABELS[:, np.newaxis] + 1.0),
        ("byte labels", LABELS[:, np.newaxis] + 1),
    ):
        for packed in (False, True):
            buffer = io.BytesIO()
            numbers = labels if labels.dtype.kind == "f" else labels.astype(np.uint8)
            scipy.io.savemat(buffer, {"X": pictures, "y": numbers, "about": "text"}, do_compression=packed)
            content = b"MATLAB 5.0 MAT-file".ljust(124) + buffer.getvalue()[124:]  # its header tells the time
            found.append(one_file(f"{name}, {packed}", "train_32x32.mat", content, "mat/bytes"))
    return found


def hdf5() -> list[Seed]:
    """Chunked with each filter, and in one piece; bytes and floats; old and new layouts of the file."""
    plans: dict[str, dict[str, Any]] = {
        "contiguous": {},
        "gzip": {"chunks": (6, 5, 4), "compression": "gzip"},
        "shuffle": {"chunks": (6, 5, 4), "compression": "gzip", "shuffle": True},
        "lzf": {"chunks": (6, 5, 4), "compression": "lzf"},
        "fletcher32": {"chunks": (7, 5, 4), "fletcher32": True},
        "plain chunks": {"chunks": (7, 2, 4)},
        "growing": {"chunks": (6, 5, 4), "maxshape": (None, 5, 4)},
    }
    found = [one_file(name, "set.h5", _hdf5(GREY, LABELS, **plan), "bytes") for name, plan in plans.items()]
    floats = (GREY / 255).astype(np.float32)
    return [
        *found,
        one_file("floats", "set.h5", _hdf5(floats, LABELS.astype(np.uint8), compression="gzip"), "bytes"),
        one_file("colour", "set.h5", _hdf5(COLOUR, LABELS[:, np.newaxis]), "bytes"),
        one_file("new layout", "set.h5", _hdf5(GREY, LABELS, version="latest", compression="gzip"), "bytes"),
        _with_fletcher32(),
    ]


def _with_fletcher32() -> Seed:
    """Return a file in which all numbers are in chunks with a checksum."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "set.h5")
        stretches = []
        with h5py.File(path, "w") as file:
            for name, numbers in (
                ("X_train", GREY),
                ("y_train", LABELS),
                ("X_test", GREY[:3]),
                ("y_test", LABELS[:3]),
            ):
                packed = {"compression": "gzip"} if name == "X_train" else {}
                file.create_dataset(
                    name, data=numbers, chunks=(3, *numbers.shape[1:]), fletcher32=True, **packed
                )
            for dataset in file.values():
                chunks = [dataset.id.get_chunk_info(number) for number in range(dataset.id.get_num_chunks())]
                stretches += [(chunk.byte_offset, chunk.byte_offset + chunk.size) for chunk in chunks]
        content = path.read_bytes()

    def holds(changed: bytes) -> bool:
        return len(changed) == len(content) and all(fletcher32_holds(changed[a:b]) for a, b in stretches)

    sealed = {"set.h5": tuple(stretches)}
    return Seed(
        "fletcher32 throughout",
        {"set.h5": content},
        {"set.h5": "bytes"},
        "set.h5",
        sealed=sealed,
        holds=holds,
    )


def fletcher32_holds(chunk: bytes) -> bool:
    """Return whether the last four bytes of a chunk are the checksum of the others, by HDF5's rule.

    It adds words of two bytes, the higher one first, and the running sums of these, both modulo 65,535.
    """
    padded = chunk[:-4] + bytes(len(chunk) % 2)
    words = np.frombuffer(padded, ">u2").astype(np.int64)
    sums = words.sum() % 65_535, np.cumsum(words).sum() % 65_535
    low, high = (int.from_bytes(chunk[-4:][place], "little") % 65_535 for place in (slice(2), slice(2, 4)))
    return (low, high) == sums


def _hdf5(pictures: NDArray[Any], labels: NDArray[Any], version: str | None = None, **plan: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "set.h5")
        with h5py.File(path, "w", libver=version) as file:
            file.create_dataset("X_train", data=pictures, **plan)
            file.create_dataset("y_train", data=labels)
            file.create_dataset("X_test", data=pictures[:3])
            file.create_dataset("y_test", data=labels[:3])
        return path.read_bytes()


def cifar() -> list[Seed]:
    """Both sets, both versions, as folders, as single files, and in a tar, a gzipped tar and a zip."""
    ten, hundred = _python_ten(), _python_hundred()
    binary = {f"data_batch_{n}.bin": _record(n) for n in range(1, 6)}
    binary |= {"test_batch.bin": _record(6), "batches.meta.txt": "\n".join(NAMES).encode()}
    python, names = "cifar-10-batches-py", "batches.meta"
    few = {name: ten[name] for name in ("data_batch_1", "test_batch", names)}
    return [
        Seed("python folder", few, dict.fromkeys(few, "pickle")),
        Seed("one batch", few, dict.fromkeys(few, "pickle"), "data_batch_1"),
        Seed("hundred", hundred, dict.fromkeys(hundred, "pickle")),
        Seed("binary folder", binary, {"data_batch_1.bin": "bytes", "batches.meta.txt": "lines"}),
        one_file("tar", "cifar-10.tar", _tar(python, ten), "tar/pickle"),
        one_file("tar.gz", "cifar-10.tar.gz", gzip.compress(_tar(python, ten), mtime=0), "gzip/tar/pickle"),
        one_file("binary tar", "set.tar", _tar("cifar-10-batches-bin", binary), "tar/bytes"),
        one_file("zip", "cifar-10.zip", zipped({f"{python}/{k}": v for k, v in ten.items()}), "zip/pickle"),
        one_file("hundred tar", "set.tar", _tar("cifar-100-python", hundred), "tar/pickle"),
    ]


def _record(label: int) -> bytes:
    return b"".join(bytes([number % label]) + bytes(_flat(number)[0]) for number in range(1, 5))


def _flat(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, 3072), np.uint8)


def _python_ten() -> Files:
    """Eight pictures a batch; half of the batches byte for byte as Python 2 wrote them."""
    data, labels = bytes(_flat(8)), [6, 9] * 4
    old = (
        b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03U\x06labelsq\x04]q\x05("
        + b"".join(b"K" + bytes([label]) for label in labels)
        + b"eU\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09"
        b"(K\x01K\x08M\x00\x0c\x86cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89T"
        + struct.pack("<i", len(data))
        + data
        + b"tbU\tfilenamesq\x0c]q\x0d("
        + b"".join(b"U\x05%d.png" % number for number in range(8))
        + b"eu."
    )
    new = pickle.dumps({"data": _flat(9)[1:], "labels": labels, "filenames": ["a"] * 8}, 4)
    files = {f"data_batch_{n}": old if n % 2 else new for n in range(1, 6)}
    return files | {"test_batch": old, "batches.meta": pickle.dumps({"label_names": NAMES}, 2)}


def _python_hundred() -> Files:
    labels, coarse, pictures = [99, 7] * 4, [1, 2] * 4, [b"a", b"b"] * 4
    table = {b"data": _flat(8), b"fine_labels": labels, b"coarse_labels": coarse, b"filenames": pictures}
    names = {"fine_label_names": [f"fine{n}" for n in range(100)], "coarse_label_names": []}
    return {"train": pickle.dumps(table, 2), "test": pickle.dumps(table, 2), "meta": pickle.dumps(names, 2)}


def _tar(folder: str, files: Files) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _tables() -> dict[str, dict[str, Any]]:
    return {
        "keras": {"x_train": GREY, "y_train": LABELS, "x_test": GREY[:3], "y_test": LABELS[:3]},
        "floats": {"images": (COLOUR / 255).astype("f4"), "labels": LABELS.astype("u1")},
        "normalised": {
            "x_train": COLOUR.transpose(0, 3, 1, 2) - COLOUR.transpose(0, 3, 1, 2).mean(0),
            "y_train": LABELS,
            "mean_image": COLOUR.transpose(0, 3, 1, 2).mean(0),
            "labels": np.array(["a", "b", "c"]),
        },
        "columns first": {"X": np.asfortranarray(GREY), "y": LABELS.astype(">i4")[:, np.newaxis]},
    }


def npz() -> list[Seed]:
    """Stored and deflated."""
    found = []
    for name, table in _tables().items():
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            content = zipped({f"{key}.npy": _npy(array) for key, array in table.items()}, method)
            found.append(one_file(f"{name}, {method}", "set.npz", content, "zip/npy/bytes"))
    return found


def _npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def pickles() -> list[Seed]:
    """All protocols; arrays, lists of numbers, names of classes."""
    tables = _tables() | {
        "normalised": {**_tables()["normalised"], "labels": ["a", "b", "c"]},
        "lists": {
            b"images": GREY,
            b"labels": LABELS.tolist(),
            b"none": (None, True, 2.5, -(2**40), "ä", b""),
        },
    }
    return [
        one_file(f"{name}, protocol {protocol}", "set.pkl", pickle.dumps(table, protocol), "pickle")
        for name, table in tables.items()
        for protocol in range(6)
    ]


def pixel_csv() -> list[Seed]:
    """With and without names of columns, with numbers of lines, with quotes, in two files."""
    pixels = RANDOM.integers(0, 256, (COUNT, 16))
    lines = [",".join(map(str, [label, *row])) for label, row in zip(LABELS, pixels, strict=True)]
    header = ",".join(["label", *(f"pixel{n}" for n in range(16))])
    train = "\n".join([header, *lines, ""]).encode()
    # Smooth with the colours of each pixel together, so that their order is clear.
    colour = np.sort(RANDOM.integers(0, 256, (COUNT, 16, 3)), axis=1).reshape(COUNT, 48)
    last = [",".join(map(str, [n, *row, LABELS[n]])) for n, row in enumerate(colour)]
    id_last = "\r\n".join(["id," + ",".join(f'"{n}"' for n in range(48)) + ",label", *last])
    both = {"train.csv": train, "test.csv": "\n".join([header, *lines[:5]]).encode()}
    return [
        one_file("with names", "train.csv", train, "csv"),
        one_file("without names", "train.csv", "\n".join(lines).encode(), "csv"),
        one_file("quotes and numbers of lines", "set.csv", id_last.encode(), "csv"),
        one_file("no labels", "some.csv", "\n".join(line[2:] for line in lines).encode(), "csv"),
        Seed("both splits", both, dict.fromkeys(both, "csv")),
    ]


def usps() -> list[Seed]:
    """Plain and packed."""
    values = RANDOM.uniform(-1, 1, (COUNT, 256))
    lines = [
        f"{label + 1} " + " ".join(f"{place}:{value:.3g}" for place, value in enumerate(row, 1))
        for label, row in zip(LABELS, values, strict=True)
    ]
    # Places that are left out are 0; some are in every part of the picture, or all would look alike when cut.
    few = "".join(
        " ".join([line.split()[0], *line.split()[1 :: 3 * (n % 3 + 1)]]) + "\n"
        for n, line in enumerate(lines)
    )
    whole = "\n".join([*lines, ""]).encode()
    both = {"usps.bz2": bz2.compress(whole), "usps.t.bz2": bz2.compress(few.encode())}
    return [
        one_file("plain", "usps", whole, "usps"),
        one_file("few values", "usps", few.encode(), "usps"),
        one_file("packed", "usps.bz2", bz2.compress(few.encode()), "bz2/usps"),
        Seed("both splits", both, dict.fromkeys(both, "bz2/usps")),
    ]
