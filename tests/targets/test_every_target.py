"""Every target goes through both losses, both engines, decoding and the metrics.

One of them, two classes a picture, is known to this file alone: a new target needs its entries in the four tables, and
no other file has to change.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError
from picturewise.evaluation import metrics
from picturewise.evaluation.evaluation import Evaluation
from picturewise.evaluation.intervals import wilson_interval
from picturewise.recipes.recipe import make_recipe
from picturewise.reference import loss as reference
from picturewise.targets import TARGETS, OneClass, Places, Target
from picturewise.training import losses
from picturewise.training.learner import Learner
from picturewise.training.make_learner import make_learner

CLASSES = ("d", "h", "l")  # dark, half, light


@dataclass(frozen=True)
class TwoClasses:
    """A class for the left and one for the right of a picture: labels (N, 2), outputs 2K, a softmax for each K."""

    classes: tuple[str, ...]
    name: ClassVar[str] = "two classes"
    loss: ClassVar[str] = "two cross-entropies"
    metrics: ClassVar[str] = "two classes"

    @property
    def outputs(self) -> int:
        return 2 * len(self.classes)

    @property
    def output_line(self) -> str:
        return f"dense {self.outputs}"

    def check(self, labels: NDArray[Any], pictures: int, where: str) -> None:
        if labels.shape != (pictures, 2):
            raise DataError(
                f"{where}: labels have shape {labels.shape}. Pass labels of shape ({pictures}, 2)."
            )

    def shares(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.eye(len(self.classes), dtype=np.float32)[labels].reshape(len(labels), -1)

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        powers = np.exp(self._sides(logits))
        return (powers / powers.sum(axis=2, keepdims=True)).reshape(logits.shape)

    def decode(self, probabilities: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
        sides = self._sides(probabilities)
        return sides.argmax(axis=2), sides.max(axis=2).prod(axis=1)

    def text(self, answer: NDArray[np.int64] | np.int64) -> str:
        left, right = (self.classes[number] for number in np.asarray(answer))
        return f"{left} and {right}"

    def _sides(self, table: NDArray[Any]) -> NDArray[Any]:
        return table.reshape(len(table), 2, len(self.classes))  # (N, 2K) → (N, 2, K)


@dataclass(frozen=True)
class TorchLoss:
    """The sum of the cross-entropies of both sides."""

    side: losses.CrossEntropy

    @property
    def label_smoothing(self) -> float:
        return self.side.label_smoothing

    @property
    def class_weights(self) -> torch.Tensor | None:
        return self.side.class_weights

    def __call__(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        sides = zip(logits.chunk(2, dim=1), targets.chunk(2, dim=1), strict=True)
        return torch.stack([self.side(*side) for side in sides]).sum()

    def plain(self, logits: torch.Tensor, targets: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return TorchLoss(losses.CrossEntropy())(logits, targets) * len(targets)

    def right(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        sides = zip(logits.chunk(2, dim=1), targets.chunk(2, dim=1), strict=True)
        equal = [found.argmax(dim=1) == wanted.argmax(dim=1) for found, wanted in sides]
        return torch.stack(equal).all(dim=0).sum()

    def validate(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
        scores = torch.from_numpy(logits).double()
        targets = torch.eye(logits.shape[1] // 2, dtype=torch.float64)[torch.from_numpy(labels)].flatten(1)
        pictures = len(labels)
        plain = self.plain(scores, targets, scores)
        return float(plain) / pictures, float(self.right(scores, targets)) / pictures


@dataclass(frozen=True)
class NumPyLoss:
    """The same in NumPy."""

    side: reference.CrossEntropy

    def __call__(self, logits: NDArray[Any], targets: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        pairs = zip(np.split(logits, 2, axis=1), np.split(targets, 2, axis=1), strict=True)
        values, gradients = zip(*[self.side(*pair) for pair in pairs], strict=True)
        return sum(values), np.concatenate(gradients, axis=1)

    def plain(self, logits: NDArray[Any], targets: NDArray[Any]) -> float:
        return NumPyLoss(reference.CrossEntropy())(logits, targets)[0] * len(targets)

    def right(self, logits: NDArray[Any], targets: NDArray[Any]) -> int:
        pairs = zip(np.split(logits, 2, axis=1), np.split(targets, 2, axis=1), strict=True)
        equal = [found.argmax(axis=1) == wanted.argmax(axis=1) for found, wanted in pairs]
        return int(np.all(equal, axis=0).sum())


def evaluate_two(
    probabilities: NDArray[np.floating], labels: NDArray[np.int64], *, target: Target, **named: str
) -> Evaluation:
    """Return the accuracy of both sides together; the rest is reported for single sides."""
    classes = target.classes
    answers, _ = target.decode(probabilities)
    right = int((answers == labels).all(axis=1).sum())
    sides = probabilities.reshape(-1, len(classes))  # (N, 2K) → (2N, K)
    single = metrics.evaluate(sides, labels.reshape(-1), classes=classes, **named)
    accuracy = wilson_interval(right, len(labels))
    return single.model_copy(update={"pictures": len(labels), "accuracy": accuracy})


@pytest.fixture(autouse=True)
def entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a new target adds."""
    name = TwoClasses.loss
    monkeypatch.setitem(losses.LOSSES, name, lambda _, *options: TorchLoss(losses.CrossEntropy(*options)))
    monkeypatch.setitem(
        reference.LOSSES, name, lambda _, *options: NumPyLoss(reference.CrossEntropy(*options))
    )
    monkeypatch.setitem(metrics.METRICS, TwoClasses.metrics, evaluate_two)
    monkeypatch.setitem(TARGETS, TwoClasses.name, TwoClasses)


