"""Every type that Picturewise returns, for annotations and `isinstance`.

    from picturewise.types import Evaluation, Interval

As in the package itself, every name is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from picturewise.architectures.layers import Count as Count
    from picturewise.architectures.summary import Row as Row
    from picturewise.architectures.summary import Summary as Summary
    from picturewise.data.dataset import Dataset as Dataset
    from picturewise.data.dataset import Skipped as Skipped
    from picturewise.data.imageset import ImageSet as ImageSet
    from picturewise.data.options import DataOptions as DataOptions
    from picturewise.data.pictures.cut import Cut as Cut
    from picturewise.data.pictures.cut import Spacing as Spacing
    from picturewise.evaluation.comparing import Comparison as Comparison
    from picturewise.evaluation.evaluation import ClassScore as ClassScore
    from picturewise.evaluation.evaluation import Coverage as Coverage
    from picturewise.evaluation.evaluation import Evaluation as Evaluation
    from picturewise.evaluation.evaluation import Interval as Interval
    from picturewise.evaluation.evaluation import LengthScore as LengthScore
    from picturewise.evaluation.evaluation import PlaceScore as PlaceScore
    from picturewise.evaluation.evaluation import SequenceScores as SequenceScores
    from picturewise.evaluation.over_seeds import SeedComparison as SeedComparison
    from picturewise.exporting.parity import Parity as Parity
    from picturewise.prediction.classifier import Classifier as Classifier
    from picturewise.prediction.description import Description as Description
    from picturewise.prediction.predict import Prediction as Prediction
    from picturewise.prediction.predict import Reading as Reading
    from picturewise.preparing.preparation import Preparation as Preparation
    from picturewise.recipes.effective import EffectivePreparation as EffectivePreparation
    from picturewise.recipes.effective import EffectiveRecipe as EffectiveRecipe
    from picturewise.recipes.effective import EffectiveTraining as EffectiveTraining
    from picturewise.recipes.options import ModelOptions as ModelOptions
    from picturewise.recipes.options import PreparationOptions as PreparationOptions
    from picturewise.recipes.options import StartOptions as StartOptions
    from picturewise.recipes.options import TrainingOptions as TrainingOptions
    from picturewise.recipes.recipe import Recipe as Recipe
    from picturewise.runs.history import Epoch as Epoch
    from picturewise.runs.record import DataFacts as DataFacts
    from picturewise.runs.record import RunRecord as RunRecord
    from picturewise.runs.record import SessionFacts as SessionFacts
    from picturewise.runs.record import SplitFacts as SplitFacts
    from picturewise.runs.run import Run as Run
    from picturewise.studies.results import StudiedModel as StudiedModel
    from picturewise.studies.results import StudyResult as StudyResult
    from picturewise.studies.study import PublishedResult as PublishedResult
    from picturewise.tasks.catalogue import CatalogueDetails as CatalogueDetails
    from picturewise.tasks.catalogue import CatalogueSet as CatalogueSet
    from picturewise.tasks.catalogue import CatalogueWeights as CatalogueWeights
    from picturewise.tasks.catalogue import FetchedSet as FetchedSet
    from picturewise.tasks.catalogue import RemovedSet as RemovedSet
    from picturewise.tasks.catalogue import WeightsDetails as WeightsDetails
    from picturewise.tasks.compare import ComparedRun as ComparedRun
    from picturewise.tasks.compare import RunComparison as RunComparison
    from picturewise.tasks.evaluate_many import ManyEvaluated as ManyEvaluated
    from picturewise.tasks.export import Export as Export
    from picturewise.tasks.extend import ClassesEvaluated as ClassesEvaluated
    from picturewise.tasks.extend import Extension as Extension
    from picturewise.tasks.find_rate import FoundRate as FoundRate
    from picturewise.tasks.imports import ImportedSource as ImportedSource
    from picturewise.tasks.inspect import Inspection as Inspection
    from picturewise.tasks.inspect import SplitInspection as SplitInspection
    from picturewise.tasks.predict import Predicted as Predicted
    from picturewise.tasks.predict_many import ManyPredicted as ManyPredicted
    from picturewise.tuning.results import TrialResult as TrialResult
    from picturewise.tuning.results import TuningResult as TuningResult

_HOMES = {
    "CatalogueDetails": "picturewise.tasks.catalogue",
    "CatalogueSet": "picturewise.tasks.catalogue",
    "CatalogueWeights": "picturewise.tasks.catalogue",
    "ClassScore": "picturewise.evaluation.evaluation",
    "ClassesEvaluated": "picturewise.tasks.extend",
    "Classifier": "picturewise.prediction.classifier",
    "ComparedRun": "picturewise.tasks.compare",
    "Comparison": "picturewise.evaluation.comparing",
    "Count": "picturewise.architectures.layers",
    "Coverage": "picturewise.evaluation.evaluation",
    "Cut": "picturewise.data.pictures.cut",
    "DataFacts": "picturewise.runs.record",
    "DataOptions": "picturewise.data.options",
    "Dataset": "picturewise.data.dataset",
    "Description": "picturewise.prediction.description",
    "EffectivePreparation": "picturewise.recipes.effective",
    "EffectiveRecipe": "picturewise.recipes.effective",
    "EffectiveTraining": "picturewise.recipes.effective",
    "Epoch": "picturewise.runs.history",
    "Evaluation": "picturewise.evaluation.evaluation",
    "Export": "picturewise.tasks.export",
    "Extension": "picturewise.tasks.extend",
    "FetchedSet": "picturewise.tasks.catalogue",
    "FoundRate": "picturewise.tasks.find_rate",
    "ImageSet": "picturewise.data.imageset",
    "ImportedSource": "picturewise.tasks.imports",
    "Inspection": "picturewise.tasks.inspect",
    "Interval": "picturewise.evaluation.evaluation",
    "LengthScore": "picturewise.evaluation.evaluation",
    "ManyEvaluated": "picturewise.tasks.evaluate_many",
    "ManyPredicted": "picturewise.tasks.predict_many",
    "ModelOptions": "picturewise.recipes.options",
    "Parity": "picturewise.exporting.parity",
    "PlaceScore": "picturewise.evaluation.evaluation",
    "Predicted": "picturewise.tasks.predict",
    "Prediction": "picturewise.prediction.predict",
    "Preparation": "picturewise.preparing.preparation",
    "PreparationOptions": "picturewise.recipes.options",
    "PublishedResult": "picturewise.studies.study",
    "Reading": "picturewise.prediction.predict",
    "Recipe": "picturewise.recipes.recipe",
    "RemovedSet": "picturewise.tasks.catalogue",
    "Row": "picturewise.architectures.summary",
    "Run": "picturewise.runs.run",
    "RunComparison": "picturewise.tasks.compare",
    "RunRecord": "picturewise.runs.record",
    "SeedComparison": "picturewise.evaluation.over_seeds",
    "SequenceScores": "picturewise.evaluation.evaluation",
    "SessionFacts": "picturewise.runs.record",
    "Skipped": "picturewise.data.dataset",
    "Spacing": "picturewise.data.pictures.cut",
    "SplitFacts": "picturewise.runs.record",
    "SplitInspection": "picturewise.tasks.inspect",
    "StartOptions": "picturewise.recipes.options",
    "StudiedModel": "picturewise.studies.results",
    "StudyResult": "picturewise.studies.results",
    "Summary": "picturewise.architectures.summary",
    "TrainingOptions": "picturewise.recipes.options",
    "TrialResult": "picturewise.tuning.results",
    "TuningResult": "picturewise.tuning.results",
    "WeightsDetails": "picturewise.tasks.catalogue",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 (one list, kept in one place)


def __getattr__(name: str) -> _Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'picturewise.types' has no attribute '{name}'")
    from picturewise.extras import needed  # noqa: PLC0415 (as in the package itself)

    with needed(f"picturewise.types.{name}"):
        return getattr(_import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
