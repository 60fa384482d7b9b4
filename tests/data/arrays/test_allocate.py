from __future__ import annotations

import pytest

from picturewise.data.arrays.allocate import allocate_in_memory
from picturewise.errors import DataError


def test_more_pictures_than_memory_are_refused_with_the_bytes_needed() -> None:
    with pytest.raises(DataError, match=r"need 2,929,687,500\.0 GiB of memory, .* Choose a smaller --size"):
        allocate_in_memory(10**12, (1024, 1024), 3)
