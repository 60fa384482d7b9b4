"""Small sets that stand in for the large ones of the notebooks, made from the 1,797 digits that scikit-learn brings."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path

import h5py
import numpy as np
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits


def write_street_digits(path: str, count: int = 1797, seed: int = 0) -> Path:
    """Write an `.npz` of digits of 32x32 in random colours, with pieces of other digits beside them, as on houses."""
    images, labels = _street_digits(count, seed)
    train = count * 8 // 10
    np.savez(
        path,
        x_train=images[:train], y_train=labels[:train], x_test=images[train:], y_test=labels[train:],
    )  # fmt: skip
    return Path(path)


def write_grey_h5(path: str, count: int = 1797, seed: int = 0) -> Path:
    """Write an HDF5 file with the arrays of `SVHN_single_grey1.h5`: X_train, y_train, X_val, y_val, X_test, y_test."""
    images, labels = _street_digits(count, seed)
    grey = images.mean(axis=-1).astype(np.float32)
    with h5py.File(path, "w") as file:
        for split, (start, stop) in _splits(count, "train", "val", "test"):
            file[f"X_{split}"] = grey[start:stop]
            file[f"y_{split}"] = labels[start:stop]
    return Path(path)


def write_pixel_csv(folder: str) -> Path:
    """Write `train.csv` with labels and `test.csv` without, a digit in each line, as Kaggle's digit recognizer has."""
    digits = load_digits()
    pixels = (digits.data * 255 / 16).round().astype(int)
    names = [f"pixel{number}" for number in range(pixels.shape[1])]
    place = Path(folder)
    place.mkdir(exist_ok=True)
    with (place / "train.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["label", *names], *np.column_stack([digits.target, pixels])[:1500].tolist()]
        )
    with (place / "test.csv").open("w", newline="") as file:
        csv.writer(file).writerows([names, *pixels[1500:].tolist()])
    return place


def write_pickle(path: str, count: int = 1797, seed: int = 0) -> Path:
    """Write a dict of x_train, y_train, x_validation, y_validation, x_test and y_test, normalised as courses do it."""
    images, labels = _street_digits(count, seed)
    values = (images / np.float32(255)).astype(np.float32)
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    arrays = {"mean_image": mean, "std_image": deviation}
    for split, (start, stop) in _splits(count, "train", "validation", "test"):
        arrays |= {f"x_{split}": (values[start:stop] - mean) / deviation, f"y_{split}": labels[start:stop]}
    Path(path).write_bytes(pickle.dumps(arrays, protocol=4))
    return Path(path)


def draw_photographs(folder: str, each: int = 40, seed: int = 0) -> Path:
    """Draw pictures of 96x96 of three classes into a folder for each: circles, squares and triangles."""
    random = np.random.default_rng(seed)
    place = Path(folder)
    for name in ("circle", "square", "triangle"):
        (place / name).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            colours = random.integers(0, 256, (2, 3))
            picture = Image.new("RGB", (96, 96), tuple(colours[0].tolist()))
            x, y, r = (int(value) for value in random.integers((30, 30, 14), (66, 66, 28)))
            draw, fill = ImageDraw.Draw(picture), tuple(colours[1].tolist())
            if name == "circle":
                draw.ellipse((x - r, y - r, x + r, y + r), fill)
            elif name == "square":
                draw.rectangle((x - r, y - r, x + r, y + r), fill)
            else:
                draw.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill)
            noisy = np.asarray(picture) + random.normal(0, 12, (96, 96, 3))
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(place / name / f"{number}.png")
    return place


def _splits(count: int, *names: str) -> list[tuple[str, tuple[int, int]]]:
    """Return where each of three splits begins and ends: seven tenths, one tenth, two tenths."""
    ends = (0, count * 7 // 10, count * 8 // 10, count)
    return [(name, ends[place : place + 2]) for place, name in enumerate(names)]


def _street_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    digits, random = load_digits(), np.random.default_rng(seed)
    order = random.permutation(len(digits.target))[:count]
    images = np.empty((len(order), 32, 32, 3), np.uint8)
    for place, number in enumerate(order):
        left, right = digits.images[random.integers(0, len(digits.target), 2)] / 16
        row = np.hstack([left, digits.images[number] / 16, right])  # three digits beside each other, 8x24
        wide = Image.fromarray((row * 255).astype(np.uint8)).resize((84, 28), Image.Resampling.BILINEAR)
        start = 26 + int(random.integers(-2, 3))  # the middle one, cut out with a little of the others
        ink = np.full((32, 32), 0.0)
        ink[2:30] = np.asarray(wide)[:, start : start + 32] / 255
        front, wall = random.integers(0, 256, (2, 3))
        if abs(int(front.mean()) - int(wall.mean())) < 60:
            front = (wall + 128) % 256
        shade = ink[..., None] * front + (1 - ink[..., None]) * wall + random.normal(0, 10, (32, 32, 1))
        images[place] = shade.clip(0, 255).astype(np.uint8)
    return images, digits.target[order]
