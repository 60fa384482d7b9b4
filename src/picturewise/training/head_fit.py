"""Fits the output layer above frozen layers at once, instead of by steps: logistic regression on their features.

The frozen layers give every picture the same features in each epoch, so they are computed once and kept. What is left
is convex: a multinomial logistic regression with an L2 penalty, whose strength is chosen by cross-validation within the
training split. The validation split is not used, so what is measured on it stays honest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from picturewise.training.features import Features
from picturewise.training.lbfgs import minimised

STRENGTHS = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Of the penalty, for features scaled by `pareto_scale`; tried from the strongest, each from the one before."""
ROUGH = 1e-4
"""The largest derivative that may be left when strengths are compared."""
WORTH_SHARING = 50_000_000
"""Products in one step of a regression from which more than one thread pays."""
MOST_FOLDED = 5_000
"""Pictures; with more, one fold tells the strengths apart."""
FAR_BELOW = 20.0
"""Nats by which a class without train pictures is below the others."""
_WORSE = 2  # strengths in a row after which weaker ones are not tried


class Fitted(NamedTuple):
    """An output layer and its result on the pictures that it was fitted on.

    Attributes:
        strength: of the penalty that cross-validation chose.
        loss: the sum over pictures, in nats.
        right: how many pictures are classified correctly.
        held_out: (N, K) logits of each picture by a layer that was fitted without its fold, with this strength; not
            fitted for all folds (0 there) if there are many pictures, unless that is asked for.
    """

    strength: float
    loss: float
    right: int
    held_out: NDArray[np.float32]


class HeadFit:
    """Fits the last module of a network.

    Args:
        network: its last module is the linear output layer; all others are frozen.
        features: of the training pictures.
        labels: (N,) of these.
        weights: (K,) of the classes in the loss, or None.
        folds: (N,), the fold of each picture.
        all_folds: hold out every fold, however many pictures there are.
    """

    def __init__(
        self,
        network: nn.Sequential,
        features: Features,
        labels: NDArray[np.int64],
        weights: Tensor | None,
        folds: NDArray[np.int64],
        *,
        all_folds: bool = False,
    ) -> None:
        self.features = features
        self._network, self._labels, self._weights = network, labels, weights
        self._folds, self._all_folds = folds, all_folds

    def finish(self) -> Fitted:
        """Fit the output layer on the features, all of which were computed; the network is changed in place."""
        head = self._network[-1]
        assert isinstance(head, nn.Linear)  # noqa: S101 (from the builder)
        device = head.weight.device
        values = torch.from_numpy(np.asarray(self.features.values, np.float64)).to(device)
        labels = torch.from_numpy(self._labels).to(device)
        mean, scale = values.mean(dim=0), pareto_scale(values)
        standard = (values - mean) / scale
        weights = None if self._weights is None else self._weights.to(device, torch.float64)
        with _one_thread(small=standard.numel() * head.out_features < WORTH_SHARING):
            strength, weight, bias, held_out = choose(
                standard, labels, head.out_features, self._folds, weights, all_folds=self._all_folds
            )
        with torch.no_grad():
            head.weight.copy_(weight / scale)
            head.bias.copy_(bias - (weight / scale) @ mean)
        logits = standard @ weight.T + bias
        loss = float(functional.cross_entropy(logits, labels, reduction="sum"))
        right = int((logits.argmax(dim=1) == labels).sum())
        return Fitted(strength, loss, right, held_out.float().cpu().numpy())


def pareto_scale(features: Tensor) -> Tensor:
    """Return what to divide features (N, D) by, (D,): the root of their standard deviation, in units of a typical one.

    Left as they are, a few features with large values decide; all with variance 1, those that hardly change have as
    much of a say. Halfway between, held-out pictures of small sets are classified best. Called Pareto scaling (van den
    Berg et al., "Centering, scaling, and transformations", BMC Genomics, 2006).
    """
    deviation = features.std(dim=0, correction=0)
    deviation = torch.where(deviation > 0, deviation, 1.0)
    typical = deviation.square().mean().sqrt()
    return (deviation * typical).sqrt()


