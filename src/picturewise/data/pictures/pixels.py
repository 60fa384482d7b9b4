"""A Pillow picture of any mode to (H, W, C) uint8: colours, depth and size.

The largest pictures take 400 MB in Pillow, so work that needs several copies is done in strips. NumPy is imported
where it is needed: a child that decodes one picture would spend most of its time on that import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from picturewise.data.pictures.resize_mode import ResizeMode

_GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F"})
_STRIP = 1 << 20  # pixels
_SIXTEEN_BITS = (0.0, 65535.0)
DEEP = "it has more than 8 bits per value, and the values of black and white are not known"
"""Why a deep picture is refused if its range is unknown; the caller finds the range and tries again."""


class RefusedError(Exception):
    """Why a picture is not used, in a few words, raised where its name is not known."""


def is_grey(mode: str) -> bool:
    """Return whether pictures in a Pillow mode are always grey.

    >>> is_grey("I;16B"), is_grey("P")
    (True, False)
    """
    return mode in _GREY_MODES or mode.startswith("I;16")


class Deep(NamedTuple):
    """Facts about the numbers of a picture of more than 8 bits, in the types that Pillow has.

    Attributes:
        kind: `u2`, `i4` or `f4`.
        low: the smallest.
        high: the largest.
        whole: all are integers.
    """

    kind: str
    low: float
    high: float
    whole: bool


def is_deep(image: Image.Image) -> bool:
    """Return whether a picture holds numbers of more than 8 bits with an unknown range.

    A PPM file declares its white, which Pillow converts to 65535.
    """
    return (image.mode.startswith("I") or image.mode == "F") and image.format != "PPM"


def look_deep(image: Image.Image) -> Deep:
    """Return facts about the numbers of a deep picture.

    Raises:
        RefusedError: some are NaN or infinite.
    """
    import numpy as np  # noqa: PLC0415 (see above)

    low, high, whole, kind = np.inf, -np.inf, True, "f4"
    for _, strip in strips(image):
        values = np.asarray(strip)
        kind = f"{values.dtype.kind}{values.dtype.itemsize}"
        least, most = float(values.min()), float(values.max())
        if not np.isfinite([least, most]).all():
            raise RefusedError(f"its values are in {least:g}..{most:g}, but must be finite")
        low, high = min(low, least), max(high, most)
        whole = whole and (values.dtype.kind != "f" or bool((values == np.rint(values)).all()))
    return Deep(kind, low, high, whole)


def deep_values(image: Image.Image) -> NDArray[np.number[Any]] | None:
    """Return the numbers (H, W) of a deep picture; None: it is not deep."""
    import numpy as np  # noqa: PLC0415 (see above)

    return np.array(image) if is_deep(image) else None


def to_grey_or_rgb(
    image: Image.Image, values: tuple[float, float] | None = None, *, background: str = "white"
) -> Image.Image:
    """Return the picture in Pillow's mode L or RGB, whatever its mode was.

    Args:
        image: of any mode.
        values: the numbers of black and white in a deep picture.
        background: what transparency is put on.

    Raises:
        RefusedError: it is a deep picture, and `values` is missing or does not include its numbers.
    """
    if image.mode.startswith("I") or image.mode == "F":
        if values is None and is_deep(image):
            raise RefusedError(DEEP)
        grey = _to_8_bits(image, values or _SIXTEEN_BITS)
        if "transparency" in image.info:
            _clear(grey, image, background)
        return grey
    if image.has_transparency_data:
        return _on(background, image)
    mode = "L" if image.mode in {"1", "L"} else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _on(background: str, image: Image.Image) -> Image.Image:
    """Return a picture with transparency as RGB."""
    from PIL import Image  # noqa: PLC0415 (needed only where pictures are files)

    opaque = Image.new("RGB", image.size)
    for top, strip in strips(image):
        below = Image.new("RGBA", strip.size, background)
        opaque.paste(Image.alpha_composite(below, strip.convert("RGBA")).convert("RGB"), (0, top))
    return opaque


def _to_8_bits(image: Image.Image, values: tuple[float, float]) -> Image.Image:
    """Return a picture of numbers as L.

    Raises:
        RefusedError: some are out of range, or NaN.
    """
    import numpy as np  # noqa: PLC0415 (see above)
    from PIL import Image  # noqa: PLC0415 (needed only where pictures are files)

    from picturewise.data.arrays.value_range import ValueRange  # noqa: PLC0415 (it imports NumPy)

    scale, found = ValueRange(*values), look_deep(image)
    beyond = 0.5 / scale.factor if found.kind == "f4" else 0.0  # values that are rounded into the range
    if not scale.low - beyond <= found.low <= found.high <= scale.high + beyond:
        raise RefusedError(
            f"its values are in {found.low:g}..{found.high:g}, but must be in {scale.low:g}..{scale.high:g}; if "
            "black and white have other values, pass --value-range LOW..HIGH"
        )
    grey = Image.new("L", image.size)
    for top, strip in strips(image):
        grey.paste(Image.fromarray(scale.scaled(np.asarray(strip))), (0, top))
    return grey


def _clear(grey: Image.Image, image: Image.Image, background: str) -> None:
    """Put the background where a picture of numbers has the number that means "transparent"."""
    import numpy as np  # noqa: PLC0415 (see above)
    from PIL import Image, ImageColor  # noqa: PLC0415 (needed only where pictures are files)

    for top, strip in strips(image):
        clear = np.asarray(strip) == image.info["transparency"]
        grey.paste(ImageColor.getrgb(background)[0], (0, top), Image.fromarray(clear))


def strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yield the picture in strips of whole rows, each with its first row."""
    width, height = image.size
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows)))
        strip.info = image.info  # Pillow does not copy a palette's transparency to a part of the picture
        yield top, strip


