from __future__ import annotations

import math

import numpy as np

from picturewise.reference.erf import erf

VALUES = np.concatenate(
    [np.linspace(-7, 7, 20_001), [0.46875, 4, -4, 1e-300, 0, 30], np.geomspace(1e-20, 1, 200)]
)


def test_it_is_pythons_to_the_last_digits() -> None:
    expected = np.array([math.erf(value) for value in VALUES])
    np.testing.assert_allclose(erf(VALUES), expected, rtol=5e-16, atol=0)


def test_in_narrow_numbers_it_stays_narrow_and_as_close() -> None:
    values = VALUES.astype(np.float32)
    found = erf(values)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [math.erf(value) for value in values], atol=2e-7)


def test_at_the_ends_it_is_one_and_no_number_stays_none() -> None:
    np.testing.assert_array_equal(erf(np.array([np.inf, -np.inf, np.nan, 1e300])), [1, -1, np.nan, 1])
