"""`create_run`: a new run's folder appears, with what is known before training."""

from __future__ import annotations

from picturewise import files
from picturewise.data.dataset import Dataset
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.runs.new_run import NewRun
from picturewise.runs.record import RunRecord
from picturewise.runs.run import Run
from picturewise.runs.skipped import write_skipped
from picturewise.runs.split_table import write_splits


def create_run(
    new: NewRun, recipe: EffectiveRecipe, record: RunRecord, dataset: Dataset
) -> tuple[Run, RunRecord]:
    """Let a run appear with what is known before training; return it and its record as it was written."""
    aside = Run(new.folder)
    record = record.model_copy(update={"splits_sha256": write_splits(new.folder / "splits.csv", dataset)})
    files.write_text(new.folder / "recipe.toml", recipe.to_toml())
    if dataset.skipped:
        write_skipped(new.folder / "skipped.csv", dataset.skipped)
    aside.save_record(record)
    new.appear()
    return Run(new.path, lock=new.lock), record
