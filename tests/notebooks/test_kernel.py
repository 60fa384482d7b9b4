"""Picturewise in a real kernel: one bar in place, objects that show themselves, errors of one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

CELLS = {
    "train": "import picturewise\nrun = picturewise.train('digits', model='mlp 8', epochs=2, out='run')",
    "run": "run",
    "curves": "run.plot_curves()",
    "score": "picturewise.evaluate(run).accuracy",
    "pyplot": "import matplotlib.pyplot as plt\nplt.imshow(picturewise.read_dataset('digits').test.images[0]);",
    "confusion": "run.plot_confusion()",
    "error": "picturewise.train('digitz')",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The outputs of every cell."""
    pytest.importorskip("ipykernel", reason="a notebook's kernel is not installed")
    nbclient = pytest.importorskip("nbclient", reason="what runs notebooks is not installed")
    import nbformat

    folder: Path = tmp_path_factory.mktemp("notebook")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(
        notebook, allow_errors=True, timeout=300, resources={"metadata": {"path": str(folder)}}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PICTUREWISE_HOME", str(folder / "home"))
        client.execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def test_training_shows_one_bar_and_one_line_an_epoch_and_no_error(outputs: dict[str, list[Any]]) -> None:
    found = outputs["train"]
    bars = [output.data["text/plain"] for output in found if output.output_type == "display_data"]
    assert len(bars) == 1
    assert bars[0].startswith("epoch 2/2  batch 41/41  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  ")
    assert {output.name for output in found if output.output_type == "stream"} == {"stdout"}
    lines = "".join(output.text for output in found if output.output_type == "stream").splitlines()
    assert [line.split()[:2] for line in lines[-2:]] == [["epoch", "1/2"], ["epoch", "2/2"]]
    assert sum(line.startswith("note      The source does not have a ") for line in lines) == 2


def test_objects_and_figures_show_themselves_once(outputs: dict[str, list[Any]]) -> None:
    assert {name: len(outputs[name]) for name in ("run", "curves", "score", "pyplot", "confusion")} == {
        "run": 1, "curves": 1, "score": 1, "pyplot": 1, "confusion": 1,
    }  # fmt: skip
    assert "best epoch" in outputs["run"][0].data["text/html"]
    assert outputs["curves"][0].metadata["image/png"]["width"] == 960
    assert all("image/png" in outputs[name][0].data for name in ("curves", "pyplot", "confusion"))
    assert outputs["score"][0].data["text/plain"].startswith("0.")
    assert outputs["score"][0].data["text/plain"].endswith(")")


def test_an_error_is_its_sentence_alone(outputs: dict[str, list[Any]]) -> None:
    (error,) = outputs["error"]
    (sentence,) = error.traceback
    assert sentence.startswith("DataError: 'digitz' is neither an existing path nor a catalogue name")
    assert sentence.endswith("Did you mean 'digits'?")
