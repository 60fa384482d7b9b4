from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from picturewise.data.pictures import decode_files, quick_jpeg
from picturewise.data.pictures.decode import Box, Form, PictureHeader, read_bytes, read_pixels
from picturewise.data.pictures.decode_files import decode_each, decoding, look_and_decode_each
from picturewise.data.pictures.quick_jpeg import PlainJpeg, pixels_of, plain_jpeg
from picturewise.errors import PictureError

FORM = Form(32, 32, 3, "crop")


def drawn(seed: int, height: int = 32, width: int = 32) -> Image.Image:
    """Return soft colours with some noise, so that every step of the decoder matters."""
    random = np.random.default_rng(seed)
    rough = Image.fromarray(random.integers(0, 256, (4, 5, 3), np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    noise = random.integers(-20, 21, (height, width, 3))
    return Image.fromarray(np.clip(np.asarray(rough) + noise, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def read(content: bytes, form: Form, box: Box | None, *, quick: bool) -> tuple[PictureHeader, bytes] | str:
    try:
        return read_bytes(content, form, lambda _: None, box=box, quick=quick)
    except PictureError as error:
        return error.reason


def with_orientation(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    "options", [{"subsampling": 0}, {"subsampling": 1}, {"subsampling": 2}, {"mode": "L"}]
)
@pytest.mark.parametrize("quality", [5, 60, 95, 100])
def test_plain_files_have_the_pixels_of_pillow(
    progressive: bool, options: Mapping[str, Any], quality: int
) -> None:
    shapes = [(32, 32), (1, 1), (7, 90), (33, 17), (64, 120)]
    for seed, (height, width) in enumerate(shapes):
        content = encoded(drawn(seed, height, width), quality=quality, progressive=progressive, **options)
        assert plain_jpeg(content) == PlainJpeg(height, width, "mode" not in options)
        for form in (FORM, Form(32, 32, 1, "stretch"), Form(40, 24, 3, "pad")):
            for box in (None, (0, 0, 7, 5), (-3, 0, 200, 200), (500, 0, 600, 9)):
                assert read(content, form, box, quick=True) == read(content, form, box, quick=False)
        assert (
            read_pixels(content, FORM, lambda _: None, quick=True)
            == read(content, FORM, None, quick=False)[1]
        )


def test_the_library_is_used_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    real = quick_jpeg.pixels_of
    monkeypatch.setattr(quick_jpeg, "pixels_of", lambda *given: used.append(given) or real(*given))
    content = encoded(drawn(0))
    read(content, FORM, None, quick=True)
    assert len(used) == 1
    read(content, FORM, None, quick=False)
    assert len(used) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"exif": with_orientation(6)},
        {"icc_profile": b"x" * 200},
        {"mode": "CMYK"},
        {"keep_rgb": True, "subsampling": 0},
    ],
)
def test_all_others_are_left_to_pillow(options: Mapping[str, Any]) -> None:
    content = encoded(drawn(0, 20, 30), **options)
    assert plain_jpeg(content) is None
    assert read(content, FORM, None, quick=True) == read(content, FORM, None, quick=False)


def test_what_pillow_scales_while_it_decodes_is_left_to_it() -> None:
    content = encoded(drawn(0, 200, 220))
    small = Form(20, 20, 3, "crop")
    assert read(content, small, None, quick=True) == read(content, small, None, quick=False)
    assert read(content, small, (0, 0, 150, 150), quick=True) == read(
        content, small, (0, 0, 150, 150), quick=False
    )


def test_damaged_files_have_the_result_of_pillow() -> None:
    random = np.random.default_rng(0)
    results = set()
    for seed in range(300):
        content = bytearray(encoded(drawn(seed, 20, 24), quality=70, progressive=bool(seed % 2)))
        kind = seed % 3
        if kind == 0:
            del content[int(random.integers(0, len(content))) :]
        elif kind == 1:
            for place in random.integers(0, len(content), 3):
                content[place] = int(random.integers(0, 256))
        else:
            content += b"\xff\xd9 and more"
        found = read(bytes(content), FORM, None, quick=True)
        assert found == read(bytes(content), FORM, None, quick=False)
        results.add(isinstance(found, str))
    assert results == {True, False}


@pytest.mark.parametrize("cut", [0, 1, 3, 20, 100, 300])
def test_markers_that_are_cut_off_are_nothing(cut: int) -> None:
    content = encoded(drawn(0))
    start = content.index(b"\xff\xda")
    assert plain_jpeg(content[: min(cut, start)]) is None


def test_a_warning_of_the_library_is_no_picture() -> None:
    content = encoded(drawn(0))
    plain = plain_jpeg(content)
    assert plain is not None
    assert pixels_of(content, plain) is not None
    assert pixels_of(content[:-40], plain) is None
    assert pixels_of(content, plain._replace(height=31)) is None


def test_only_many_files_are_worth_loading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert decoding(FORM, look=False, files=5000).request["quick"]
    assert not decoding(FORM, look=False, files=50).request["quick"]
    assert not decoding(None, look=True, files=5000).request["quick"]
    monkeypatch.setattr(quick_jpeg, "is_installed", lambda: False)
    assert not decoding(FORM, look=False, files=5000).request["quick"]


@pytest.mark.slow  # it starts processes
def test_an_import_is_the_same_with_and_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = []
    for number in range(60):
        path = tmp_path / f"{number}.jpg"
        content = (
            encoded(drawn(number), exif=with_orientation(number % 9))
            if number % 4 == 0
            else encoded(drawn(number))
        )
        path.write_bytes(content[: len(content) - 30 * (number % 10 == 9)])
        paths.append(path)
    without = look_and_decode_each(paths, FORM, lambda _: None)
    plain = decode_each(paths, FORM, lambda _: None)
    monkeypatch.setattr(decode_files, "_MANY", 1)
    looks, images = look_and_decode_each(paths, FORM, lambda _: None)
    again, errors = decode_each(paths, FORM, lambda _: None)
    good = [number for number in range(60) if number % 10 != 9]
    assert list(map(repr, looks)) == list(map(repr, without[0]))
    assert {*errors} == {*plain[1]} == {*range(9, 60, 10)}
    for other in (without[1], again, plain[0]):
        assert np.array_equal(images[good], other[good])
