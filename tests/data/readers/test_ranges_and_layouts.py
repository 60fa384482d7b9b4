"""One table: every form that holds numbers × every range of values, and every form that has rows × their order."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io

from picturewise.data.contract import Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.in_memory.in_memory_source import in_memory_source
from picturewise.data.read_options import AsItIs
from picturewise.data.recognise import find_reader
from picturewise.errors import DataError

Parts = Mapping[str, np.ndarray]


def smooth(count: int = 12, side: int = 12) -> np.ndarray:
    """Soft waves in colour, (N, side, side, 3) uint8, with black and white among them."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / side
    turns = random.uniform(1, 2, (count, 1, 1, 2))
    waves = (np.sin(5 * (turns[..., 0] * y + turns[..., 1] * x))[..., None] + 1) / 2
    pictures = np.rint(waves * random.uniform(0.5, 1, (count, 1, 1, 3)) * 255).astype(np.uint8)
    pictures[:, 0, 0], pictures[0, 0, 1] = 0, 255
    return pictures


PICTURES = smooth()
LABELS = np.arange(len(PICTURES)) % 2


def as_npz(folder: Path, parts: Parts) -> Path:
    arrays = {f"x_{split}": part for split, part in parts.items()}
    np.savez(
        folder / "set.npz", **arrays, **{f"y_{split}": LABELS[: len(part)] for split, part in parts.items()}
    )
    return folder / "set.npz"


def as_pickle(folder: Path, parts: Parts) -> Path:
    arrays = {f"x_{split}": part for split, part in parts.items()}
    labels = {f"y_{split}": LABELS[: len(part)] for split, part in parts.items()}
    (folder / "set.pickle").write_bytes(pickle.dumps({**arrays, **labels}))
    return folder / "set.pickle"


def as_hdf5(folder: Path, parts: Parts) -> Path:
    with h5py.File(folder / "set.h5", "w") as file:
        for split, part in parts.items():
            file[f"x_{split}"] = part.astype("u1") if part.dtype == np.bool_ else part
            file[f"y_{split}"] = LABELS[: len(part)]
    return folder / "set.h5"


def as_idx(folder: Path, parts: Parts) -> Path:
    codes = {
        "u1": (8, "u1"),
        "b1": (8, "u1"),
        "u2": (12, ">i4"),
        "i4": (12, ">i4"),
        "f4": (13, ">f4"),
        "f8": (14, ">f8"),
    }
    for split, part in parts.items():
        code, kind = codes[part.dtype.str[1:]]
        for name, array, number in (
            ("images", part.astype(kind), code),
            ("labels", LABELS[: len(part)].astype("u1"), 8),
        ):
            head = struct.pack(f">HBB{array.ndim}I", 0, number, array.ndim, *array.shape)
            (folder / f"{split}-{name}").write_bytes(head + array.tobytes())
    return folder


def as_csv(folder: Path, parts: Parts) -> Path:
    for split, part in parts.items():
        rows = part.reshape(len(part), -1)
        names = ",".join(["label", *(f"pixel{number}" for number in range(rows.shape[1]))])
        form = "%.9g" if part.dtype.kind == "f" else "%d"
        table = np.column_stack([LABELS[: len(part)], rows])
        np.savetxt(folder / f"{split}.csv", table, form, ",", header=names, comments="")
    return folder


def as_mat(folder: Path, parts: Parts) -> Path:
    for split, part in parts.items():
        kept = part.astype("u1") if part.dtype == np.bool_ else part
        labels = LABELS[: len(part), np.newaxis].astype("u1")
        scipy.io.savemat(folder / f"{split}_32x32.mat", {"X": kept.transpose(1, 2, 3, 0), "y": labels})
    return folder


def as_arrays(_: Path, parts: Parts) -> Any:
    return {split: (part, LABELS[: len(part)]) for split, part in parts.items()}


