"""The section that compares the models on the same test pictures."""

from __future__ import annotations

from picturewise.reporting.contents import Report
from picturewise.reporting.headline import headline
from picturewise.runs.section import Section


def comparison_section(report: Report) -> Section | None:
    """Return the tables and figures about all models together, or None if there are none.

    Figures without a table are shown too, but are not in the navigation.
    """
    if not (report.comparisons or report.figures):
        return None
    best = headline(report).model
    return Section(
        title="Comparison" if report.comparisons else "At a glance",
        anchor="comparison",
        template="comparison",
        facts={"tables": report.comparisons, "best": best.name if best else None},
        figures=report.figures,
        listed=bool(report.comparisons),
    )
