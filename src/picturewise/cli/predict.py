"""`picturewise predict RUN PATHS`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from picturewise.data.contract import Source
    from picturewise.data.hints import Hints

_STANDARD_INPUT = "-"


@click.command
@options.run_or_classifier
@click.argument(
    "paths",
    metavar="PATHS...",
    nargs=-1,
    required=True,
    type=options.PATH,
    help="Pictures of any size and mode, folders of pictures, or any data set, with or without labels; - is a picture "
    "on standard input.",
)
@click.option(
    "--recursive",
    is_flag=True,
    help="Also classify the pictures in all subfolders of the folders, whatever their names.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    help="Number of classes to show, most probable first; default: 1 in a CSV file, all in JSON, and in bars all if "
    "there are at most 10, otherwise 5. For sequences, the number of readings; default: 1 in a CSV file, 5 in JSON, "
    "and bars for the symbols of the reading.",
)
@click.option(
    "--csv",
    type=options.PATH,
    metavar="FILE",
    help="Write a CSV file with the columns path, label, probability and error instead of printing bars; with --top, "
    "also label_2, probability_2 and so on.",
)
@click.option(
    "--probabilities",
    is_flag=True,
    help="With --csv: also write the probability of each class, in columns p_<class>.",
)
@click.option(
    "--kaggle",
    type=options.PATH,
    metavar="FILE",
    help="Write a CSV file with the columns ImageId,Label, as Kaggle expects, instead of printing bars.",
)
@click.option(
    "--jsonl",
    is_flag=True,
    help="Print one JSON object per line to standard output, as soon as it is known.",
)
@click.option(
    "--sort-into",
    type=options.PATH,
    metavar="FOLDER",
    help="Copy each picture file into a folder of its class in this new or empty folder.",
)
@click.option("--link", is_flag=True, help="With --sort-into: make symbolic links instead of copies.")
@click.option(
    "--min-confidence",
    type=float,
    metavar="P",
    help="Mark pictures whose probability is less than P, from 0 to 1, as unsure; --sort-into puts them into the "
    "folder unsure.",
)
@click.option(
    "--abstain",
    type=float,
    metavar="ACCURACY",
    help="For classifiers that read sequences: leave the pictures to people that are too unsure for this accuracy of "
    "the others, 0.98 or 0.99. Their label is empty.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    help="Split of a data set; default: test, or all pictures of a set with one split.",
)
@options.hints
@click.option(
    "--skip-bad",
    is_flag=True,
    help="Accepted for compatibility: files that cannot be read never stop this command.",
)
@options.engine
@options.json
def command(
    *,
    run: Path,
    paths: tuple[Path, ...],
    recursive: bool,
    top: int | None,
    csv: Path | None,
    probabilities: bool,
    kaggle: Path | None,
    jsonl: bool,
    sort_into: Path | None,
    link: bool,
    min_confidence: float | None,
    abstain: float | None,
    split: Literal["train", "valid", "test"] | None,
    hints: Hints,
    skip_bad: bool,
    engine: Literal["auto", "torch", "numpy"],
    json: bool,
) -> None:
    """Print each picture's predicted class and the probability of each class, or write them to a file.

    Exit code 1 if a file was left out because it cannot be read.
    """
    from picturewise.cli import output, predict_output
    from picturewise.errors import UsageError
    from picturewise.tasks.abstaining import abstain_below
    from picturewise.tasks.predict import classifier_of
    from picturewise.tasks.predicting import Predicting, predict_into, recognised, shown_by
    from picturewise.tasks.prediction_outputs import check_options, check_sequences, wanted_outputs
    from picturewise.text_tables import folded

    del skip_bad
    files: dict[str, Any] = {
        "csv": csv,
        "kaggle": kaggle,
        "sort_into": sort_into,
        "link": link,
        "probabilities": probabilities,
        "min_confidence": min_confidence,
    }
    check_options(top=top, abstain=abstain, **files)
    if json and jsonl:
        raise UsageError(
            "--json and --jsonl cannot be combined, because both print to standard output. Omit one."
        )
    classifier = classifier_of(run).by_engine(engine)
    check_sequences(classifier, top=top, probabilities=probabilities, kaggle=kaggle, sort_into=sort_into)
    least = abstain_below(classifier.description, abstain)
    sources: list[Source]
    if any(str(path) == _STANDARD_INPUT for path in paths):
        sources = [predict_output.standard_input(paths, hints, recursive=recursive)]
    else:
        sources = recognised(paths, hints, classifier, recursive=recursive)
    written = wanted_outputs(classifier, sources, top=top or 1, **files)
    printed = predict_output.printed(
        classifier, top=top, json=json, jsonl=jsonl, bars=not written, min_confidence=min_confidence,
        abstains=abstain is not None,
    )  # fmt: skip
    with predict_output.progress(shown=not json, prints=bool(printed)) as advance:
        predicting = Predicting(
            classifier, sources, shown_by(paths), split=split, progress=advance, abstain_below=least
        )
        predict_into(predicting, [*printed, *written])
    for path in (csv, kaggle):
        predict_output.tell_written(predicting, path, quiet=json or jsonl)
    if abstain is not None:
        predict_output.tell_abstained(predicting, quiet=json or jsonl)
    notes = predict_output.tell_sorted(predicting, written, quiet=json or jsonl)
    for note in (*predicting.notes, *notes):
        output.warn(folded(f"note  {note}", indent=6), keep="\n")
    predicting.check_any()
    left_out = predict_output.tell_left_out(predicting, csv)
    raise click.exceptions.Exit(left_out)
