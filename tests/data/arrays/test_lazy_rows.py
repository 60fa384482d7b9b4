from __future__ import annotations

import numpy as np
import pytest

from picturewise.data.arrays.lazy_rows import Rows, chosen

ARRAY = np.arange(60, dtype=np.uint8).reshape(5, 2, 3, 2)
PLACES = np.array([4, 0, 2])


@pytest.mark.parametrize("key", [1, -1, slice(None), slice(1, 9), np.array([2, 2]), np.array([], np.int64)])
def test_a_choice_reads_as_the_chosen_rows_would(key: object) -> None:
    found = Rows(ARRAY, PLACES)[key]
    np.testing.assert_array_equal(found, ARRAY[PLACES][key])  # type: ignore[index]


def test_several_rows_are_copied() -> None:
    assert not np.shares_memory(Rows(ARRAY, PLACES)[:], ARRAY)


def test_it_has_the_form_of_an_array() -> None:
    rows = Rows(ARRAY, PLACES)
    assert (len(rows), rows.shape, rows.ndim, rows.dtype) == (3, (3, 2, 3, 2), 4, np.dtype(np.uint8))
    np.testing.assert_array_equal(np.asarray(rows), ARRAY[PLACES])
    assert np.asarray(rows, np.int64).dtype == np.int64
    with pytest.raises(ValueError, match="only become one array by copying"):
        np.array(rows, copy=False)


def test_a_choice_of_a_choice_goes_back_to_the_array() -> None:
    twice = chosen(chosen(ARRAY, PLACES), np.array([2, 0]))
    np.testing.assert_array_equal(twice[:], ARRAY[[2, 4]])
    assert twice._array is ARRAY


def test_a_place_out_of_the_choice_is_an_error() -> None:
    with pytest.raises(IndexError):
        Rows(ARRAY, PLACES)[3]
