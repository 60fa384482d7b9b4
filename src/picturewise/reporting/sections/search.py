"""The section about the trials of a search."""

from __future__ import annotations

from picturewise.reporting.search_facts import SearchFacts
from picturewise.runs.section import ReportFigure, Section

MOST_ROWS = 15
"""Trials in the table; results.json has all of them."""


def search_section(facts: SearchFacts, figures: tuple[ReportFigure, ...]) -> Section:
    """Return the trials, and the comparison of the best one with the default."""
    rows = facts.finished[:MOST_ROWS]
    default = [trial for trial in facts.finished[MOST_ROWS:] if trial.number == 0]
    rows = (*rows, *default)
    options = list(dict.fromkeys(name for trial in rows for name in trial.options))
    return Section(
        title="The search",
        anchor="search",
        template="search",
        facts={"search": facts, "rows": rows, "options": options},
        figures=figures,
    )
