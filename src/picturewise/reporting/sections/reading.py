"""The section that explains the numbers."""

from __future__ import annotations

from picturewise.reporting.contents import Report
from picturewise.runs.section import Section


def reading_section(report: Report) -> Section:
    """Return what the scores and intervals of classes mean, or of sequences, or of both."""
    words = {data.nouns for data in report.datasets}
    facts = {"classes": None in words, "nouns": next((one for one in words if one is not None), None)}
    return Section(title="How to read the numbers", anchor="reading", template="reading", facts=facts)
