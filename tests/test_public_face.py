"""The public face is one short sorted list, every name of it works, and importing it costs next to nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import FunctionType, ModuleType
from typing import get_args

import pytest

import picturewise
import picturewise.types


def test_the_list_is_short_and_sorted() -> None:
    assert picturewise.__all__ == sorted(picturewise.__all__)
    assert len(picturewise.__all__) <= 45


@pytest.mark.parametrize("name", picturewise.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    assert getattr(picturewise, name).__doc__
    assert name in dir(picturewise)


@pytest.mark.parametrize("module", [picturewise, picturewise.types])
def test_the_names_that_type_checkers_see_are_those_that_are_there(module: ModuleType) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    modules = dict.fromkeys(getattr(module, "_MODULES", ()), "picturewise")
    assert seen == {**module._HOMES, **modules}


def test_only_public_names_are_offered() -> None:
    assert dir(picturewise) == sorted([*picturewise.__all__, "errors", "types", "__version__"])
    assert dir(picturewise.types) == picturewise.types.__all__ == sorted(picturewise.types._HOMES)


def test_the_version_is_that_of_the_installed_package() -> None:
    assert picturewise.__version__ == metadata.version("picturewise")


def test_errors_and_types_are_there_without_an_import_of_their_own() -> None:
    code = (
        "import picturewise; print(issubclass(picturewise.errors.PictureError, picturewise.errors.DataError),"
        " picturewise.types.Interval.__name__)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "True Interval"


def test_every_type_that_is_returned_is_in_types_with_the_types_of_its_fields() -> None:
    functions = [
        value for name in picturewise.__all__ if isinstance(value := getattr(picturewise, name), FunctionType)
    ]
    assert len(functions) > 15
    known = {name: getattr(picturewise.types, name) for name in picturewise.types.__all__}
    known["Iterator"] = Iterator
    for function in functions:
        answer = eval(function.__annotations__["return"], function.__globals__, known)
        for kind in classes_in(answer):
            assert getattr(picturewise.types, kind.__name__) is kind, f"{function.__name__} returns {kind}"
    for name in picturewise.types.__all__:
        kind = getattr(picturewise.types, name)
        for field in getattr(kind, "model_fields", {}).values():
            for part in classes_in(field.annotation):
                assert getattr(picturewise.types, part.__name__) is part, f"{name} has {part}"


def classes_in(hint: object) -> set[type]:
    """Return the classes of ours in an annotation."""
    if isinstance(hint, type) and not get_args(hint):
        return {hint} if hint.__module__.startswith("picturewise.") else set()
    return {kind for part in get_args(hint) for kind in classes_in(part)}


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
