"""`comparison_html` and `study_html`: models side by side."""

from __future__ import annotations

from collections.abc import Sequence

from picturewise.reporting.contents import ComparisonTable, StudyRow
from picturewise.reporting.notebook.markup import block, escaped, line, lines, table
from picturewise.reporting.tables import (
    count,
    duration,
    number_with_interval,
    p_value,
    percent,
    percent_with_interval,
    points_with_interval,
)


def comparison_html(compared: ComparisonTable, *, pictures: int, report: str) -> str:
    """Return runs on the same test pictures as HTML."""
    rows = [
        (
            escaped(row.model),
            count(row.parameters),
            "–" if row.accuracy is None else percent_with_interval(row.accuracy),
            "–" if row.loss is None else number_with_interval(row.loss),
            "–" if row.seconds is None else duration(row.seconds),
            points_with_interval(row.difference) if row.difference else "best",
            p_value(row.paired.adjusted_p_value) if row.paired else "",
        )
        for row in compared.rows
    ]
    best = f"points vs {compared.reference}"
    return block(
        f"{len(rows)} runs on the same {count(pictures)} test pictures, 95 % intervals in brackets",
        table(("run", "parameters", "accuracy", "loss", "training", best, "p"), rows),
        line(f"report {report}", faint=True),
    )


def study_html(title: str, rows: Sequence[StudyRow], *, notes: Sequence[str], report: str) -> str:
    """Return the models of a study as HTML."""
    cells = [
        (
            escaped(row.model),
            escaped(row.data),
            count(row.parameters),
            str(row.epochs),
            row.reads,
            percent_with_interval(row.accuracy),
            number_with_interval(row.loss),
            ", ".join(percent(result.accuracy) for result in row.published if result.accuracy is not None),
        )
        for row in rows
    ]
    head = ("model", "data", "parameters", "epochs", "accuracy of", "test accuracy", "test loss", "published")
    alike = len({row.reads for row in rows}) == 1
    shown = [place for place, name in enumerate(head) if not (alike and name == "accuracy of")]
    found = table(
        [head[place] for place in shown], [[row[place] for place in shown] for row in cells], left=2
    )
    return block(title, lines(notes), found, line(f"report {report}", faint=True))
