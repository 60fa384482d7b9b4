from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from picturewise.training.shards import FEWEST_PICTURES, added, shard_bounds, tree_sum

powers = st.integers(0, 5).map(lambda exponent: 2**exponent)


@given(st.integers(1, 300), powers)
def test_every_picture_is_in_one_shard(pictures: int, shards: int) -> None:
    bounds = shard_bounds(pictures, shards)
    filled = [(start, stop) for start, stop in bounds if stop > start]
    assert len(bounds) == shards
    assert [index for start, stop in filled for index in range(start, stop)] == list(range(pictures))
    sizes = [stop - start for start, stop in filled]
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= min(pictures, FEWEST_PICTURES)
    # No shard stays empty that could have enough pictures.
    assert len(filled) == shards or FEWEST_PICTURES * (len(filled) + 1) > pictures


@given(st.integers(2, 300), st.integers(0, 2))
def test_the_work_is_spread_over_the_workers(pictures: int, exponent: int) -> None:
    workers, bounds = 2**exponent, shard_bounds(pictures, 8)
    own = 8 // workers
    busy = [
        sum(stop > start for start, stop in bounds[rank * own : (rank + 1) * own]) for rank in range(workers)
    ]
    assert max(busy) - min(busy) <= 1


def numbers(count: int, seed: int) -> list[Tensor | None]:
    """Vectors whose sum depends on the order, some of them missing; -0.0 is among their values."""
    random = torch.Generator().manual_seed(seed)
    found: list[Tensor | None] = []
    for _ in range(count):
        values = torch.randn(50, generator=random) * 10 ** torch.randint(-4, 5, (50,), generator=random)
        values[:3] = -0.0
        found.append(None if torch.rand(1, generator=random) < 0.3 else values)
    return found


@pytest.mark.parametrize("workers", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("seed", range(5))
def test_the_sum_does_not_depend_on_who_computes_parts_of_it(workers: int, seed: int) -> None:
    def total(workers: int) -> Tensor | None:
        parts, own = numbers(16, seed), 16 // workers
        sums = [tree_sum(parts.__getitem__, rank * own, own) for rank in range(workers)]
        # Workers without pictures send zeros.
        sent = [torch.zeros(50) if one is None else one for one in sums] if workers > 1 else sums
        return tree_sum(sent.__getitem__, 0, workers)

    found, alone = total(workers), total(1)
    assert found is not None
    assert alone is not None
    assert found.view(torch.int32).tolist() == alone.view(torch.int32).tolist()
    assert torch.allclose(
        found, torch.stack([one for one in numbers(16, seed) if one is not None]).sum(0), rtol=1e-3
    )


def test_nothing_added_to_nothing_is_nothing() -> None:
    assert added(None, None) is None
    assert tree_sum(lambda number: None, 0, 8) is None
