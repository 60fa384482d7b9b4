"""The child's side of `patterns`: set the limits, search, return a list as JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from picturewise.untrusted.confined.limits import Clock, limit


def main(message: Mapping[str, Any]) -> None:
    """Search for `message["pattern"]` in each of `message["names"]`; the list goes to the standard output."""
    limit(message["memory"], None, 0)  # nothing is written to a file
    Clock().allow(message["seconds"])  # finer than the system's limit, which counts whole seconds
    pattern = re.compile(message["pattern"])
    found = [_found(pattern.search(name)) for name in message["names"]]
    sys.stdout.buffer.write(json.dumps(found).encode())


def _found(match: re.Match[str] | None) -> str | None:
    if match is None:
        return None
    group: str | None = match[1] if match.re.groups else None
    return match[0] if group is None else group
