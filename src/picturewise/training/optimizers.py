"""Optimizers: PyTorch's own update rules with plain state that can be saved.

The rules are called as functions. `torch.optim`'s classes would do the same arithmetic, but constructing the first
loads PyTorch's compiler (1.4 s of processor time and 70 MB), and their state is not a flat table of tensors. The
kernels of adam are private, so they are tried before training begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from picturewise.errors import UsageError, nearest
from picturewise.recipes.options import OptimizerName
from picturewise.training.muon import hidden_matrices, muon

BESIDE_MUON = 0.25
"""The share of muon's learning rate that adamw uses for the remaining parameters: 0.005 for the usual 0.02."""
BETA1_BESIDE_MUON = 0.9

_ENDLESS = 1e9


@dataclass(frozen=True)
class Usual:
    """Values of a rule if the user does not name any."""

    learning_rate: float
    momentum: float = 0.9
    weight_decay: float = 0.0
    beta2: float | None = 0.999


USUAL: Mapping[OptimizerName, Usual] = {
    "sgd": Usual(0.1, beta2=None),
    "rmsprop": Usual(0.001, momentum=0.0, beta2=0.99),
    "adam": Usual(0.005),
    "adamw": Usual(0.005, weight_decay=0.01),
    "muon": Usual(0.02, momentum=0.95, weight_decay=0.01),
}
_SLOTS: Mapping[OptimizerName, tuple[str, ...]] = {
    "sgd": ("momentum",),
    "rmsprop": ("mean_square", "momentum"),
    "adam": ("mean", "mean_square"),
    "adamw": ("mean", "mean_square"),
    "muon": ("momentum",),
}


@dataclass(frozen=True)
class _Group:
    """Parameters that are updated together, and how; their learning rate is `factor` times that of the step.

    `steps` (N,) float32 counts the updates of each, if the rule needs it.
    """

    rule: OptimizerName
    keys: list[str]
    steps: Tensor
    momentum: float
    decay: float
    factor: float


