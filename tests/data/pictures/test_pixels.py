from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from picturewise.data.pictures import pixels
from picturewise.data.pictures.pixels import (
    DEEP,
    RefusedError,
    as_channels,
    fitted,
    is_grey,
    look_deep,
    to_array,
    to_bytes,
    to_grey_or_rgb,
)


def grey(values: np.ndarray, ends: tuple[float, float]) -> list[int]:
    return np.asarray(to_grey_or_rgb(Image.fromarray(values), ends)).ravel().tolist()


def test_sixteen_bits_become_eight_by_scaling() -> None:
    assert grey(np.array([[0, 128, 129, 257, 65535]], np.uint16), (0, 65535)) == [0, 0, 1, 1, 255]


def test_whole_numbers_in_0_to_255_stay_as_they_are() -> None:
    assert grey(np.array([[0, 7, 255]], np.int32), (0, 255)) == [0, 7, 255]


def test_floats_are_rounded_and_scaled() -> None:
    assert grey(np.array([[0.4, 0.6, 254.6]], np.float32), (0, 255)) == [0, 1, 255]
    assert grey(np.array([[0, 0.5, 1]], np.float32), (0, 1)) == [0, 128, 255]
    assert grey(np.array([[-1, 0, 1]], np.float32), (-1, 1)) == [0, 128, 255]


def test_numbers_of_more_than_eight_bits_mean_nothing_until_their_range_is_given() -> None:
    for kind in (np.uint16, np.int32, np.float32):
        with pytest.raises(RefusedError, match=f"^{DEEP}$"):
            to_grey_or_rgb(Image.fromarray(np.zeros((1, 2), kind)))


@pytest.mark.parametrize("bad", [-200.0, 65700.0])
def test_values_outside_of_the_range_are_refused(bad: float) -> None:
    with pytest.raises(
        RefusedError, match=r"its values are in .*, but must be in 0\.\.65535; .*--value-range"
    ):
        grey(np.array([[0, bad]], np.float32), (0, 65535))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_a_number_is_refused(bad: float) -> None:
    with pytest.raises(RefusedError, match=r"its values are in .*, but must be finite"):
        look_deep(Image.fromarray(np.array([[0, bad]], np.float32)))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I", "I;16", "F"])
def test_modes_without_colour_are_grey(mode: str) -> None:
    assert is_grey(mode)


@pytest.mark.parametrize("mode", ["P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV"])
def test_modes_with_colour_are_not_grey(mode: str) -> None:
    assert not is_grey(mode)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "P"])
def test_every_mode_with_colour_keeps_red_red(mode: str) -> None:
    red = Image.new("RGB", (2, 2), (255, 0, 0))
    lab = Image.new("LAB", (2, 2), (138, 209, 198))  # L* 54, a* 81, b* 70: red under the light of D50
    picture = lab if mode == "LAB" else red.convert(mode)
    found = np.asarray(to_grey_or_rgb(picture)).astype(int)
    assert np.abs(found - [255, 0, 0]).max() <= 5  # eight bits of L*a*b* are coarse


def test_what_is_transparent_becomes_white() -> None:
    clear = Image.new("RGBA", (1, 1), (10, 20, 30, 0))
    half = Image.new("LA", (1, 1), (0, 128))
    assert to_grey_or_rgb(clear).getpixel((0, 0)) == (255, 255, 255)
    assert to_grey_or_rgb(half).getpixel((0, 0)) == (127, 127, 127)


def test_a_transparent_palette_colour_becomes_white() -> None:
    picture = Image.new("P", (1, 1), 0)
    picture.putpalette([10, 20, 30])
    picture.info["transparency"] = 0
    assert to_grey_or_rgb(picture).getpixel((0, 0)) == (255, 255, 255)


def test_one_bit_becomes_black_and_white() -> None:
    assert np.asarray(to_grey_or_rgb(Image.new("1", (1, 1), 1))).tolist() == [[255]]


