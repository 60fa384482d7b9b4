"""Picturewise: from labelled pictures to a classifier that you can trust.

    import picturewise

    run = picturewise.train("digits", model="cnn")
    evaluation = picturewise.evaluate(run)
    predictions, _ = picturewise.predict(run, "scan.png")

Every name below is imported when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from picturewise.data.dataset import Dataset as Dataset
    from picturewise.data.hints import Hints as Hints
    from picturewise.data.imageset import ImageSet as ImageSet
    from picturewise.errors import DataError as DataError
    from picturewise.errors import PicturewiseError as PicturewiseError
    from picturewise.errors import UsageError as UsageError
    from picturewise.evaluation.evaluation import Evaluation as Evaluation
    from picturewise.prediction.classifier import Classifier as Classifier
    from picturewise.prediction.classifier import load_classifier as load_classifier
    from picturewise.prediction.predict import Prediction as Prediction
    from picturewise.recipes.recipe import Recipe as Recipe
    from picturewise.runs.run import Run as Run
    from picturewise.runs.run import open_run as open_run
    from picturewise.studies.runner import study as study
    from picturewise.tasks.compare import compare as compare
    from picturewise.tasks.demo import demo as demo
    from picturewise.tasks.evaluate import evaluate as evaluate
    from picturewise.tasks.extend import extend as extend
    from picturewise.tasks.find_rate import find_learning_rate as find_learning_rate
    from picturewise.tasks.inspect import inspect as inspect
    from picturewise.tasks.load import make_dataset as make_dataset
    from picturewise.tasks.load import read_dataset as read_dataset
    from picturewise.tasks.predict import predict as predict
    from picturewise.tasks.train import resume as resume
    from picturewise.tasks.train import train as train
    from picturewise.training.trainer import Callback as Callback

_HOMES = {
    "Callback": "picturewise.training.trainer",
    "Classifier": "picturewise.prediction.classifier",
    "DataError": "picturewise.errors",
    "Dataset": "picturewise.data.dataset",
    "Evaluation": "picturewise.evaluation.evaluation",
    "Hints": "picturewise.data.hints",
    "ImageSet": "picturewise.data.imageset",
    "Prediction": "picturewise.prediction.predict",
    "Recipe": "picturewise.recipes.recipe",
    "Run": "picturewise.runs.run",
    "PicturewiseError": "picturewise.errors",
    "UsageError": "picturewise.errors",
    "compare": "picturewise.tasks.compare",
    "demo": "picturewise.tasks.demo",
    "evaluate": "picturewise.tasks.evaluate",
    "extend": "picturewise.tasks.extend",
    "find_learning_rate": "picturewise.tasks.find_rate",
    "inspect": "picturewise.tasks.inspect",
    "load_classifier": "picturewise.prediction.classifier",
    "make_dataset": "picturewise.tasks.load",
    "open_run": "picturewise.runs.run",
    "predict": "picturewise.tasks.predict",
    "read_dataset": "picturewise.tasks.load",
    "resume": "picturewise.tasks.train",
    "study": "picturewise.studies.runner",
    "train": "picturewise.tasks.train",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 (one list, kept in one place)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'picturewise' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
