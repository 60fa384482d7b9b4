"""Pictures of numbers, drawn with Pillow's own font, in the forms in which sets of them are published."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from picturewise.data.imageset import ImageSet
from picturewise.targets.places import Places
from picturewise.targets.sequences import DIGITS, labels_of

NUMBERS = ("7", "07", "12", "345", "1900", "88", "3", "41")


def sequences(
    texts: Sequence[str], places: int = 3, alphabet: tuple[str, ...] = DIGITS, *, seed: int = 0
) -> ImageSet:
    """Return noise with these texts as labels."""
    labels = labels_of(texts, alphabet, places, "made by a test")
    images = np.random.default_rng(seed).integers(0, 256, (len(texts), 8, 16, 1), dtype=np.uint8)
    names = [f"{number}.png" for number in range(len(texts))]
    make = functools.partial(Places, places=places)
    return ImageSet(images, labels, alphabet, "made by a test", names, make_target=make)


def draw_number(number: str, *, digit: int = 12, height: int = 20, margin: int = 4) -> Image.Image:
    """Return a number in white on grey, `digit` pixels for each of its digits, centred in its own picture."""
    width = digit * len(number) + 2 * margin
    image = Image.new("RGB", (width, height), (90, 60, 30))
    ink, font = ImageDraw.Draw(image), ImageFont.load_default()
    for place, symbol in enumerate(number):
        ink.text((margin + digit * place + 3, height // 2 - 6), symbol, fill="white", font=font)
    return image


def boxes_of(number: str, *, digit: int = 12, height: int = 20, margin: int = 4) -> list[list[float]]:
    """Return left, top, width, height and label of each digit of `draw_number`."""
    return [
        [margin + digit * place, 2, digit, height - 4, int(symbol) or 10]
        for place, symbol in enumerate(number)
    ]


def write_list(
    root: Path, numbers: Mapping[str, Sequence[str]], *, header: str = "file,number", labels: Any = str
) -> Path:
    """Write pictures of each split into a folder, with a CSV file for each split beside it; return the root."""
    for split, texts in numbers.items():
        (root / split).mkdir(parents=True)
        lines = [header]
        for place, text in enumerate(texts):
            draw_number(text).save(root / split / f"{place:03d}.png")
            lines.append(f"{split}/{place:03d}.png,{labels(text)}")
        (root / f"{split}.csv").write_text("\n".join(lines) + "\n")
    return root


def write_digit_struct(
    folder: Path, numbers: Sequence[str], boxes: Sequence[Sequence[Sequence[float]]] | None = None
) -> Path:
    """Write `digitStruct.mat` as MATLAB 7.3 does; the pictures are 1.png, 2.png and so on.

    Args:
        folder: where it is written.
        numbers: of the pictures.
        boxes: for each picture the left, top, width, height and label of each digit; None: those of `boxes_of`.
    """
    path = folder / "digitStruct.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        refs = file.create_group("#refs#")

        def column(parent: h5py.Group, name: str, found: list[h5py.Reference]) -> None:
            parent.create_dataset(name, (len(found), 1), h5py.ref_dtype)[:, 0] = found

        names, structs = [], []
        for number, text in enumerate(numbers, 1):
            codes = np.array([[ord(letter)] for letter in f"{number}.png"], np.uint16)
            names.append(refs.create_dataset(f"n{number}", data=codes).ref)
            group = refs.create_group(f"s{number}")
            digits = np.array(boxes_of(text) if boxes is None else boxes[number - 1], np.float64)
            fields = zip(("left", "top", "width", "height", "label"), digits.T, strict=True)
            for field, values in fields:
                if len(values) == 1:
                    group.create_dataset(field, data=values[:, np.newaxis])
                else:
                    single = [
                        refs.create_dataset(f"{field}{number}-{place}", data=[[value]])
                        for place, value in enumerate(values)
                    ]
                    column(group, field, [item.ref for item in single])
            structs.append(group.ref)
        top = file.create_group("digitStruct")
        column(top, "name", names)
        column(top, "bbox", structs)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: test".ljust(116) + bytes(8) + b"\x00\x02IM")
    return path


def write_format_1(root: Path, numbers: Mapping[str, Sequence[str]]) -> Path:
    """Write folders of whole numbers as SVHN's format 1 has them."""
    for split, texts in numbers.items():
        (root / split).mkdir(parents=True)
        for number, text in enumerate(texts, 1):
            draw_number(text).save(root / split / f"{number}.png")
        write_digit_struct(root / split, texts)
    return root


def roughen(root: Path, *, seed: int = 0) -> Path:
    """Add noise to all PNG files below a folder, so that no two digits are alike; return the folder."""
    random = np.random.default_rng(seed)
    for path in sorted(root.rglob("*.png")):
        pixels = np.asarray(Image.open(path)).astype(np.int64)
        noisy = np.clip(pixels + random.integers(-40, 41, pixels.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(path)
    return root