@contextlib.contextmanager
def _one_thread(*, small: bool) -> Iterator[None]:
    """Within the block, PyTorch uses one thread if a problem is small: more would mostly wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if small else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def choose(
    features: Tensor,
    labels: Tensor,
    classes: int,
    folds: NDArray[np.int64],
    weights: Tensor | None,
    *,
    all_folds: bool = False,
) -> tuple[float, Tensor, Tensor, Tensor]:
    """Return the strength with the lowest cross-entropy on pictures that were held out, and the layer fitted with it.

    Args:
        features: (N, D) float64, scaled.
        labels: (N,) in 0..classes-1.
        classes: K.
        folds: (N,), the fold of each picture.
        weights: (K,) of the classes in the loss, or None.
        all_folds: hold out every fold, however many pictures there are.

    Returns:
        the strength, the weight (K, D), the bias (K,), and the logits (N, K) of the pictures when they were held out.
    """
    small, back = _compact(features)
    numbers = np.unique(folds)
    if len(labels) > MOST_FOLDED and not all_folds:
        numbers = numbers[:1]
    losses, held_out, lowest = list[float](), features.new_zeros(len(labels), classes), np.inf
    for loss, logits in _held_out(small, labels, classes, folds, numbers, weights):
        losses.append(loss)
        if loss < lowest:
            lowest, held_out = loss, logits
    best = min(range(len(losses)), key=losses.__getitem__)
    state: tuple[Tensor, Tensor] | None = None
    for strength in STRENGTHS[: best + 1]:  # along the same path, so that few steps are needed
        state = regression(small, labels, classes, strength, start=state, weights=weights)
    assert state is not None  # noqa: S101 (there is at least one strength)
    weight, bias = state
    missing = [label for label in range(classes) if not bool((labels == label).any())]
    if missing:
        weight[missing] = 0
        kept = [label for label in range(classes) if label not in missing]
        bias[missing] = (small @ weight[kept].T + bias[kept]).min() - FAR_BELOW
    return STRENGTHS[best], weight @ back, bias, held_out


def _held_out(
    features: Tensor,
    labels: Tensor,
    classes: int,
    folds: NDArray[np.int64],
    numbers: NDArray[np.int64],
    weights: Tensor | None,
) -> Iterator[tuple[float, Tensor]]:
    """Yield for each strength the cross-entropy of held-out pictures and their logits (N, K), 0 for all others.

    It ends when the cross-entropy has risen several times in a row. `numbers` are those of the folds to hold out.
    """
    apart = [torch.from_numpy(folds == fold).to(labels.device) for fold in numbers]
    apart = [one for one in apart if not bool(one.all())]
    states: list[tuple[Tensor, Tensor] | None] = [None] * len(apart)
    lowest, since = np.inf, 0
    for strength in STRENGTHS:
        total, logits = 0.0, features.new_zeros(len(labels), classes)
        for number, held in enumerate(apart):
            state = regression(
                features[~held],
                labels[~held],
                classes,
                strength,
                start=states[number],
                weights=weights,
                tolerance=ROUGH,
            )
            states[number] = state
            logits[held] = features[held] @ state[0].T + state[1]
            total += float(
                functional.cross_entropy(logits[held], labels[held], weight=weights, reduction="sum")
            )
        yield total, logits
        since = 0 if total < lowest else since + 1
        lowest = min(lowest, total)
        if since >= _WORSE:
            return


def regression(
    features: Tensor,
    labels: Tensor,
    classes: int,
    strength: float,
    *,
    start: tuple[Tensor, Tensor] | None = None,
    weights: Tensor | None = None,
    tolerance: float = 1e-6,
) -> tuple[Tensor, Tensor]:
    """Return the weight (K, D) and the bias (K,) with the lowest mean cross-entropy + strength / 2 · |weight|².

    By L-BFGS (Liu and Nocedal, 1989). The problem is convex, so there is one minimum.

    Args:
        features: (N, D) float64.
        labels: (N,) in 0..classes-1.
        classes: K.
        strength: of the penalty, above 0.
        start: weight and bias to start from; None: zeros.
        weights: (K,) of the classes in the loss, or None.
        tolerance: the largest derivative that may be left.
    """
    zeros = features.new_zeros
    weight, bias = start or (zeros(classes, features.shape[1]), zeros(classes))

    def parts(point: Tensor) -> tuple[Tensor, Tensor]:
        return point[: weight.numel()].view(weight.shape), point[weight.numel() :]

    def objective(point: Tensor) -> tuple[float, Tensor]:
        point = point.detach().requires_grad_()
        with torch.enable_grad():
            weight, bias = parts(point)
            loss = functional.cross_entropy(features @ weight.T + bias, labels, weight=weights)
            loss = loss + strength / 2 * weight.square().sum()
            (gradient,) = torch.autograd.grad(loss, point)
        return float(loss.detach()), gradient

    with torch.no_grad():
        found = minimised(
            objective, torch.cat([weight.reshape(-1), bias]), iterations=500, tolerance=tolerance,
            least_change=1e-3 * tolerance,
        )  # fmt: skip
    return parts(found)


def _compact(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return features (N, N) and a matrix (N, D) back, if N < D; the penalised solution is in their span.

    With F = Rᵀ Qᵀ and orthonormal columns of Q, weights (K, N) on Rᵀ have the same logits, and the same norm, as the
    weights times Qᵀ on F.
    """
    pictures, numbers = features.shape
    if pictures >= numbers:
        return features, torch.eye(numbers, dtype=features.dtype, device=features.device)
    q, r = torch.linalg.qr(features.T)  # (D, N), (N, N)
    return r.T.contiguous(), q.T.contiguous()
