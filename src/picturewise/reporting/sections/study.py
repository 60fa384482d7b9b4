"""The section about the models of a study."""

from __future__ import annotations

from picturewise.reporting.contents import Report
from picturewise.reporting.headline import headline
from picturewise.runs.section import Section


def study_section(report: Report) -> Section | None:
    """Return the models of a study side by side, or None if the report is not about a study."""
    if not report.study:
        return None
    best = headline(report).model
    return Section(
        title="The models",
        anchor="study",
        template="study",
        facts={
            "rows": report.study,
            "best": best.name if best else None,
            "several_data_sets": len(report.datasets) > 1,
        },
    )
