"""Serve classifiers over HTTP: find them, name them, and hand them to the service."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from picturewise import logs
from picturewise.errors import UsageError
from picturewise.exporting.page.service_page import service_page
from picturewise.extras import install_command
from picturewise.names import slug
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.file_format import FILE_NAME
from picturewise.printable import printable

if TYPE_CHECKING:
    from picturewise.serving.settings import Settings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TOKEN = re.compile(r"[!-~]+")
_LONGEST_TOKEN = 4096


def serve(
    runs: Sequence[Path],
    settings: Settings,
    *,
    names: Sequence[str] = (),
    announce: Callable[[str, dict[str, str]], None],
) -> int:
    """Serve classifiers until a signal ends the service, and return how many requests it answered.

    Args:
        runs: run folders or classifier files.
        settings: of the service.
        names: of the models in addresses, one for each; empty: those of the folders and files.
        announce: is called as soon as requests are answered, with the address and the place of each model.

    Raises:
        UsageError: the address cannot be used, a name is not valid, the extra `serve` is not installed, or the system
            is Windows.
        RunError: a classifier cannot be read; SIGHUP later leaves the old one in its place instead.
    """
    if os.name != "posix":
        raise UsageError("Serving is not supported on Windows. Run it on Linux or macOS, or in WSL.")
    places = _named(runs, names)
    try:
        from picturewise.serving.server import run  # noqa: PLC0415 (an extra)
    except ModuleNotFoundError as error:
        if error.name not in {"httptools", "starlette", "uvicorn"}:
            raise
        raise UsageError(
            f"Serving needs the library {error.name}, which is not installed. Install it with: "
            f"{install_command('serve')}"
        ) from error
    logs.write_lines(readable=not logs.writes_lines())
    loads = {name: functools.partial(_loaded, place) for name, place in places.items()}
    shown = {name: printable(place) for name, place in places.items()}
    made_by = _version()
    settings = replace(settings, version=made_by, page=service_page(made_by, settings.max_bytes))
    return run(loads, settings, lambda address: announce(address, shown))


def read_token(path: Path) -> str:
    """Return the token in a file, without white space around it.

    Raises:
        UsageError: it cannot be read, or does not contain a token.
    """
    try:
        with path.open("rb") as file:
            token = file.read(_LONGEST_TOKEN + 1).decode("ascii").strip()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "it is not ASCII text"
        raise UsageError(f"The token file {printable(path)} cannot be read ({said}).") from error
    return check_token(token, f"The token file {printable(path)}")


def check_token(token: str, where: str) -> str:
    """Return a token that can be sent in a header.

    Raises:
        UsageError: it cannot.
    """
    if not _TOKEN.fullmatch(token) or len(token) > _LONGEST_TOKEN:
        raise UsageError(f"{where} must contain one token of printable ASCII characters, without spaces.")
    return token


def _named(runs: Sequence[Path], names: Sequence[str]) -> dict[str, Path]:
    """Return the runs by the names of their models."""
    if names and len(names) != len(runs):
        raise UsageError(
            f"There are {len(runs)} models, but {len(names)} names. Pass --model-name once for each."
        )
    found = dict[str, Path]()
    for place, name in zip(runs, names or map(_usual_name, runs), strict=True):
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"'{printable(name)}' cannot be the name of a model. Pass --model-name with letters, digits, dashes, "
                "dots and underscores."
            )
        if name in found:
            raise UsageError(f"Two models are called {name}. Pass --model-name once for each.")
        found[name] = place
    return found


def _usual_name(place: Path) -> str:
    """Return the name of a run's folder, or that of a classifier's file if it has one of its own."""
    if place.name == FILE_NAME:
        place = place.absolute().parent
    elif place.suffix == Path(FILE_NAME).suffix:
        place = place.with_suffix("")
    return slug(place)


def _loaded(place: Path) -> Classifier:
    """Return the classifier of a run or in a file, in float32; of a run folder, only that file is read.

    Raises:
        RunError: there is none, or it is damaged.
    """
    if (place / "run.json").exists() and (place / FILE_NAME).exists():
        return load_classifier(place / FILE_NAME).in_float32()
    if place.is_dir():
        from picturewise.runs.run import open_run  # noqa: PLC0415 (it says what is wrong, and is slow to import)

        return open_run(place).classifier().in_float32()
    return load_classifier(place).in_float32()


def _version() -> str:
    try:
        return version("picturewise")
    except PackageNotFoundError:  # imported from the source folder
        return "unknown"
