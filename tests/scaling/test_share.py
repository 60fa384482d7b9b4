from __future__ import annotations

import numpy as np

from picturewise.scaling.share import Shares


def test_every_part_is_given_out_once_whoever_asks_and_dies() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        numbers = list(range(int(random.integers(1, 40))))
        workers = int(random.integers(1, 6))
        shares, done = Shares(numbers, workers), list[int]()
        idle = 0
        while idle < 20:
            worker = int(random.integers(workers))
            part = shares.next(worker)
            if part is None:
                idle += 1
            elif random.random() < 0.2:
                shares.give_back(worker, part)
            else:
                done.append(part)
        assert sorted(done) == numbers


def test_a_worker_gets_neighbours() -> None:
    shares = Shares(range(100), 2)
    assert [shares.next(0) for _ in range(50)] == list(range(50))
    assert shares.next(1) == 50
    assert shares.next(0) == 75  # half of what is left for the other one