TwoPlaces = partial(Places, places=2)
every_target = pytest.mark.parametrize("make_target", [OneClass, TwoClasses, TwoPlaces])


def pictures(make_target: Any, count: int, seed: int) -> ImageSet:
    """Return noisy pictures (N, 6, 6, 1), each side as bright as its class says."""
    random = np.random.default_rng(seed)
    sides = random.integers(0, 3, (count, 2))
    images = random.integers(0, 60, (count, 6, 6, 1)) + 90 * np.repeat(sides, 3, axis=1)[:, None, :, None]
    labels = {OneClass: sides[:, 0], TwoClasses: sides}.get(make_target)
    if labels is None:  # a length, and as many symbols: a half is read on one side only
        lengths = 1 + random.integers(0, 2, count)
        images[lengths == 1, :, 3:] = 250
        labels = np.column_stack([lengths, sides[:, 0], np.where(lengths == 1, -1, sides[:, 1])])
    return ImageSet(images.astype(np.uint8), labels, CLASSES, "here", make_target=make_target)


def learner(make_target: Any, engine: str, **options: Any) -> Learner:
    """Return a learner of ten epochs of four batches."""
    training = {"engine": engine, "optimizer": "sgd", "epochs": 10, "batch_size": 16, "learning_rate": 0.05}
    training |= {"device": "cpu", "precision": "float32", "schedule": "constant"}
    recipe = make_recipe(
        {
            "seed": 7,
            "data": {"source": "made by a test"},
            "model": {"name": None, "layers": ["flatten", "dense 16 relu"]},
            "preparation": {"augmentation": options.pop("augmentation", [])},
            "training": training | options,
        }
    )
    train, valid = pictures(make_target, 64, 0), pictures(make_target, 30, 1)
    return make_learner(recipe, Dataset("sides", train=train, valid=valid))[0]


def learn(learner: Learner) -> NDArray[np.float64]:
    """Let it learn to the end; return what its steps saw, (steps, 4)."""
    seen = []
    with learner.learning():
        for epoch in range(1, learner.epochs + 1):
            order = learner.begin(epoch)
            seen += [learner.step(order, epoch, batch, 0.05) for batch in range(learner.batches)]
    return torch.stack(seen).numpy()


