"""Figures and report are the same whoever draws them, and a process that cannot draw loses nothing."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from picturewise.cli.app import run as run_command
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.reporting import drawing_process
from picturewise.reporting.album import Album
from picturewise.reporting.data_sheets import DataSheets
from picturewise.reporting.drawing_process import DrawingProcess, drawing_beside
from picturewise.runs.run import open_run
from picturewise.tasks import training_report
from picturewise.tasks.load import load, own_source


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    """A run of one epoch on the digits, with its figures and its report, and the pictures."""
    path = tmp_path_factory.mktemp("runs") / "r"
    assert run_command(["train", "digits", "--model", "mlp 8", "--epochs", "1", "--out", str(path)]) == 0
    run = open_run(path)
    dataset = load(own_source(run, None), run.recipe.data, splits=("train", "valid"), progress=False)
    return run, dataset


def contents(path: Path) -> dict[str, bytes]:
    """Return name → bytes of a run's figures and report, and remove them."""
    files = [path / "report.html", *sorted((path / "figures").iterdir())]
    found = {file.name: file.read_bytes() for file in files}
    for file in files:
        file.unlink()
    return found


@pytest.fixture
def drawing():
    process = DrawingProcess()
    yield process
    process.end()


@pytest.mark.slow
@pytest.mark.parametrize("early", [True, False])
def test_the_process_writes_the_same_bytes(trained, drawing, early):
    run, dataset = trained
    training_report._report(run, dataset)
    expected = contents(run.path)
    if early:
        drawing.draw(DataSheets.of(dataset, seed=run.recipe.seed))
    else:
        drawing.get_ready()
    assert not list(run.path.glob("figures/*"))
    assert drawing.write_report(run.path, dataset, seed=run.recipe.seed, in_grey=False)
    found = contents(run.path)
    assert found == expected
    assert {"report.html", "samples.png", "counts-dark.png", "learning-curves.png"} < found.keys()


@pytest.mark.slow
def test_a_process_that_was_killed_leaves_the_report_to_this_one(trained, drawing):
    run, dataset = trained
    os.kill(drawing._child.pid, signal.SIGKILL)
    drawing._child.wait()
    assert not drawing.write_report(run.path, dataset, seed=0, in_grey=False)
    training_report._report(run, dataset, drawing)
    assert {"report.html", "samples.png", "counts.png"} < contents(run.path).keys()


def test_a_process_that_cannot_write_leaves_the_report_to_this_one(trained, drawing, tmp_path):
    _, dataset = trained
    (tmp_path / "figures").write_text("in the way")
    assert not drawing.write_report(tmp_path, dataset, seed=0, in_grey=False)


def test_figures_that_exist_are_kept(trained, drawing):
    run, dataset = trained
    (run.path / "figures").mkdir(exist_ok=True)
    (run.path / "figures/counts.png").write_bytes(Album(run.figures).path("counts").name.encode())
    assert drawing.write_report(run.path, dataset, seed=run.recipe.seed, in_grey=False)
    found = contents(run.path)
    assert found["counts.png"] == b"counts.png"
    assert "samples.png" not in found


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_for_the_parent_do_not_end_the_process(trained, drawing, name):
    run, dataset = trained
    assert os.getpgid(drawing._child.pid) != os.getpgid(0)  # a terminal's Ctrl-C does not reach it
    assert drawing.write_report(run.path, dataset, seed=0, in_grey=False)
    os.kill(drawing._child.pid, getattr(signal, name))
    contents(run.path)
    assert drawing.write_report(run.path, dataset, seed=0, in_grey=False)
    contents(run.path)


def test_the_process_ends_with_its_parent(drawing):
    drawing._child.stdin.close()
    assert drawing._child.wait() == 0


@pytest.mark.parametrize("missing", [("torch", "matplotlib"), ("torch",), ("matplotlib",), ()])
@pytest.mark.parametrize("cores", [1, 2])
def test_it_is_started_where_it_pays(trained, monkeypatch, missing, cores):
    monkeypatch.setattr(drawing_process, "available_cores", lambda: cores)
    monkeypatch.setattr(drawing_process.sys, "modules", {"torch": sys, "matplotlib": sys} | sys.modules)
    for name in missing:
        monkeypatch.delitem(drawing_process.sys.modules, name)
    with drawing_beside(trained[1], seed=0, in_grey=False) as started:
        assert (started is not None) == (cores == 2 and len(missing) == 2)
    if started is not None:
        assert started._child.returncode == -signal.SIGKILL


def test_the_score_is_printed_before_anything_is_drawn(tmp_path, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(training_report, "_report", lambda *_: seen.append(capsys.readouterr().out))
    arguments = ["train", "digits", "--model", "mlp 8", "--epochs", "1", "--out", str(tmp_path / "r")]
    assert run_command(arguments) == 0
    assert seen[0].startswith("best epoch 1 of 1: ")
    assert "best epoch" not in capsys.readouterr().out  # and only once


def test_sheets_survive_as_bytes():
    images = np.arange(6 * 4 * 4 * 3, dtype=np.uint8).reshape(6, 4, 4, 3)
    part = ImageSet(
        images,
        np.array([0, 1, 0, 1, 0, 0]),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "a\udcff", "none"),
        "here",
    )
    for dataset in (Dataset("pets", train=part), Dataset("pets", test=ImageSet(images, None, (), "here"))):
        sheets = DataSheets.of(dataset, seed=0, in_grey=True, also_in_grey=True)
        again = DataSheets.from_bytes(sheets.to_bytes())
        assert again.captions == sheets.captions
        assert (again.counts, again.unit, again.lengths) == (sheets.counts, sheets.unit, sheets.lengths)
        for one, other in ((again.samples, sheets.samples), (again.grey, sheets.grey)):
            np.testing.assert_array_equal(one, other)
        assert (again.rows is None) == (sheets.rows is None)
        for row, old in zip(again.rows or (), sheets.rows or (), strict=True):
            assert (row.name, row.count, row.mean is None) == (old.name, old.count, old.mean is None)
            np.testing.assert_array_equal(row.samples, old.samples)
            np.testing.assert_array_equal(
                np.asarray(row.mean if row.mean is not None else 0),
                np.asarray(old.mean if old.mean is not None else 0),
            )
