"""What the answer to a picture is, as arrays.

A target checks labels, says how many outputs a network needs for them, turns labels into what the outputs are compared
with and outputs into answers, and names its loss and its metrics. Those are looked up by name in `training.losses`
(PyTorch), `reference.loss` (NumPy) and `evaluation.metrics`: each has one table.
"""

from picturewise.targets.one_class import OneClass
from picturewise.targets.target import Target

__all__ = ["OneClass", "Target"]
