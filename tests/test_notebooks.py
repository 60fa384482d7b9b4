"""The notebooks in docs/ run from the first cell to the last, and show what they are there for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))
PHOTOGRAPHS = "your-photographs"
KERAS = Path(__file__).parents[1] / "benchmarks" / "keras_notebooks"


def lines_of(script: Path) -> int:
    lines = (line.strip() for line in script.read_text(encoding="utf-8").splitlines())
    return sum(bool(line) and not line.startswith("#") for line in lines)


def code_cells(notebook: Any) -> Iterator[Any]:
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def test_there_is_one_for_each_course_project_and_one_for_photographs() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "1-svhn-mlp-and-cnn",
        "2-svhn-batch-normalisation",
        "3-mnist-dense",
        "4-mnist-cifar10-cnn",
        "5-mnist-architectures",
        PHOTOGRAPHS,
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_stored_without_what_a_run_leaves_in_it(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code_cells(notebook))
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_the_page_about_them_counts_their_cells_and_lines() -> None:
    page = (NOTEBOOKS[0].parents[1] / "how-to" / "course-projects.md").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        cells = [cell.source for cell in code_cells(nbformat.read(path, as_version=4))]
        lines = sum(bool(line.strip()) for cell in cells for line in cell.splitlines())
        keras = lines_of(KERAS / f"{path.stem.lstrip('12345-').replace('-', '_')}.py")
        assert re.search(rf"{re.escape(path.name)}\) \| {len(cells)} \| {lines} \| {keras} \|", page), (
            path.name
        )
        assert 2 * lines < keras


@pytest.mark.slow
@pytest.mark.campaign
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_shows_figures_and_tables(path: Path, tmp_path: Path, whole_campaign: bool) -> None:
    if not whole_campaign:
        pytest.skip("half a minute of training; make campaign has it, and make test tries a kernel")
    for file in path.parent.iterdir():
        if file.suffix in {".ipynb", ".py"}:
            shutil.copy(file, tmp_path)
    notebook = nbformat.read(tmp_path / path.name, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = {kind for cell in code_cells(notebook) for out in cell.outputs for kind in out.get("data", ())}
    assert {"image/png", "text/html"} <= shown
    for cell in code_cells(notebook):
        if ".plot_" in cell.source:
            kinds = [kind for out in cell.outputs for kind in out.get("data", ()) if kind == "image/png"]
            assert len(kinds) == 1, cell.source  # shown, and not twice
        assert all("<picturewise." not in out.get("data", {}).get("text/plain", "") for out in cell.outputs)
        assert all(out.get("name") != "stderr" or "Warning" not in out.text for out in cell.outputs)
