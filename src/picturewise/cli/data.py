"""`picturewise data list | fetch | show | remove | imports`: the catalogue, and the store of imported pictures.

The catalogue holds sets of pictures, and the published weights of networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picturewise.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from picturewise.tasks.catalogue import CatalogueDetails, WeightsDetails

_name = click.argument("name", help="A catalogue name, such as mnist or resnet18.")


class _InOrder(click.Group):
    """Its commands in the order of this file."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # click's own sorts them
        return list(self.commands)


@click.group(cls=_InOrder)
def command() -> None:
    """List, download, show and remove named data sets and weights, and imported pictures."""


@command.command("list")
@options.json
def list_(*, json: bool) -> None:
    """List the data sets and weights in the catalogue, their sizes, and which of them are on this machine."""
    from picturewise.cli import output
    from picturewise.names import shown_bytes
    from picturewise.reporting.tables import count
    from picturewise.tasks.catalogue import list_sets, list_weights

    found, weights = list_sets(), list_weights()
    if json:
        _print_json([*found, *weights])
        return
    rows = []
    for one in found:
        state = "built in" if one.bytes_to_fetch == 0 else shown_bytes(one.bytes_here) if one.here else "no"
        size = "?" if one.bytes_to_fetch is None else shown_bytes(one.bytes_to_fetch)
        counts = [count(one.counts[split]) if split in one.counts else "" for split in ("train", "test")]
        rows.append((one.name, one.title, *counts, "" if one.bytes_to_fetch == 0 else size, state))
    output.table(("name", "pictures of", "train", "test", "download", "on disk"), rows, left=2)
    output.say()
    networks = [
        (
            one.name,
            f"weights of {one.title}",
            count(one.parameters),
            shown_bytes(one.bytes_to_fetch or 0),
            shown_bytes(one.bytes_here) if one.here else "no",
        )
        for one in weights
    ]
    output.table(("name", "trained on ImageNet", "parameters", "download", "on disk"), networks, left=2)


@command.command
@click.argument("names", metavar="NAME...", nargs=-1, required=True, help="Catalogue names.")
@options.json
def fetch(*, names: tuple[str, ...], json: bool) -> None:
    """Download data sets or weights, verify them, and keep them for later use."""
    from picturewise.cli import output
    from picturewise.tasks.catalogue import fetch_sets

    found = fetch_sets(names, progress=not json)
    if json:
        _print_json(found)
        return
    for one in found:
        if one.folder is None:
            output.say(f"{one.name} is built in, so there is nothing to download.")
        elif not one.fetched:
            output.say(f"{one.name} was already downloaded: {one.folder}")
        else:
            output.say(f"{one.name}: downloaded {', '.join(one.fetched)} to {one.folder}")


@command.command
@_name
@options.json
def show(*, name: str, json: bool) -> None:
    """Show the contents, licence, citation, download addresses and location of a data set or of weights."""
    from picturewise.cli import output
    from picturewise.tasks.catalogue import show_set

    found = show_set(name)
    if json:
        output.say_model(found)
    else:
        _show(found)


@command.command
@_name
@options.json
def remove(*, name: str, json: bool) -> None:
    """Delete the downloaded files of a data set or of weights; files that you added yourself are kept."""
    from picturewise.cli import output
    from picturewise.names import shown_bytes
    from picturewise.tasks.catalogue import remove_set

    found = remove_set(name)
    if json:
        output.say_model(found)
        return
    if found.bytes_freed:
        output.say(f"{name}: removed {shown_bytes(found.bytes_freed)}.")
    else:
        output.say(f"{name}: there are no downloaded files to remove.")
    if found.imports_freed:
        output.say(
            f"{name}: removed {shown_bytes(found.imports_freed)} of pictures that were imported from it."
        )
    if found.left:
        output.say(f"not removed, because Picturewise did not download them: {', '.join(found.left)}")


@command.command
@click.argument("data", required=False, help="A catalogue name or a path; default: all imports.")
@click.option("--remove", is_flag=True, help="Delete the imports; DATA itself is not changed.")
@options.json
def imports(*, data: str | None, remove: bool, json: bool) -> None:
    """List the imported pictures and how much disk space they use."""
    from picturewise.cache_folder import imports_folder
    from picturewise.cli import output
    from picturewise.names import shown_bytes
    from picturewise.reporting.tables import count
    from picturewise.tasks.imports import list_imports, remove_imports

    found = remove_imports(data) if remove else list_imports(data)
    if json:
        _print_json(found)
        return
    if not found:
        output.say(
            f"{f'{data} has' if data else 'There are'} no imports. Imports are stored in {imports_folder()}"
        )
        return
    rows = [
        (
            one.source,
            f"{one.height}x{one.width}x{one.channels}",
            *(
                count(one.pictures[split]) if split in one.pictures else ""
                for split in ("train", "valid", "test")
            ),
            shown_bytes(one.bytes),
        )
        for one in found
    ]
    output.table(
        ("imported from", "shape", "train", "valid", "test", "size"), rows, left=2, breaks_words=False
    )
    output.say(
        f"{'removed ' if remove else ''}{shown_bytes(sum(one.bytes for one in found))} "
        f"{'from' if remove else 'in'} {imports_folder()}"
    )


def _show(found: CatalogueDetails | WeightsDetails) -> None:
    from picturewise.cli import output
    from picturewise.names import shown_bytes
    from picturewise.reporting.tables import count

    if found.kind == "weights":
        output.say(f"{found.name}: weights of {found.title}, trained on ImageNet")
        output.say_folded(
            f"size      {count(found.parameters)} parameters, including an output layer of 1,000 classes",
            indent=10,
        )
    else:
        _show_pictures(found)
    output.say_folded(f"licence   {found.licence}", indent=10)
    output.say_folded(f"citation  {found.citation}", indent=10)
    output.say(f"page      {found.page}")
    if found.kind == "weights" and found.package is not None:
        _show_package(found, found.package)
        return
    if found.folder is None:
        output.say("location  built in, nothing to download")
        return
    here = f"downloaded, {shown_bytes(found.bytes_here)}" if found.here else "not downloaded yet"
    output.say(f"location  {found.folder} ({here})")
    for name, addresses in found.addresses.items():
        output.say(f"file      {name}")
        output.say(_shown_checksum(found.checksums[name]))
        for address in addresses:
            output.say(f"          {address}")


def _shown_checksum(checksum: str) -> str:
    kind, _, value = checksum.partition(":")
    return f"{kind:8}  {value}"


def _show_package(found: WeightsDetails, package: str) -> None:
    from picturewise.cli import output
    from picturewise.extras import install_command

    place = found.folder or f"not installed; install it with: {install_command('pretrained')}"
    output.say(f"package   {package}")
    output.say(f"location  {place}")
    for name, checksum in found.checksums.items():
        output.say(f"file      {name}")
        output.say(_shown_checksum(checksum))


def _show_pictures(found: CatalogueDetails) -> None:
    from picturewise.cli import output
    from picturewise.reporting.tables import count

    counts = ", ".join(f"{split} {count(pictures)}" for split, pictures in found.counts.items())
    output.say(f"{found.name}: {found.title}")
    output.say(f"pictures  {counts}; {found.height}x{found.width}x{found.channels}")
    output.say_folded(f"classes   {', '.join(found.classes)}", indent=10)


def _print_json(models: Sequence[BaseModel]) -> None:
    import json

    from picturewise.cli import output

    output.say_json(json.dumps([model.model_dump(mode="json") for model in models], indent=1))
