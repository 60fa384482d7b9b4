"""Where a network's initial weights come from, if not from the seed: published weights, a run, a classifier's file."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from torch import Tensor

from picturewise import timm_adapter
from picturewise.architectures.layers import Dense, Flatten, Shape
from picturewise.architectures.lines import parse, parse_line, split_lines
from picturewise.architectures.published import PUBLISHED, published_lines, published_scale
from picturewise.architectures.summary import summarise
from picturewise.architectures.timm_line import Timm
from picturewise.catalogue.weights import published_weights
from picturewise.errors import RunError, UsageError, nearest
from picturewise.file_names import path_of, text_of
from picturewise.networks import weights
from picturewise.networks.timm_weights import from_timm
from picturewise.networks.torchvision_weights import from_published
from picturewise.networks.transplant import with_channels
from picturewise.networks.weight_files import read_weight_file
from picturewise.prediction.classifier import load_classifier
from picturewise.preparing.preparation import Preparation
from picturewise.recipes.options import ModelOptions, StartOptions
from picturewise.recipes.recipe import Recipe

WORD = "pretrained"


@dataclass(frozen=True)
class Head:
    """An output layer: (K, features), (K,), its classes, and the temperature of their probabilities."""

    weight: Tensor
    bias: Tensor
    classes: tuple[str, ...]
    temperature: float


@dataclass(frozen=True)
class Backbone:
    """A trained network without its output layer.

    Attributes:
        source: where it came from, in a recipe's form.
        lines: its layer lines.
        weights: of their modules, named as the builder names them.
        preparation: what was done to the pictures that it was trained on.
        shape: of those pictures (H, W, C), before preparation; None: any shape.
        head: its output layer, if it is known.
        sha256: of the weights, including those of the head.
    """

    source: str
    lines: tuple[str, ...]
    weights: dict[str, Tensor]
    preparation: Preparation
    shape: Shape | None
    head: Head | None
    sha256: str

    def for_channels(self, channels: int) -> Backbone:
        """Return it for prepared pictures of 1 or 3 channels; means and deviations are averaged or repeated."""
        mean, std = (
            values if len(values) == channels else (sum(values) / len(values),) * channels
            for values in (self.preparation.mean, self.preparation.std)
        )
        preparation = replace(self.preparation, mean=mean, std=std)
        return replace(self, weights=with_channels(self.weights, channels), preparation=preparation)


def asked(recipe: Recipe) -> Recipe:
    """Return the recipe with the pretrained weights in its layer lines or its name moved to `start`.

    Raises:
        UsageError: they are not named in the first line.
    """
    model = recipe.model
    lines = split_lines([model.name or ""] if model.layers is None else model.layers)
    places = [number for number, line in enumerate(lines) if line.split()[0].lower() == WORD]
    if not places:
        return recipe
    if places != [0]:
        raise UsageError(
            f"Pretrained layers must come first, but '{lines[places[-1]]}' is layer line {places[-1] + 1}. "
            "Move it to the first line."
        )
    source = lines[0].split(maxsplit=1)[1:]
    if not source:
        raise UsageError(
            f"'{WORD}' needs a source. Name published weights, a run or a file, such as 'pretrained resnet18'."
        )
    return recipe.model_copy(
        update={
            "model": ModelOptions(name=None, layers=tuple(lines[1:]), head=model.head),
            "start": StartOptions(**{**recipe.start.model_dump(), "source": source[0], "lines": None}),
        }
    )


def with_backbone(recipe: Recipe, shape: Shape, *, sequences: bool = False) -> tuple[Recipe, Backbone | None]:
    """Return the recipe with the layer lines of the backbone that it starts with, and the backbone.

    Args:
        recipe: as the user gave it, or effective.
        shape: of the pictures (H, W, C), before preparation.
        sequences: the labels are sequences of symbols. If single symbols were learned on pictures of another size, only
            the layers before the maps are flattened start with these weights.

    Raises:
        UsageError: the source is unknown, or does not fit the pictures.
        DataError: published weights are not here yet.
        RunError: a file is damaged, or its weights are not the ones that the recipe names.
    """
    recipe = asked(recipe)
    start = recipe.start
    if start.source is None:
        return recipe, None
    channels = 1 if recipe.preparation.grey else shape[2]
    backbone = read_backbone(start.source, (*shape[:2], channels))
    if start.sha256 not in {None, backbone.sha256}:
        raise RunError(
            f"{start.source} was changed: its weights have the SHA-256 {backbone.sha256[:16]}…, but the recipe has "
            f"{(start.sha256 or '')[:16]}…. Restore the original weights, or omit start.sha256."
        )
    count = len(backbone.lines) if start.lines is None else start.lines
    if count > len(backbone.lines):
        raise UsageError(
            f"start.lines is {count}, but {start.source} has {len(backbone.lines)} lines without its output layer. "
            f"Use at most {len(backbone.lines)}."
        )
    layers = recipe.model.layers or ()
    if start.lines is None:
        layers = (*backbone.lines, *layers)
        if sequences and backbone.shape is not None and backbone.shape[:2] != shape[:2]:
            count = _of_any_size(backbone.lines)
    known = {"source": backbone.source, "sha256": backbone.sha256, "lines": count}
    statistics, rate, frozen = _usual(start, backbone)
    found = start.model_copy(update={**known, "statistics": start.statistics or statistics})
    model = recipe.model.model_copy(update={"layers": layers})
    given = recipe.training
    known_rates = {
        "backbone_rate": given.backbone_rate or rate,
        "freeze_statistics": frozen if given.freeze_statistics is None else given.freeze_statistics,
    }
    training = given.model_copy(update=known_rates)
    whole = recipe.model_copy(update={"model": model, "start": found, "training": training})
    return whole, backbone.for_channels(channels)


def _of_any_size(lines: tuple[str, ...]) -> int:
    """Return how many of the first lines have weights that do not depend on the size of the pictures."""
    sized = [isinstance(layer, Flatten | Dense) for layer in parse(lines)]
    return sized.index(True) if True in sized else len(lines)


def _usual(start: StartOptions, backbone: Backbone) -> tuple[Literal["source", "data"], float, bool]:
    """Return the usual statistics for pictures, the usual multiple of the rate, and whether layers keep statistics.

    A kept output layer needs the same normalisation as before. Weights of one's own runs, small networks on small
    pictures, trained best with the data's statistics and at the full rate (docs/results/transfer.md); weights
    trained on ImageNet are changed carefully, as is usual: with the statistics of small batches, fine-tuning
    EfficientNet-Lite0 lost a quarter of the accuracy that its frozen layers had (docs/results/defaults.md).
    """
    if start.head == "keep":
        return "source", 1.0, False
    return ("source", 0.1, True) if backbone.head is None else ("data", 1.0, False)


def read_backbone(source: str, shape: Shape) -> Backbone:
    """Return the backbone of a source: a published network, `NAME from FILE`, `timm NAME from FILE`, a run, a file.

    Args:
        source: as written after `pretrained`.
        shape: of prepared pictures (H, W, C).

    Raises:
        UsageError, DataError, RunError: as for `with_backbone`.
    """
    name, _, place = (part.strip() for part in source.partition(" from "))
    path = path_of(place).expanduser() if place else None
    if path_of(source).exists():
        return _from_classifier(source)
    if name in PUBLISHED:
        return _published(name, path, shape)
    if name.split()[:1] == ["timm"]:
        return _timm(name, path, shape)
    return _from_classifier(source)


def _published(name: str, path: Path | None, shape: Shape) -> Backbone:
    lines = published_lines(name, shape)  # first, because pictures that are too small do not need the weights
    state = read_weight_file(path or published_weights(name))
    mean, std = published_scale(name, shape[2])
    return Backbone(
        source=name if path is None else f"{name} from {text_of(path.absolute())}",
        lines=lines,
        weights=from_published(name, state, shape, origin=name if path is None else str(path)),
        preparation=Preparation(mean=mean, std=std),
        shape=None,
        head=None,
        sha256=weights.fingerprint(state),
    )


def _timm(line: str, path: Path | None, shape: Shape) -> Backbone:
    layer = parse_line(line, 1)
    assert isinstance(layer, Timm)  # noqa: S101 (its first word is timm)
    known = timm_adapter.published(layer.name)
    if path is None:
        place = f" (hf download {known.repository} model.safetensors)" if known.repository else ""
        raise UsageError(
            f"'{WORD} {line}' does not name a file, and nothing is downloaded automatically. Download the "
            f"weights{place}, and write '{WORD} {layer.line} from FILE'."
        )
    summarise([layer], shape, "dense 2")  # first, because pictures that do not fit do not need the weights
    state = read_weight_file(path)
    return Backbone(
        source=f"{layer.line} from {text_of(path.absolute())}",
        lines=(layer.line,),
        weights=from_timm(layer.name, state, shape, origin=str(path)),
        preparation=Preparation(mean=known.mean, std=known.std),
        shape=None,
        head=None,
        sha256=weights.fingerprint(state),
    )


def _from_classifier(source: str) -> Backbone:
    place = path_of(source).expanduser()
    path = place / "classifier.safetensors" if place.is_dir() else place
    if not path.exists():
        raise UsageError(
            f"The weights '{source}' were not found. Pass a run folder, a classifier file, published weights "
            f"({', '.join(PUBLISHED)}), 'resnet18 from FILE' or 'timm NAME from FILE'."
            f"{nearest(source, PUBLISHED)}"
        )
    try:
        classifier = load_classifier(path)
    except UsageError as error:
        raise UsageError(
            f"{source} contains the weights of a Python class, but training can start only from a network of layer "
            "lines. Pass other weights."
        ) from error
    description, state = classifier.description, classifier.network.state_dict()
    assert description.layers is not None  # noqa: S101 (a Python class was refused above)
    last = max(int(name.partition(".")[0]) for name in state)
    own = {name: tensor for name, tensor in state.items() if not re.match(rf"{last}\.", name)}
    return Backbone(
        source=text_of(place.absolute()),
        lines=description.layers,
        weights=own,
        preparation=description.preparation,
        shape=description.shape,
        head=Head(
            state[f"{last}.weight"], state[f"{last}.bias"], description.classes, description.temperature
        ),
        sha256=weights.fingerprint(state),
    )
