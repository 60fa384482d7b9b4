"""docs/dev/house.md tells the truth: its files and names exist, and no room is left out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import picturewise

ROOT = Path(picturewise.__file__).parent
PAGE = (Path(__file__).parents[1] / "docs" / "dev" / "house.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def defined(path: Path) -> set[str]:
    """Return the names that a file defines at its top."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            if isinstance(target, ast.Name):
                names.add(target.id)
    return names


def test_every_answer_is_where_the_page_says() -> None:
    found = rows("Where decisions are made")
    assert len(found) >= 12
    for _, file, name in found:
        assert name.strip("`") in defined(ROOT / file.strip("`")), f"{file} has no {name}"


def test_every_file_that_the_page_names_is_there() -> None:
    for name in re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py)[:`]", PAGE):
        if "x.py" not in name:
            assert (ROOT / name).exists(), name


def test_no_room_and_no_file_of_the_ground_is_left_out() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert {row[0].strip("`/") for row in rows("The packages, from the top layer down")} == rooms
    told = set(re.findall(r"`([a-z_]+\.py)`", section("The packages, from the top layer down")))
    assert told == {path.name for path in ROOT.glob("*.py")} - {"__init__.py", "__main__.py"}


def test_every_case_of_the_page_of_cases_has_its_test() -> None:
    page = (Path(__file__).parents[1] / "docs" / "dev" / "cases.md").read_text(encoding="utf-8")
    found = re.findall(r"`([a-z_0-9/]+\.py)` `(test_[a-z_0-9]+)`", page)
    assert len(found) > 50
    for file, name in found:
        assert name in defined(Path(__file__).parent / file), f"{file} has no {name}"
