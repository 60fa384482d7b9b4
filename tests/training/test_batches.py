"""Batches gathered on the device of the whole split, compared with those gathered here and sent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from picturewise.data.arrays import lazy_rows
from picturewise.data.imageset import ImageSet
from picturewise.training.batches import SHARE_OF_MEMORY, Batches, fits

RANDOM = np.random.default_rng(0)
CLASSES = ("a", "b", "c", "d")
IMAGES = RANDOM.integers(0, 256, (50, 5, 4, 3), dtype=np.uint8)
LABELS = RANDOM.integers(0, 4, 50)
CPU, GPU = torch.device("cpu"), torch.device("cuda")


def stored(folder: Path) -> ImageSet:
    """Return the pictures as the store has them: a map of a file that may only be read."""
    np.save(folder / "images.npy", IMAGES)
    return ImageSet(np.load(folder / "images.npy", mmap_mode="r"), LABELS, CLASSES, "a test")


@pytest.mark.parametrize("at_once", [1, 7 * 60, 10**9])
@pytest.mark.parametrize("chosen", [np.arange(50), RANDOM.permutation(50)[:31]])
def test_a_split_on_the_device_gives_the_batches_of_one_that_stays_here_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: np.ndarray, at_once: int
) -> None:
    monkeypatch.setattr(lazy_rows, "_BYTES_AT_ONCE", at_once)
    part = stored(tmp_path).select(chosen)
    here, there = (Batches(part, CPU, resident=resident) for resident in (False, True))
    for indices in (RANDOM.permutation(len(part))[:9], np.array([3, 3, 0]), np.arange(len(part))):
        pictures, targets = here.at(indices)
        np.testing.assert_array_equal(pictures.numpy(), IMAGES[chosen][indices], strict=True)
        np.testing.assert_array_equal(
            targets.numpy(), np.eye(4, dtype=np.float32)[LABELS[chosen][indices]], strict=True
        )
        same, equal = there.at(indices)
        np.testing.assert_array_equal(same.numpy(), pictures.numpy(), strict=True)
        np.testing.assert_array_equal(equal.numpy(), targets.numpy(), strict=True)


def test_a_split_on_the_device_is_not_read_again(tmp_path: Path) -> None:
    part = ImageSet(IMAGES.copy(), LABELS.copy(), CLASSES, "a test")
    here, there = (Batches(part, CPU, resident=resident) for resident in (False, True))
    part.images[:] = 0
    assert here.at(np.arange(50))[0].sum() == 0
    np.testing.assert_array_equal(there.at(np.arange(50))[0].numpy(), IMAGES)


def test_batches_can_be_changed_and_the_split_stays_as_it_is() -> None:
    part = ImageSet(IMAGES.copy(), LABELS, CLASSES, "a test")
    for resident in (False, True):
        batches = Batches(part, CPU, resident=resident)
        for changed in batches.at(np.arange(50)):
            changed.zero_()
        pictures, targets = batches.at(np.arange(50))
        np.testing.assert_array_equal(pictures.numpy(), IMAGES)
        np.testing.assert_array_equal(targets.numpy(), np.eye(4, dtype=np.float32)[LABELS])


def test_everything_that_is_returned_is_on_the_device(tmp_path: Path) -> None:
    meta = torch.device("meta")
    for resident in (False, True):
        pictures, targets = Batches(stored(tmp_path), meta, resident=resident).at(np.arange(9))
        assert (pictures.device, pictures.dtype, tuple(pictures.shape)) == (meta, torch.uint8, (9, 5, 4, 3))
        assert (targets.device, targets.dtype, tuple(targets.shape)) == (meta, torch.float32, (9, 4))


def test_pictures_are_kept_on_a_gpu_if_they_take_at_most_a_quarter_of_its_free_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = ImageSet(IMAGES, LABELS, CLASSES, "a test")
    assert SHARE_OF_MEMORY == 0.25
    for free, expected in ((4 * IMAGES.nbytes, True), (4 * IMAGES.nbytes - 1, False), (0, False)):
        # The second number is what the GPU has in all, which is no matter.
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, 10**12))
        assert fits(part, GPU) is expected


def test_the_processor_gathers_where_the_pictures_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10**12, 10**12))
    assert not fits(ImageSet(IMAGES, LABELS, CLASSES, "a test"), CPU)
