"""Arrays on their way to a device."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from picturewise.preparing.on_device import on_device


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, np.float64, np.bool_])
def test_an_array_keeps_its_numbers_shape_and_type(kind: type[np.generic]) -> None:
    numbers = np.arange(24).reshape(2, 3, 4).astype(kind)
    found = on_device(numbers, torch.device("cpu"))
    np.testing.assert_array_equal(found.numpy(), numbers, strict=True)
    far = on_device(numbers, torch.device("meta"))
    assert (far.device.type, far.shape, far.dtype) == ("meta", found.shape, found.dtype)


def test_nothing_waits_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, *where, **how: asked.append((where, how)))
    on_device(np.zeros(3), torch.device("cuda"))
    assert asked == [((torch.device("cuda"),), {"non_blocking": True})]
