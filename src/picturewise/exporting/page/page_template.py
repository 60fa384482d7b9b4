"""The page's HTML with its parts: the same for the page with the model inside and for that of the service."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

_BEFORE = ("drawing.js", "table.js", "results.js", "taking.js")
"""Scripts of every page; what classifies comes behind them, and the page itself last."""


def filled(
    parts: Mapping[str, str], allowed: Mapping[str, str], facts: Mapping[str, Any], script: str
) -> bytes:
    """Return the page.

    Args:
        parts: what differs between pages, by name.
        allowed: what the page's policy allows besides its own scripts and its style, by directive.
        facts: what the scripts need to know.
        script: see `script_of`.
    """
    style = asset("page.css")
    shared = {
        "style": style,
        "policy": _policy(style, script, allowed),
        "facts": _embedded(facts),
        "script": script,
    }
    return with_parts(asset("page.html"), {**parts, **shared}).encode()


def with_parts(template: str, parts: Mapping[str, str]) -> str:
    """Return a template with each `{{ name }}` replaced; what a part contains is left as it is."""
    return re.sub(r"\{\{ (\w+) \}\}", lambda found: parts[found[1]], template)


@functools.cache
def script_of(own: Sequence[str]) -> str:
    """Return the page's script, with the files that make up what classifies."""
    return "\n".join(['"use strict";', "{", *map(asset, (*_BEFORE, *own, "page.js")), "}"])


def asset(name: str) -> str:
    """Return the text of a file of the page."""
    return resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """Return how a policy names a script or a style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _policy(style: str, script: str, allowed: Mapping[str, str]) -> str:
    directives = {
        "default-src": "'none'",
        "script-src": digest(script),
        "style-src": digest(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    for name, sources in allowed.items():
        directives[name] = f"{directives.get(name, '')} {sources}".strip()
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


def _embedded(facts: Mapping[str, Any]) -> str:
    """Return JSON that can stand in a script element: no name in it can end that element or begin another."""
    text = json.dumps(facts, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
