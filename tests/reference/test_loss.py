from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from picturewise.reference.loss import CrossEntropy, log_softmax


@pytest.mark.parametrize("case", range(20))
def test_loss_and_gradient_are_pytorchs(case: int) -> None:
    random = np.random.default_rng(case)
    batch, classes = int(random.integers(1, 7)), int(random.integers(2, 9))
    logits, targets = (
        random.normal(scale=4, size=(batch, classes)),
        random.dirichlet(np.full(classes, 0.3), batch),
    )
    smoothing = 0.1 * (case % 3)
    weights = random.uniform(0.2, 3, classes) if case % 2 else None
    loss, gradient = CrossEntropy(smoothing, weights)(logits, targets)
    tensor = torch.from_numpy(logits).requires_grad_()
    expected = functional.cross_entropy(
        tensor,
        torch.from_numpy(targets),
        weight=None if weights is None else torch.from_numpy(weights),
        label_smoothing=smoothing,
    )
    expected.backward()
    assert loss == pytest.approx(float(expected.detach()), rel=1e-12)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("case", range(20))
def test_the_gradient_is_that_of_differences(case: int) -> None:
    random = np.random.default_rng(case)
    logits, targets = random.normal(size=(3, 4)), random.dirichlet(np.ones(4), 3)
    loss = CrossEntropy(0.1, random.uniform(0.2, 3, 4))
    _, gradient = loss(logits, targets)
    for place in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[place] = 1e-5
        slope = (loss(logits + step, targets)[0] - loss(logits - step, targets)[0]) / 2e-5
        assert slope == pytest.approx(gradient[place], rel=1e-6, abs=1e-9)


def test_even_very_large_logits_cause_no_trouble() -> None:
    logs = log_softmax(np.array([[1e4, 0.0, -1e4]], np.float32))
    assert logs.dtype == np.float32
    np.testing.assert_array_equal(logs, [[0, -1e4, -2e4]])


def test_unweighted_the_gradient_is_what_the_network_says_less_what_is_so() -> None:
    logits = np.log([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    _, gradient = CrossEntropy()(logits, np.eye(3)[[0, 2]])
    np.testing.assert_allclose(gradient, np.array([[-0.8, 0.3, 0.5], [0.1, 0.1, -0.2]]) / 2)
