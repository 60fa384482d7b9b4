"""Small sets of noisy pictures, as a search needs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CLASSES, SIDE = 4, 6


def drawn(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy pictures (N, 6, 6) with a bright row for each class, and labels (N,); some are hard."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    pictures = random.integers(0, 160, (count, SIDE, SIDE))
    pictures[np.arange(count), labels + 1] += random.integers(0, 90, (count, 1))
    return pictures.astype(np.uint8), labels.astype(np.int64)


def saved(path: Path, *, test_shift: int = 0) -> Path:
    """Save train, validation and test; with a shift, the labels of the test pictures are wrong."""
    (train, train_labels), (valid, valid_labels), (test, test_labels) = (
        drawn(160, 0),
        drawn(80, 1),
        drawn(40, 2),
    )
    np.savez(
        path, x_train=train, y_train=train_labels, x_valid=valid, y_valid=valid_labels, x_test=test,
        y_test=(test_labels + test_shift) % CLASSES,
    )  # fmt: skip
    return path
