"""`picturewise predict RUN FILES`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from picturewise.data.hints import Hints
    from picturewise.prediction.predict import Prediction

BAR = 30
_WIDEST = 60  # characters; longer class names do not widen the column


@click.command
@options.run_or_classifier
@click.argument(
    "files",
    metavar="FILES...",
    nargs=-1,
    required=True,
    type=options.PATH,
    help="Pictures of any size and mode, folders of pictures, or any data set, with or without labels.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    help="Number of classes to show, most probable first; default: all if there are at most 10, otherwise 5.",
)
@click.option(
    "--csv",
    type=options.PATH,
    metavar="FILE",
    help="Write a CSV file with the columns ImageId,Label, as Kaggle expects, instead of printing bars.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    help="Split of a data set; default: test, or all pictures of a set with one split.",
)
@options.hints
@options.skip_bad
@options.engine
@options.json
def command(
    *,
    run: Path,
    files: tuple[Path, ...],
    top: int | None,
    csv: Path | None,
    split: Literal["train", "valid", "test"] | None,
    hints: Hints,
    skip_bad: bool,
    engine: Literal["auto", "torch", "numpy"],
    json: bool,
) -> None:
    """Print each picture's predicted class and the probability of each class. Exit code 1 if files were left out."""
    from picturewise.cli import output
    from picturewise.reporting.tables import count
    from picturewise.tasks.predict import predict
    from picturewise.text_tables import folded

    found = predict(run, files, split=split, hints=hints, skip_bad=skip_bad, csv=csv, engine=engine)
    predictions, skipped = found
    if json:
        output.say_json(_as_json(predictions))
    elif csv is not None:
        output.say(f"{count(len(predictions))} predictions written to {csv}")
    else:
        for prediction in predictions:
            _show(prediction, top)
    for note in found.notes:
        output.warn(folded(f"note  {note}", indent=6), keep="\n")
    left_out = output.tell_left_out({item.path: item.reason for item in skipped})
    raise click.exceptions.Exit(left_out)


def _show(prediction: Prediction, top: int | None) -> None:
    from picturewise.cli import output
    from picturewise.reporting.tables import bar, percent
    from picturewise.text_tables import WIDTH

    output.say(f"{prediction.name}: {prediction.label} ({percent(prediction.probability, digits=1)})")
    shares = list(prediction.probabilities.items())
    if top is not None or len(shares) > 10:
        shares = sorted(shares, key=lambda share: -share[1])[: top or 5]
    width = min(_WIDEST, max(len(name) for name, _ in shares))
    length = min(BAR, WIDTH - width - 13)  # of a bar: the rest is the margin, two gaps and the percentage
    for name, share in shares:
        output.say(f"  {name:{width}}  {bar(share, length)}  {percent(share, digits=1):>7}")


def _as_json(predictions: list[Prediction]) -> str:
    import json

    return json.dumps(
        [
            {"file": p.name, "class": p.label, "probability": p.probability, "probabilities": p.probabilities}
            for p in predictions
        ],
        indent=1,
    )
