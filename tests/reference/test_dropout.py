from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from picturewise.reference.dropout import Dropout


class Given(nn.Module):
    """Dropout whose factors are known."""

    def __init__(self, factors: Tensor) -> None:
        super().__init__()
        self.factors = factors

    def forward(self, values: Tensor) -> Tensor:
        return values * self.factors


@pytest.mark.parametrize("case", range(20))
def test_what_was_left_out_there_is_left_out_back(like_pytorch, like_differences, case: int) -> None:
    random = np.random.default_rng(case)
    rate, values = float(random.uniform(0, 0.95)), random.normal(size=random.integers(1, 7, 2))
    factors = Dropout(rate).forward(
        np.ones(values.shape), np.random.default_rng(5)
    )  # the noise of the evaluates
    like_pytorch(Dropout(rate), Given(torch.from_numpy(factors)), values)
    like_differences(Dropout(rate), values)


def test_in_training_its_mean_is_what_comes_in_and_its_share_of_zeros_the_rate() -> None:
    found = Dropout(0.3).forward(np.ones((400, 400)), np.random.default_rng(0))
    assert set(np.unique(found)) == {0.0, 1 / (1 - 0.3)}
    margin = 5 * (0.3 * 0.7) ** 0.5 / 400
    assert float((found == 0).mean()) == pytest.approx(0.3, abs=margin)
    assert float(found.mean()) == pytest.approx(1, abs=margin / 0.7)


def test_in_prediction_it_passes_on_what_comes_in() -> None:
    values = np.ones((2, 3))
    assert Dropout(0.9).forward(values) is values


def test_equal_generators_give_equal_noise_whatever_the_type_of_the_numbers() -> None:
    wide, narrow = (
        Dropout(0.5).forward(np.ones((9, 9), kind), np.random.default_rng(1)) for kind in (float, "f4")
    )
    assert narrow.dtype == np.float32
    assert np.array_equal(wide, narrow)
