from __future__ import annotations

import numpy as np
import pytest

import picturewise
from picturewise.data.dataset import Dataset
from picturewise.data.options import DataOptions
from picturewise.data.splitting.halves import halved
from picturewise.errors import DataError


def dataset(count: int = 60, *, seed: int = 0) -> Dataset:
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, 4, 4), dtype=np.uint8)
    labels = np.arange(count) % 3
    return picturewise.make_dataset(
        (images, labels), valid=(images[::-1].copy(), labels[::-1].copy()), test_fraction=0
    )


def prints(part: object) -> list[bytes]:
    return [image.tobytes() for image in np.asarray(part.images)]  # type: ignore[attr-defined]


def test_the_halves_are_disjoint_stratified_and_complete() -> None:
    whole = dataset()
    halves = [halved(whole, half, DataOptions()).split("valid") for half in ("choosing", "reporting")]
    assert [part.counts() for part in halves] == [{"0": 10, "1": 10, "2": 10}] * 2
    assert sorted(prints(halves[0]) + prints(halves[1])) == sorted(prints(whole.split("valid")))


def test_train_stays_and_a_note_says_what_is_used() -> None:
    whole = dataset()
    half = halved(whole, "choosing", DataOptions())
    assert half.train is whole.train
    assert (
        half.notes[-1] == "30 of 60 validation pictures are used, divided class by class: the choosing half."
    )


def test_another_split_seed_gives_other_halves() -> None:
    one, other = (
        halved(dataset(), "choosing", DataOptions(split_seed=seed)).split("valid") for seed in (0, 1)
    )
    assert one.fingerprint != other.fingerprint


def test_equal_pictures_are_in_the_same_half() -> None:
    random = np.random.default_rng(0)
    images = np.repeat(random.integers(0, 256, (30, 4, 4), dtype=np.uint8), 2, axis=0)
    labels = np.repeat(np.arange(30) % 2, 2)
    whole = picturewise.make_dataset((images, labels), valid=(images, labels), test_fraction=0)
    halves = [
        set(prints(halved(whole, half, DataOptions()).split("valid"))) for half in ("choosing", "reporting")
    ]
    assert not halves[0] & halves[1]


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(DataError, match="18 validation pictures cannot be divided"):
        halved(dataset(18), "choosing", DataOptions())


def test_a_run_can_use_one_half(tmp_path: object) -> None:
    run = picturewise.train(
        "digits",
        model="mlp 4",
        epochs=1,
        valid_half="reporting",
        folds=0,
        limit=200,
        out=f"{tmp_path}/run",
        progress=False,
    )
    assert run.record.data.splits["valid"].pictures < 100
    assert picturewise.resume(run).record.status == "finished"
