from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from picturewise.data.arrays import lazy_rows, picture_statistics
from picturewise.data.arrays.digest import digest
from picturewise.data.arrays.picture_statistics import digest_each, have_digests, measure

PICTURES = st.tuples(
    st.integers(0, 6), st.integers(1, 4), st.integers(1, 4), st.sampled_from([1, 3])
).flatmap(lambda shape: arrays(np.uint8, shape))


def test_equal_pictures_have_equal_digests_and_others_do_not() -> None:
    images = np.zeros((3, 2, 2, 1), np.uint8)
    images[2, 1, 1] = 1
    first, second, third = (row.tobytes() for row in digest_each(images))
    assert first == second == digest(bytes(4))
    assert third == digest(b"\0\0\0\1")
    assert third != first


def test_no_pictures_have_no_digests() -> None:
    assert digest_each(np.zeros((0, 2, 2, 1), np.uint8)).shape == (0, 16)


def test_the_digest_is_that_of_the_pixels_in_any_memory_layout() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 2, 1), dtype=np.uint8)
    np.testing.assert_array_equal(digest_each(images[::2]), digest_each(images)[::2])


@given(PICTURES)
def test_the_sums_are_those_of_wide_numbers(images: NDArray[np.uint8]) -> None:
    wide = images.astype(object)
    expected = [*wide.sum(axis=(0, 1, 2)), *(wide**2).sum(axis=(0, 1, 2))]
    if images.shape[3] == 3:
        expected.append((wide.sum(axis=3) ** 2).sum())
    assert measure(images).totals() == expected


def test_the_largest_pictures_do_not_overflow() -> None:
    images = np.full((1, 1024, 1024, 3), 255, np.uint8)
    pixels = 1024 * 1024
    assert measure(images).totals() == [255 * pixels] * 3 + [255**2 * pixels] * 3 + [765**2 * pixels]


@pytest.mark.parametrize("at_once", [1, 5, 1 << 20])
def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (23, 4, 3, 3), dtype=np.uint8)
    whole = measure(images)
    monkeypatch.setattr(lazy_rows, "_BYTES_AT_ONCE", at_once)
    monkeypatch.setattr(picture_statistics, "_ROWS_AT_ONCE", at_once)
    again = measure(images)
    np.testing.assert_array_equal(again.digests, digest_each(images))
    assert (again.totals(), again.fingerprint()) == (whole.totals(), whole.fingerprint())
    assert have_digests(images, whole.digests)
    for place in (0, 11, 22):
        other = images.copy()
        other[place, 1, 2, 0] += 1
        assert not have_digests(other, whole.digests)


def test_chosen_traits_are_those_of_the_chosen_pictures() -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 2, 2, 3), dtype=np.uint8)
    places = np.array([7, 0, 7])
    found, expected = measure(images).chosen(places), measure(images[places])
    assert (found.totals(), found.fingerprint()) == (expected.totals(), expected.fingerprint())
