from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from picturewise.data.arrays import row_index
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
    with pytest.raises(ValueError, match="converted to an array only by copying"):
        np.array(rows, copy=False)


def test_a_choice_of_a_choice_goes_back_to_the_array() -> None:
    twice = chosen(chosen(ARRAY, PLACES), np.array([2, 0]))
    np.testing.assert_array_equal(twice[:], ARRAY[[2, 4]])
    assert twice._array is ARRAY


def test_a_place_out_of_the_choice_is_an_error() -> None:
    with pytest.raises(IndexError):
        Rows(ARRAY, PLACES)[3]


SHAPE = (3, 2, 3, 2)
TRUTH = np.arange(36).reshape(SHAPE) % 5 == 0
INDICES = [
    (0, slice(None), slice(None), 0),
    (slice(None, 2), 1),
    (slice(None, None, -2), ..., 0),
    np.int64(1),
    np.array(2),
    [2, 0],
    [],
    [True, False, True],
    np.array([[0, 1], [-1, 0]]),
    np.array([2, 0], np.uint8),
    np.array([False, False, True]),
    np.zeros(3, bool),
    TRUTH,
    TRUTH[:, 0, 0, 0],
    TRUTH[:, :, 0, 0],
    (TRUTH[:, :, 0, 0], 1),
    (slice(None), TRUTH[0, :, :, 0]),
    (..., 0),
    (...,),
    (None, 0),
    (None, ..., [0, 1]),
    (slice(1, None), None, [0, 1]),
    (0, slice(None), [0, 2, 1]),
    ([0, 1], slice(None), slice(None), [1, 0]),
    ([[0], [1]], [0, 1]),
    (slice(None), [0, 1], [2, 0]),
    (slice(None), 0, slice(None), [1, 0]),
    (1, 1, 2, 1),
    (),
    None,
    True,
    False,
    (True, 0),
]


@pytest.mark.parametrize("key", INDICES, ids=repr)
def test_every_index_gives_what_it_gives_on_the_whole_array(key: object) -> None:
    found, expected = Rows(ARRAY, PLACES)[key], ARRAY[PLACES][key]  # type: ignore[index]
    np.testing.assert_array_equal(found, expected)
    assert (np.shape(found), found.dtype) == (np.shape(expected), expected.dtype)


@hypothesis.given(
    st.one_of(
        arrays.basic_indices(SHAPE, allow_newaxis=True, allow_ellipsis=True),
        arrays.integer_array_indices(SHAPE),
        st.tuples(arrays.basic_indices(SHAPE[:1]), arrays.integer_array_indices((2,))).map(
            lambda pair: (*(pair[0] if isinstance(pair[0], tuple) else (pair[0],)), *pair[1])
        ),
    )
)
@hypothesis.settings(max_examples=40)
def test_any_index_gives_what_it_gives_on_the_whole_array(key: object) -> None:
    np.testing.assert_array_equal(Rows(ARRAY, PLACES)[key], ARRAY[PLACES][key])  # type: ignore[index]


@pytest.mark.parametrize(
    "key",
    [
        (0, 0, 0, 0, 0), (..., ...), 3, -4, (3, 0), (-4, 0), (0, 2), [3], 0.0, "0", [0.0], np.ones(4, bool),
        (np.ones((3, 3), bool), 0), np.ones((3, 2, 3, 1), bool),
    ],
    ids=repr,
)  # fmt: skip
def test_an_index_that_the_array_refuses_is_an_index_error(key: object) -> None:
    with pytest.raises(IndexError):
        ARRAY[PLACES][key]  # type: ignore[index]
    with pytest.raises(IndexError):
        Rows(ARRAY, PLACES)[key]


class _Watched(np.ndarray):
    """An array that keeps the most numbers that an index of it copied."""

    most = 0

    def __getitem__(self, key: object) -> object:
        found = np.asarray(self)[key]  # type: ignore[index]
        if np.shares_memory(found, self):
            return found.view(_Watched)
        _Watched.most = max(_Watched.most, found.size)
        return found


@pytest.mark.parametrize(
    ("key", "most"),
    [
        ((0, slice(None), slice(None), 0), 0),
        ((slice(0, 2), 0, 0, 0), 2),
        ((slice(0, 5), ..., 0), 5 * 6),
        (([3, 3, 1], 0, 0, 0), 2 * 12),
        (np.arange(100 * 12).reshape(100, 2, 3, 2) < 18, 2 * 12),
        (slice(7, 9), 2 * 12),
    ],
    ids=repr,
)
def test_an_index_copies_the_rows_that_it_names_and_no_others(key: object, most: int) -> None:
    array = np.zeros((100, 2, 3, 2), np.uint8).view(_Watched)
    _Watched.most = 0
    row_index.taken(array, np.arange(100)[::-1], key)
    assert _Watched.most == most


def test_it_is_iterated_counted_and_computed_with_like_an_array() -> None:
    rows, whole = Rows(ARRAY, PLACES), ARRAY[PLACES]
    assert (rows.size, rows.nbytes) == (whole.size, whole.nbytes)
    for found, expected in zip(rows, whole, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(rows / 255, whole / 255)
    np.testing.assert_array_equal(1 - rows.astype(np.float32), 1 - whole.astype(np.float32))
    np.testing.assert_array_equal(rows[rows > 30], whole[whole > 30])
    np.testing.assert_array_equal(rows.reshape(3, -1), whole.reshape(3, -1))
    assert rows.mean() == np.mean(rows) == whole.mean()
    assert "mean" in dir(rows)
    assert len(repr(rows)) < 100
    with pytest.raises(AttributeError, match="no attribute 'fill'"):
        rows.fill(0)
    with pytest.raises(TypeError):
        rows[0] = 1
    with pytest.raises(TypeError):
        rows += 1
