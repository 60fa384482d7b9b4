"""Evaluate a classifier on millions of labelled pictures in parts, whose counts are added exactly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from picturewise import files
from picturewise.arguments import checked
from picturewise.data.hints import Hints
from picturewise.errors import RunError, UsageError
from picturewise.evaluation.counts import Counts
from picturewise.evaluation.evaluation import Evaluation
from picturewise.names import slug
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.engine import EngineName
from picturewise.runs.run import Run, open_run
from picturewise.scaling.part_facts import each_content
from picturewise.scaling.plan import Plan
from picturewise.targets.sequences import is_sequences
from picturewise.tasks.evaluate import OVERLAP_UNKNOWN, overlap_note, run_around
from picturewise.tasks.many import PART_ROWS, Done, Wanted, compute
from picturewise.tasks.many_progress import many_progress
from picturewise.tasks.predict import classifier_of
from picturewise.tasks.predict_many import ManyPredicted, predicted

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVALUATION = "evaluation.json"


class ManyEvaluated(ManyPredicted):
    """What `evaluate_many` has computed."""

    evaluation: Evaluation | None = Field(
        description="The scores of all parts; None: parts of other slices are still missing."
    )


@checked
def evaluate_many(
    run: str | Path | Run | Classifier,
    source: str | Path,
    *,
    out: str | Path,
    part_rows: int = PART_ROWS,
    workers: int | None = None,
    on: str | None = None,
    slice: str | None = None,  # noqa: A002 (as the option is called)
    value_range: str | None = None,
    file_column: str | None = None,
    label_column: str | None = None,
    engine: EngineName = "auto",
    progress: bool = True,
) -> ManyEvaluated:
    """Evaluate a classifier on labelled shards of any size; the scores are those of `evaluate`, with their intervals.

    Each part is a JSON file of counts, and the sum of all is written to evaluation.json. Pictures that cannot be read
    or do not have a label are left out, and counted.

    Args:
        run: the run or its folder, or a classifier or its file.
        source: Parquet files or tars with labels, as for `predict_many`.
        out: the folder of the results.
        part_rows: pictures in a part, at most; a tar is always one part.
        workers: as for `predict_many`.
        on: the same.
        slice: the same; the scores are there when the last slice has finished.
        value_range: the same.
        file_column: the column of the pictures in Parquet files.
        label_column: the column of the labels in Parquet files.
        engine: as for `predict`.
        progress: show the progress on a terminal.

    Raises:
        UsageError: as for `predict_many`; or the classifier reads sequences of symbols.
        RunError, DataError, SaveError: as for `predict_many`; or a label is not one of the classifier's classes.
    """
    classifier = classifier_of(run)
    if is_sequences(classifier.description.target):
        raise UsageError(
            "evaluate-many is for classifiers of classes, but this one reads sequences of symbols. Use "
            "'picturewise evaluate' with a list of the pictures."
        )
    hints = Hints(value_range=value_range, file_column=file_column, label_column=label_column)
    wanted = Wanted(
        "evaluate", classifier, source, out, hints, engine, part_rows, workers, on, slice, _learned(run)
    )  # fmt: skip
    with many_progress(shown=progress) as advance:
        done = compute(wanted, advance)
    found = None
    if done.there == len(done.plan.parts):
        found = _evaluation(done, classifier)
        files.write_text(done.folder / EVALUATION, found.model_dump_json(indent=1) + "\n")
    return ManyEvaluated(**dict(predicted(done)), evaluation=found)


def _learned(run: str | Path | Run | Classifier) -> NDArray[np.uint8] | None:
    """Return the digests (N, 16) of the pictures that a run's classifier was trained on; None: unknown."""
    if isinstance(run, Classifier):
        return None
    if isinstance(run, Run):
        return run.learned()
    path = Path(run)
    around = run_around(path) if path.is_file() else open_run(path)
    return None if around is None else around.learned()


def _evaluation(done: Done, classifier: Classifier) -> Evaluation:
    """Return the evaluation of all parts."""
    counts, overlap, positions, ignored = Counts.none(len(classifier.classes)), 0, 0, 0
    unknown = False
    for content in each_content(done.plan, done.folder):
        counts += Counts.of(_part(content, "counts"))
        learned_from = _part(content, "learned_from")
        unknown = unknown or learned_from is None
        overlap += learned_from or 0
        positions += _part(content, "positions")
        ignored += _part(content, "ignored")
    evaluation = counts.evaluation(
        dataset=_name(done.plan), split="test", fingerprint=done.plan.digest,
        classes=classifier.classes,
    )  # fmt: skip
    notes = list(done.notes)
    if unknown:
        notes.append(OVERLAP_UNKNOWN)
    elif overlap:
        notes.append(overlap_note(overlap, counts.pictures))
    if positions:
        notes.append(
            f"{positions:,} labels in .cls files are numbers, and were read as positions of the classifier's classes, "
            f"from 0 ({classifier.classes[0]})."
        )
    computed = classifier.on_one_core(done.plan.options["engine"], done.plan.library)
    update = {
        "own": False, "notes": tuple(notes), "learned_from": None if unknown else overlap,
        "classifier_sha256": classifier.weights_sha256,
        **computed.computation(1)._asdict(),
    }  # fmt: skip
    return evaluation.model_copy(update=update)


def _name(plan: Plan) -> str:
    """Return a name for the pictures: that of the folder, or of a single shard without its ending."""
    place = Path(plan.source.rstrip("/"))
    single = [path for path, *_ in plan.shards] == [plan.source]
    return slug(place.with_suffix("") if single else place)


def _part(content: Any, name: str) -> Any:
    try:
        return content[name]
    except (KeyError, TypeError) as error:
        raise RunError(
            f"A part of the evaluation lacks '{name}'. Remove the damaged part, and run the command again."
        ) from error
