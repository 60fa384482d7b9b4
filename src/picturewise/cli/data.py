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

_name = click.argument("name", help="A name of the catalogue, such as mnist or resnet18.")


class _InOrder(click.Group):
    """Its commands in the order in which they stand here."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # click's own sorts them
        return list(self.commands)


@click.group(cls=_InOrder)
def command() -> None:
    """Sets and weights with a name, and imported pictures: list, fetch, show and remove them."""


@command.command("list")
@options.json
def list_(*, json: bool) -> None:
    """Say which sets and weights there are, which of them are here, and how large they are."""
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
    output.table(("name", "pictures of", "train", "test", "to fetch", "here"), rows, left=2)
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
    output.table(("name", "learned from ImageNet", "parameters", "to fetch", "here"), networks, left=2)


@command.command
@click.argument("names", metavar="NAME...", nargs=-1, required=True, help="Names of the catalogue.")
@options.json
def fetch(*, names: tuple[str, ...], json: bool) -> None:
    """Download sets or weights, check them, and keep them for every later use."""
    from picturewise.cli import output
    from picturewise.tasks.catalogue import fetch_sets

    found = fetch_sets(names, progress=not json)
    if json:
        _print_json(found)
        return
    for one in found:
        if one.folder is None:
            output.say(f"{one.name} is built in; there is nothing to fetch.")
        elif not one.fetched:
            output.say(f"{one.name} is here already: {one.folder}")
        else:
            output.say(f"{one.name}: fetched {', '.join(one.fetched)} into {one.folder}")


@command.command
@_name
@options.json
def show(*, name: str, json: bool) -> None:
    """Print what it holds, licence, citation, addresses, and the place on the disk."""
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
    """Delete what was fetched of a set; files that you put there yourself stay."""
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
        output.say(f"{name}: nothing that Picturewise fetched is here.")
    if found.imports_freed:
        output.say(f"{name}: removed {shown_bytes(found.imports_freed)} that had been imported from it.")
    if found.left:
        output.say(f"left where they are, for Picturewise did not put them there: {', '.join(found.left)}")


@command.command
@click.argument("data", required=False, help="Only those of this name or path.")
@click.option("--remove", is_flag=True, help="Delete them; DATA itself is left as it is.")
@options.json
def imports(*, data: str | None, remove: bool, json: bool) -> None:
    """Say which pictures were imported into the store, and how much room they take."""
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
        output.say(f"Nothing{' of it' if data else ''} is imported; the place for it is {imports_folder()}")
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
    output.table(("imported from", "pictures of", "train", "valid", "test", "size"), rows, left=2)
    output.say(
        f"{'removed ' if remove else ''}{shown_bytes(sum(one.bytes for one in found))} in {imports_folder()}"
    )


def _show(found: CatalogueDetails | WeightsDetails) -> None:
    from picturewise.cli import output
    from picturewise.names import shown_bytes
    from picturewise.reporting.tables import count

    if found.kind == "weights":
        output.say(f"{found.name}: weights of {found.title}, learned from ImageNet")
        output.say(
            f"holds     {count(found.parameters)} parameters, an output layer of 1,000 classes among them"
        )
    else:
        _show_pictures(found)
    output.say(f"licence   {found.licence}")
    output.say(f"citation  {found.citation}")
    output.say(f"page      {found.page}")
    if found.folder is None:
        output.say("place     built in, nothing to fetch")
        return
    here = f"here, {shown_bytes(found.bytes_here)}" if found.here else "not here yet"
    output.say(f"place     {found.folder} ({here})")
    for name, addresses in found.addresses.items():
        output.say(f"file      {name}  {found.checksums[name]}")
        for address in addresses:
            output.say(f"          {address}")


def _show_pictures(found: CatalogueDetails) -> None:
    from picturewise.cli import output
    from picturewise.reporting.tables import count

    counts = ", ".join(f"{split} {count(pictures)}" for split, pictures in found.counts.items())
    output.say(f"{found.name}: {found.title}")
    output.say(f"pictures  {counts}; {found.height}x{found.width}x{found.channels}")
    output.say(f"classes   {', '.join(found.classes)}")


def _print_json(models: Sequence[BaseModel]) -> None:
    import json

    from picturewise.cli import output

    output.say_json(json.dumps([model.model_dump(mode="json") for model in models], indent=1))
