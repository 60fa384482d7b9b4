"""Evaluate a classifier of single symbols on whole sequences, over which it is moved; see `prediction.sliding`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from picturewise import files, logs
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.labels_for import labels_for
from picturewise.evaluation.abstaining import thresholds
from picturewise.evaluation.calibration import choose_temperature_of_readings
from picturewise.evaluation.evaluation import Evaluation
from picturewise.evaluation.sequences import evaluate_sequences
from picturewise.prediction.sliding import slide
from picturewise.reporting.album import Album
from picturewise.runs.sliding_run import SlidingRun
from picturewise.targets.sequences import same
from picturewise.tasks.load import load, own_source

_LEAST = 1e-30
"""Probabilities are at least this before logarithms are taken."""


def evaluate_sliding(run: SlidingRun, held_back: ImageSet, *, progress: bool = True) -> Evaluation:
    """Return the scores of reading the test split by moving a classifier over it, and save them in the run's folder.

    Readings are calibrated, and their thresholds are chosen, as those of a network that is trained on sequences. The
    scores on `held_back` are saved as those of the validation split.

    Args:
        run: with the classifier and the pictures.
        held_back: labelled sequences none of whose symbols the classifier was trained on; not of the test split.
        progress: show the progress of reading, on a terminal.

    Raises:
        UsageError: the classes of the classifier are not symbols of the sequences.
        DataError: the pictures cannot be read.
        RunError: the classifier cannot be read.
    """
    target, recipe, classifier = run.target, run.recipe, run.classifier()
    dataset = load(own_source(run, None), recipe.data, splits=["train", "test"], progress=progress)
    test = dataset.split("test")
    padded = recipe.data.resize == "pad"
    logits = {
        split: np.log(np.maximum(slide(classifier, part.images, target, padded=padded), _LEAST))
        for split, part in (("valid", held_back), ("test", test))
    }
    known = labels_for(held_back, target)
    temperature = choose_temperature_of_readings(target, logits["valid"], known)
    tables: dict[str, NDArray[np.float32]] = {
        split: target.probabilities(table / np.float32(temperature)) for split, table in logits.items()
    }
    readings, confidence = target.decode(tables["valid"])
    sure = thresholds(confidence, same(known, readings))
    found = {}
    for split, part in (("valid", held_back), ("test", test)):
        evaluation = evaluate_sequences(
            tables[split], labels_for(part, target), dataset=run.record.data.name, split=split,
            fingerprint=part.fingerprint, target=target, thresholds=sure if split == "test" else None,
        )  # fmt: skip
        found[split] = evaluation.model_copy(
            update={
                "classifier_sha256": classifier.weights_sha256,
                "skipped": {item.path: item.reason for item in dataset.skipped},
            }
        )
    files.make_folder(run.path)
    album = Album(run.figures)
    album.draw_data(dataset, seed=recipe.seed, in_grey=recipe.preparation.grey)
    album.draw_evaluation(
        found["test"], tables["test"], test, labels_for(test, target), target, run.name,
        seed=recipe.seed, in_grey=recipe.preparation.grey,
    )  # fmt: skip
    for split, evaluation in found.items():  # the test split, without which nothing is finished, comes last
        run.save_evaluation(evaluation, tables[split], classifier.weights_sha256)
    logs.log(
        "evaluated",
        data=found["test"].dataset,
        split="test",
        pictures=len(test),
        accuracy=found["test"].accuracy.value,
        loss=found["test"].loss.value,
        classifier_sha256=classifier.weights_sha256,
    )
    return found["test"]


def sequences_of(dataset: Dataset, names: Collection[str]) -> ImageSet | None:
    """Return the pictures of train and of validation that have these names; None: there are none."""
    parts = [part for part in (dataset.train, dataset.valid) if part is not None and part.names is not None]
    some = [
        part.select(np.array([at for at, name in enumerate(part.names or ()) if name in names], np.int64))
        for part in parts
    ]
    if not any(map(len, some)):
        return None
    return replace(
        some[0],
        images=np.concatenate([np.asarray(part.images[:]) for part in some]),
        labels=np.concatenate([part.required_labels for part in some]),
        names=[name for part in some for name in part.names or ()],
        places=None,
        known=None,
    )
