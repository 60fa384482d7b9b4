"""Statistics of the pictures that a classifier was trained on, and whether other pictures are far from them.

A network trained on white digits on black is just as certain about black digits on white. The mean grey of a picture
and the spread around it reveal such a mistake, a wrong exposure, or pictures that came out black; they do not reveal
what a picture shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from picturewise.data.arrays.lazy_rows import Table

_QUANTILES = (0.0, 0.005, 0.995, 1.0)
_MARGIN = (
    0.25  # of the distance of the quantiles; for a normal distribution, 3.9 standard deviations are inside
)
_LEAST = 32.0, 16.0  # grey levels, for mean and spread: smaller differences are visible, but normal
_FEW = (
    5.0  # the margin grows by this divided by the number of pictures, because quantiles of a few are inexact
)
_SHARE = 0.05  # of the pictures; any set may have fewer odd ones

Ends = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class LearnedPictures:
    """Least, 0.5 % quantile, 99.5 % quantile and most over train's pictures, in grey levels from 0 to 255.

    Attributes:
        mean: of the mean over a picture.
        spread: of the standard deviation over a picture.
        count: of pictures.
    """

    mean: Ends
    spread: Ends
    count: int

    def __post_init__(self) -> None:
        for name in ("mean", "spread"):
            ends = getattr(self, name)
            numbers = isinstance(ends, tuple) and all(type(end) in {int, float} for end in ends)
            if (
                not numbers
                or len(ends) != 4
                or list(ends) != sorted(ends)
                or not 0 <= ends[0] <= ends[3] <= 255
            ):
                raise ValueError(f"learned.{name} must be four increasing numbers in 0..255")
        if type(self.count) is not int or self.count < 1:
            raise ValueError("learned.count must be a positive integer")

    def note(self, means: NDArray[np.float64], spreads: NDArray[np.float64]) -> str | None:
        """Return the note about pictures; None: they are like those of train.

        Args:
            means: (N,) of each picture, in the classifier's size.
            spreads: (N,) the same.
        """
        kinds: list[tuple[int, str]] = []
        for name, values, ends, most, least, less, more in (
            ("mean", means, self.mean, 255.0, _LEAST[0], "darker", "lighter"),
            ("contrast", spreads, self.spread, 127.5, _LEAST[1], "less contrast", "more contrast"),
        ):
            margin = max(least, (ends[2] - ends[1]) * (_MARGIN + _FEW / self.count))
            # If pictures differ much, the margin reaches black and white; halfway there counts as far, too.
            low = max(ends[1] - margin, ends[1] / 2)
            high = min(ends[2] + margin, (ends[2] + most) / 2)
            if values is spreads:  # noise and other subjects have more, without a wrong range
                high = max(high, 3 * ends[2])
            for word, far in ((less, values < low), (more, values > high)):
                if far.any():
                    kinds.append((int(far.sum()), _sentence(name, word, far, values, ends)))
        if not kinds:
            return None
        count, sentence = max(kinds, key=lambda kind: kind[0])
        return sentence if count >= max(1.0, _SHARE * len(means)) else None


def learned_pictures(sums: Table[np.int64], pixels: int) -> LearnedPictures:
    """Return the statistics of train's pictures.

    Args:
        sums: see `PictureStatistics`.
        pixels: height · width.
    """
    means, spreads = greys(np.asarray(sums[:]), pixels)
    return LearnedPictures(mean=_ends(means), spread=_ends(spreads), count=len(means))


def greys(sums: NDArray[np.int64], pixels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (N,) means and (N,) standard deviations of the grey values of pictures, from their sums."""
    channels = sums.shape[1] // 2  # 2C for grey, 2C + 1 for others
    means = sums[:, :channels].sum(axis=1) / (channels * pixels)
    squares = sums[:, -1] / (channels**2 * pixels)
    return means, np.sqrt(np.maximum(squares - means**2, 0))


def _ends(values: NDArray[np.float64]) -> Ends:
    least, low, high, most = (round(float(value), 2) for value in np.quantile(values, _QUANTILES))
    return least, low, high, most


def _sentence(name: str, word: str, far: NDArray[np.bool_], values: NDArray[np.float64], ends: Ends) -> str:
    count, several = int(far.sum()), len(far) > 1
    verb = ("have" if several else "has") if word.endswith("contrast") else ("are" if several else "is")
    return (
        f"{count:,} of {len(far):,} picture{'s' * several} {verb} much {word} than those that the "
        f"classifier was trained on ({name} {float(np.median(values[far])):.0f}, in training "
        f"{ends[1]:.0f}..{ends[2]:.0f}).{_QUESTIONS[word]}"
    )


_QUESTIONS = {
    "lighter": " Are they inverted?",
    "darker": " Are they inverted, or stored in another value range?",
    "less contrast": " Are they blank, or stored in another value range?",
    "more contrast": " Were they prepared like the training pictures?",
}
