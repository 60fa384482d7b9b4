"""The section about the models of a study."""

from __future__ import annotations

from picturewise.reporting.contents import Published, Report, StudyRow
from picturewise.reporting.headline import headline
from picturewise.runs.section import Section


def study_section(report: Report) -> Section | None:
    """Return the models of a study side by side, or None if the report is not about a study."""
    if not report.study:
        return None
    best = headline(report).model
    published: dict[tuple[Published, ...], list[StudyRow]] = {}
    for row in report.study:
        if row.published:
            published.setdefault(row.published, []).append(row)
    return Section(
        title="The models",
        anchor="study",
        template="study",
        facts={
            "rows": report.study,
            "best": best.name if best else None,
            "published": list(published.items()),
            "uncalibrated": any(row.as_published for row in report.study),
            "several_data_sets": len(report.datasets) > 1,
            "several_kinds": len({row.reads for row in report.study}) > 1,
        },
    )
