"""The public face is one short sorted list, every name of it works, and importing it costs next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import picturewise


def test_the_list_is_short_and_sorted() -> None:
    assert picturewise.__all__ == sorted(picturewise.__all__)
    assert len(picturewise.__all__) <= 26


@pytest.mark.parametrize("name", picturewise.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    assert getattr(picturewise, name).__doc__
    assert name in dir(picturewise)


def test_the_names_that_type_checkers_see_are_those_that_are_there() -> None:
    import ast
    from pathlib import Path

    tree = ast.parse(Path(picturewise.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == picturewise._HOMES


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = picturewise.trian


def test_importing_loads_nothing_heavy_and_does_nothing() -> None:
    code = (
        "import sys, threading; import picturewise; "
        "heavy = {'torch', 'numpy', 'pydantic', 'matplotlib', 'PIL', 'click'} & set(sys.modules); "
        "print(sorted(heavy), threading.active_count())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[] 1"
