"""The network as the classifier that would be saved now: validation and prediction use the same computation.

A network of layer lines is trained in the machine's number format, and predicts in the classifier's, which is part of
its file. So validation uses a classifier, too: the accuracy that chooses the best epoch, the reported one and that of
the saved classifier come from one computation.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from picturewise.architectures.lines import parse
from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.background import WHITE, Background
from picturewise.data.pictures.cut import Cut
from picturewise.data.pictures.resize_mode import mode_for
from picturewise.onnx_models.model import is_portable
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.description import Description
from picturewise.prediction.learned import LearnedPictures
from picturewise.prediction.network_forms import NetworkOrArrays
from picturewise.preparing.preparation import Preparation
from picturewise.recipes.recipe import Recipe


def as_classifier(
    network: nn.Module,
    recipe: Recipe,
    preparation: Preparation,
    pictures: ImageSet,
    *,
    temperature: float = 1.0,
    module: str | None = None,
    background: Background = WHITE,
    provenance: Mapping[str, str] | None = None,
    values: tuple[float, float] | None = None,
    learned: LearnedPictures | None = None,
    thresholds: Mapping[str, float] | None = None,
    cut: Cut | None = None,
) -> Classifier:
    """Return the present network as a classifier; it is put into evaluation mode, and may be trained further.

    Args:
        network: layer lines, or a Python class.
        recipe: the effective one.
        preparation: of the pictures.
        pictures: like those it is trained on; only their shape and classes are used.
        temperature: logits are divided by it.
        module: the name of the Python class, if it is one.
        background: of transparent pictures.
        provenance: what else is stored in the file.
        values: as for `Description`.
        learned: the same.
        thresholds: the same.
        cut: the same.
    """
    description = Description(
        layers=recipe.model.layers,
        module=module,
        shape=pictures.shape,
        resize=mode_for(recipe.data.resize, sequences=pictures.has_sequences),
        background=background,
        classes=pictures.classes,
        answer=pictures.target.name,
        preparation=preparation,
        temperature=temperature,
        provenance=provenance or {},
        values=values,
        learned=learned,
        thresholds=thresholds,
        cut=cut,
    )
    network.eval()
    return Classifier(_held(network, description), description)


def _held(network: nn.Module, description: Description) -> NetworkOrArrays:
    """Return a copy of the weights if a classifier from a file would contain arrays; otherwise the module itself.

    On a GPU the module stays where it is: it computes in float32 there, too, and its weights need not be copied.
    """
    if description.layers is None or any(tensor.device.type != "cpu" for tensor in network.parameters()):
        return network
    inner = description.preparation.output(description.shape)
    if not is_portable(parse(description.layers), inner, description.target.output_line):
        return network
    return {name: tensor.detach().numpy().copy() for name, tensor in network.state_dict().items()}
