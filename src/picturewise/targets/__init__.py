"""The meaning of labels, as arrays.

A target checks labels, says how many outputs a network needs for them, converts labels to targets for the outputs and
outputs to answers, and names its loss and its metrics. Those are looked up by name in `training.losses` (PyTorch),
`reference.loss` (NumPy) and `evaluation.metrics`; the target itself, for classifiers from files, is made here from its
name. Each has one table.
"""

from picturewise.targets.ctc import Ctc
from picturewise.targets.named import TARGETS, is_target, make_target
from picturewise.targets.one_class import OneClass
from picturewise.targets.places import Places
from picturewise.targets.target import Target

__all__ = ["TARGETS", "Ctc", "OneClass", "Places", "Target", "is_target", "make_target"]