def fitted(image: Image.Image, size: tuple[int, int], mode: ResizeMode) -> Image.Image:
    """Return the picture, mode L or RGB, at `size` (height, width); see `resize`."""
    from PIL import Image  # noqa: PLC0415 (needed only where pictures are files)

    (height, width), (own_width, own_height) = size, image.size
    if (own_height, own_width) == size:
        return image
    if mode == "stretch":
        return _resized(image, width, height, (0, 0, own_width, own_height))
    if mode == "crop":
        scale = min(own_width / width, own_height / height)
        left, top = max(0, own_width - scale * width) / 2, max(0, own_height - scale * height) / 2
        return _resized(image, width, height, (left, top, own_width - left, own_height - top))
    scale = min(width / own_width, height / own_height)
    inner_width, inner_height = max(1, round(scale * own_width)), max(1, round(scale * own_height))
    canvas = Image.new(image.mode, (width, height))
    inner = _resized(image, inner_width, inner_height, (0, 0, own_width, own_height))
    canvas.paste(inner, ((width - inner_width) // 2, (height - inner_height) // 2))
    return canvas


def _resized(
    image: Image.Image, width: int, height: int, box: tuple[float, float, float, float]
) -> Image.Image:
    """Return a part of the picture (left, top, right, bottom) at a size.

    First along the rows, then along the columns: Pillow rounds in between, and from version 13 on, it chooses the order
    by the sizes, so a tall picture would have different pixels from those of an older version.
    """
    from PIL import Image  # noqa: PLC0415 (needed only where pictures are files)

    left, top, right, bottom = box
    # When it reduces a picture, Pillow's bilinear filter averages over all pixels.
    bilinear = Image.Resampling.BILINEAR
    narrow = image.resize((width, image.height), bilinear, box=(left, 0, right, image.height))
    return narrow.resize((width, height), bilinear, box=(0, top, width, bottom))


def to_array(image: Image.Image, channels: int) -> NDArray[np.uint8]:
    """Return a picture of mode L or RGB as (H, W, C)."""
    import numpy as np  # noqa: PLC0415 (see above)

    array = np.array(image, dtype=np.uint8)
    return as_channels(array[:, :, np.newaxis] if array.ndim == 2 else array, channels)


def to_bytes(image: Image.Image, channels: int) -> bytes:
    """Return the bytes of `to_array`, without NumPy if Pillow can make these channels."""
    if len(image.mode) > channels:
        return to_array(image, channels).tobytes()
    return (image if len(image.mode) == channels else image.convert("RGB")).tobytes()


def as_channels(pictures: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """(…, H, W, C) → (…, H, W, channels), each 1 or 3: grey is the rounded mean of colours, or repeated."""
    if pictures.shape[-1] == channels:
        return pictures
    import numpy as np  # noqa: PLC0415 (see above)

    if channels == 3:
        return np.repeat(pictures, 3, axis=-1)
    total = pictures.sum(axis=-1, keepdims=True, dtype=np.uint16)
    mean: NDArray[np.uint16] = (total + 1) // 3  # rounded: a third is never halfway
    return mean.astype(np.uint8)
