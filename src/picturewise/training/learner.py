"""`Learner`: a network that is trained on pictures, batch by batch, independent of folders."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.background import WHITE, Background
from picturewise.data.pictures.cut import Cut
from picturewise.data.splitting.folds import FOLDS, folds_of
from picturewise.errors import DataError, RunError
from picturewise.networks.transplant import let_learn, new_classes
from picturewise.networks.weights import check_numbers, load_weights
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.computation import LibraryName, NumberFormat
from picturewise.prediction.learned import LearnedPictures
from picturewise.preparing import augmentation
from picturewise.preparing.augment import augment, turns
from picturewise.preparing.preparation import Preparation
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.seeds import stream
from picturewise.training.average import WeightAverage
from picturewise.training.batches import Batches, fits
from picturewise.training.engine import NumPyTrainingEngine, TorchTrainingEngine, TrainingEngine
from picturewise.training.fast_engine import FastEngine
from picturewise.training.features import Features
from picturewise.training.freezing import Freezing
from picturewise.training.group import ALONE, Group
from picturewise.training.head_fit import HeadFit
from picturewise.training.losses import LOSSES
from picturewise.training.machine import Machine, prepared
from picturewise.training.optimizers import Optimizer
from picturewise.training.schedules import factor
from picturewise.training.sharded_engine import ShardedEngine
from picturewise.training.shards import shard_bounds
from picturewise.training.validation import MOST_CHANGED, as_classifier, changed_answers


class Learner:
    """A network with everything needed to train it.

    The random numbers of a batch depend only on the recipe's seed and the batch's place, so with the state from before
    a batch, the weights after it are the same, bit for bit.

    Args:
        network: (B, C, H, W) prepared floats in, (B, outputs) logits out; changed in place.
        recipe: how it is trained.
        preparation: fitted on `train`.
        machine: where and how to compute.
        train: pictures to train on.
        valid: pictures for choosing the best epoch; None: it is chosen in folds of train.
        freezing: of layers with pretrained weights, if there are any.
        start_temperature: of a kept output layer before training: its probabilities stay the same.
        group: the workers that train it together.
        validated_by: the library that validates in bfloat16; None: validation uses float32.

    Attributes:
        optimizer: of the network's parameters.
        loss: what is minimised.
        engine: computes the steps.
        average: of the weights, if the recipe asks for one.
        epochs: in the whole run.
        learning_rate: the highest of the schedule.
        bounds: (start, stop) of each batch of an epoch.
        validated_by: as above.
        changed: (answers, pictures): how many answers bfloat16 changed when `choose_format` compared it with float32,
            and of how many pictures; None: it did not.

    Raises:
        DataError: `train` does not have labels.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        recipe: EffectiveRecipe,
        preparation: Preparation,
        machine: Machine,
        train: ImageSet,
        valid: ImageSet | None,
        freezing: Freezing | None = None,
        start_temperature: float = 1.0,
        group: Group = ALONE,
        validated_by: LibraryName | None = None,
    ) -> None:
        options = recipe.training
        self.group = group
        self.validated_by = validated_by
        self.changed: tuple[int, int] | None = None
        self.recipe, self.preparation, self.machine = recipe, preparation, machine
        self.train, self.valid = train, valid
        self.freezing, self.start_temperature = freezing, start_temperature
        self.network = network.to(machine.device)
        self.optimizer = Optimizer(
            options.optimizer,
            network,
            momentum=options.momentum,
            weight_decay=options.weight_decay,
            beta2=options.beta2,
            clip_norm=options.clip_norm,
            factors=self._factors(),
            precision=machine.precision,
        )
        self.average = None if options.ema is None else WeightAverage(self.network, options.ema)
        weights = _class_weights(options.class_weights, train, machine)
        self.loss = LOSSES[train.target.loss](train.target, options.label_smoothing, weights)
        self.engine = self._make_engine()
        self.epochs, self.learning_rate = options.epochs, options.learning_rate
        self.bounds = batch_bounds(len(train), options.batch_size)
        self._augmentations = augmentation.parse(recipe.preparation.augmentation)
        self._mirrored: NDArray[np.bool_] | None = None  # in the first epoch
        if any(item.alternate for item in self._augmentations):
            self._mirrored = stream(recipe.seed, "mirrored").random(len(train)) < 0.5
        self._pictures = Batches(train, machine.device, resident=fits(train, machine.device))

    def use_kernels(self, *, products: bool) -> None:
        """Compute weight gradients on small maps as products or not, as another worker or an earlier process does."""
        if products != self.machine.products:
            self.machine = replace(self.machine, products=products)
            self.engine = self._make_engine()

    @property
    def required_valid(self) -> ImageSet:
        """The validation split, for callers that need it.

        Raises:
            DataError: there is none.
        """
        if self.valid is None:
            raise DataError(
                f"{self.train.origin} does not have a validation split. Hold one out with valid_fraction, or use folds."
            )
        return self.valid

    @property
    def batches(self) -> int:
        """Batches per epoch."""
        return len(self.bounds)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the order (N,) in which an epoch, from 1, takes the pictures of train."""
        return stream(self.recipe.seed, "order", epoch).permutation(len(self.train))

    def augmented(self, indices: NDArray[np.int64], place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return the pictures and targets of a batch, on the device.

        Args:
            indices: (B,) of pictures of train.
            place: the batch's epoch, from 1, and number, from 0; with the seed, it determines all random numbers.

        Returns:
            pictures (B, H, W, C), uint8 or float in 0..255; targets (B, outputs), see `Target.shares`.
        """
        pictures, targets = self._pictures.at(indices)
        if not self._augmentations:
            return pictures, targets
        random = stream(self.recipe.seed, "augment", *place)
        mirrored = None if self._mirrored is None else turns(self._mirrored[indices], place[0])
        return augment(pictures, targets, self._augmentations, random, mirrored)

    @contextlib.contextmanager
    def learning(self) -> Iterator[None]:
        """Within the block, PyTorch uses the machine's threads, and steps may seed its generators; see `prepared`.

        Afterwards, the generators are restored.
        """
        devices = [self.machine.device] if self.machine.device.type == "cuda" else []
        with prepared(self.machine), torch.random.fork_rng(devices=devices):
            yield

    def begin(self, epoch: int) -> NDArray[np.int64]:
        """Prepare the network for training in `epoch`, from 1; return the epoch's `order`."""
        self.network.train()
        if self.freezing is not None:
            self.freezing.apply(epoch)
        return self.order(epoch)

    def fits_head(self, epoch: int) -> bool:
        """Return whether an epoch, from 1, fits the output layer at once instead of taking steps."""
        return epoch == 1 and self.recipe.training.head_fit == "regression"

    def head_fit(self) -> HeadFit:
        """Return what fits the output layer above the frozen layers."""
        assert isinstance(self.network, nn.Sequential)  # noqa: S101 (of layer lines, or it does not fit a head)
        assert self.recipe.model.layers is not None  # noqa: S101 (the same)
        recipe, train = self.recipe, self.train
        features = Features(self.network, self.recipe.model.layers, self.preparation, train)
        folds = folds_of(
            train, seed=recipe.seed, group_by=recipe.data.group_by, folds=recipe.training.folds or FOLDS
        )
        return HeadFit(
            self.network, features, train.required_labels, self.loss.class_weights, folds,
            all_folds=bool(recipe.training.folds),
        )  # fmt: skip

    def step(self, order: NDArray[np.int64], epoch: int, batch: int, learning_rate: float) -> Tensor:
        """Train on one batch of an epoch that has begun, within `learning`.

        Args:
            order: of the epoch, from `begin`.
            epoch: from 1.
            batch: of the epoch, from 0.
            learning_rate: of this step; `rate` returns the schedule's.

        Returns:
            the result of `train_step`, (4,) float64, still on the device: reading it waits for a GPU.
        """
        place = (epoch, batch)
        pictures, targets = self.augmented(order[slice(*self.bounds[batch])], place)
        seen = self.engine.step(pictures, targets, learning_rate, place)
        if self.average is not None:
            self.average.update((epoch - 1) * self.batches + batch + 1)
        return seen

    def rate(self, epoch: int, batch: int) -> float:
        """Return the learning rate of the schedule for a batch, from 0, of an epoch, from 1."""
        step = (epoch - 1) * self.batches + batch
        return self.learning_rate * factor(self.recipe.training.schedule, step, self.epochs * self.batches)

    def averaged(self) -> AbstractContextManager[None]:
        """Within the block, the network has the averaged weights if the recipe asks for them, else its own."""
        return contextlib.nullcontext() if self.average is None else self.average.in_place()

    def choose_format(self) -> None:
        """Choose the number format of the present network as a classifier, for `evaluate` and `classifier`.

        It is bfloat16 if this changes at most 0.5 % of the answers on up to 1,000 validation pictures, or training
        pictures if there is no validation split. Each is seen as it is, because the mean over views changes less.
        """
        if self.validated_by is None:
            return
        unmoved = replace(self.preparation, views=())
        narrow, wide = (
            as_classifier(self.network, self.recipe, unmoved, self.train, library=library)
            for library in (self.validated_by, None)
        )
        self.changed = self.group.told(changed_answers(narrow, wide, self.valid or self.train))

    @property
    def number_format(self) -> NumberFormat:
        """The number format that `choose_format` chose; before, float32."""
        if self.changed is None:
            return "float32"
        answers, pictures = self.changed
        return "bfloat16" if answers <= MOST_CHANGED * pictures else "float32"

    def evaluate(self, part: ImageSet, *, one_view: bool = False) -> tuple[NDArray[np.float32], float, float]:
        """Return the (N, outputs) logits of the pictures of a split, their mean loss in nats, and the accuracy.

        Args:
            part: the split.
            one_view: each picture is seen only as it is, whatever views the classifier will use.

        Raises:
            DataError: the pictures do not have labels.
        """
        classifier, group = self.classifier(one_view=one_view), self.group
        if group.size == 1 and not self.recipe.training.shards:
            logits = classifier.logits(part.images, checked=False)
        else:  # in the same pieces for every number of workers, because their size may change the last digits
            bounds = shard_bounds(len(part), self.recipe.training.shards or group.size)
            own = len(bounds) // group.size
            mine = bounds[group.rank * own : (group.rank + 1) * own]
            found = [
                classifier.logits(part.images[start:stop], checked=False)
                for start, stop in mine
                if stop > start
            ]
            empty = np.zeros((0, part.target.outputs), np.float32)
            logits = group.joined(np.concatenate(found) if found else empty)
        return logits, *self.loss.validate(logits, part.required_labels)

    def classifier(
        self,
        temperature: float = 1.0,
        *,
        module: str | None = None,
        background: Background = WHITE,
        provenance: Mapping[str, str] | None = None,
        values: tuple[float, float] | None = None,
        learned: LearnedPictures | None = None,
        thresholds: Mapping[str, float] | None = None,
        cut: Cut | None = None,
        one_view: bool = False,
    ) -> Classifier:
        """Return the present network as a classifier, and put it into evaluation mode; see `as_classifier`."""
        preparation = replace(self.preparation, views=()) if one_view else self.preparation
        return as_classifier(
            self.network, self.recipe, preparation, self.train,
            temperature=temperature, module=module, background=background, provenance=provenance, values=values,
            learned=learned, thresholds=thresholds, cut=cut,
            library=self.validated_by if self.number_format == "bfloat16" else None,
        )  # fmt: skip

    def let_new_classes_learn(self) -> None:
        """Raise the classes that a kept output layer was not trained on, and that started far below the others."""
        head = list(self.network.children())[-1]
        assert isinstance(head, nn.Linear)  # noqa: S101 (from the builder)
        let_learn(head, new_classes(head))

    def finite(self) -> bool:
        """Return whether every weight is finite; this waits for a GPU to finish its queue."""
        # Parameters only: a buffer may be infinite on purpose, such as a mask.
        finite = [torch.isfinite(parameter).all() for parameter in self.network.parameters()]
        return bool(torch.stack(finite).all())  # only one result to wait for

    def state(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the network's weights, and the state of the optimizer and of the average, not copied."""
        average = {} if self.average is None else self.average.state()
        return self.network.state_dict(), self.optimizer.state() | average

    def load(self, weights: Mapping[str, Tensor], optimizer: Mapping[str, Tensor], origin: str) -> None:
        """Load what `state` returned for the same recipe; `origin` says where it was stored.

        Raises:
            RunError: it is not the state of such a network and optimizer.
        """
        load_weights(self.network, weights, origin)
        check_numbers(self.network, origin)
        for name, tensor in self.state()[1].items():
            found = optimizer.get(name)
            if found is not None and found.shape != tensor.shape:
                raise RunError(
                    f"{origin} does not belong to this network: '{name}' has shape {tuple(found.shape)} instead of "
                    f"{tuple(tensor.shape)}. Restore the original files, or train again."
                )
        try:
            self.optimizer.load(optimizer)
            if self.average is not None:
                self.average.load(optimizer)
        except KeyError as error:
            rule = self.recipe.training.optimizer
            raise RunError(
                f"{origin} is incomplete: {error} is missing from the state of {rule}. Restore the original files, or "
                "train again."
            ) from error

    def _factors(self) -> dict[str, float]:
        """Return the multiples of the learning rate for single parameters."""
        return {} if self.freezing is None else self.freezing.factors()

    def _make_engine(self) -> TrainingEngine:
        recipe, train = self.recipe, self.train
        if recipe.training.engine == "torch":
            parts = self.network, self.optimizer, self.machine, self.preparation, self.loss, recipe.seed
            if recipe.training.distributed == "fast" and self.group.size > 1:
                return FastEngine(*parts, group=self.group)
            shards = recipe.training.shards
            return (
                ShardedEngine(*parts, shards=shards, group=self.group)
                if shards
                else TorchTrainingEngine(*parts)
            )
        return NumPyTrainingEngine(
            self.network,
            self.optimizer,
            self.preparation,
            self.loss,
            recipe,
            train.shape,
            train.target,
            self._factors(),
        )


def batch_bounds(pictures: int, batch_size: int) -> list[tuple[int, int]]:
    """Return (start, stop) of each batch; a last batch of a single picture is joined to the one before it.

    Batch normalisation needs at least two pictures for a variance.

    >>> batch_bounds(9, 4)
    [(0, 4), (4, 9)]
    """
    starts = list(range(0, pictures, batch_size))
    if len(starts) > 1 and pictures - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], pictures], strict=True))


def _class_weights(kind: str, train: ImageSet, machine: Machine) -> Tensor | None:
    """Return (K,) weights N / (K · pictures of the class), with mean 1 over the pictures if every class has some."""
    if kind == "none":
        return None
    counts = np.array(list(train.counts().values()), np.float64)
    return torch.tensor(len(train) / (len(counts) * np.maximum(counts, 1)), dtype=torch.float32).to(
        machine.device
    )
