"""Pictures of several requests are computed together, and each request gets its own rows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from picturewise.serving.batching import MOST, Batcher


def pictures(*values: int) -> NDArray[np.uint8]:
    return np.array(values, np.uint8).reshape(-1, 1, 1, 1)


def doubled(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
    if 255 in rows:
        raise ZeroDivisionError
    return 2 * rows.reshape(len(rows), -1).astype(np.float32)


def run(work: Callable[[Batcher], Awaitable[Any]], **options: Any) -> tuple[Any, list[int]]:
    """Return what `work` returns with a batcher, and the sizes of the batches."""
    sizes = list[int]()

    async def inside() -> Any:
        batcher = Batcher(options.pop("compute", doubled), sizes.append, **options)
        try:
            return await work(batcher)
        finally:
            batcher.close()

    return asyncio.run(inside()), sizes


@pytest.mark.parametrize("quick", [0, 2, 1000])
def test_each_request_gets_its_rows(quick: int) -> None:
    async def work(batcher: Batcher) -> list[list[float]]:
        asked = [pictures(*range(first, first + first % 3 + 1)) for first in range(60)]
        found = await asyncio.gather(*map(batcher.probabilities, asked))
        return [rows.ravel().tolist() for rows in found]

    found, sizes = run(work, quick=quick)
    assert found == [[2.0 * (first + more) for more in range(first % 3 + 1)] for first in range(60)]
    assert sum(sizes) == sum(map(len, found))
    assert max(sizes) <= MOST


def test_a_few_pictures_of_a_tiny_network_are_computed_before_anything_else_runs() -> None:
    async def work(batcher: Batcher) -> list[float]:
        other = asyncio.ensure_future(asyncio.sleep(0))
        found = [await batcher.probabilities(pictures(1)), await batcher.probabilities(pictures(2, 3))]
        assert not other.done()
        found.append(await batcher.probabilities(pictures(4, 5, 6)))
        assert other.done()
        return [value for rows in found for value in rows.ravel().tolist()]

    assert run(work, quick=2) == ([2.0, 4.0, 6.0, 8.0, 10.0, 12.0], [1, 2, 3])


def test_a_single_picture_does_not_wait_and_those_that_come_while_one_is_computed_go_together() -> None:
    go_on = threading.Event()

    def slow(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
        go_on.wait(30)
        return doubled(rows)

    async def work(batcher: Batcher) -> None:
        first = asyncio.ensure_future(batcher.probabilities(pictures(1)))
        await asyncio.sleep(0)
        others = [asyncio.ensure_future(batcher.probabilities(pictures(number))) for number in range(5)]
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, *others)

    assert run(work, compute=slow)[1] == [1, 5]


def test_pictures_wait_for_those_that_are_being_decoded_but_not_for_long() -> None:
    async def work(batcher: Batcher) -> None:
        batcher.expect(3)
        waiting = [asyncio.ensure_future(batcher.probabilities(pictures(number))) for number in range(2)]
        await asyncio.sleep(0)
        assert not any(one.done() for one in waiting)
        waiting.append(asyncio.ensure_future(batcher.probabilities(pictures(9))))
        await asyncio.sleep(0)
        batcher.arrived(3)
        await asyncio.gather(*waiting)
        batcher.expect(1)  # it never arrives
        await asyncio.wait_for(batcher.probabilities(pictures(1)), 30)

    assert run(work)[1] == [3, 1]


def test_a_request_that_was_given_up_is_not_computed() -> None:
    async def work(batcher: Batcher) -> None:
        batcher.expect(1)
        waiting = [asyncio.ensure_future(batcher.probabilities(pictures(number))) for number in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.sleep(0)
        batcher.arrived(1)
        assert (await waiting[2]).tolist() == [[4.0]]

    assert run(work)[1] == [2]


@pytest.mark.parametrize("quick", [0, 10])
def test_an_error_reaches_those_of_its_batch_and_the_next_batch_is_computed(quick: int) -> None:
    async def work(batcher: Batcher) -> Any:
        with pytest.raises(ZeroDivisionError):
            await batcher.probabilities(pictures(255))
        return (await batcher.probabilities(pictures(3))).tolist()

    assert run(work, quick=quick)[0] == [[6.0]]
