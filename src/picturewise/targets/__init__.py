"""What the answer to a picture is, as arrays.

A target checks labels, says how many outputs a network needs for them, turns labels into what the outputs are compared
with and outputs into answers, and names its loss and its metrics. Those are looked up by name in `training.losses`
(PyTorch), `reference.loss` (NumPy) and `evaluation.metrics`, and it itself, for classifiers from files, here: each has
one table.
"""

from collections.abc import Callable

from picturewise.targets.one_class import OneClass
from picturewise.targets.target import Target

TARGETS: dict[str, Callable[[tuple[str, ...]], Target]] = {OneClass.name: OneClass}
"""By name; each is made from the names of the classes."""

__all__ = ["TARGETS", "OneClass", "Target"]
