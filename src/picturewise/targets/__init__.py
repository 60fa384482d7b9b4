"""The meaning of labels, as arrays.

A target checks labels, says how many outputs a network needs for them, converts labels to targets for the outputs and
outputs to answers, and names its loss and its metrics. Those are looked up by name in `training.losses` (PyTorch),
`reference.loss` (NumPy) and `evaluation.metrics`; the target itself, for classifiers from files, is looked up here.
Each has one table.
"""

from collections.abc import Callable

from picturewise.targets.one_class import OneClass
from picturewise.targets.target import Target

TARGETS: dict[str, Callable[[tuple[str, ...]], Target]] = {OneClass.name: OneClass}
"""Targets by name; each is made from the names of the classes."""

__all__ = ["TARGETS", "OneClass", "Target"]
