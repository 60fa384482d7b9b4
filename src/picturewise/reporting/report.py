"""`render_report`: one HTML file that needs only a browser."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jinja2

from picturewise.errors import UsageError
from picturewise.evaluation.evaluation import ClassScore, Evaluation
from picturewise.printable import printable
from picturewise.reporting import scores, tables
from picturewise.reporting.contents import Report
from picturewise.reporting.headline import headline
from picturewise.runs.history import Epoch, best_epoch
from picturewise.runs.section import ReportFigure, Section

_PNG = b"\x89PNG\r\n\x1a\n"
_CSS_PIXELS = 96 / 150  # of a browser, for one pixel of a figure with 150 pixels an inch


def render_report(report: Report, sections: Iterable[Section | None]) -> str:
    """Return the report as one self-contained HTML page: the result, then the sections in their order.

    The page contains its style and its figures. It loads nothing and runs no script, and its content security policy
    forbids both. All names are escaped. Equal reports give equal pages.

    Args:
        report: contains the title and the result.
        sections: the parts after the result; a section that does not apply is None.

    Raises:
        UsageError: a figure is not a PNG file.
    """
    environment = _environment()
    style = environment.get_template("report_style.html.jinja").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("report.html.jinja").render(
        report=report,
        headline=headline(report),
        sections=[section for section in sections if section is not None],
        style=style,
        style_digest=digest,
    )


@functools.cache
def _environment() -> jinja2.Environment:
    """Return the template environment; it caches compiled templates, because compiling is slower than rendering."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("picturewise", "reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "count": tables.count,
        "duration": tables.duration,
        "number_with_interval": tables.number_with_interval,
        "p_value": tables.p_value,
        "paragraphs": _paragraphs,
        "percent": tables.percent,
        "percent_with_interval": tables.percent_with_interval,
        "points_with_interval": tables.points_with_interval,
        "data_uri": _data_uri,
        "unbroken": _unbroken,
        "css_size": _css_size,
        "training_summary": _training_summary,
        "weakest_class": _weakest_class,
        "class_head": scores.class_head,
        "confusions": scores.confusions,
        "goal": scores.goal_of,
        "lengths": scores.lengths,
        "nouns": scores.nouns_of,
        "threshold": scores.threshold_of,
    }
    return environment


def _finalize(value: Any) -> Any:
    """Make hidden characters in text visible; a file name that is not UTF-8 could not be written otherwise."""
    is_markup = hasattr(value, "__html__")
    return printable(value, keep="\n\t") if isinstance(value, str) and not is_markup else value


def _paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, which empty lines separate, without their line breaks."""
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _unbroken(text: str) -> str:
    """Return a sentence in which no line ends between a number and its percent sign."""
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)


def _css_size(figure: ReportFigure) -> tuple[int, int]:
    """Return the width and height of a figure on a page that is wide enough, in CSS pixels."""
    if any(png[:8] != _PNG or len(png) < 24 for png in (figure.png, figure.dark or figure.png)):
        raise UsageError(f"The figure '{figure.title}' is not a PNG file. Make one with figures.to_png.")
    width, height = struct.unpack(">II", figure.png[16:24])
    return round(width * _CSS_PIXELS), round(height * _CSS_PIXELS)


def _training_summary(history: Sequence[Epoch]) -> Mapping[str, str]:
    """Return name → value, without accuracies: those of the test split have an interval."""
    if not history:
        return {}
    seconds = sum(row.seconds for row in history)
    speeds = sorted(row.images_per_second for row in history)
    return {
        "Epochs run": tables.count(len(history)),
        "Best epoch (validation)": tables.count(best_epoch(history).epoch),
        "Time for all epochs": tables.duration(seconds),
        "Pictures per second": tables.count(round(speeds[len(speeds) // 2])),
    }


def _weakest_class(evaluation: Evaluation) -> ClassScore | None:
    """Return the class with the lowest recall, or None if every picture of every class was recognised."""
    missed = [score for score in evaluation.per_class if score.recall is not None and score.recall.value < 1]
    return min(missed, key=lambda score: score.recall.value if score.recall else 1, default=None)
