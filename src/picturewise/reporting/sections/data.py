"""The section about the pictures."""

from __future__ import annotations

from picturewise.reporting.contents import Report
from picturewise.runs.section import Section


def data_section(report: Report) -> Section:
    """Return what the models were trained and evaluated on; the figures are those of each data set."""
    return Section(title="Data", anchor="data", template="data", facts={"datasets": report.datasets})
