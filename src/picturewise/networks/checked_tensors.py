"""Checks that saved tensors are those of a network: their names, shapes and kinds of number."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from picturewise.errors import RunError

_COUNTER = "num_batches_tracked"


def check_tensors(
    name: str,
    state: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    *,
    output: Collection[str],
    output_needed: bool = False,
    origin: str,
) -> None:
    """Refuse tensors that are not those of the network `name`.

    Counters of batches may be missing.

    Args:
        name: the network's name in errors.
        state: the tensors by name.
        expected: those of the network, in its order; their shapes and types are compared.
        output: the names among them that belong to the output layer, which may have been trained for other classes.
        output_needed: whether the output layer must be there.
        origin: the name of `state` in errors.

    Raises:
        RunError: a tensor is missing, has another shape or type, or is unexpected; the message names the first one in
            the order of the network.
    """
    for tensor, wanted in expected.items():
        here = state.get(tensor)
        if here is None:
            if tensor.endswith(_COUNTER) or (tensor in output and not output_needed):
                continue
            raise _another(name, origin, tensor, "missing", shown(wanted))
        kept = 1 if tensor in output else 0  # the first side of an output layer is its classes
        if here.ndim != wanted.ndim or here.shape[kept:] != wanted.shape[kept:]:
            raise _another(name, origin, tensor, shown(here), shown(wanted))
        if here.is_floating_point() != wanted.is_floating_point():
            kind = "floating-point numbers" if wanted.is_floating_point() else "integers"
            raise _another(name, origin, tensor, f"a tensor of {here.dtype}", f"a tensor of {kind}")
    if surplus := next((tensor for tensor in state if tensor not in expected), None):
        raise _another(name, origin, surplus, shown(state[surplus]), "absent")


def tensor_or_zero(state: Mapping[str, Tensor], name: str) -> Tensor:
    """Return a tensor that passed `check_tensors`; a missing counter of batches is 0."""
    return state[name] if name in state else torch.zeros((), dtype=torch.int64)


def shown(tensor: Tensor) -> str:
    """Return a tensor's shape for a message."""
    return f"a tensor of {'x'.join(map(str, tensor.shape))}" if tensor.ndim else "a single number"


def _another(name: str, origin: str, tensor: str, found: str, expected: str) -> RunError:
    return RunError(
        f"{origin} does not contain the weights of {name}: '{tensor}' is {found}, but must be {expected}. "
        "Check that it is the file of this network."
    )
