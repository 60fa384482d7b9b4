"""`PicturewiseClassifier`: training and prediction as a scikit-learn estimator.

from sklearn.model_selection import cross_val_score

from picturewise.estimator import PicturewiseClassifier

scores = cross_val_score(PicturewiseClassifier(epochs=5), images, labels)
"""

from __future__ import annotations

import contextlib
import math
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.value_range import Ends, ValueRange
from picturewise.data.hints import parse_value_range
from picturewise.data.pictures.resize_mode import ResizeMode
from picturewise.errors import DataError, InputError, UsageError
from picturewise.extras import needed
from picturewise.names import listed
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.printable import printable
from picturewise.recipes.keywords import from_keywords
from picturewise.recipes.options import OptimizerName
from picturewise.tasks import default_network
from picturewise.tasks.load import make_dataset
from picturewise.tasks.train import claimed, train_on
from picturewise.tasks.wanted_recipe import wanted

with needed("picturewise.estimator"):
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_array, check_is_fitted, check_X_y, validate_data

_AT_ONCE = 1 << 24  # numbers that are converted together
_OWN = ("model", "preset", "layers", "epochs", "seed", "shape", "out", "settings", "progress")
"""The parameters that are not keywords of a recipe."""
_OF_DATA = ("valid_fraction", "split_seed", "value_range")
"""The keywords that say how `fit` makes a data set."""


class PicturewiseClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A network that is trained on pictures in arrays and predicts the classes of others.

    Pictures are (N, H, W), (N, H, W, 1 or 3), or rows (N, F), where F is a square or the product of `shape`. They are
    integers or floats in the same range of values for `fit` and `predict`. `fit` holds out a validation split, which is
    used to choose the best epoch and to calibrate the probabilities; all other pictures are trained on.

    Args:
        model: a network by name, as for `train`.
        preset: as for `train`.
        layers: layer lines instead of a name.
        epochs: as for `train`.
        seed: of all random choices; equal seeds give equal weights.
        shape: height and width of pictures in rows, and channels if there are 3.
        out: the folder of the run, new or empty; None: a temporary one, without a report,
            which is removed with the estimator.
        settings: every key of a recipe, as for `train`.
        progress: show the progress of training.

    The other parameters are keywords of `train`; None: its default.

    Attributes:
        classes_: the labels, sorted.
        classifier_: the `Classifier`.
        run_: the `Run` of the last fit; copies and unpickled estimators do not have it.
        n_features_in_: F, if pictures are in rows.

    Raises:
        InputError: pictures, labels or parameters cannot be used; it is a ValueError and a PicturewiseError.
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        preset: str | None = None,
        layers: str | Sequence[str] | None = None,
        epochs: int | None = None,
        seed: int | None = None,
        shape: tuple[int, ...] | None = None,
        out: str | Path | None = None,
        settings: Sequence[str] | Mapping[str, Any] | None = None,
        progress: bool = False,
        size: tuple[int, int] | None = None,
        resize: ResizeMode | None = None,
        valid_fraction: float | None = None,
        split_seed: int | None = None,
        limit: int | None = None,
        value_range: str | None = None,
        initialisation: Literal["he", "dirac"] | None = None,
        grey: bool | None = None,
        augmentation: Sequence[str] | None = None,
        views: Sequence[str] | None = None,
        steps: int | None = None,
        batch_size: int | None = None,
        optimizer: OptimizerName | None = None,
        learning_rate: float | None = None,
        schedule: Literal["constant", "cosine", "one-cycle"] | None = None,
        momentum: float | None = None,
        beta2: float | None = None,
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        ema: float | None = None,
        label_smoothing: float | None = None,
        class_weights: Literal["none", "balanced"] | None = None,
        folds: int | None = None,
        keep: Literal["best", "last"] | None = None,
        patience: int | None = None,
        checkpoint_minutes: float | None = None,
        engine: Literal["torch", "numpy"] | None = None,
        device: Literal["auto", "cpu", "cuda"] | None = None,
        precision: Literal["auto", "float32", "bfloat16"] | None = None,
    ) -> None:
        given = dict(locals())
        for name in self._get_param_names():
            setattr(self, name, given[name])

    def fit(self, X: Any, y: Any) -> PicturewiseClassifier:  # noqa: N803 (scikit-learn's name)
        """Train on pictures and their labels, integers or strings; return the estimator.

        Raises:
            InputError, ValueError: the pictures, the labels or a parameter cannot be used.
            DivergedError, Interrupted, SaveError: as for `train`.
        """
        if _axes(X) > 2:
            numbers, labels = check_X_y(X, y, allow_nd=True, ensure_2d=False, estimator=self)
        else:
            numbers, labels = validate_data(self, X, y)
        check_classification_targets(labels)
        with _as_input_error():
            pictures = self._pictures(numbers)
            classes, places = np.unique(labels, return_inverse=True)
            names = _names(classes)
            options = self.get_params(deep=False)
            of_data = {name: options[name] for name in _OF_DATA if options[name] is not None}
            dataset = make_dataset(
                (pictures, places), classes=names, test_fraction=0, layout="channels-last", **of_data
            )
            keywords = {
                name: value for name, value in options.items() if name not in _OWN and value is not None
            }
            whole, source = wanted(
                dataset, preset=self.preset, model=self.model, layers=self.layers, network=None, epochs=self.epochs,
                seed=self.seed, group_by=None, recipe=None, settings=() if self.settings is None else self.settings,
                keywords=from_keywords(keywords, "PicturewiseClassifier", ()),
            )  # fmt: skip
            with claimed(self._folder(), source) as new:
                self.run_ = train_on(
                    source,
                    whole,
                    new=new,
                    progress=self.progress,
                    report=self.out is not None,
                    choose=default_network.is_open(whole),
                )
        self.classifier_ = self.run_.classifier()
        self.classes_ = classes
        self._unit = dataset.values or _unit(numbers, self.value_range)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:  # noqa: N803
        """Return calibrated probabilities (N, K) of pictures, in the order of `classes_`.

        Raises:
            InputError, ValueError: the pictures cannot be used, or have other values than those of `fit`.
            NotFittedError: `fit` was not called.
        """
        check_is_fitted(self, "classifier_")
        if _axes(X) > 2:
            numbers = check_array(X, allow_nd=True, ensure_2d=False, estimator=self)
        else:
            numbers = validate_data(self, X, reset=False)
        with _as_input_error():
            pictures = _as_bytes(self._pictures(numbers), self._unit)
            classifier: Classifier = self.classifier_
            return classifier.probabilities(pictures)

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return the most likely label of each picture, (N,), of the type that `fit` got.

        Raises:
            InputError, ValueError, NotFittedError: as for `predict_proba`.
        """
        answers = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[answers]
        return labels

    def _pictures(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Return what was passed as (N, H, W, C)."""
        if numbers.ndim == 2:
            shape = self._shape(numbers.shape[1])
            return numbers.reshape(len(numbers), *shape)
        if numbers.ndim == 3:
            return numbers[..., np.newaxis]
        if numbers.ndim == 4 and numbers.shape[3] in {1, 3}:
            return numbers
        way = " Pass x.transpose(0, 2, 3, 1)." if numbers.ndim == 4 and numbers.shape[1] in {1, 3} else ""
        raise DataError(
            f"X has shape {numbers.shape}. Expected (N, H, W), (N, H, W, 1 or 3) or rows (N, F).{way}"
        )

    def _shape(self, numbers: int) -> tuple[int, int, int]:
        """Return height, width and channels of a picture in a row."""
        if self.shape is not None:
            shape = tuple(self.shape) if isinstance(self.shape, tuple | list) else ()
            sides = len(shape) in {2, 3} and all(isinstance(side, int | np.integer) for side in shape)
            if not sides or math.prod(shape) != numbers or (shape[2:] or (1,))[0] not in {1, 3}:
                raise DataError(
                    f"shape is {self.shape!r}, but X has rows of {numbers:,} values. Pass (H, W) or (H, W, 3) with "
                    "that product."
                )
            return int(shape[0]), int(shape[1]), int((shape[2:] or (1,))[0])
        side = math.isqrt(numbers)
        if side * side != numbers:
            raise DataError(
                f"X has rows of {numbers:,} values, which do not make a square picture. Pass shape=(H, W) or "
                "(H, W, 3), or X as (N, H, W) or (N, H, W, C)."
            )
        return side, side, 1

    def _folder(self) -> Path:
        """Return the folder of a new run; the temporary folder of an earlier fit is removed."""
        if (finalizer := self.__dict__.pop("_finalizer", None)) is not None:
            finalizer()
        if self.out is not None:
            return Path(self.out)
        folder = tempfile.mkdtemp(prefix="picturewise-")
        self._finalizer = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder) / "run"

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs; the classifier as the bytes of its file, which hold no code."""
        state = {
            name: value
            for name, value in super().__getstate__().items()
            if name not in {"run_", "_finalizer"}
        }
        if "classifier_" in state:
            state["classifier_"] = state["classifier_"].to_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "classifier_" in state:
            with tempfile.TemporaryDirectory(prefix="picturewise-") as folder:
                file = Path(folder) / "classifier.safetensors"
                file.write_bytes(state["classifier_"])
                self.classifier_ = load_classifier(file)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = self.value_range is None
        return tags


def _axes(values: Any) -> int:
    """Return how many axes an array or nested lists have; 2 if it is unknown, as scikit-learn expects."""
    return np.ndim(values) if isinstance(values, list | tuple) else int(getattr(values, "ndim", 2))


@contextlib.contextmanager
def _as_input_error() -> Iterator[None]:
    """Raise errors about pictures, labels or parameters as InputError, which is also a ValueError."""
    try:
        yield
    except (DataError, UsageError) as error:
        raise InputError(error) from error


def _names(classes: NDArray[Any]) -> list[str]:
    """Return the names of labels, as the run and its classifier have them."""
    names = [printable(str(label)) for label in classes.tolist()]
    if len(names) < 2:
        raise DataError(f"y has only one class, {listed(names)}. Pass labels of at least two classes.")
    if len(set(names)) < len(names):  # such as 'a' and 'a' with an invisible character
        raise DataError(
            f"y has different labels that look the same ({listed(names)}). Give the classes distinct names."
        )
    return names


def _unit(numbers: NDArray[Any], said: str | None) -> Ends:
    """Return the values of black and white, as the user passed them or as the type of the pictures implies."""
    if said is not None:
        return parse_value_range(said)
    return (0.0, 1.0) if numbers.dtype.kind in "bf" and numbers.max() <= 1.5 else (0.0, 255.0)


def _as_bytes(pictures: NDArray[Any], unit: Ends) -> NDArray[np.uint8]:
    """Return pictures (N, H, W, C) as bytes, each by itself, whatever else is predicted with it."""
    scale = ValueRange(*unit, plain=False, why="the range found by fit")
    found = np.empty(pictures.shape, np.uint8)
    step = max(1, _AT_ONCE // math.prod(pictures.shape[1:]))
    for first in range(0, len(pictures), step):
        found[first : first + step] = scale.to_bytes(pictures[first : first + step], "X", first)
    return found
