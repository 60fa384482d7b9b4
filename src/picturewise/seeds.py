"""One seed, many independent streams: every random choice is a function of (seed, name, indices).

Nothing in Picturewise reads or changes global random state, so the order of a batch and its noise do not depend on
what ran before, and a resumed run repeats an uninterrupted one.
"""

from __future__ import annotations

import hashlib

import numpy as np


def derive(seed: int, name: str, *indices: int) -> int:
    """Return the seed of one stream: an integer in [0, 2**63).

    Args:
        seed: the run's seed, 0 or more.
        name: what the stream is for: `init`, `order`, `augment`, …
        indices: where in the run, such as (epoch, batch).

    >>> derive(0, "order", 1) == derive(0, "order", 1)
    True
    >>> derive(0, "order", 1) == derive(0, "order", 2)
    False
    """
    key = "/".join([str(seed), name, *map(str, indices)])
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little") >> 1


def stream(seed: int, name: str, *indices: int) -> np.random.Generator:
    """Return NumPy's generator for one stream; see `derive` for the arguments."""
    return np.random.Generator(np.random.PCG64(derive(seed, name, *indices)))
