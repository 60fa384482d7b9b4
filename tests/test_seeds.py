from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from picturewise.seeds import derive, stream


def test_streams_are_these_on_every_machine_and_in_every_version() -> None:
    """A change here would silently break every recipe's promise to be repeatable."""
    assert derive(0, "order", 1) == 4374215849138048446
    assert stream(0, "order", 1).permutation(8).tolist() == [4, 5, 6, 1, 7, 0, 3, 2]


@given(st.integers(0, 2**31 - 1), st.text(max_size=8), st.lists(st.integers(0, 2**40), max_size=3))
def test_a_seed_is_a_number_that_numpy_and_pytorch_take(seed: int, name: str, indices: list[int]) -> None:
    assert 0 <= derive(seed, name, *indices) < 2**63


def test_seed_name_and_every_index_make_a_separate_stream() -> None:
    places = [
        (0, "a"),
        (1, "a"),
        (0, "b"),
        (0, "a", 1),
        (0, "a", 1, 2),
        (0, "a", 2, 1),
        (0, "a", 12),
        (11, "a"),
    ]
    assert len({derive(*place) for place in places}) == len(places)


def test_a_stream_starts_again_each_time_and_leaves_global_state_unchanged() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 (the very thing that must not change)
    first, second = stream(3, "augment", 1, 2), stream(3, "augment", 1, 2)
    assert first.random(5).tolist() == second.random(5).tolist()
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
