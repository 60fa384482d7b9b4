from __future__ import annotations

from published_set import place, server, tiny, zipped  # noqa: F401 (fixtures)

collect_ignore = ["killed.py"]  # a script for child processes
