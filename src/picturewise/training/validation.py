"""The network as the classifier that would be saved now: validation and prediction use the same computation.

A network of layer lines is trained in the machine's number format, and predicts in the classifier's, which is part of
its file. So validation uses a classifier, too: the accuracy that chooses the best epoch, the reported one and that of
the saved classifier come from one computation.

Where training uses bfloat16 and OpenVINO is installed, the classifier does so too, unless that changes too many
answers, see `changed_answers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

import numpy as np
from torch import nn

from picturewise.architectures.lines import parse
from picturewise.architectures.summary import summarise
from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.background import WHITE, Background
from picturewise.data.pictures.cut import Cut
from picturewise.data.pictures.resize_mode import mode_for
from picturewise.onnx_models.model import is_portable
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.computation import LibraryName, bfloat16_library
from picturewise.prediction.description import Description
from picturewise.prediction.learned import LearnedPictures
from picturewise.prediction.network_forms import NetworkOrArrays
from picturewise.preparing.preparation import Preparation
from picturewise.recipes.recipe import Recipe
from picturewise.training.machine import Machine

COMPARED = 1_000
"""Pictures that are predicted in both number formats."""
MOST_CHANGED = 0.005
"""The share of them that may have another answer in bfloat16."""


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
    library: LibraryName | None = None,
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
        library: that computes in bfloat16; None: the classifier is one in float32.
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
        number_format="float32" if library is None else "bfloat16",
    )
    network.eval()
    return Classifier(_held(network, description), description, library=library)


def library_for(
    recipe: Recipe, preparation: Preparation, machine: Machine, pictures: ImageSet
) -> LibraryName | None:
    """Return the library that validates in bfloat16; None: validation and the classifier use float32.

    Python classes, networks from timm and those on a GPU use float32, and so do all if OpenVINO is not installed:
    without it, few predictions would be faster, and most a little slower.

    Args:
        recipe: the effective one.
        preparation: of the pictures.
        machine: that trains.
        pictures: that are predicted after each epoch.
    """
    if machine.precision != "bfloat16" or machine.device.type != "cpu" or recipe.model.layers is None:
        return None
    if find_spec("openvino") is None:
        return None
    layers, inner = parse(recipe.model.layers), preparation.output(pictures.shape)
    if not is_portable(layers, inner, pictures.target.output_line):
        return None
    each = summarise(layers, inner, pictures.target.output_line).multiplications * preparation.seen.count
    return bfloat16_library(layers, each * len(pictures))


def changed_answers(narrow: Classifier, wide: Classifier, pictures: ImageSet) -> tuple[int, int]:
    """Return for how many pictures two classifiers answer differently, and how many were compared: up to 1,000.

    Args:
        narrow: in bfloat16.
        wide: the same in float32.
        pictures: of the size of their training; those that are compared are evenly spread.
    """
    rows = np.unique(np.linspace(0, len(pictures) - 1, min(COMPARED, len(pictures))).round().astype(np.int64))
    shown, target = pictures.select(rows).images, narrow.description.target
    first, second = (
        target.decode(target.probabilities(one.logits(shown, checked=False)))[0].reshape(len(rows), -1)
        for one in (narrow, wide)
    )
    return int((first != second).any(axis=1).sum()), len(rows)


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
