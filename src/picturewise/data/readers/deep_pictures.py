"""Which values are black and white in picture files of more than 8 bits: one range for all that are read together.

Pillow returns the numbers of 16-bit grey files, of 32-bit files and of floats; of 16-bit colours it returns only the
upper 8 bits, so these are 0..65535, and a PPM file declares its white.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from picturewise.data.arrays.find_value_range import BYTE, Seen, decide
from picturewise.data.arrays.value_range import Ends, ValueRange, is_other_unit, other_unit
from picturewise.data.pictures.decode_files import Look
from picturewise.data.pictures.pixels import Deep
from picturewise.errors import DataError, PictureError

_ADVICE = "Pass the values of black and white with --value-range {ends}."
_SIXTEEN_BITS = (0.0, 65535.0)
_Looks = Sequence[Look | PictureError]


def find_scale(
    looks: _Looks, place: str, *, said: str | None, learned: Ends | None = None
) -> ValueRange | None:
    """Return the range of the numbers in deep picture files; None: all files have 8 bits.

    Args:
        looks: the looks at each file of train, or of the pictures to predict.
        place: what to call them in messages.
        said: the range that the user named.
        learned: the range that a classifier was trained on, if the pictures are for one.

    Raises:
        DataError: the range cannot be found; or a range was named, but no picture is deep.
    """
    seen = _seen(looks)
    if said is not None and not seen and any(isinstance(look, Look) for look in looks):
        raise DataError(
            f"{place} contains only 8-bit pictures, whose values are always read as 0..255. Omit --value-range, or "
            "save them again with values up to 255."
        )
    if not seen:
        return None
    if said is not None:
        return ValueRange.said(said)
    scales = [
        decide(one, place, learned=learned, advice=_ADVICE, deep_file=one.dtype.kind == "u") for one in seen
    ]
    if len({(scale.low, scale.high) for scale in scales}) > 1:
        ranges = " and ".join(f"{_NAMES[one.dtype.str[1:]]} up to {one.high:g}" for one in seen)
        raise DataError(
            f"{place} contains pictures with different ranges: {ranges}. Convert them to the same range, or pass the "
            "values of black and white for all of them with --value-range LOW..HIGH."
        )
    noted = next((scale for scale in scales if not scale.plain), scales[0])
    return replace(noted, bright=any(scale.bright for scale in scales))


_NAMES = {"u2": "16-bit integers", "i4": "32-bit integers", "f4": "floats"}


def scale_for(looks: _Looks, place: str, train: ValueRange | None) -> ValueRange | None:
    """Return the range of the numbers in another split, which is train's; None: there are no deep files.

    Raises:
        DataError: train has no deep files, or files of another range.
    """
    seen = _seen(looks)
    if not seen or train is None:
        if not seen:
            return None
        scale = find_scale(looks, place, said=None)
        if scale is not None and scale.kept == _SIXTEEN_BITS:  # as well defined as 8 bits
            return scale
        ranges = " and ".join(f"{_NAMES[one.dtype.str[1:]]} up to {one.high:g}" for one in seen)
        raise DataError(
            f"{place} contains {ranges}, but the train split contains 8-bit pictures in 0..255. Save all splits in "
            "the same format."
        )
    highest = max(seen, key=lambda one: one.high)
    if is_other_unit(highest.high, train, floats=highest.dtype.kind == "f"):
        raise DataError(other_unit(place, highest.high, train))
    return train


def _seen(looks: _Looks) -> list[Seen]:
    """Return facts about the numbers of deep files, for each of their types."""
    found: dict[str, Seen] = {}
    for index, look in enumerate(looks):
        if isinstance(look, Look) and (deep := look.header.deep) is not None:
            seen = found.setdefault(deep.kind, Seen(np.dtype(deep.kind)))
            seen.size += look.header.height * look.header.width
            _add(seen, index, deep)
    return list(found.values())


def _add(seen: Seen, index: int, deep: Deep) -> None:
    seen.count += 1
    seen.deep += deep.high > BYTE
    if deep.low < seen.low:
        seen.low, seen.lowest = deep.low, index
    if deep.high > seen.high:
        seen.high, seen.highest = deep.high, index
    seen.whole = seen.whole and deep.whole
