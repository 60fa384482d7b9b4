"""`Classifier.predict` and `predict_proba` take pictures in every form that Python code has them in."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError, PicturewiseError, SaveError, UsageError
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.description import Description
from picturewise.preparing.preparation import Preparation


class Corner(nn.Module):
    """Tells the first pixel of each picture, so that neither an order nor a unit can be mistaken."""

    def forward(self, batch: Tensor) -> Tensor:
        first = batch[:, :, 0, 0].mean(dim=1) / 64
        return torch.stack([-first, first], dim=1)


def made(channels: int = 1, values: tuple[float, float] | None = None) -> Classifier:
    preparation = Preparation(mean=(127.5,) * channels, std=(1.0,) * channels)
    return Classifier(
        Corner(),
        Description(
            layers=None, shape=(8, 8, channels), resize="crop", classes=("dark", "bright"),
            preparation=preparation, values=values,
        ),
    )  # fmt: skip


GREY, COLOUR = made(), made(3)
PICTURES = np.repeat(np.array([10, 200, 90, 250, 0], np.uint8), 64).reshape(5, 8, 8)
LABELS = ["dark", "bright", "dark", "bright", "dark"]
EXPECTED = GREY.probabilities(PICTURES[..., None])


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


SEVERAL = {
    "(N, H, W)": PICTURES,
    "(N, H, W, C)": PICTURES[..., None],
    "in colour": np.repeat(PICTURES[..., None], 3, axis=3),
    "larger": np.repeat(np.repeat(PICTURES, 2, axis=1), 3, axis=2),
    "not contiguous": np.asfortranarray(PICTURES),
    "read only": np.frombuffer(PICTURES.tobytes(), np.uint8).reshape(5, 8, 8),
    "int64": PICTURES.astype(np.int64),
    "floats 0..1": PICTURES / 255,
    "floats 0..255": PICTURES.astype(np.float32),
    "half floats": (PICTURES / 255).astype(np.float16),
    "flat rows": PICTURES.reshape(5, 64),
    "tensor (N, H, W)": torch.from_numpy(PICTURES),
    "tensor (N, C, H, W)": torch.from_numpy(PICTURES)[:, None],
    "tensor that learns": torch.from_numpy(PICTURES / 255)[:, None].requires_grad_(),
    "ImageSet": ImageSet(PICTURES[..., None], None, (), "five"),
    "list of arrays": list(PICTURES),
    "tuple of arrays": tuple(PICTURES),
    "list of (H, W, C)": list(PICTURES[..., None]),
    "list of tensors": list(torch.from_numpy(PICTURES)),
    "list of Pillow's": [Image.fromarray(pixels) for pixels in PICTURES],
    "list of bytes": [png(pixels) for pixels in PICTURES],
    "list of sets": [PICTURES[:2], ImageSet(PICTURES[2:, :, :, None], None, (), "three")],
}


@pytest.mark.parametrize("classifier", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("form", SEVERAL)
def test_several_pictures_get_a_row_each(form: str, classifier: Classifier) -> None:
    if form == "flat rows" and classifier is COLOUR:
        return  # (5, 64) is one picture to it, see below
    found = classifier.predict_proba(SEVERAL[form])
    assert found.dtype == np.float32
    # Half floats hit the neighbouring byte now and then.
    assert found == pytest.approx(EXPECTED, abs=0.01 if form == "half floats" else 1e-6)
    assert classifier.predict(SEVERAL[form]) == LABELS


ONE = {
    "(H, W)": PICTURES[1],
    "(H, W, 1)": PICTURES[1][..., None],
    "(H, W, 3)": np.repeat(PICTURES[1][..., None], 3, axis=2),
    "tensor (1, H, W)": torch.from_numpy(PICTURES[1])[None],
    "floats": PICTURES[1] / 255,
    "Pillow's": Image.fromarray(PICTURES[1]),
    "Pillow's in colour": Image.fromarray(PICTURES[1]).convert("RGBA"),
    "bytes": png(PICTURES[1]),
    "bytearray": bytearray(png(PICTURES[1])),
    "another size": np.full((30, 20), 200, np.uint8),
}


@pytest.mark.parametrize("form", ONE)
def test_one_picture_gets_one_answer(form: str) -> None:
    found = GREY.predict_proba(ONE[form])
    assert found.shape == (2,)
    assert found == pytest.approx(EXPECTED[1], abs=1e-6)
    assert GREY.predict(ONE[form]) == "bright"


def test_a_path_is_one_picture_and_a_mixture_keeps_its_order(tmp_path: Path) -> None:
    path = tmp_path / "b.png"
    path.write_bytes(png(PICTURES[1]))
    assert GREY.predict(path) == GREY.predict(str(path)) == "bright"
    mixed = [
        PICTURES[0], path, torch.from_numpy(PICTURES[2] / 255), png(np.full((20, 30, 3), 250, np.uint8)),
        Image.fromarray(np.zeros((9, 9), np.uint8)),
    ]  # fmt: skip
    assert GREY.predict_proba(mixed) == pytest.approx(EXPECTED, abs=1e-6)
    assert COLOUR.predict(tuple(mixed)) == LABELS


def test_bytes_are_not_copied_or_changed() -> None:
    before = PICTURES.copy()
    seen: list[np.ndarray] = []
    classifier = made()
    classifier.probabilities = lambda images, names: seen.append(images) or EXPECTED  # type: ignore[method-assign,assignment,func-returns-value]
    classifier.predict_proba(PICTURES)
    assert np.shares_memory(seen[0], PICTURES)
    assert np.array_equal(PICTURES, before)


def test_values_are_in_the_unit_of_the_training_pictures() -> None:
    sixteen = made(values=(0.0, 16.0))
    digits = np.repeat(np.array([1.0, 15.5]), 64).reshape(2, 8, 8)
    found = sixteen.predict_proba(digits)
    assert found == pytest.approx(
        sixteen.probabilities(np.rint(digits * 255 / 16).astype(np.uint8)[..., None])
    )
    assert (
        sixteen.predict(np.full((8, 8), 200, np.uint8)) == "bright"
    )  # bytes say for themselves what they are
    for other in (digits / 16, digits * 10, np.full((8, 8), 3000)):
        with pytest.raises(DataError, match=r"classifier was trained on 0\.\.16"):
            sixteen.predict(other)


def test_floats_of_black_and_white_alone_are_not_taken_for_bytes() -> None:
    assert GREY.predict(np.ones((8, 8))) == "bright"
    assert GREY.predict(np.ones((8, 8), np.uint8)) == "dark"
    assert GREY.predict(np.ones((8, 8), bool)) == "bright"


@pytest.mark.parametrize(
    "value",
    [
        np.full((8, 8), 1000), np.full((8, 8), 1 << 40), np.full((8, 8), -1), np.full((8, 8), 3.7),
        np.full((8, 8), np.nan), np.full((2, 8, 8), np.inf), np.full((8, 8), -0.5), np.full((8, 8), 4095, np.uint16),
        Image.fromarray(np.full((8, 8), 900, np.int32)),
    ],
)  # fmt: skip
def test_values_that_are_no_pixels_are_refused(value: Any) -> None:
    with pytest.raises(DataError, match=r"The input"):
        GREY.predict(value)
    with pytest.raises(DataError, match=r"Item 1 of the list \(counted from 0\)"):
        GREY.predict([PICTURES[0], value])


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (None, UsageError, r"The input is of type NoneType\. Pass a picture file"),
        (3.5, UsageError, r"is of type float"),
        (object(), UsageError, r"is of type object"),
        (np.ndarray, UsageError, r"is of type type"),
        ({"a": PICTURES}, UsageError, r"is of type dict"),
        ({1, 2}, UsageError, r"is of type set"),
        ((item for item in PICTURES), UsageError, r"is of type generator"),
        ([], DataError, r"The list is empty"),
        ((), DataError, r"The list is empty"),
        ([None], UsageError, r"Item 0 of the list \(counted from 0\) is of type NoneType"),
        ([1, 2, 3], UsageError, r"Item 0 .* is of type int"),
        ([[0.1, 0.2], [0.3, 0.4]], UsageError, r"is of type list \(numpy\.array converts lists of numbers\)"),
        ("no such file.png", DataError, r"'no such file\.png' is not an existing file\. Pass the path of a picture"),
        ("digits", DataError, r"'digits' is not an existing file"),
        ("", DataError, r"'' is not an existing file"),
        ("a\0b", DataError, r"is not an existing file"),
        ("x" * 5000, DataError, r"is not an existing file"),
        (".", DataError, r"\. is a folder, not a picture file\. Pass the files in it as a list"),
        (b"", DataError, r"None of the 1 files can be read"),
        (b"GIF89a", DataError, r"None of the 1 files can be read"),
        (np.zeros((0, 8, 8), np.uint8), DataError, r"so it is empty"),
        (ImageSet(np.zeros((0, 8, 8, 1), np.uint8), None, (), "none"), DataError, r"none does not contain pictures"),
        (
            Dataset("five", train=ImageSet(PICTURES[..., None], None, (), "five")),
            UsageError, r"not accepted as a whole\. Pass one of its splits \(train\), such as dataset\.train",
        ),
    ],
)  # fmt: skip
def test_wrong_things_get_a_sentence(value: Any, kind: type[PicturewiseError], said: str) -> None:
    for ask in (GREY.predict, GREY.predict_proba):
        with pytest.raises(kind, match=said):
            ask(value)


def test_a_bad_file_among_good_pictures_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(png(PICTURES[0])[:40])
    with pytest.raises(
        DataError, match=r"1 of 2 files cannot be read as pictures; the first is .*bad\.png: damaged"
    ):
        GREY.predict([PICTURES[0], tmp_path / "bad.png"])


def test_the_uint8_interface_and_saving_tell_what_they_take(tmp_path: Path) -> None:
    for wrong in (None, 3, "x", [PICTURES]):
        with pytest.raises(DataError, match=r"Pictures have type \w+\. .* predict_proba"):
            GREY.probabilities(wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^engine is 'onxx'\. Expected 'auto', 'torch' or 'numpy'\.$"):
        GREY.by_engine("onxx")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^path is None\. Expected a string or a path\.$"):
        GREY.save(None)  # type: ignore[arg-type]
    for wrong in (".", "", "a\0b"):
        with pytest.raises(SaveError, match=r"does not end in a file name"):
            GREY.save(wrong)
    GREY.save(str(tmp_path / "kept.safetensors"))
    assert (tmp_path / "kept.safetensors").is_file()
