"""`sightline resume RUN`."""

from __future__ import annotations

from sightline.cli import options


def command(
    run: options.RunFolder,
    data: options.NewPlace = None,
    track: options.Track = None,
    json: options.Json = False,
) -> None:
    """Go on with an interrupted run; its weights end up as if it had never stopped."""
    from sightline.cli import output
    from sightline.tasks.train import resume
    from sightline.training.run import open_run

    opened = open_run(run)
    if opened.record.status == "finished" and not json:
        output.say(f"{run} is finished already; nothing is left to do.")
    resumed = resume(opened, data=data, track=track or (), progress=not json)
    if json:
        print(output.run_as_json(resumed))
    else:
        output.show_run(resumed)
