"""Picturewise: from labelled pictures to a classifier that you can trust.

    import picturewise

    run = picturewise.train("digits", model="cnn")
    evaluation = picturewise.evaluate(run)
    predictions, _ = picturewise.predict(run, "scan.png")

`picturewise.errors` has every error that is raised, `picturewise.types` every type that is returned. Every name is
imported when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from picturewise import errors as errors
    from picturewise import types as types
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
    from picturewise.tasks.card import card as card
    from picturewise.tasks.catalogue import fetch_set as fetch_set
    from picturewise.tasks.catalogue import list_sets as list_sets
    from picturewise.tasks.catalogue import list_weights as list_weights
    from picturewise.tasks.catalogue import remove_set as remove_set
    from picturewise.tasks.catalogue import show_set as show_set
    from picturewise.tasks.compare import compare as compare
    from picturewise.tasks.demo import demo as demo
    from picturewise.tasks.evaluate import evaluate as evaluate
    from picturewise.tasks.evaluate_many import evaluate_many as evaluate_many
    from picturewise.tasks.export import export as export
    from picturewise.tasks.extend import extend as extend
    from picturewise.tasks.find_rate import find_learning_rate as find_learning_rate
    from picturewise.tasks.imports import list_imports as list_imports
    from picturewise.tasks.imports import remove_imports as remove_imports
    from picturewise.tasks.inspect import inspect as inspect
    from picturewise.tasks.load import make_dataset as make_dataset
    from picturewise.tasks.load import read_dataset as read_dataset
    from picturewise.tasks.predict import predict as predict
    from picturewise.tasks.predict import predict_each as predict_each
    from picturewise.tasks.predict_many import predict_many as predict_many
    from picturewise.tasks.summary import summary as summary
    from picturewise.tasks.train import resume as resume
    from picturewise.tasks.train import train as train
    from picturewise.training.trainer import Callback as Callback
    from picturewise.tuning.tune import tune as tune

_HOMES = {
    "Callback": "picturewise.training.trainer",
    "Classifier": "picturewise.prediction.classifier",
    "DataError": "picturewise.errors",
    "Dataset": "picturewise.data.dataset",
    "Evaluation": "picturewise.evaluation.evaluation",
    "Hints": "picturewise.data.hints",
    "ImageSet": "picturewise.data.imageset",
    "PicturewiseError": "picturewise.errors",
    "Prediction": "picturewise.prediction.predict",
    "Recipe": "picturewise.recipes.recipe",
    "Run": "picturewise.runs.run",
    "UsageError": "picturewise.errors",
    "card": "picturewise.tasks.card",
    "compare": "picturewise.tasks.compare",
    "demo": "picturewise.tasks.demo",
    "evaluate": "picturewise.tasks.evaluate",
    "evaluate_many": "picturewise.tasks.evaluate_many",
    "export": "picturewise.tasks.export",
    "extend": "picturewise.tasks.extend",
    "fetch_set": "picturewise.tasks.catalogue",
    "find_learning_rate": "picturewise.tasks.find_rate",
    "inspect": "picturewise.tasks.inspect",
    "list_imports": "picturewise.tasks.imports",
    "list_sets": "picturewise.tasks.catalogue",
    "list_weights": "picturewise.tasks.catalogue",
    "load_classifier": "picturewise.prediction.classifier",
    "make_dataset": "picturewise.tasks.load",
    "open_run": "picturewise.runs.run",
    "predict": "picturewise.tasks.predict",
    "predict_each": "picturewise.tasks.predict",
    "predict_many": "picturewise.tasks.predict_many",
    "read_dataset": "picturewise.tasks.load",
    "remove_imports": "picturewise.tasks.imports",
    "remove_set": "picturewise.tasks.catalogue",
    "resume": "picturewise.tasks.train",
    "show_set": "picturewise.tasks.catalogue",
    "study": "picturewise.studies.runner",
    "summary": "picturewise.tasks.summary",
    "train": "picturewise.tasks.train",
    "tune": "picturewise.tuning.tune",
}

_MODULES = ("errors", "types")
"""Every error that is raised, and every type that is returned; not imported by `*`."""

__all__ = sorted(_HOMES)  # noqa: PLE0605 (one list, kept in one place)


def __getattr__(name: str) -> _Any:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 (it takes longer than all the rest of this file)

        return version("picturewise")
    if name in _MODULES:
        return _import_module(f"picturewise.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'picturewise' has no attribute '{name}'")
    from picturewise.extras import needed  # noqa: PLC0415 (importing the package stays cheap)

    with needed(f"picturewise.{name}"):
        return getattr(_import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES, "__version__"])
