"""`picturewise serve RUN|FILE…`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from pathlib import Path

_TOKEN = "PICTUREWISE_TOKEN"  # noqa: S105 (the name of a variable)


@click.command
@click.argument(
    "runs",
    metavar="RUN|FILE...",
    nargs=-1,
    required=True,
    type=options.PATH,
    help="Run folders or classifier files, one for each model.",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; 0.0.0.0: all.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port; 0: any free one.",
)
@click.option(
    "--model-name",
    "names",
    metavar="NAME",
    multiple=True,
    help="The model's name in addresses; once for each model. Default: the name of its folder or file.",
)
@click.option(
    "--allow-host",
    "hosts",
    metavar="NAME",
    multiple=True,
    help="Another name by which clients may call the service, such as example.org; may be repeated.",
)
@click.option(
    "--cors",
    "origins",
    metavar="ORIGIN",
    multiple=True,
    help="Let pages of another site use the service, such as https://example.org, or * for all; may be repeated.",
)
@click.option(
    "--token-file",
    type=options.PATH,
    metavar="FILE",
    help=f"A file with the token that clients must send; default: the variable {_TOKEN}, if it is set.",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    default=32_000_000,
    show_default=True,
    help="Largest body of a request.",
)
@click.option(
    "--max-pictures",
    type=click.IntRange(1, 10_000),
    default=64,
    show_default=True,
    help="Most pictures in one request.",
)
@click.option(
    "--queue",
    type=click.IntRange(min=1),
    default=512,
    show_default=True,
    help="Pictures that may be waited for at a time; further requests get status 503.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=3600),
    default=30.0,
    show_default=True,
    help="Seconds that a request may take.",
)
@click.option(
    "--value-range",
    metavar="LOW..HIGH",
    help="The values of black and white in pictures of more than 8 bits, such as 0..65535; default: those that the "
    "classifier was trained with, otherwise such pictures are refused.",
)
def command(
    *,
    runs: tuple[Path, ...],
    host: str,
    port: int,
    names: tuple[str, ...],
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    token_file: Path | None,
    max_bytes: int,
    max_pictures: int,
    queue: int,
    timeout: float,
    value_range: str | None,
) -> None:
    """Serve classifiers over HTTP until Ctrl-C or SIGTERM; SIGHUP loads them again (docs/how-to/serve.md)."""
    from picturewise.cli import output

    # Otherwise NumPy would start a thread for each core, which takes as long as the rest of its import.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from picturewise.data.hints import parse_value_range
    from picturewise.serving.settings import Settings
    from picturewise.tasks.serve import check_token, read_token, serve

    token = os.environ.get(_TOKEN) or None
    if token_file is not None:
        token = read_token(token_file)
    elif token is not None:
        token = check_token(token, f"The variable {_TOKEN}")
    settings = Settings(
        host=host, port=port, allowed_hosts=hosts, origins=origins, token=token, max_bytes=max_bytes,
        max_pictures=max_pictures, queue=max(queue, max_pictures), timeout=timeout,
        value_range=None if value_range is None else parse_value_range(value_range),
    )  # fmt: skip

    def announce(address: str, places: dict[str, str]) -> None:
        for name, place in places.items():
            output.say(f"Serving {name} ({place})")
        output.say(
            f"on {address}, {_reach(settings.host, protected=token is not None)}. Ctrl-C ends the service."
        )

    answered = serve(runs, settings, names=names, announce=announce)
    output.say(f"Stopped after {answered:,} requests; all that were accepted have been answered.")


def _reach(host: str, *, protected: bool) -> str:
    """Return who can reach the service, in words."""
    if host in {"localhost", "::1"} or host.startswith("127."):
        return "for programs on this machine only (--host changes that)"
    return "for other machines too, " + (
        "with a token" if protected else "WITHOUT a token (set one with --token-file)"
    )