def test_colour_becomes_grey_by_the_rounded_mean_of_its_channels() -> None:
    sums = np.arange(766)
    colours = np.stack([sums // 3, (sums + 1) // 3, (sums + 2) // 3], axis=1).astype(np.uint8)
    grey = to_array(Image.fromarray(colours[np.newaxis]), 1)
    assert grey.shape == (1, 766, 1)
    np.testing.assert_array_equal(grey.ravel(), np.rint(sums / 3))


def test_many_pictures_become_grey_at_once() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (20, 5, 4, 3), np.uint8)
    grey = as_channels(pictures, 1)
    assert grey.shape == (20, 5, 4, 1)
    for pixel, mean in zip(pictures.reshape(-1, 3).tolist(), grey.reshape(-1).tolist(), strict=True):
        assert mean == round(sum(pixel) / 3)


def test_grey_becomes_colour_by_repetition() -> None:
    assert to_array(Image.new("L", (1, 1), 7), 3).tolist() == [[[7, 7, 7]]]


def stripes() -> Image.Image:
    """Return a picture 2 high and 6 wide: two columns each of 0, 100 and 200."""
    return Image.fromarray(np.repeat([[0, 0, 100, 100, 200, 200]], 2, axis=0).astype(np.uint8))


def test_crop_keeps_the_middle() -> None:
    assert np.asarray(fitted(stripes(), (2, 2), "crop")).tolist() == [[100, 100], [100, 100]]


def test_pad_shows_all_on_black() -> None:
    found = np.asarray(fitted(stripes(), (6, 6), "pad"))
    assert found[:2].max() == found[4:].max() == 0
    np.testing.assert_array_equal(found[2:4], np.asarray(stripes()))


def test_stretch_distorts() -> None:
    found = np.asarray(fitted(stripes(), (1, 3), "stretch"))
    assert found.shape == (1, 3)
    assert found[0, 0] < found[0, 1] < found[0, 2]


def test_reducing_averages_over_the_pixels_left_out() -> None:
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    found = np.asarray(fitted(Image.fromarray(board), (4, 4), "crop"))
    assert np.abs(found.astype(int) - 128).max() <= 2


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize(("width", "height"), [(1, 1000), (1000, 1), (3, 7), (333, 331)])
def test_every_shape_can_be_resized_to_every_size(width: int, height: int, fit: str) -> None:
    for size in [(1, 1), (32, 32), (13, 224), (224, 17)]:
        found = fitted(Image.new("RGB", (width, height), (9, 9, 9)), size, fit)
        assert (found.height, found.width) == size


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB", "L", "1"])
def test_a_picture_in_strips_is_put_on_white_like_a_whole_one(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    image = Image.fromarray(noise)
    image = image.convert("RGB").quantize(16) if mode == "P" else image.convert(mode)
    if mode in {"P", "RGB", "L", "1"}:
        colour = {"P": 3, "RGB": tuple(noise[4, 4, :3].tolist()), "L": image.getpixel((4, 4)), "1": 0}[mode]
        image.info["transparency"] = colour
    white = Image.new("RGBA", image.size, "white")
    expected = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    assert (np.asarray(expected) != np.asarray(image.convert("RGB"))).any()
    monkeypatch.setattr(pixels, "_STRIP", 20)
    np.testing.assert_array_equal(np.asarray(to_grey_or_rgb(image)), np.asarray(expected))


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I", "F"])
def test_numbers_in_strips_are_scaled_as_whole_ones_are(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (9, 7)).astype(np.uint16)
    values[:3] //= 300  # alone, the first strip of a mode without a depth would not be scaled
    kind = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4", "F": "<f4"}[mode]
    image = Image.frombytes(mode, (7, 9), values.astype(kind).tobytes())
    monkeypatch.setattr(pixels, "_STRIP", 20)
    np.testing.assert_array_equal(np.asarray(to_grey_or_rgb(image, (0, 65535))), np.rint(values / 257))
    assert look_deep(image)[1:] == (values.min(), values.max(), True)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("channels", [1, 3])
def test_bytes_are_those_of_the_array(mode: str, channels: int) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)).convert(
        mode
    )
    assert to_bytes(image, channels) == to_array(image, channels).tobytes()
