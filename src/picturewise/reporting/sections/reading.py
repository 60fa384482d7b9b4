"""The section that explains the numbers."""

from __future__ import annotations

from picturewise.runs.section import Section


def reading_section() -> Section:
    """Return what the scores and intervals mean; it is the same in every report."""
    return Section(title="How to read the numbers", anchor="reading", template="reading", facts={})