class Optimizer:
    """One update rule over the trainable parameters of a network.

    Weight decay acts on matrices and kernels, not on vectors (biases, normalisation). Muon updates the hidden matrices
    (`hidden_matrices`); the first and the output layer and all vectors are updated by adamw, at `BESIDE_MUON` times the
    learning rate and with a first beta of 0.9.

    Args:
        name: the rule.
        network: whose parameters are changed in place.
        momentum: of sgd, rmsprop and muon; the first beta of adam and adamw. In [0, 1).
        weight_decay: L2 for sgd, rmsprop and adam; decoupled (Loshchilov and Hutter, 2019) for adamw and muon.
        beta2: how much of the running mean of squared gradients is kept in each step, in [0, 1): the second beta of
            adam and adamw (Kingma and Ba, 2015), also in combination with muon, and alpha of rmsprop; None: 0.999, 0.99
            for rmsprop.
        clip_norm: gradients whose norm over all parameters together is larger are scaled down to it; None: never.
        factors: parameter name → multiple (0 or more) of the learning rate for that parameter; 1 if missing.
        precision: of muon's matrix products; everything else is computed in float32.

    Raises:
        UsageError: a name in `factors` is not a parameter of the network; or PyTorch does not have the
            kernels that the rule needs.
    """

    def __init__(
        self,
        name: OptimizerName,
        network: nn.Module,
        *,
        momentum: float,
        weight_decay: float,
        beta2: float | None = None,
        clip_norm: float | None = None,
        factors: Mapping[str, float] | None = None,
        precision: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        if name != "sgd":
            _try_kernels()
        self._clip_norm = clip_norm
        self._precision = torch.bfloat16 if precision == "bfloat16" else torch.float32
        # sgd does not have one, because it does not keep a running mean of squares.
        self._beta2 = (USUAL[name].beta2 or 0.0) if beta2 is None else beta2
        self._parameters: dict[str, Tensor] = {
            key: p for key, p in network.named_parameters() if p.requires_grad
        }
        rules = _rules(name, network)
        self._slots: dict[str, dict[str, Tensor]] = {}
        for key, parameter in self._parameters.items():
            for slot in _SLOTS[rules[key]]:
                self._slots.setdefault(slot, {})[key] = torch.zeros_like(parameter)
        keys: dict[tuple[OptimizerName, float, float], list[str]] = {}
        for key, own in _factors(factors or {}, network).items():
            if key in self._parameters:
                decay = weight_decay if self._parameters[key].ndim > 1 else 0.0
                keys.setdefault((rules[key], decay, own), []).append(key)
        self._groups = [
            _Group(
                rule=rule,
                keys=members,
                steps=torch.zeros(len(members), device=self._parameters[members[0]].device),
                momentum=momentum if rule == name else BETA1_BESIDE_MUON,
                decay=decay,
                factor=own if rule == name else own * BESIDE_MUON,
            )
            for (rule, decay, own), members in keys.items()
        ]
        counted = {
            key: step for group in self._groups for key, step in zip(group.keys, group.steps, strict=True)
        }
        self._steps = {key: counted[key] for key in self._parameters}

    def step(self, learning_rate: float) -> None:
        """Update every parameter with its gradient, then delete the gradients."""
        with torch.no_grad():
            if self._clip_norm is not None:
                nn.utils.clip_grad_norm_(self._parameters.values(), self._clip_norm)
            for group in self._groups:
                self._update(group, learning_rate * group.factor)
        for parameter in self._parameters.values():
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        """Return the state as a flat table, `slot/parameter` → tensor; the tensors are not copies."""
        table = {f"steps/{key}": tensor for key, tensor in self._steps.items()}
        for slot, tensors in self._slots.items():
            table |= {f"{slot}/{key}": tensor for key, tensor in tensors.items()}
        return table

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Load a state that `state` returned for the same rule and network.

        Raises:
            KeyError: a tensor is missing.
        """
        for key, tensor in self.state().items():
            tensor.copy_(state[key])

    def _update(self, group: _Group, learning_rate: float) -> None:
        """Update the parameters of a group that have a gradient."""
        keys = [key for key in group.keys if self._parameters[key].grad is not None]
        if not keys:
            return
        parameters = [self._parameters[key] for key in keys]
        gradients = [g for p in parameters if (g := p.grad) is not None]
        slots = [[self._slots[slot][key] for key in keys] for slot in _SLOTS[group.rule]]
        steps = [self._steps[key] for key in keys]
        if group.rule == "sgd":
            # With buffers of zero, the first step is that of torch.optim.SGD: the buffer becomes the gradient.
            sgd(
                parameters, gradients, list(slots[0]), fused=True, weight_decay=group.decay, momentum=group.momentum,
                lr=learning_rate, dampening=0.0, nesterov=False, maximize=False,
            )  # fmt: skip
        elif group.rule == "rmsprop":
            _rmsprop(
                parameters, gradients, slots[0], slots[1], steps, alpha=self._beta2,
                momentum=group.momentum, learning_rate=learning_rate, weight_decay=group.decay,
            )  # fmt: skip
        elif group.rule == "muon":
            muon(
                parameters, gradients, slots[0],
                momentum=group.momentum, learning_rate=learning_rate, weight_decay=group.decay,
                precision=self._precision,
            )  # fmt: skip
        else:
            if len(keys) == len(group.keys):
                group.steps.add_(1)  # one by one, this would take as long as a small network's update
            else:
                for step in steps:
                    step.add_(1)
            _adam(
                parameters, gradients, slots[0], slots[1], steps, decoupled=group.rule == "adamw",
                beta1=group.momentum, beta2=self._beta2, learning_rate=learning_rate, weight_decay=group.decay,
            )  # fmt: skip


def _adam(
    parameters: list[Tensor],
    gradients: list[Tensor],
    means: list[Tensor],
    mean_squares: list[Tensor],
    steps: list[Tensor],
    *,
    decoupled: bool = False,
    beta1: float,
    beta2: float,
    learning_rate: float,
    weight_decay: float,
) -> None:
    """Take one step in place, as torch.optim.Adam or AdamW does; `steps` already count this one.

    This is the kernel that they call with `fused=True`. Before that, they sort tensors by device and type, and add 1 to
    each count separately.
    """
    kernel = torch._fused_adamw_ if decoupled else torch._fused_adam_
    kernel(
        parameters, gradients, means, mean_squares, [], steps, amsgrad=False, maximize=False, eps=1e-8,
        beta1=beta1, beta2=beta2, lr=learning_rate, weight_decay=weight_decay,
    )  # fmt: skip


def _try_kernels() -> None:
    """Update one number with each of adam's kernels, which may have other names in other releases of PyTorch.

    Raises:
        UsageError: one of them is missing, or does not accept the arguments of `_adam`.
    """
    for decoupled in (False, True):
        one = [[torch.zeros(1)] for _ in range(5)]
        try:
            _adam(*one, decoupled=decoupled, beta1=0.9, beta2=0.9, learning_rate=0.1, weight_decay=0.1)
        except (AttributeError, TypeError, RuntimeError) as error:
            raise UsageError(
                f"PyTorch {torch.__version__} does not have the Adam kernels that Picturewise calls. "
                "Install torch==2.13.0, with which it was tested."
            ) from error


def _rmsprop(
    parameters: list[Tensor],
    gradients: list[Tensor],
    mean_squares: list[Tensor],
    momenta: list[Tensor],
    steps: list[Tensor],
    *,
    alpha: float,
    momentum: float,
    learning_rate: float,
    weight_decay: float,
) -> None:
    """Take one step in place, as torch.optim.RMSprop does."""
    if momentum > 0:
        rmsprop(
            parameters, gradients, mean_squares, [], momenta, steps, foreach=True, weight_decay=weight_decay,
            momentum=momentum, lr=learning_rate, alpha=alpha, eps=1e-8, centered=False,
        )  # fmt: skip
        return
    # Without momentum, it is adam without a first mean, after so many steps that the bias correction vanishes. Adam's
    # kernel reads memory once, while rmsprop's operations read it five times. The first mean, which is the gradient
    # here, is in the momentum's place.
    endless = [torch.full_like(steps[0], _ENDLESS)] * len(steps)
    _adam(
        parameters, gradients, momenta, mean_squares, endless,
        beta1=0.0, beta2=alpha, learning_rate=learning_rate, weight_decay=weight_decay,
    )  # fmt: skip


def _rules(name: OptimizerName, network: nn.Module) -> dict[str, OptimizerName]:
    """Return the rule that updates each parameter."""
    if name != "muon":
        return {key: name for key, _ in network.named_parameters()}
    hidden = set(hidden_matrices(network))
    return {key: "muon" if key in hidden else "adamw" for key, _ in network.named_parameters()}


def _factors(given: Mapping[str, float], network: nn.Module) -> dict[str, float]:
    """Return the multiple of the learning rate for each parameter."""
    known = [key for key, _ in network.named_parameters()]
    for key in given:
        if key not in known:
            raise UsageError(
                f"'{key}' in factors is not a parameter of the network. Use a name from "
                f"named_parameters.{nearest(key, known)}"
            )
    return {key: given.get(key, 1.0) for key in known}
