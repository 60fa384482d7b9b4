"""`picturewise demo`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path


@click.command
@click.option(
    "--out", type=options.PATH, help="Folder for all results; default: picturewise-demo/demo-<number>."
)
@options.json
def command(*, out: Path | None, json: bool) -> None:
    """Run all steps on the built-in digits: inspect, train two networks, evaluate, compare."""
    from picturewise.cli import output
    from picturewise.evaluation.evaluation import Evaluation
    from picturewise.tasks.compare import RunComparison
    from picturewise.tasks.demo import Step, demo
    from picturewise.tasks.inspect import Inspection

    def show(command_line: str, step: Step) -> None:
        output.say()
        output.say(f"$ {command_line}")
        match step:
            case Inspection():
                output.show_inspection(step)
            case Evaluation():
                output.show_evaluation(step)
            case RunComparison():
                output.show_comparison(step)
            case run:
                output.show_run(run)

    def tell(command_line: str, step: Step) -> None:
        with contextlib.suppress(output.OutputLostError):  # the demo goes on
            show(command_line, step)

    found = demo(out, tell=None if json else tell, progress=not json)
    if json:
        output.say_model(found)
    else:
        output.say()
        output.say(str(found.report.resolve()))
