"""The catalogue for its users: which sets there are, what is known of each, fetching and removing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sightline.data import catalogue
from sightline.data import fetch as fetching
from sightline.data.dataset import SplitName
from sightline.data.download import Advance
from sightline.data.fetched import Place
from sightline.errors import unknown
from sightline.tasks.imports import remove_imports


class CatalogueSet(BaseModel):
    """One set of the catalogue, as far as a list shows it."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    counts: dict[SplitName, int] = Field(description="Pictures of each split.")
    here: bool = Field(description="Whether it can be read without fetching anything.")
    bytes_here: int = Field(description="What its files take on this disk.")
    bytes_to_fetch: int | None = Field(description="As published; none: nobody publishes it.")


class CatalogueDetails(CatalogueSet):
    """All that is known of one set."""

    height: int
    width: int
    channels: int
    classes: tuple[str, ...]
    licence: str
    citation: str
    page: str
    folder: Path | None = Field(description="Where its files lie, or would lie; none: it is built in.")
    addresses: dict[str, list[str]] = Field(description="Each file, and where it is offered, in order.")
    checksums: dict[str, str] = Field(description="Each file's published checksum.")


class FetchedSet(BaseModel):
    """What fetching one set came to."""

    model_config = ConfigDict(frozen=True)

    name: str
    folder: Path | None
    fetched: tuple[str, ...] = Field(description="Files that were brought now.")
    here_already: tuple[str, ...] = Field(description="Files that were here already.")


class RemovedSet(BaseModel):
    """What removing one set came to."""

    model_config = ConfigDict(frozen=True)

    name: str
    bytes_freed: int
    imports_freed: int = Field(description="Bytes of what had been imported from it.")
    left: tuple[str, ...] = Field(
        description="Files that Sightline did not fetch, or that were changed since."
    )


def list_sets() -> list[CatalogueSet]:
    """Return every set of the catalogue, and what of it is here."""
    return [CatalogueSet(**_facts(_place(name))) for name in catalogue.entries()]


def show_set(name: str) -> CatalogueDetails:
    """Return all that is known of a set.

    Raises:
        UsageError: the catalogue has no such name.
    """
    place = _place(name)
    entry = place.entry
    height, width, channels = entry.shape
    return CatalogueDetails(
        **_facts(place),
        height=height,
        width=width,
        channels=channels,
        classes=entry.classes,
        licence=entry.licence,
        citation=entry.citation,
        page=entry.page,
        folder=place.folder if entry.files else None,
        addresses={file.name: entry.addresses(file) for file in entry.files},
        checksums={file.name: file.checksum for file in entry.files},
    )


def fetch_sets(names: Sequence[str], *, progress: bool = True) -> list[FetchedSet]:
    """Bring sets that are not here yet, one after the other, and return what was done.

    Args:
        names: of the catalogue; all are looked up before anything is fetched.
        progress: show how far a file has come, on a terminal.

    Raises:
        UsageError: the catalogue has no such name.
        DownloadError: a file cannot be had; the sets before it stay.
        SaveError: something could not be written.
    """
    places = [_place(name) for name in names]
    found = []
    with _fetching_progress(shown=progress) as advance:
        for place in places:
            done = fetching.fetch(place, advance=advance)
            folder = place.folder if place.entry.files else None
            found.append(
                FetchedSet(
                    name=place.name, folder=folder, fetched=done.fetched, here_already=done.here_already
                )
            )
    return found


def remove_set(name: str) -> RemovedSet:
    """Delete what Sightline fetched of a set and imported from it, and nothing else, and return what was done.

    Raises:
        UsageError: the catalogue has no such name.
        SaveError: something cannot be deleted.
    """
    freed, left = fetching.remove(_place(name))
    imports = sum(one.bytes for one in remove_imports(name))
    return RemovedSet(name=name, bytes_freed=freed, imports_freed=imports, left=left)


def _place(name: str) -> Place:
    entries = catalogue.entries()
    if name not in entries:
        raise unknown("set of the catalogue", name, entries)
    return Place(name, entries[name])


def _facts(place: Place) -> dict[str, Any]:
    return {
        "name": place.name,
        "title": place.entry.title,
        "counts": place.entry.counts,
        "here": place.is_here(),
        "bytes_here": place.bytes_here(),
        "bytes_to_fetch": place.entry.bytes(),
    }


@contextlib.contextmanager
def _fetching_progress(*, shown: bool) -> Iterator[Callable[[str], Advance] | None]:
    """Yield what draws a bar for each file on the standard error output, if that is a terminal."""
    from rich import progress  # noqa: PLC0415 (not needed to import the package)
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield None
        return
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, transient=True) as bars:

        def begin(name: str) -> Advance:
            task = bars.add_task(name, total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield begin
