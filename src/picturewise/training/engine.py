"""The engines that compute a step: PyTorch, or the reference network in NumPy on the same memory.

Weights, running means and momentum are in the PyTorch network and its optimizer in both cases, and NumPy changes them
there: checkpoints, averages, the classifier and the report are independent of engines.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from picturewise.architectures.lines import parse
from picturewise.errors import UsageError
from picturewise.preparing.preparation import Preparation
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.recipes.recipe import Recipe
from picturewise.reference.builder import check_lines
from picturewise.reference.layer import Floats
from picturewise.reference.loss import LOSSES
from picturewise.reference.network import Network
from picturewise.reference.sgd import Sgd
from picturewise.seeds import derive, stream
from picturewise.targets.target import Target
from picturewise.training.losses import Loss
from picturewise.training.machine import Machine
from picturewise.training.optimizers import Optimizer
from picturewise.training.step import train_step

EngineName = Literal["torch", "numpy"]


class TrainingEngine(Protocol):
    """What a learner needs from an engine."""

    def step(self, pictures: Tensor, targets: Tensor, learning_rate: float, place: tuple[int, int]) -> Tensor:
        """Take one step and return what `train_step` returns; `place` is (epoch, batch) and seeds it."""


class TorchTrainingEngine:
    """PyTorch; see `train_step` for the arguments."""

    def __init__(
        self,
        network: nn.Module,
        optimizer: Optimizer,
        machine: Machine,
        preparation: Preparation,
        loss: Loss,
        seed: int,
    ) -> None:
        self._network, self._optimizer, self._machine = network, optimizer, machine
        self._preparation, self._loss, self._seed = preparation, loss, seed

    def step(self, pictures: Tensor, targets: Tensor, learning_rate: float, place: tuple[int, int]) -> Tensor:
        """Take one step; see `train_step`."""
        noise = derive(self._seed, "noise", *place)
        # `torch.manual_seed` would check every kind of device, which takes a twentieth of a small network's step.
        torch.default_generator.manual_seed(noise)
        if self._machine.device.type == "cuda":
            torch.cuda.manual_seed(noise)
        return train_step(
            self._network, self._optimizer, self._machine, self._preparation, self._loss,
            pictures, targets, learning_rate,
        )  # fmt: skip


class NumPyTrainingEngine:
    """The reference network, with sgd.

    Args:
        network: of layer lines, on the processor; its weights and running means are changed in place.
        optimizer: sgd, of the network; its momentum is changed in place, and the rest of it is not used.
        preparation: of the pictures.
        loss: what is minimised.
        recipe: checked by `check_engine`.
        shape: (H, W, C) of pictures before preparation.
        target: the meaning of the labels.
        factors: parameter name → multiple of the learning rate.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: Optimizer,
        preparation: Preparation,
        loss: Loss,
        recipe: EffectiveRecipe,
        shape: tuple[int, ...],
        target: Target,
        factors: dict[str, float],
    ) -> None:
        options = recipe.training
        state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        slots = optimizer.state()
        layers = parse(recipe.model.layers or ())
        self._network = Network(layers, preparation.output(shape), target.output_line, state)
        self._sgd = Sgd(
            self._network.parameters,
            {name: slots[f"momentum/{name}"].numpy() for name in self._network.parameters},
            momentum=options.momentum,
            weight_decay=options.weight_decay,
            clip_norm=options.clip_norm,
            factors=factors,
        )
        weights = loss.class_weights
        self._loss = LOSSES[target.loss](
            target, loss.label_smoothing, None if weights is None else weights.numpy()
        )
        self._preparation, self._seed = preparation, recipe.seed

    def step(self, pictures: Tensor, targets: Tensor, learning_rate: float, place: tuple[int, int]) -> Tensor:
        """Take one step; see `train_step`."""
        wanted: Floats = targets.numpy()
        with np.errstate(all="ignore"):  # the trainer finds a loss that is not a number, and reports it
            logits = self._network.forward(self._prepared(pictures), stream(self._seed, "noise", *place))
            minimised, gradient = self._loss(logits, wanted)
            self._network.backward(gradient)
            self._sgd.step(learning_rate)
            plain = self._loss.plain(logits, wanted)
        right = self._loss.right(logits, wanted)
        return torch.tensor([minimised, plain, right, len(wanted)], dtype=torch.float64)

    def _prepared(self, pictures: Tensor) -> Floats:
        """(B, H, W, C) in 0..255 → (B, H, W, C) float32, without copying what PyTorch prepared."""
        prepared: Floats = self._preparation.apply(pictures).permute(0, 2, 3, 1).numpy()
        return prepared


def check_engine(recipe: Recipe, layers: tuple[str, ...] | None) -> None:
    """Check that the recipe's engine supports everything in the recipe.

    Args:
        recipe: as the user gave it.
        layers: of the network; None: it is a Python class.

    Raises:
        UsageError: it does not support an option; a LayerError if it is a layer line.
    """
    options = recipe.training
    if options.engine == "torch":
        return
    if layers is None:
        raise UsageError(
            "training.engine is 'numpy', which supports only layer lines, but this network is a Python class. Omit "
            "training.engine."
        )
    for key, found, has in (
        ("optimizer", options.optimizer, {None, "sgd"}),
        ("device", options.device, {"auto", "cpu"}),
        ("precision", options.precision, {"auto", "float32"}),
        ("freeze", options.freeze, {"none"}),
        ("shards", options.shards, {None}),
        ("threads", options.threads, {None}),
    ):
        if found not in has:
            only = (
                "".join(f" supports only '{one}'" for one in has - {None, "auto"}) or " does not support it"
            )
            raise UsageError(
                f"training.{key} is '{found}', but the NumPy engine{only}. Omit training.{key}, or use the engine "
                "'torch'."
            )
    check_lines(parse(layers))