def as_pairs(_: Path, parts: Parts) -> Any:
    return {split: Pairs(list(zip(part, LABELS, strict=False))) for split, part in parts.items()}


class Pairs(list[Any]):
    """A map-style data set."""


FORMS: dict[str, Callable[[Path, Parts], Any]] = {
    "npz": as_npz, "pickle": as_pickle, "hdf5": as_hdf5, "idx": as_idx, "csv": as_csv, "mat": as_mat,
    "arrays": as_arrays, "pairs": as_pairs,
}  # fmt: skip
SLOW = {"hdf5"}  # a child process each time


def read(data: Any, hints: Hints = NO_HINTS) -> Reading:
    source = find_reader(data, hints) if isinstance(data, Path) else in_memory_source(data, hints=hints)
    assert source.hints == hints  # the form goes by what is said
    return source.read(source.splits, AsItIs())


def whole(top: float) -> np.ndarray:
    return np.rint(PICTURES / 255 * top)


# Stored values, what is said, the bytes that are right, and what is kept with a classifier.
RANGES: dict[str, tuple[np.ndarray, str | None, np.ndarray, tuple[float, float] | None]] = {
    "bytes": (PICTURES, None, PICTURES, None),
    "floats in 0..1": (PICTURES / 255, None, PICTURES, None),
    "floats in 0..255": (PICTURES.astype("f4"), None, PICTURES, None),
    "whole numbers": (PICTURES.astype("i4"), None, PICTURES, None),
    "0 and 1": (whole(1).astype("u1"), None, whole(1) * 255, (0, 1)),
    "0..15": (whole(15).astype("i4"), None, whole(15) * 17, (0, 15)),
    "0..16": (whole(16).astype("u1"), None, np.rint(whole(16) * 255 / 16), (0, 16)),
    "0..16 as floats": (whole(16), None, np.rint(whole(16) * 255 / 16), (0, 16)),
    "percentages": (whole(100).astype("u1"), None, np.rint(whole(100) * 255 / 100), (0, 100)),
    "12 bits": (whole(4095).astype("u2"), None, PICTURES, (0, 4095)),
    "14 bits in 32": (whole(16383).astype("i4"), None, PICTURES, (0, 16383)),
    "-1..1, as is said": (PICTURES / 127.5 - 1, "-1..1", PICTURES, (-1, 1)),
    "tomography, as is said": (whole(4000).astype("i4") - 1000, "-1000..3000", PICTURES, (-1000, 3000)),
}


@pytest.mark.parametrize("named", RANGES)
@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=[pytest.mark.slow] * (form in SLOW)) for form in FORMS]
)
def test_every_form_reads_every_range(tmp_path: Path, form: str, named: str) -> None:
    stored, said, expected, kept = RANGES[named]
    reading = read(FORMS[form](tmp_path, {"train": stored, "test": stored[:6]}), Hints(value_range=said))
    np.testing.assert_array_equal(np.asarray(reading.parts["train"].pictures.images), expected)
    np.testing.assert_array_equal(np.asarray(reading.parts["test"].pictures.images), expected[:6])
    assert reading.values == kept
    assert len(reading.notes) == (kept is not None and said is None)


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form not in {"idx", "csv"}]
)  # they have no booleans
def test_booleans_are_black_and_white(tmp_path: Path, form: str) -> None:
    reading = read(FORMS[form](tmp_path, {"train": PICTURES > 127}))
    np.testing.assert_array_equal(
        np.asarray(reading.parts["train"].pictures.images), (PICTURES > 127) * np.uint8(255)
    )


