"""How Sphinx makes the site of these pages; `make docs` runs it, strictly.

The pages are plain Markdown that GitHub shows as it is. What only the site has is added here while a page is read: the
navigation, and the docstrings on the page of the Python API.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import picturewise
from picturewise import errors

HERE = Path(__file__).parent
ROOT = HERE.parent

NAVIGATION = {
    "Start": ["installation", "tutorial"],
    "How to": [
        "how-to/train",
        "how-to/lists",
        "how-to/choose-a-model",
        "how-to/pretrained",
        "how-to/few-pictures",
        "how-to/numbers",
        "how-to/tune",
        "how-to/search",
        "how-to/evaluate",
        "how-to/compare",
        "how-to/studies",
        "how-to/predict",
        "how-to/export",
        "how-to/serve",
        "how-to/kaggle",
        "how-to/resume",
        "how-to/repeat",
        "how-to/extend",
        "how-to/track",
        "how-to/python",
        "how-to/estimator",
        "how-to/notebooks",
        "how-to/course-projects",
        "scale",
    ],
    "Reference": [
        "reference/command",
        "reference/recipe",
        "reference/layers",
        "reference/augmentation",
        "reference/data",
        "reference/files",
        "reference/api",
    ],
    "Background": [
        "background/calibration",
        "background/intervals",
        "background/determinism",
        "background/number-formats",
        "background/safety",
        "background/backpropagation",
    ],
    "Results": [
        "results",
        "performance",
        "shipping",
        "results/defaults",
        "results/networks",
        "results/studies",
        "results/transfer",
        "results/numbers",
        "results/speed",
        "results/importing",
        "results/readers-and-attacks",
        "results/development",
    ],
}
"""Heading → pages. `docs/dev` is for developers and is not part of the site."""

project = "Picturewise"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
root_doc = "index"
exclude_patterns = ["dev"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

myst_heading_anchors = 4  # so that `page.md#a-heading` works here as it does on GitHub
smartquotes = False  # they would change the dashes of options
default_role = "code"  # docstrings have `code` between single backticks
napoleon_use_ivar = True  # attributes are listed in their class, not described a second time
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True}
add_module_names = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 80

html_theme = "furo"
html_title = "Picturewise"
html_copy_source = False
html_show_copyright = False
# Summaries are fetched, which browsers refuse for a site that is opened from a disk.
html_show_search_summary = False

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?!https?:)[^)#\s]+)(?:#[^)\s]*)?\)")
_API = "<!-- the site shows the docstrings here -->"


def _add_what_only_the_site_has(app: Any, page: str, content: list[str]) -> None:
    """Change the text of a page before Sphinx parses it."""
    text = _LINK.sub(lambda found: _within(HERE / f"{page}.md", found), content[0])
    if page == root_doc:
        text += "".join(_toctree(heading, pages) for heading, pages in NAVIGATION.items())
    content[0] = text.replace(_API, _docstrings())


def _within(page: Path, link: re.Match[str]) -> str:
    """Return a link as it is, or the path of a file that is not part of the site, such as a source file."""
    text, target = link[1], link[2]
    place = (page.parent / target).resolve()
    if place.is_relative_to(HERE) and not place.is_relative_to(HERE / "dev"):
        return link[0]
    path = f"`{place.relative_to(ROOT)}`"
    return path if text.strip("`") in {place.name, str(place.relative_to(ROOT))} else f"{text} ({path})"


def _toctree(heading: str, pages: list[str]) -> str:
    return "\n\n" + "\n".join(["```{toctree}", ":hidden:", f":caption: {heading}", "", *pages, "```"]) + "\n"


def _docstrings() -> str:
    """Return what makes Sphinx show every public function and class, and the errors that are not among them."""
    things = {name: getattr(picturewise, name) for name in picturewise.__all__}
    shown = [
        ("## Functions", [name for name, thing in things.items() if not isinstance(thing, type)], "function"),
        ("## Classes", [name for name, thing in things.items() if _is_plain_class(thing)], "class"),
        ("## Errors", _errors(), "exception"),
    ]
    lines = []
    for heading, names, kind in shown:
        lines += [
            heading,
            "",
            "```{eval-rst}",
            *(f".. auto{kind}:: picturewise.{name}" for name in names),
            "```",
            "",
        ]
    return "\n".join(lines)


def _is_plain_class(thing: object) -> bool:
    return isinstance(thing, type) and not issubclass(thing, Exception)


def _errors() -> list[str]:
    """Return every error, by the name under which it is imported."""
    found = [
        name
        for name, thing in vars(errors).items()
        if isinstance(thing, type) and issubclass(thing, Exception)
    ]
    return [name if name in picturewise.__all__ else f"errors.{name}" for name in found]


def setup(app: Any) -> None:
    """Have Sphinx call what is above."""
    app.connect("source-read", _add_what_only_the_site_has)
