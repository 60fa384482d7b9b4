from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from picturewise.data.arrays import lazy_rows, picture_statistics
from picturewise.data.imageset import ImageSet
from picturewise.preparing import preparation as preparation_file
from picturewise.preparing.preparation import Preparation


def fit_preparation(images: NDArray[np.uint8], *, grey: bool) -> Preparation:
    return preparation_file.fit_preparation(ImageSet(images, None, (), "the source"), grey=grey)


IMAGES = np.random.default_rng(0).integers(0, 256, (50, 5, 4, 3), dtype=np.uint8)
PICTURES = st.tuples(
    st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.sampled_from([1, 3])
).flatmap(lambda shape: arrays(np.uint8, shape))


def expected(images: NDArray[np.uint8], *, grey: bool) -> tuple[list[float], list[float]]:
    """Mean and standard deviation as NumPy has them, in float64; 1 for a channel that does not change."""
    values = images.astype(np.float64)
    if grey:
        values = values.sum(axis=3, keepdims=True)
    values = values.reshape(-1, values.shape[3])
    scale = images.shape[3] if grey else 1
    std = np.where(np.ptp(values, axis=0) > 0, values.std(axis=0) / scale, 1)
    return (values.mean(axis=0) / scale).tolist(), std.tolist()


@given(PICTURES, st.booleans())
def test_mean_and_deviation_are_those_of_numpy(images: NDArray[np.uint8], grey: bool) -> None:
    found = fit_preparation(images, grey=grey)
    mean, std = expected(images, grey=grey)
    assert found.mean == pytest.approx(mean, rel=1e-12)
    assert found.std == pytest.approx(std, rel=1e-9)
    assert found.grey == (grey and images.shape[3] == 3)


@pytest.mark.parametrize("at_once", [1, 7, 49, 50, 10**9])
def test_they_do_not_depend_on_how_many_pictures_are_summed_at_once_or_in_which_order(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    whole = fit_preparation(IMAGES, grey=False)
    monkeypatch.setattr(picture_statistics, "_ROWS_AT_ONCE", at_once)
    monkeypatch.setattr(lazy_rows, "_BYTES_AT_ONCE", at_once)
    assert fit_preparation(IMAGES, grey=False) == fit_preparation(IMAGES[::-1], grey=False) == whole


def test_pictures_may_be_in_a_memory_map(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", IMAGES)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    assert fit_preparation(mapped, grey=True) == fit_preparation(IMAGES, grey=True)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (100, 100, 101), (1, 0, 0), (7, 130, 254)])
@pytest.mark.parametrize("grey", [False, True])
def test_a_channel_that_never_changes_has_deviation_1_and_becomes_0(
    colour: tuple[int, int, int], grey: bool
) -> None:
    images = np.full((97, 5, 5, 3), colour, np.uint8)
    found = fit_preparation(images, grey=grey)
    assert set(found.std) == {1.0}
    assert found.mean == pytest.approx((sum(colour) / 3,) if grey else colour)
    assert float(found.apply(torch.from_numpy(images)).abs().max()) < 1e-4


def test_the_smallest_change_is_not_constant() -> None:
    images = np.full((1000, 10, 10, 1), 200, np.uint8)
    images[0, 0, 0] = 201
    assert fit_preparation(images, grey=False).std == pytest.approx((images.astype(float).std(),))


@given(PICTURES, st.booleans(), st.booleans())
def test_prepared_pictures_follow_the_formula(images: NDArray[np.uint8], grey: bool, as_floats: bool) -> None:
    fitted = fit_preparation(images, grey=grey)
    pictures = torch.from_numpy(images)
    found = fitted.apply(pictures.float() if as_floats else pictures)
    values = images.astype(np.float64)
    values = values.mean(axis=3, keepdims=True) if grey else values
    formula = (values - np.array(fitted.mean)) / np.array(fitted.std)
    assert found.dtype == torch.float32
    assert tuple(found.shape[1:]) == (fitted.output(images.shape[1:])[2], *images.shape[1:3])
    tolerance = 1e-4 * (1 + 255 / min(fitted.std))
    np.testing.assert_allclose(found.permute(0, 2, 3, 1).numpy(), formula, atol=tolerance, rtol=1e-5)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_train_pictures_get_mean_0_and_deviation_1() -> None:
    found = fit_preparation(IMAGES, grey=False).apply(torch.from_numpy(IMAGES)).double()
    np.testing.assert_allclose(found.mean(dim=(0, 2, 3)).numpy(), 0, atol=1e-6)
    np.testing.assert_allclose(found.std(dim=(0, 2, 3), correction=0).numpy(), 1, atol=1e-6)


def test_applying_changes_no_picture_in_place() -> None:
    floats = torch.from_numpy(IMAGES).float()
    before = floats.clone()
    fit_preparation(IMAGES, grey=False).apply(floats)
    assert torch.equal(floats, before)


def test_what_was_prepared_in_inference_can_be_trained_on_later() -> None:
    preparation = Preparation(mean=(1.25, 2.5, 3.75), std=(5.0, 6.25, 7.5))
    with torch.inference_mode():
        seen = preparation.apply(torch.tensor(IMAGES))
    pictures = torch.tensor(IMAGES, dtype=torch.float32, requires_grad=True)
    prepared = preparation.apply(pictures)
    prepared.sum().backward()
    assert torch.equal(seen, prepared.detach())
    assert pictures.grad is not None
    assert torch.allclose(pictures.grad, (1 / torch.tensor(preparation.std)).expand(IMAGES.shape))


def test_a_preparation_is_frozen_and_survives_json_in_a_record() -> None:
    class Record(BaseModel):
        preparation: Preparation

    fitted = fit_preparation(IMAGES, grey=True)
    text = Record(preparation=fitted).model_dump_json()
    assert Record.model_validate_json(text).preparation == fitted
    for damaged in (text.replace('"grey"', '"gray"'), text.replace('"std":[', '"std":[0,')):
        with pytest.raises(ValidationError):
            Record.model_validate_json(damaged)
    with pytest.raises(FrozenInstanceError):
        fitted.grey = False  # type: ignore[misc]
