"""Sightline: from labelled pictures to a classifier that you can trust.

    import sightline

    run = sightline.train("digits", model="cnn")
    evaluation = sightline.evaluate(run)
    predictions, _ = sightline.predict(run, "scan.png")

Every name below is imported when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightline.data.dataset import Dataset as Dataset
    from sightline.data.given import make_dataset as make_dataset
    from sightline.data.imageset import ImageSet as ImageSet
    from sightline.errors import DataError as DataError
    from sightline.errors import SightlineError as SightlineError
    from sightline.errors import UsageError as UsageError
    from sightline.evaluation.evaluation import Evaluation as Evaluation
    from sightline.prediction.classifier import Classifier as Classifier
    from sightline.prediction.classifier import load_classifier as load_classifier
    from sightline.prediction.predict import Prediction as Prediction
    from sightline.studies.runner import study as study
    from sightline.tasks.compare import compare as compare
    from sightline.tasks.demo import demo as demo
    from sightline.tasks.evaluate import evaluate as evaluate
    from sightline.tasks.extend import extend as extend
    from sightline.tasks.find_rate import find_learning_rate as find_learning_rate
    from sightline.tasks.inspect import inspect as inspect
    from sightline.tasks.load import read_dataset as read_dataset
    from sightline.tasks.predict import predict as predict
    from sightline.tasks.train import resume as resume
    from sightline.tasks.train import train as train
    from sightline.training.callbacks import Callback as Callback
    from sightline.training.recipe import Recipe as Recipe
    from sightline.training.run import Run as Run
    from sightline.training.run import open_run as open_run

_HOMES = {
    "Callback": "sightline.training.callbacks",
    "Classifier": "sightline.prediction.classifier",
    "DataError": "sightline.errors",
    "Dataset": "sightline.data.dataset",
    "Evaluation": "sightline.evaluation.evaluation",
    "ImageSet": "sightline.data.imageset",
    "Prediction": "sightline.prediction.predict",
    "Recipe": "sightline.training.recipe",
    "Run": "sightline.training.run",
    "SightlineError": "sightline.errors",
    "UsageError": "sightline.errors",
    "compare": "sightline.tasks.compare",
    "demo": "sightline.tasks.demo",
    "evaluate": "sightline.tasks.evaluate",
    "extend": "sightline.tasks.extend",
    "find_learning_rate": "sightline.tasks.find_rate",
    "inspect": "sightline.tasks.inspect",
    "load_classifier": "sightline.prediction.classifier",
    "make_dataset": "sightline.data.given",
    "open_run": "sightline.training.run",
    "predict": "sightline.tasks.predict",
    "read_dataset": "sightline.tasks.load",
    "resume": "sightline.tasks.train",
    "study": "sightline.studies.runner",
    "train": "sightline.tasks.train",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 (one list, kept in one place)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sightline' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
