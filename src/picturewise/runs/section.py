"""`Section`: one part of a report, with its figures; made without knowing how a page is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReportFigure:
    """One picture in the report.

    Attributes:
        title: a few words; the heading of the figure.
        caption: what there is to see, in a sentence or two.
        alt: what those who cannot see it should know.
        png: the file, as `figures.to_png` makes it.
        dark: the same on dark paper, as `figures.to_both_papers` makes it; empty: `png` is shown on both.
    """

    title: str
    caption: str
    alt: str
    png: bytes
    dark: bytes = b""


@dataclass(frozen=True)
class Section:
    """One part of a report: what it is called, and what its template fills in.

    Attributes:
        title: the heading, and the entry in the navigation.
        anchor: the id that the navigation leads to; lower-case letters, digits and hyphens, unique on the page.
        template: name of the file in `reporting/sections/`, without `.html.jinja`. It writes what stands below the
            heading, from `section`.
        facts: what the template reads: a frozen dataclass, or a mapping from names.
        figures: what the template may place.
        kind: what the title is the name of, such as "Model"; it stands before the title in the heading.
        listed: whether there is an entry in the navigation.
    """

    title: str
    anchor: str
    template: str
    facts: object
    figures: tuple[ReportFigure, ...] = ()
    kind: str = ""
    listed: bool = True
