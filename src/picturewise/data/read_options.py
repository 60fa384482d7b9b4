"""The options for reading pictures: those of a recipe, or those of a classifier, which knows its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from picturewise.data.arrays.symbols import Symbols
    from picturewise.data.arrays.value_range import Ends
    from picturewise.data.hints import ValidHalf
    from picturewise.data.pictures.background import Background
    from picturewise.data.pictures.resize_mode import ResizeMode


class ReadOptions(Protocol):
    """The options that `read` needs; see `DataOptions` for their meaning. A share of 0 holds nothing out."""

    @property
    def size(self) -> tuple[int, int] | None: ...  # noqa: D102 (DataOptions describes each)
    @property
    def resize(self) -> ResizeMode | None: ...  # noqa: D102
    @property
    def background(self) -> Background | None: ...  # noqa: D102
    @property
    def classes(self) -> tuple[str, ...] | None: ...  # noqa: D102
    @property
    def skip_bad(self) -> bool: ...  # noqa: D102
    @property
    def valid_fraction(self) -> float: ...  # noqa: D102
    @property
    def test_fraction(self) -> float: ...  # noqa: D102
    @property
    def split_seed(self) -> int: ...  # noqa: D102
    @property
    def valid_half(self) -> ValidHalf | None: ...  # noqa: D102
    @property
    def limit(self) -> int | None: ...  # noqa: D102
    @property
    def group_by(self) -> str | None: ...  # noqa: D102
    @property
    def learned(self) -> Ends | None: ...  # noqa: D102
    @property
    def symbols(self) -> Symbols | None: ...  # noqa: D102
    @property
    def leaves_valid_open(self) -> bool:
        """Whether folds may replace the validation split that is held out."""

    @property
    def photographs(self) -> tuple[int, int] | None:
        """Height and width for colour photographs whose size is not given; None: as for other pictures."""


@dataclass(frozen=True)
class AsItIs:
    """The splits that a source has, resized: nothing is held out, limited or renumbered.

    If the pictures are for a classifier, `learned` are the stored values of black and white that it was trained on, and
    `symbols` are those of its sequences, if it reads sequences.

    This is not a pydantic model, so that predicting one picture does not have to import pydantic.
    """

    size: tuple[int, int] | None = None
    resize: ResizeMode | None = "crop"
    skip_bad: bool = False
    classes: tuple[str, ...] | None = None
    valid_fraction: float = 0.0
    test_fraction: float = 0.0
    split_seed: int = 0
    valid_half: ValidHalf | None = None
    limit: int | None = None
    group_by: str | None = None
    background: Background | None = None
    learned: Ends | None = None
    symbols: Symbols | None = None
    photographs: tuple[int, int] | None = None
    leaves_valid_open: bool = False
