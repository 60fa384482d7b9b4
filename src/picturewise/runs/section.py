"""`Section`: one part of a report, with its figures; it does not know how a page is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReportFigure:
    """One picture in the report.

    Attributes:
        title: a few words; the heading of the figure.
        caption: what the figure shows, in a sentence or two.
        alt: a description for readers who cannot see it.
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
        anchor: the id that the navigation links to; lower-case letters, digits and hyphens, unique on the page.
        template: name of the file in `reporting/sections/`, without `.html.jinja`. It writes everything below the
            heading, from `section`.
        facts: what the template reads: a frozen dataclass, or a mapping from names.
        figures: the figures that the template may place.
        kind: what the title names, such as "Model"; it is written before the title in the heading.
        listed: whether there is an entry in the navigation.
    """

    title: str
    anchor: str
    template: str
    facts: object
    figures: tuple[ReportFigure, ...] = ()
    kind: str = ""
    listed: bool = True
