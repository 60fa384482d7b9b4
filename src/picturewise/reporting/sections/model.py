"""The sections about the models, one for each."""

from __future__ import annotations

from picturewise.reporting.contents import Report
from picturewise.runs.section import Section


def model_sections(report: Report) -> tuple[Section, ...]:
    """Return a section for each model: its scores, training and architecture, and how to reproduce it."""
    return tuple(
        Section(
            title=model.name,
            anchor=f"model-{number}",  # because a model's name may contain any characters
            template="model",
            facts=model,
            figures=model.figures,
            kind="Model",
        )
        for number, model in enumerate(report.models, start=1)
    )
