"""Every link and every path of a page leads somewhere, in Markdown, in source files and in messages."""

from __future__ import annotations

import functools
import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FOLDERS = ("docs", "benchmarks", "src", "tests")
MARKDOWN = [*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]*)\)")
FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """Return a page without its code."""
    return re.sub(r"`[^`\n]*`", "`code`", FENCED.sub("", page.read_text(encoding="utf-8")))


@functools.cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        number = 0
        while (numbered := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(numbered)
    return found


def test_every_relative_link_and_anchor_leads_somewhere() -> None:
    wrong, links = [], 0
    for page in MARKDOWN:
        for link in LINK.findall(prose(page)):
            links += 1
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                wrong.append(f"{page.relative_to(ROOT)}: {link}")
    assert links > 150
    assert wrong == []


def test_anchors_are_made_as_github_makes_them() -> None:
    page = DOCS / "reference" / "command.md"
    assert {"the-command", "exit-codes", "picturewise-data-list"} <= anchors(page)


def test_every_page_that_messages_and_sources_name_is_there() -> None:
    named = [
        (path, name)
        for folder in ("src", "benchmarks", "docs", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"\bdocs/[\w/-]+\.(?:md|py)", path.read_text(encoding="utf-8"))
    ]
    named += [
        (path, name)
        for path in [*ROOT.glob("*.md"), ROOT / "Makefile"]
        for name in re.findall(r"\bdocs/[\w/-]+\.(?:md|py)", path.read_text(encoding="utf-8"))
    ]
    assert len(named) > 15
    assert [f"{path.relative_to(ROOT)}: {name}" for path, name in named if not (ROOT / name).exists()] == []


def test_the_navigation_and_the_first_page_name_every_page() -> None:
    spec = importlib.util.spec_from_file_location("conf", DOCS / "conf.py")
    assert spec is not None
    assert spec.loader is not None
    conf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conf)
    in_navigation = [f"{page}.md" for pages in conf.NAVIGATION.values() for page in pages]
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if "dev" not in path.parts} - {
        "index.md"
    }
    assert len(in_navigation) == len(set(in_navigation))
    assert set(in_navigation) == there
    assert set(LINK.findall(prose(DOCS / "index.md"))) == there
