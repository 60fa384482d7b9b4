"""`picturewise resume RUN`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path


@click.command
@options.run_folder
@options.new_place
@options.track
@options.workers
@options.on_ray
@options.json
def command(
    *, run: Path, data: str | None, track: tuple[str, ...], workers: int, on: str | None, json: bool
) -> None:
    """Continue an interrupted run; its weights will be the same as without the interruption."""
    from picturewise.cli import output
    from picturewise.runs.run import open_run
    from picturewise.tasks.train import resume

    opened = open_run(run)
    if opened.record.status == "finished" and not json:
        output.say(f"{run} is already finished. There is nothing left to do.")
    with output.ScoreFirst(as_json=json) as score:
        resumed = resume(opened, data=data, track=track, workers=workers, on=on, progress=not json)
    options.end_other_workers()
    if json:
        output.say_json(output.run_as_json(resumed))
    else:
        score.show_rest(resumed)
    raise click.exceptions.Exit(output.run_left_out(resumed))
