from __future__ import annotations

from published_set import place, server, tiny, zipped  # noqa: F401 (fixtures)
