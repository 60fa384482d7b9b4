"""Writes the tables of docs/reference that come from the source: options, recipe keys, names of the Python API.

python docs/generate.py

`make docs` runs it too. Each table stands between two comments, `<!-- generated: name -->` and `<!-- end -->`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

import picturewise
from picturewise.cli.app import _top as top
from picturewise.recipes.recipe import Recipe

HERE = Path(__file__).parent
_PLACE = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
_NAMES = {"integer": "integer", "number": "number", "string": "string", "boolean": "true or false"}
"""JSON schema's types in plain words."""
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def pages() -> dict[Path, str]:
    """Return the pages that have generated tables, and what they should contain."""
    found = {}
    for page in sorted((HERE / "reference").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        written = _PLACE.sub(lambda place: f"{place[1]}\n{_TABLES[place[2]]()}\n{place[3]}", text)
        if "<!-- generated: " in text:
            found[page] = written
    return found


def _commands() -> str:
    return "\n\n".join(_sections(top, "picturewise"))


def _sections(group: click.Group, name: str) -> Iterator[str]:
    context = click.Context(group, info_name=name)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        assert command is not None  # noqa: S101 (it is in the group's own list)
        if isinstance(command, click.Group):
            yield from _sections(command, f"{name} {word}")
        else:
            yield _section(command, f"{name} {word}")


def _section(command: click.Command, name: str) -> str:
    """Return the heading, the usage and the options of one command."""
    context = click.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    rows = [_row(parameter, context) for parameter in command.get_params(context)]
    rows = [row for row in rows if row is not None]
    text = " ".join((command.help or "").split())
    return f"### {name}\n\n```\n{name} {usage}\n```\n\n{text}\n\n{_table(('option', 'meaning'), rows)}"


def _row(parameter: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    """Return an argument or an option with its help; None for those that all commands share."""
    if {"--debug", "--help"} & {*parameter.opts}:
        return None
    if isinstance(parameter, click.Argument):
        return f"`{parameter.make_metavar(context)}`", parameter.help or ""  # type: ignore[attr-defined]
    record = parameter.get_help_record(context)
    assert record is not None  # noqa: S101 (no option is hidden)
    return f"`{record[0]}`", record[1]


def _recipe() -> str:
    """Return one table for each part of a recipe: key, values, default, meaning."""
    parts: dict[str, type[BaseModel]] = {"": Recipe}
    for name, field in Recipe.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            parts[f"{name}."] = field.annotation
    sections = []
    for prefix, model in parts.items():
        schema = model.model_json_schema()["properties"]
        rows = [
            (f"`{prefix}{key}`", _values(facts), _default(facts), facts.get("description", ""))
            for key, facts in schema.items()
            if f"{key}." not in parts
        ]
        heading = f"### {prefix.rstrip('.')}\n\n{_first_line(model)}\n\n" if prefix else ""
        sections.append(heading + _table(("key", "values", "default", "meaning"), rows))
    return "\n\n".join(sections)


def _values(facts: Mapping[str, Any]) -> str:
    """Return in words what a key takes, from its JSON schema."""
    if "anyOf" in facts:
        return " or ".join(_values(one) for one in facts["anyOf"] if one.get("type") != "null")
    if "enum" in facts:
        return ", ".join(f"`{word}`" for word in facts["enum"])
    if facts.get("type") == "array":
        if "prefixItems" in facts:
            one = _values(facts["prefixItems"][0]).replace("integer", "integers", 1)
            return f"list of {len(facts['prefixItems'])} {one}"
        return f"list of {_values(facts['items'])}s"
    bounds = [f"{sign} {facts[word]:,}" for word, sign in _BOUNDS.items() if word in facts]
    return " ".join([_NAMES[facts["type"]], ", ".join(bounds)]).strip()


def _default(facts: Mapping[str, Any]) -> str:
    value = facts.get("default")
    if value is None:
        return "not set"
    if value == []:
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _names() -> str:
    """Return every public name with the first line of its docstring."""
    rows = [(f"`{name}`", _first_line(getattr(picturewise, name))) for name in picturewise.__all__]
    return _table(("name", "what it is"), rows)


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("<", "\\<") for cell in line) + " |"
        for line in lines
    )


_TABLES: dict[str, Callable[[], str]] = {"commands": _commands, "recipe": _recipe, "names": _names}


if __name__ == "__main__":
    for path, content in pages().items():
        if path.read_text(encoding="utf-8") != content:
            path.write_text(content, encoding="utf-8")
            sys.stdout.write(f"{path} was written anew.\n")
