"""Checks that the workers of a run compute the same: versions, processor, pictures, recipe, and their weights."""

from __future__ import annotations

import hashlib
from importlib.metadata import version

import torch

from picturewise.cores import processor
from picturewise.errors import UsageError
from picturewise.networks.weights import fingerprint
from picturewise.printable import printable
from picturewise.training.learner import Learner


def check_alike(learner: Learner) -> None:
    """Check, before the first step, that all workers have what makes their weights equal.

    Raises:
        UsageError: one differs; the message names it and what differs.
    """
    group, recipe = learner.group, learner.recipe
    if group.size == 1:
        return
    without_place = recipe.model_copy(update={"data": recipe.data.model_copy(update={"source": None})})
    facts = {
        "the version of Picturewise": version("picturewise"),
        "the version of PyTorch": torch.__version__,
        "the processor": processor(),
        "the device": learner.machine.device.type,
        "the number format": learner.machine.precision,
        "the training pictures": learner.train.fingerprint,
        "the validation pictures": None if learner.valid is None else learner.valid.fingerprint,
        "the recipe": hashlib.sha256(without_place.to_toml().encode()).hexdigest(),
    }
    first, *others = group.gathered(facts)
    for rank, other in enumerate(others, 1):
        for what, found in other.items():
            if found != first[what]:
                shown = (
                    ""
                    if len(str(found)) > 40
                    else f" ({printable(found)} instead of {printable(first[what])})"
                )
                raise UsageError(
                    f"Worker {rank} differs from worker 0 in {what}{shown}. All workers must use the same."
                )


def check_weights(learner: Learner) -> None:
    """Check that the weights of all workers are equal, bit for bit.

    Raises:
        UsageError: they are not.
    """
    group = learner.group
    if group.size == 1:
        return
    first, *others = group.gathered(fingerprint(learner.network.state_dict()))
    for rank, other in enumerate(others, 1):
        if other != first:
            raise UsageError(
                f"The weights of worker {rank} are no longer those of worker 0, because it computes differently. Use "
                "machines of one kind, or one machine."
            )