@every_target
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_its_losses_in_torch_and_numpy_are_one(make_target: Any, smoothing: float) -> None:
    target: Target = make_target(CLASSES)
    random, part = np.random.default_rng(0), pictures(make_target, 20, 2)
    logits = random.normal(scale=3, size=(20, target.outputs))
    shares = target.shares(part.required_labels).astype(np.float64)
    mixed = 0.3 * shares + 0.7 * shares[::-1]
    torch_loss = losses.LOSSES[target.loss](target, smoothing, None)
    numpy_loss = reference.LOSSES[target.loss](target, smoothing, None)

    tensor, wanted = torch.from_numpy(logits).requires_grad_(), torch.from_numpy(mixed)
    expected = torch_loss(tensor, wanted)
    expected.backward()
    value, gradient = numpy_loss(logits, mixed)
    assert value == pytest.approx(float(expected.detach()), rel=1e-5)
    assert tensor.grad is not None
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-5, atol=1e-9)

    with torch.no_grad():
        plain = numpy_loss.plain(logits, mixed)
        assert plain == pytest.approx(float(torch_loss.plain(tensor, wanted, expected)), rel=1e-5)
        assert numpy_loss.right(logits, mixed) == int(torch_loss.right(tensor, wanted))
    mean, accuracy = torch_loss.validate(logits.astype(np.float32), part.required_labels)
    assert mean == pytest.approx(numpy_loss.plain(logits, shares) / 20, rel=1e-5)
    if make_target is not TwoPlaces:  # the most likely reading need not have the most likely length
        assert accuracy == numpy_loss.right(logits, shares) / 20


@every_target
@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.1, "augmentation": ["shift 1", "mixup 0.4"]}], ids=["plain", "all"]
)
def test_both_engines_learn_the_same_with_it(make_target: Any, options: dict[str, Any]) -> None:
    by_torch, by_numpy = (learner(make_target, engine, **options) for engine in ("torch", "numpy"))
    seen, same = learn(by_torch), learn(by_numpy)
    np.testing.assert_allclose(same, seen, rtol=1e-3)
    minimised, _, right, count = seen.T
    assert minimised[-4:].mean() < 0.7 * minimised[:4].mean()
    assert right[-4:].sum() / count[-4:].sum() > right[:4].sum() / count[:4].sum()


@every_target
def test_what_was_learned_is_decoded_and_evaluated(make_target: Any) -> None:
    trained = learner(make_target, "torch")
    learn(trained)
    valid, target = trained.valid, trained.valid.target
    logits, loss, accuracy = trained.evaluate(valid)
    assert (logits.shape, target) == ((30, target.outputs), make_target(CLASSES))
    assert accuracy > 0.9

    probabilities = target.probabilities(logits)
    answers, sure = target.decode(probabilities)
    target.check(answers, 30, "the answers")
    assert (sure.shape, bool(((sure > 0) & (sure <= 1)).all())) == ((30,), True)
    right = (answers == valid.required_labels).reshape(30, -1).all(axis=1)
    assert right.mean() == pytest.approx(accuracy)
    assert all(target.text(answer).startswith(CLASSES) for answer in answers)

    named = {"dataset": "sides", "split": "valid", "fingerprint": valid.fingerprint}
    found = metrics.METRICS[target.metrics](probabilities, valid.required_labels, target=target, **named)
    assert (found.pictures, found.accuracy.value) == (30, pytest.approx(accuracy))
    sides = 2 if isinstance(target, TwoClasses) else 1  # whose losses are averaged there
    assert found.loss.value == pytest.approx(loss / sides, rel=1e-4)


@every_target
def test_its_labels_are_checked_where_pictures_meet_them(make_target: Any) -> None:
    part = pictures(make_target, 5, 3)
    with pytest.raises(DataError, match=r"^here: .* shape \(4,"):
        ImageSet(part.images[:4], part.labels, CLASSES, "here", make_target=make_target)
    chosen = part.select(np.array([3, 1]))
    np.testing.assert_array_equal(chosen.required_labels, part.required_labels[[3, 1]])
    assert chosen.target == make_target(CLASSES)
