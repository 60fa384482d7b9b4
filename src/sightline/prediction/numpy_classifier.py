"""A classifier that the reference network computes, to look behind one that PyTorch computes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sightline.architectures.lines import parse
from sightline.errors import UsageError
from sightline.prediction.classifier import Classifier, Description
from sightline.reference.layer import Floats
from sightline.reference.network import Network


class NumPyClassifier(Classifier):
    """A classifier whose logits come from NumPy; all else is that of the classifier.

    Args:
        network: of layer lines; its weights are read where they are.
        description: as for `Classifier`.

    Raises:
        UsageError: the network is a Python class; a LayerError, if a line is none that NumPy layers are made for.
    """

    def __init__(self, network: nn.Module, description: Description) -> None:
        super().__init__(network, description)
        if description.layers is None:
            raise UsageError(
                f"The NumPy engine computes layer lines alone, and this is the Python class {description.module}: "
                "leave the engine out."
            )
        state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        shape = description.preparation.output(description.shape)
        self._computed = Network(parse(description.layers), shape, len(description.classes), state)

    def _logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        prepared = self.description.preparation.apply(torch.from_numpy(self.fitted(images)))
        pictures: Floats = prepared.permute(0, 2, 3, 1).numpy()
        return np.asarray(self._computed.forward(pictures) / self.description.temperature, np.float32)


def by_engine(classifier: Classifier, engine: Literal["torch", "numpy"]) -> Classifier:
    """Return the classifier, computed by an engine.

    Raises:
        UsageError: as for `NumPyClassifier`.
    """
    if engine == "torch":
        return classifier
    return NumPyClassifier(classifier.network, classifier.description)
