"""L-BFGS with a line search, computed as by `torch.optim.LBFGS`, bit for bit.

Constructing that class loads PyTorch's compiler: about 2 s of processor time in every training that asks whether
mirrored pictures belong to the same class. Its line search is a function, private like the kernels in `optimizers.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim.lbfgs import _strong_wolfe

HISTORY = 10
"""Steps that describe the curvature."""
_CURVED = 1e-10  # below it, a step says nothing about the curvature

Objective = Callable[[Tensor], tuple[float, Tensor]]
"""From a point (D,) to the value and the gradient (D,) there."""


def minimised(
    objective: Objective, start: Tensor, *, iterations: int, tolerance: float, least_change: float
) -> Tensor:
    """Return where a smooth function has its minimum (Liu and Nocedal, 1989), as a new tensor (D,).

    Args:
        objective: the function.
        start: where to begin (D,).
        iterations: at most; with at most 5/4 as many evaluations.
        tolerance: the largest derivative that may be left.
        least_change: of the value or of the point, below which it ends, too.
    """
    point, (value, gradient) = start.clone(), objective(start)
    evaluations, most = 1, iterations * 5 // 4
    steps: deque[tuple[Tensor, Tensor, Tensor]] = deque(
        maxlen=HISTORY
    )  # change of gradient, of point, 1 / product
    scale: Tensor | float = 1.0
    direction, size, previous = gradient.neg(), 1.0, gradient
    for iteration in range(iterations):
        if gradient.abs().max() <= tolerance:
            break
        if iteration == 0:
            size = min(1.0, float(1.0 / gradient.abs().sum()))
        else:
            change, step = gradient.sub(previous), direction.mul(size)
            product = change.dot(step)
            if product > _CURVED:
                steps.append((change, step, 1.0 / product))
                scale = product / change.dot(change)
            direction, size = _direction(gradient, steps, scale), 1.0
        previous, before = gradient.clone(), value
        slope = gradient.dot(direction)
        if slope > -least_change:
            break
        value, gradient, size, tried = _strong_wolfe(  # type: ignore[no-untyped-call]  # torch does not type it
            lambda origin, length, way: objective(origin.add(way, alpha=float(length))),
            point, size, direction, value, gradient, slope, max_ls=most - evaluations,
        )  # fmt: skip
        evaluations += tried
        point = point.add(direction, alpha=float(size))
        moved = float(direction.mul(size).abs().max())
        if evaluations >= most or moved <= least_change or abs(value - before) < least_change:
            break
    return point


def _direction(
    gradient: Tensor, steps: deque[tuple[Tensor, Tensor, Tensor]], scale: Tensor | float
) -> Tensor:
    """Return the negative gradient times the approximate inverse of the second derivatives."""
    direction, parts = gradient.neg(), list[Tensor]()
    for change, step, share in reversed(steps):
        parts.append(step.dot(direction) * share)
        direction = direction.add(change, alpha=-float(parts[-1]))
    direction = torch.mul(direction, scale)
    for (change, step, share), part in zip(steps, reversed(parts), strict=True):
        direction = direction.add(step, alpha=float(part - change.dot(direction) * share))
    return direction
