"""An option that a command does not have: which one was probably meant."""

from __future__ import annotations

import re

import click

from picturewise.errors import nearest
from picturewise.printable import printable
from picturewise.recipes.other_names import LAYER_HINT, is_layer, meant


def explained(error: click.NoSuchOption) -> click.UsageError:
    """Return the error with the option that was probably meant, by spelling or by its name in other libraries."""
    command = None if error.ctx is None else error.ctx.command
    flags = {
        flag: parameter
        for parameter in (command.params if command else ())
        for flag in parameter.opts
        if flag.startswith("--")
    }
    typed = error.option_name
    offered = _same(typed, flags) or _by_key(typed, flags) or nearest(typed, flags)
    return click.UsageError(f"No such option '{printable(typed)}'.{offered}", error.ctx)


def _same(typed: str, flags: dict[str, click.Parameter]) -> str:
    """Return the suggestion of an option that differs only in its hyphens and case."""
    return next((_sentence(flag) for flag in flags if _letters(flag) == _letters(typed)), "")


def _by_key(typed: str, flags: dict[str, click.Parameter]) -> str:
    """Return the suggestion for what is a recipe's key, or is called otherwise elsewhere."""
    if "--set" not in flags:
        return ""
    from picturewise.recipes.recipe import recipe_keys

    name = re.sub(r"\W+", "_", typed.lstrip("-")).lower()
    key = meant(typed) or next((key for key in recipe_keys() if key.rpartition(".")[2] == name), None)
    if key is None:
        return f" {LAYER_HINT.replace('layers=', '--layers ')}" if is_layer(typed) else ""
    wanted = {"training.freeze": "freeze", "model.name": "model", "preparation.augmentation": "augment"}.get(
        key, key.rpartition(".")[2]
    )
    found = next((flag for flag, parameter in flags.items() if parameter.name == wanted), None)
    return _sentence(found) if found else f" Set it with --set {key}=VALUE."


def _sentence(flag: str) -> str:
    return f" Did you mean '{flag}'?"


def _letters(flag: str) -> str:
    return re.sub(r"[\W_]+", "", flag).lower()
