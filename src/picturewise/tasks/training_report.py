"""The report of a run, which is written when training ends, in any way, or is made up for later."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from picturewise.data.dataset import Dataset
from picturewise.data.recognise import Data
from picturewise.errors import DataError
from picturewise.recipes.recipe import Recipe
from picturewise.reporting.drawing_process import DrawingProcess, drawing_beside
from picturewise.runs.run import Run
from picturewise.tasks.load import load, own_source

_told: ContextVar[Callable[[Run], None] | None] = ContextVar("told", default=None)


@contextlib.contextmanager
def when_trained(tell: Callable[[Run], None]) -> Iterator[None]:
    """Call `tell` with the run as soon as training has ended, before its figures are drawn."""
    token = _told.set(tell)
    try:
        yield
    finally:
        _told.reset(token)


def drawing_process(
    dataset: Dataset, recipe: Recipe
) -> contextlib.AbstractContextManager[DrawingProcess | None]:
    """Return a context in which another process draws while this one trains, if that pays; for `report_at_end`."""
    return drawing_beside(dataset, seed=recipe.seed, in_grey=recipe.preparation.grey)


@contextlib.contextmanager
def report_at_end(run: Run, dataset: Dataset, drawing: DrawingProcess | None) -> Iterator[None]:
    """Write a report whether training succeeds or fails; an error in the report does not hide the first error."""
    try:
        yield
    except (
        KeyboardInterrupt
    ) as interrupt:  # the second Ctrl-C, which does not wait for a checkpoint or a report
        interrupt.add_note(f"Continue with: picturewise resume {run.path}")
        raise
    except BaseException:
        with contextlib.suppress(Exception, KeyboardInterrupt):
            _report(run, dataset, drawing)
        raise
    try:
        for part in dataset.splits().values():
            part.check_pixels()  # now, because training has read every picture anyway
        if (tell := _told.get()) is not None:
            tell(run)
        _report(run, dataset, drawing)
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(
            "Training is complete and the classifier is saved, but the report is missing. Create it with: picturewise "
            f"resume {run.path}"
        )
        raise


def is_done(run: Run) -> bool:
    """Return whether a run is finished and has its report."""
    return run.record.status == "finished" and (run.path / "report.html").is_file()


def make_up_for_report(run: Run, data: Data | None, *, progress: bool) -> None:
    """Write the missing report of a finished run, without figures of its pictures if they no longer exist."""
    if is_done(run):  # by another process, just now
        return
    try:
        dataset = load(own_source(run, data), run.recipe.data, splits=("train", "valid"), progress=progress)
        run.check_pictures(dataset)
    except DataError:
        from picturewise.reporting.run_report import write_run_report  # noqa: PLC0415 (drawing, see `_report`)

        write_run_report(run)
    else:
        _report(run, dataset)


def _report(run: Run, dataset: Dataset, drawing: DrawingProcess | None = None) -> None:
    """Draw the figures of the data, unless they already exist, and write the report.

    Drawing takes a second and its imports half a second, so it is done after training, or in another process.
    """
    recipe = run.recipe
    if drawing is not None and drawing.write_report(
        run.path, dataset, seed=recipe.seed, in_grey=recipe.preparation.grey
    ):
        return
    from picturewise.reporting.album import Album  # noqa: PLC0415 (see above)
    from picturewise.reporting.run_report import write_run_report  # noqa: PLC0415

    album = Album(run.figures)
    if not album.path("counts").exists():  # the last one that is drawn
        album.draw_data(dataset, seed=recipe.seed, in_grey=recipe.preparation.grey)
    write_run_report(run)
