"""The range test, on runs of a tenth of a second and on losses made by hand."""

from __future__ import annotations

import contextlib
import csv
import io
import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from picturewise.errors import DivergedError
from picturewise.training import rate_finder
from picturewise.training.rate_finder import RangeTest, range_test, running_means


def made(smoothed: list[float], burst: float | None = None) -> RangeTest:
    rates = tuple(10.0 ** (-6 + number / 10) for number in range(len(smoothed)))
    return RangeTest(rates, tuple(smoothed), tuple(smoothed), burst)


def test_running_means_equal_the_weighted_means_of_all_losses_so_far() -> None:
    losses = np.random.default_rng(0).random(50)
    for count, found in enumerate(running_means(list(losses)), start=1):
        weights = 0.9 ** np.arange(count - 1, -1, -1)
        assert found == pytest.approx(np.average(losses[:count], weights=weights))


def test_steepest_is_where_a_curve_bends_from_falling_faster_to_falling_slower() -> None:
    places = np.arange(60)
    falling = list(2 - 1.5 / (1 + np.exp(-(places - 33) / 3)))  # steepest at place 33, by its formula
    test = made([*falling, 3.0, 9.0])
    assert test.steepest == test.rates[33]
    assert test.lowest == test.rates[59]
    assert test.tenth_of_lowest == pytest.approx(test.rates[58] / 10, rel=0.3)
    assert test.tenth_of_lowest == float(f"{test.rates[59] / 10:.1e}")


def test_a_fall_among_the_first_batches_or_behind_the_lowest_is_not_the_steepest() -> None:
    smoothed = [9.0, 4.0, *([3.0] * 18), 2.9, 2.7, 1.0, 0.9, 8.0, 1.5]
    assert made(smoothed).steepest in made(smoothed).rates[20:23]


def test_rates_rise_by_one_factor_to_ten_and_each_batch_has_a_row(tiny: ModuleType) -> None:
    test = range_test(tiny.learner())
    assert test.rates[0] == pytest.approx(1e-6)
    steps = np.diff(np.log(test.rates))
    assert steps == pytest.approx(math.log(10 / 1e-6) / 199)
    assert len(test.rates) == len(test.losses) == len(test.smoothed) <= rate_finder.BATCHES
    assert list(test.smoothed) == running_means(test.losses)


def test_the_losses_are_those_that_plain_steps_at_these_rates_bring(tiny: ModuleType) -> None:
    """Over several epochs, in the order, with the noise and the augmentation of training."""
    test = range_test(tiny.learner())
    learner = tiny.learner()
    assert len(test.losses) > 3 * learner.batches
    with learner.learning():
        for number in range(3 * learner.batches):
            epoch, batch = 1 + number // learner.batches, number % learner.batches
            if batch == 0:
                order = learner.begin(epoch)
            assert float(learner.step(order, epoch, batch, test.rates[number])[0]) == test.losses[number]


@pytest.mark.slow
def test_equal_seeds_give_equal_tests_and_other_seeds_others(tiny: ModuleType) -> None:
    first, again = (range_test(tiny.learner()) for _ in range(2))
    assert first == again
    assert range_test(tiny.learner(seed=8)).losses != first.losses


def test_the_random_state_of_others_stays(tiny: ModuleType) -> None:
    learner = tiny.learner()
    before = torch.get_rng_state()
    range_test(learner)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("optimizer", "first"), [("sgd", 2e-5), ("muon", 4e-6), ("rmsprop", 2e-7)])
def test_the_first_rate_fits_the_optimizer(tiny: ModuleType, optimizer: str, first: float) -> None:
    assert range_test(tiny.learner(optimizer=optimizer)).rates[0] == pytest.approx(first)


class Scripted:
    """Stands in for a learner: its losses are given."""

    learning = staticmethod(contextlib.nullcontext)

    def __init__(self, learner: Any, losses: list[float]) -> None:
        self.recipe, self.batches = learner.recipe, 7
        self.losses = iter(losses)
        self.taken: list[tuple[int, int]] = []

    def begin(self, epoch: int) -> int:
        return epoch

    def step(self, order: int, epoch: int, batch: int, learning_rate: float) -> Tensor:
        assert order == epoch
        self.taken.append((epoch, batch))
        return torch.tensor([next(self.losses), 0.0, 0.0, 0.0], dtype=torch.float64)


FALLING = list(np.linspace(2, 1, 60))


@pytest.mark.parametrize("last", [math.nan, math.inf])
def test_a_loss_that_is_not_a_number_ends_the_test_and_is_not_among_its_rows(
    tiny: ModuleType, last: float
) -> None:
    scripted = Scripted(tiny.learner(), [*FALLING, last])
    test = range_test(scripted)  # type: ignore[arg-type]
    assert list(test.losses) == FALLING
    assert test.burst == pytest.approx(test.rates[-1] * test.rates[1] / test.rates[0])
    assert scripted.taken[-1] == (9, 4)  # the 61st of 7 batches an epoch


def test_a_running_mean_of_four_times_its_minimum_ends_the_test(tiny: ModuleType) -> None:
    test = range_test(Scripted(tiny.learner(), [*FALLING, *[20.0] * 100]))  # type: ignore[arg-type]
    assert test.smoothed[-1] > 4 * min(test.smoothed) >= test.smoothed[-2]
    assert test.burst == test.rates[-1]


def test_a_loss_that_never_bursts_is_followed_to_the_end(tiny: ModuleType) -> None:
    seen: list[tuple[int, int]] = []
    scripted = Scripted(tiny.learner(), [*FALLING, *[1.5] * 140])
    test = range_test(scripted, progress=lambda done, most: seen.append((done, most)))  # type: ignore[arg-type]
    assert test.burst is None
    assert test.rates[-1] == pytest.approx(10)
    assert seen == [(number, 200) for number in range(1, 201)]


@pytest.mark.parametrize(
    "losses",
    [
        [math.nan],
        [*[2.0] * 5, math.inf],
        [2.0 + number / 50 for number in range(200)],
        [2 - number / 4000 for number in range(200)],
    ],
)
def test_a_loss_that_never_falls_is_an_error_that_says_so(tiny: ModuleType, losses: list[float]) -> None:
    with pytest.raises(
        DivergedError, match=r"^At learning rates from 1e-06 to .* less than 5% .*'picturewise inspect'"
    ):
        range_test(Scripted(tiny.learner(), losses))  # type: ignore[arg-type]


def test_rows_are_read_back_exactly(tiny: ModuleType) -> None:
    test = range_test(tiny.learner())
    head, *rows = csv.reader(io.StringIO(test.to_csv()))
    assert head == ["learning_rate", "loss", "smoothed_loss"]
    assert [tuple(map(float, row)) for row in rows] == list(
        zip(test.rates, test.losses, test.smoothed, strict=True)
    )


@pytest.mark.slow
def test_a_module_of_the_users_can_be_tested(tiny: ModuleType) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.Tanh(), nn.Linear(8, 3))
    test = range_test(tiny.learner(network=module))
    assert 1e-6 < test.tenth_of_lowest < 1