REFUSED: dict[str, tuple[np.ndarray, np.ndarray, str]] = {
    "values below 0": (PICTURES - 100.0, PICTURES[:6] - 100.0, r"instead of 0\.\.1 or 0\.\.255.*value.range"),
    "floats that end nowhere": (
        PICTURES / 255 * 50.5,
        PICTURES[:6] / 9,
        r"instead of 0\.\.1 or 0\.\.255.*value.range",
    ),
    "train 0..255, test 0..1": (
        PICTURES,
        PICTURES[:6] / 255,
        r"0\.\.1, but the train split contains values in 0\.\.255.*--value-range",
    ),
    "train 0..1, test 0..255": (
        PICTURES / 255,
        PICTURES[:6],
        r"the range of the training pictures is 0\.\.1.*value-range|line",
    ),
    "train 0..255, test 0 and 1": (
        PICTURES,
        whole(1)[:6].astype("u1"),
        r"0\.\.1, but the train split contains values in 0\.\.255",
    ),
}


@pytest.mark.parametrize("named", REFUSED)
@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=[pytest.mark.slow] * (form in SLOW)) for form in FORMS]
)
def test_every_form_refuses_what_cannot_be_known(tmp_path: Path, form: str, named: str) -> None:
    train, test, sentence = REFUSED[named]
    with pytest.raises(DataError, match=sentence):
        read(FORMS[form](tmp_path, {"train": train, "test": test}))


def test_a_given_range_lets_dark_splits_pass(tmp_path: Path) -> None:
    dark = np.minimum(PICTURES[:6], 1)
    reading = read(as_npz(tmp_path, {"train": PICTURES, "test": dark}), Hints(value_range="0..255"))
    np.testing.assert_array_equal(reading.parts["test"].pictures.images, dark)


WITH_ROWS = ("npz", "pickle", "hdf5", "csv", "arrays")


def planar(pictures: np.ndarray) -> np.ndarray:
    return pictures.transpose(0, 3, 1, 2).reshape(len(pictures), -1)


@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=[pytest.mark.slow] * (form in SLOW)) for form in WITH_ROWS]
)
def test_every_form_with_rows_finds_their_order_and_obeys(tmp_path: Path, form: str) -> None:
    inter = PICTURES.reshape(len(PICTURES), -1)
    usual = read(FORMS[form](tmp_path, {"train": inter, "test": inter[:6]}))
    turned = read(FORMS[form](tmp_path, {"train": planar(PICTURES), "test": planar(PICTURES[:6])}))
    for reading in (usual, turned):
        np.testing.assert_array_equal(np.asarray(reading.parts["train"].pictures.images), PICTURES)
        np.testing.assert_array_equal(np.asarray(reading.parts["test"].pictures.images), PICTURES[:6])
    assert usual.notes == ()
    assert "(planar)" in turned.notes[0]
    said = read(FORMS[form](tmp_path, {"train": planar(PICTURES)}), Hints(layout="interleaved"))
    np.testing.assert_array_equal(
        np.asarray(said.parts["train"].pictures.images), planar(PICTURES).reshape(PICTURES.shape)
    )


@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=[pytest.mark.slow] * (form in SLOW)) for form in WITH_ROWS]
)
def test_every_form_with_rows_refuses_noise_with_the_option(tmp_path: Path, form: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 432), np.uint8)
    with pytest.raises(DataError, match="--layout interleaved or --layout planar"):
        read(FORMS[form](tmp_path, {"train": noise}))


@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=[pytest.mark.slow] * (form in SLOW)) for form in WITH_ROWS]
)
def test_every_form_tells_channels_first_from_last(tmp_path: Path, form: str) -> None:
    if form == "csv":
        pytest.skip("a line is a row")
    tall = smooth(12, 40)[:, :, :3]  # 40 high, 3 wide
    first = np.ascontiguousarray(tall.transpose(0, 3, 1, 2))  # (N, 3, 40, 3)
    reading = read(FORMS[form](tmp_path, {"train": first}))
    np.testing.assert_array_equal(np.asarray(reading.parts["train"].pictures.images), tall)
    assert "--layout channels-last" in reading.notes[0]
    said = read(FORMS[form](tmp_path, {"train": first}), Hints(layout="channels-last"))
    assert said.parts["train"].pictures.shape == (3, 40, 3)
