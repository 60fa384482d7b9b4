"""Settings as people write them: `key=value` strings, or a mapping of dotted keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from picturewise.errors import UsageError
from picturewise.recipes.recipe import parse_setting


def plain_settings(settings: Sequence[str] | Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each setting as the nested mapping that `make_recipe` accepts.

    Raises:
        UsageError: a string does not contain an equals sign, or a key is not a recipe key.

    >>> plain_settings(["training.epochs=3"])
    [{'training': {'epochs': 3}}]
    """
    if isinstance(settings, Mapping):
        return [parse_setting(key, value) for key, value in settings.items()]
    return [parse_setting(*_split(text)) for text in settings]


def _split(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"The setting '{text}' is not valid. Use KEY=VALUE, such as training.epochs=10.")
    return key, value
