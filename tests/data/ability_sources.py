"""Small sources of every form, for `test_abilities`: the same 24 pictures of three classes everywhere."""

from __future__ import annotations

import io
import json
import pickle
import struct

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.io
from PIL import Image

NAMED = ("rose", "daisy", "tulip")
CLASSES = ("daisy", "rose", "tulip")  # in natural order
BYTES = (np.arange(24) % 3).astype("u1")
DIGITS = ("0", "1", "2")
CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
LABELS = np.arange(24) % 3
BY_NAME = np.array([CLASSES.index(name) for name in NAMED])[LABELS]  # where the names are sorted
SORTED = np.repeat([0, 1, 2], 8)  # where files are in folders with these names
_ACROSS, _DOWN = np.meshgrid(np.arange(8), np.arange(8))
GREY = np.stack([_ACROSS * 20 + _DOWN * 10 + number for number in range(24)]).astype(np.uint8)[..., None]
GREY[:, 0, 0], GREY[:, 7, 7] = 0, 255
COLOUR = np.concatenate([GREY, 255 - GREY, GREY // 2 + 20], axis=3)
NAME_KEYS = ("class_names", "classes", "list_classes", "label_names")
ENDINGS = {"npz": ".npz", "npy": "", "pickle": ".pickle", "hdf5": ".h5"}
CIFAR_PICTURES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
IDX_KINDS = {"u1": 8, "i1": 9, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def one_hot(number):
    """Return the column of one class."""
    return np.eye(3, dtype=int)[LABELS][:, number]


def _npz(path, given):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **given)
    return path


def _npy(path, given):
    path.mkdir(parents=True)
    for name, values in given.items():
        np.save(path / f"{name}.npy", values)
    return path


def _pickle(path, given):
    path.parent.mkdir(parents=True, exist_ok=True)
    given = {name: values.tolist() if values.dtype.kind in "US" else values for name, values in given.items()}
    path.write_bytes(pickle.dumps(given))
    return path


def _hdf5(path, given):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in given.items():
            file[name] = values.astype(object) if values.dtype.kind == "U" else values
    return path


ARRAYS = {"npz": _npz, "npy": _npy, "pickle": _pickle, "hdf5": _hdf5}


def parts(folder, form):
    """Write a file for each split, with the same names in both."""
    for name, rows in (("train", slice(16)), ("test", slice(16, 24))):
        ARRAYS[form](folder / f"{name}{ENDINGS[form]}", {"x": GREY[rows], "y": LABELS[rows]})
    return folder


def matlab(folder, **given):
    """Write arrays as MATLAB 7.3 does: HDF5 behind a header of 512 bytes, with reversed axes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "set.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in given.items():
            file[name] = np.atleast_2d(values).T if values.ndim == 1 else values.T
    with path.open("r+b") as opened:
        opened.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))
    return path


def matlab_references(folder):
    """Write labels as MATLAB's texts: references to numbers elsewhere."""
    path = folder / "set.mat"
    with h5py.File(path, "w") as file:
        file["X"] = GREY.T
        file["#refs#/a"] = np.array([114], np.uint16)
        file["y"] = np.array([[file["#refs#/a"].ref] * 24], h5py.ref_dtype)
    return path


def svhn(folder, *, name="train_32x32.mat", scale=None, **changed):
    """Write one of SVHN's files; the labels are 1, 2, 3."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 24), np.uint8)
    given = {"X": pictures if scale is None else pictures * scale, "y": LABELS[:, None] + 1}
    scipy.io.savemat(folder / name, given | changed)
    return folder


def svhn_and_test(folder, **changed):
    """Write both of SVHN's files."""
    svhn(folder)
    return svhn(folder, name="test_32x32.mat", **changed)


def _write_idx(path, values):
    values = np.asarray(values)
    kind = IDX_KINDS[values.dtype.str[1:]]
    path.parent.mkdir(parents=True, exist_ok=True)
    sizes = struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(
        struct.pack(">HBB", 0, kind, values.ndim)
        + sizes
        + values.astype(values.dtype.newbyteorder(">")).tobytes()
    )


def idx(
    folder,
    *,
    pictures=GREY[..., 0],
    labels=BYTES,
    test=None,
    before="",
    names=None,
    own_folders=False,
):
    """Write a pair of IDX files, and one of test if its labels are given."""
    for split, images, numbers in (("train", pictures, labels), ("test", GREY[:4, ..., 0], test)):
        if numbers is None:
            continue
        for role, axes, values in (("images", 3, images), ("labels", 1, numbers)):
            name = f"{before}{split}-{role}-idx{axes}-ubyte"
            _write_idx((folder / name / name) if own_folders else folder / name, values)
    if names is not None:
        folder.mkdir(parents=True, exist_ok=True)
        numbered = "mapping" in names
        lines = [f"{number} {name}" if numbered else name for number, name in enumerate(NAMED)]
        (folder / names).write_text("\n".join(lines) + "\n")
    return folder


def cifar(folder, labels=(6, 9), *, test=None, scale=None):
    """Write two batches of CIFAR-10 with two pictures each, and one of test if its labels are given."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = CIFAR_PICTURES.transpose(0, 3, 1, 2).reshape(4, -1)
    rows = rows if scale is None else rows * scale
    given = [("data_batch_1", rows[:2], labels), ("data_batch_2", rows[2:], labels)]
    for name, data, numbers in given if test is None else [*given, ("test_batch", rows[:2], test)]:
        given_labels = numbers.tolist() if isinstance(numbers, np.ndarray) else list(numbers)
        (folder / name).write_bytes(pickle.dumps({"data": data, "labels": given_labels}, 2))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list(CIFAR)}, 2))
    return folder


def csv(folder, columns, *, pictures=GREY, name="set.csv"):
    """Write a table of pixels with further columns before them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = pictures.reshape(len(pictures), -1)
    header = [*columns, *(f"pixel{number}" for number in range(rows.shape[1]))]
    lines = [",".join(header)]
    for number, row in enumerate(rows):
        cells = [str(values[number]) for values in columns.values()]
        lines.append(",".join([*cells, *(f"{value:.9g}" for value in row.tolist())]))
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def csv_and_test(folder, labels=(-1, -1, -1, -1)):
    """Write train.csv and test.csv."""
    csv(folder, {"label": LABELS}, name="train.csv")
    csv(folder, {"label": labels}, pictures=GREY[:4], name="test.csv")
    return folder


def png(picture, path=None):
    """Return a picture (H, W, 1) as a PNG's bytes, or write it."""
    buffer = io.BytesIO()
    Image.fromarray(picture[..., 0]).save(buffer, "PNG")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(buffer.getvalue())
    return buffer.getvalue()


def parquet(folder, columns, *, pictures=GREY, lists=None, names=None, name="set.parquet"):
    """Write a table of pictures, PNG or lists of numbers, and further columns."""
    folder.mkdir(parents=True, exist_ok=True)
    images = (
        [{"bytes": png(picture), "path": None} for picture in pictures] if lists is None else lists.tolist()
    )
    table = pa.table(
        {"image": images} | {key: np.asarray(values).tolist() for key, values in columns.items()}
    )
    if names is not None:
        features = {"label": {"names": list(names), "_type": "ClassLabel"}}
        said = json.dumps({"info": {"features": features}}).encode()
        table = table.replace_schema_metadata({b"huggingface": said})
    pq.write_table(table, folder / name)
    return folder / name


def shards(folder, labels):
    """Write a file of train and one of test, named as the hub names them."""
    parquet(folder, {"label": LABELS[:12]}, pictures=GREY[:12], name="train-00000-of-00002.parquet")
    parquet(folder, {"label": LABELS[12:]}, pictures=GREY[12:], name="train-00001-of-00002.parquet")
    parquet(folder, {"label": labels}, pictures=GREY[:4], name="test-00000-of-00001.parquet")
    return folder


def usps(folder, labels=None, *, top=1.0, name="usps"):
    """Write one of LIBSVM's files of USPS digits."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, label in enumerate(LABELS + 1 if labels is None else labels):
        values = np.linspace(-1, top, 256) * (1 - number / 100)
        lines.append(f"{label} " + " ".join(f"{place}:{value:.6g}" for place, value in enumerate(values, 1)))
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder


def loose(folder):
    """Write pictures into one folder."""
    for number, picture in enumerate(GREY):
        png(picture, folder / f"picture {number:02}.png")
    return folder


def folders(folder, *, more="", beside=False, deep=False):
    """Write a folder per class; with a picture beside them, or pictures of 12 bits in 16."""
    for number, picture in enumerate(GREY):
        path = folder / f"{CLASSES[SORTED[number]]}{more}" / f"{number:02}.png"
        if not deep:
            png(picture, path)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0].astype(np.uint16) * 16).save(path)
    if beside:
        png(GREY[0], folder / "lost.png")
    return folder


def folders_of_splits(folder):
    """Write a folder per class for each of two splits."""
    for split in ("train", "test"):
        folders(folder / split)
    return folder


def folders_and_test(folder):
    """Write a folder per class for train, and pictures of test without classes."""
    folders(folder / "train")
    loose(folder / "test")
    return folder


def listed(folder, columns, *, name="labels.csv", pictures="images"):
    """Write a list of pictures, which are in a folder beside it."""
    for number, picture in enumerate(GREY):
        png(picture, folder / pictures / f"picture {number:02}.png")
    lines = [",".join(["filename", *columns])]
    rows = zip(*columns.values(), strict=True) if columns else [()] * 24
    lines += [",".join([f"picture {number:02}.png", *map(str, row)]) for number, row in enumerate(rows)]
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder


def listed_and_test(folder, labels=None):
    """Write a list of train and one of test, with labels or without."""
    listed(folder, {"label": np.array(NAMED)[LABELS]}, name="train.csv", pictures="train")
    return listed(folder, {} if labels is None else {"label": labels}, name="test.csv", pictures="test")


class Pairs:
    """What PyTorch calls a map-style data set."""

    def __init__(self, pictures, labels, classes=None):
        self.pictures, self.labels = pictures, labels
        if classes is not None:
            self.classes = classes

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return self.pictures[index], self.labels[index]


class Image_:  # noqa: N801 (the type's name counts)
    """What the type of a column of pictures looks like."""


class ClassLabel:
    """What the type of a column of labels with names looks like."""

    def __init__(self, names):
        self.names = list(names)


Image_.__name__ = "Image"


class Hub:
    """An imitation of a Hugging Face data set."""

    def __init__(self, labels, names=None, *, label="label", more=None):
        self.labels, self.label, self.more = labels, label, more
        self.features = {"image": Image_(), label: object() if names is None else ClassLabel(names)}
        if more is not None:
            self.features[more] = object()
        self.column_names = list(self.features)

    def __len__(self):
        return 24

    def __getitem__(self, key):
        if isinstance(key, str):
            return [self[number][key] for number in range(24)]
        row = {"image": Image.fromarray(GREY[key, ..., 0]), self.label: self.labels[key]}
        return row if self.more is None else row | {self.more: "train"}
