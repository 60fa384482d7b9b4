"""The output layer above frozen layers, fitted at once: against scikit-learn, and as a user trains it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from picturewise.training.head_fit import FAR_BELOW, ROUGH, STRENGTHS, choose, pareto_scale, regression


def drawn(
    pictures: int, numbers: int, classes: int, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(pictures) % classes
    features = random.normal(size=(pictures, numbers)) + random.normal(size=(classes, numbers))[labels] / 2
    return torch.from_numpy(features), torch.from_numpy(labels), (np.arange(pictures) // classes) % 5


@pytest.mark.parametrize(("pictures", "numbers"), [(90, 7), (40, 120)])
@pytest.mark.parametrize("strength", [3.0, 0.01])
def test_the_regression_is_that_of_scikit_learn(pictures: int, numbers: int, strength: float) -> None:
    features, labels, _ = drawn(pictures, numbers, 3)
    weight, bias = regression(features, labels, 3, strength, tolerance=1e-9)
    judge = LogisticRegression(C=1 / (strength * pictures), tol=1e-10, max_iter=10_000)
    judge.fit(features.numpy(), labels.numpy())
    np.testing.assert_allclose(weight.numpy(), judge.coef_, atol=2e-4)
    found, expected = (bias - bias.mean()).numpy(), judge.intercept_ - judge.intercept_.mean()
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_it_is_the_same_with_the_weights_of_classes() -> None:
    features, labels, _ = drawn(90, 7, 3)
    labels[labels == 2] = torch.tensor([2, 0, 1] * 10)
    balanced = len(labels) / (3 * torch.bincount(labels).double())
    weight, _ = regression(features, labels, 3, 0.1, weights=balanced, tolerance=1e-9)
    judge = LogisticRegression(C=1 / (0.1 * 90), tol=1e-10, max_iter=10_000, class_weight="balanced")
    judge.fit(features.numpy(), labels.numpy())
    np.testing.assert_allclose(weight.numpy(), judge.coef_, atol=2e-4)


def test_more_numbers_than_pictures_give_the_solution_of_all_numbers() -> None:
    features, labels, folds = drawn(40, 120, 3)
    strength, weight, bias, _ = choose(features, labels, 3, folds, None)
    direct, constant = regression(features, labels, 3, strength, tolerance=1e-9)
    np.testing.assert_allclose(weight.numpy(), direct.numpy(), atol=3e-3)
    np.testing.assert_allclose((bias - bias.mean()).numpy(), (constant - constant.mean()).numpy(), atol=0.01)


def test_noise_gets_a_strong_penalty_and_clear_classes_a_weak_one() -> None:
    random = np.random.default_rng(0)
    features, labels, folds = drawn(200, 20, 4)
    noise = torch.from_numpy(random.normal(size=(200, 20)))
    clear = features + 10 * torch.nn.functional.one_hot(labels, 20)
    assert choose(noise, labels, 4, folds, None)[0] >= 1
    assert choose(clear, labels, 4, folds, None)[0] <= 0.01


def test_the_held_out_logits_are_those_of_layers_that_were_fitted_without_the_fold() -> None:
    features, labels, folds = drawn(60, 8, 3)
    strength, _, _, held_out = choose(features, labels, 3, folds, None)
    for fold in range(5):
        apart = torch.from_numpy(folds == fold)
        weight, bias = regression(features[~apart], labels[~apart], 3, strength, tolerance=1e-9)
        np.testing.assert_allclose(
            held_out[apart].numpy(), (features[apart] @ weight.T + bias).numpy(), atol=0.02
        )
    losses = []
    for one in STRENGTHS:  # the chosen strength is the best of all on what was held out
        total = 0.0
        for fold in range(5):
            apart = torch.from_numpy(folds == fold)
            weight, bias = regression(features[~apart], labels[~apart], 3, one, tolerance=ROUGH)
            total += float(
                torch.nn.functional.cross_entropy(features[apart] @ weight.T + bias, labels[apart])
            )
        losses.append(total)
    assert STRENGTHS[int(np.argmin(losses))] == strength


def test_a_class_without_pictures_is_far_below_the_others() -> None:
    features, labels, folds = drawn(60, 6, 3)
    labels = torch.where(labels == 2, 3, labels)  # nobody is class 2
    _, weight, bias, _ = choose(features, labels, 4, folds, None)
    logits = features @ weight.T + bias
    others = logits[:, [0, 1, 3]]
    assert float((others.min() - logits[:, 2]).min()) == pytest.approx(FAR_BELOW)
    assert (
        float((others.argmax(dim=1) == torch.tensor([0, 1, 2])[torch.arange(60) % 3]).double().mean()) > 0.6
    )


def test_features_are_divided_by_the_root_of_their_deviation() -> None:
    random = np.random.default_rng(0)
    features = torch.from_numpy(random.normal(size=(1000, 3)) * [0.04, 1, 0] + 5)
    scale = pareto_scale(features).numpy()
    deviation = features.numpy().std(axis=0)
    deviation[2] = 1.0  # it never changes
    np.testing.assert_allclose(scale**2, deviation * np.sqrt((deviation**2).mean()), rtol=1e-9)
