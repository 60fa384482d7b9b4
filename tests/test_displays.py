"""The door upward: every entry is there, takes what it is given, and is the only import by a string."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

import picturewise
from picturewise import displays, types

ROOT = Path(picturewise.__file__).parent

BY_STRING = {
    "__init__.py": "the public face, which is imported as it is used",
    "types.py": "the same for the types that it returns",
    "displays.py": "the door",
    "cli/app.py": "the list of commands",
    "data/pictures/plugins.py": "Pillow's plugins, which are there or not as Pillow was built",
    "untrusted/confined/process.py": "confined children: what they do is named in a message",
    "untrusted/confined/pool_child.py": "the same",
    "untrusted/confined/call_child.py": "the same",
}
"""Every file that imports by a string, and why."""


def methods() -> dict[tuple[str, str], object]:
    """Return every `plot…` and `_repr_html_` of a class below the rooms that draw, by class and figure."""
    found: dict[tuple[str, str], object] = {}
    for name in types.__all__:
        kind = getattr(types, name)
        if kind.__module__.split(".")[1] in {"tasks", "studies"} or not isinstance(kind, type):
            continue
        for method in dir(kind):
            if method in {"_repr_html_", "plot"} or method.startswith("plot_"):
                owner = "Recipe" if issubclass(kind, types.Recipe) else name
                found[owner, "html" if method == "_repr_html_" else method] = getattr(kind, method)
    return found


def test_every_figure_of_a_class_has_its_entry_and_every_entry_its_figure() -> None:
    assert methods().keys() == displays.HOMES.keys()
    assert list(displays.HOMES) == sorted(displays.HOMES)


@pytest.mark.parametrize(("kind", "figure"), displays.HOMES)
def test_what_draws_is_there_and_takes_the_object_and_the_options(kind: str, figure: str) -> None:
    module, _, name = displays.HOMES[kind, figure].partition(":")
    draws = inspect.signature(getattr(import_module(module), name)).parameters
    asked = inspect.signature(methods()[kind, figure]).parameters  # type: ignore[arg-type]
    assert [*draws][1:] == [*asked][1:]
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in [*draws.values()][1:])


def test_nothing_else_imports_by_a_string() -> None:
    texts = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")
    }
    assert {name for name, text in texts.items() if re.search(r"import_module|__import__", text)} == set(
        BY_STRING
    )


def test_an_object_that_is_not_whole_has_no_html_and_no_error() -> None:
    assert types.Evaluation.model_construct(dataset="digits")._repr_html_() is None
