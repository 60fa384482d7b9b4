"""The options that `predict-many` and `evaluate-many` share."""

from __future__ import annotations

from collections.abc import Callable

import click

from picturewise.cli import options

source = click.argument(
    "source",
    help="A folder tree of pictures, Parquet files or tars, a pattern of file names, one of these files, or a list of "
    "paths; local, or an address such as s3://bucket/shards.",
)

_PART_ROWS = 10_000

_OPTIONS = (
    click.option(
        "--out",
        type=options.PATH,
        required=True,
        metavar="FOLDER",
        help="Folder for the parts, the plan and a copy of the classifier; if it has parts of the same plan, only the "
        "missing ones are computed.",
    ),
    click.option(
        "--part-rows",
        type=click.IntRange(min=1),
        default=_PART_ROWS,
        show_default=True,
        metavar="N",
        help="Pictures in a part, at most; a tar is always one part.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Number of processes on this machine; default: one for each core.",
    ),
    click.option(
        "--on",
        metavar="ADDRESS",
        help="Compute on a Ray cluster: ray for the one that this machine belongs to, or its address, such as "
        "ray://head:10001.",
    ),
    click.option(
        "--slice",
        metavar="I/N",
        help="Compute only the parts of one process of an array job, from 1/N to N/N; they may run at the same time.",
    ),
    click.option(
        "--value-range",
        metavar="LOW..HIGH",
        help="The stored values of black and white in pictures of more than 8 bits or lists of numbers; default: those "
        "that the classifier was trained with.",
    ),
    click.option(
        "--file-column",
        metavar="NAME",
        help="The column of the pictures in Parquet files, or of the paths in a list; default: detected automatically.",
    ),
)


def many(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
