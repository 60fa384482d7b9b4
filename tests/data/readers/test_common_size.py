from __future__ import annotations

import pytest

from picturewise.data.pictures.decode import PictureHeader
from picturewise.data.readers.common_size import row_size


def headers(*sizes: tuple[int, int]) -> list[PictureHeader]:
    return [PictureHeader(height, width, True) for height, width in sizes]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (((30, 61), (30, 61)), (30, 61)),  # one size is kept
        (((34, 50), (34, 60), (34, 70)), (32, 64)),
        (((10, 20), (11, 20), (12, 20)), (32, 64)),
        (((300, 300), (300, 301)), (32, 40)),
        (((32, 1000), (33, 1000)), (32, 224)),  # at most 224 wide
        (((32, 1), (33, 1)), (32, 8)),
    ],
)
def test_the_size_of_rows_of_symbols(sizes: tuple[tuple[int, int], ...], expected: tuple[int, int]) -> None:
    size, notes = row_size(headers(*sizes), "stretch")
    assert size == expected
    assert len(notes) == (len(set(sizes)) > 1)


def test_nine_in_ten_keep_their_proportions_or_become_wider() -> None:
    size, (note,) = row_size(headers(*((32, 32 + number) for number in range(101))), "pad")
    assert size == (32, 128)  # 32 + 90 pixels, as a multiple of 8
    assert "and 32 to 132 in width, so each was resized to 32x128 (resize: pad)" in note
