from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

import picturewise
from picturewise.errors import DataError, Interrupted, RunError, UsageError
from picturewise.studies.plan import make_plan
from picturewise.studies.runner import study
from picturewise.studies.study import read_study

MODELS = """
[[models]]
name = "line"
about = "One line."
published = { accuracy = 0.75, loss = 0.5, note = "by hand" }
recipe.model.layers = ["flatten"]

[[models]]
name = "two"
begins_with = "line"
recipe.start.head = "keep"
recipe.model.layers = ["dense 144 relu"]
"""
HEAD = """
title = "Bars"

[needs]
bars = "bars of light"

[recipe.training]
epochs = 2

[recipe.data]
source = "bars"

"""


class StopAfter(picturewise.Callback):
    """Sends this process the signal of Ctrl-C after a number of batches of all runs."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def on_batch(self, trainer: object) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + MODELS)
    return path


@pytest.mark.slow
def test_all_models_are_trained_evaluated_and_reported(file: Path, idx_folder: Path, tmp_path: Path) -> None:
    told = []
    found = study(
        file, data=idx_folder, out=tmp_path / "out", seeds=2, progress=False,
        tell=lambda plan, run: told.append((plan.model.name, plan.seed, run is not None)),
    )  # fmt: skip
    assert [(model.name, len(model.seeds)) for model in found.models] == [("line", 2), ("two", 2)]
    assert told[::2] == [(name, seed, False) for name in ("line", "two") for seed in (0, 1)]
    assert told[1::2] == [(name, seed, True) for name in ("line", "two") for seed in (0, 1)]
    line, two = found.models
    runs = [picturewise.open_run(tmp_path / "out" / f"seed-{seed}" / "line") for seed in (0, 1)]
    evaluated = [run.evaluation() for run in runs]
    assert line.accuracy == evaluated[0].accuracy
    assert line.loss == evaluated[0].loss
    assert line.seeds == tuple(one.accuracy.value for one in evaluated)
    assert line.mean is not None
    assert line.mean.value == pytest.approx(sum(line.seeds) / 2)
    assert (line.parameters, two.parameters) == (12 * 12 * 2 + 2, 145 * 144 + 2 * 145)
    assert line.valid_pictures == 6
    # The extended network begins with what the other one of the same seed has learned.
    for seed in (0, 1):
        extended = picturewise.open_run(tmp_path / "out" / f"seed-{seed}" / "two")
        assert extended.recipe.start.source == str(tmp_path / "out" / f"seed-{seed}" / "line")
    page = found.report.read_text()
    for text in (
        "<h1>Bars</h1>",
        "One line.",
        "75.00\u00a0%",
        "by hand",
        "several runs that differ only in the seed",
        "McNemar",
    ):
        assert text in page
    assert "This is a quick run" not in page
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == json.loads(found.model_dump_json())


@pytest.mark.slow
def test_what_is_finished_stays_and_what_was_interrupted_goes_on(
    file: Path, idx_folder: Path, tmp_path: Path
) -> None:
    whole = study(file, data=idx_folder, out=tmp_path / "whole", progress=False)
    out = tmp_path / "out"
    batches = 2 * 4  # of the first model; the second one is met in the middle
    with pytest.raises(Interrupted, match="Run the same command again to continue the study") as stopped:
        study(file, data=idx_folder, out=out, callbacks=[StopAfter(batches + 3)], progress=False)
    first = (out / "seed-0" / "line" / "run.json").stat()
    assert stopped.value.exit_code == 130
    assert picturewise.open_run(out / "seed-0" / "two").record.status == "interrupted"
    found = study(file, data=idx_folder, out=out, progress=False)
    assert (out / "seed-0" / "line" / "run.json").stat().st_mtime_ns == first.st_mtime_ns
    for name in ("line", "two"):
        one, other = (picturewise.open_run(place / "seed-0" / name) for place in (out, tmp_path / "whole"))
        assert one.record.final_weights_sha256 == other.record.final_weights_sha256
    assert [model.accuracy for model in found.models] == [model.accuracy for model in whole.models]


@pytest.mark.slow
def test_a_run_that_was_killed_before_its_first_batch_is_begun_anew(
    file: Path, idx_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    study(file, data=idx_folder, out=out, only=["line"], progress=False)
    place = out / "seed-0" / "two"
    place.mkdir()
    (place / "recipe.toml").write_text("cut sho")
    assert len(study(file, data=idx_folder, out=out, progress=False).models) == 2


def test_a_study_that_was_killed_before_its_first_file_is_begun_anew(
    file: Path, idx_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    for name in (
        ".lock",
        ".holder.json",
        ".unfinished-0123abcd-.holder.json",
        ".unfinished-0123abcd-study.json",
    ):
        (tmp_path / "out" / name).touch()
    assert len(study(file, data=idx_folder, out=tmp_path / "out", only=["line"], progress=False).models) == 1
    assert not list((tmp_path / "out").glob(".unfinished*"))


@pytest.mark.slow
def test_only_some_models_come_with_what_they_begin_with(
    file: Path, idx_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    study(file, data=idx_folder, out=out, only=["line"], progress=False)
    assert not (out / "seed-0" / "two").exists()
    found = study(file, data=idx_folder, out=out, only=["two"], progress=False)
    assert [model.name for model in found.models] == ["line", "two"]


@pytest.mark.slow
def test_a_quick_look_says_so_and_has_a_folder_of_its_own(
    file: Path, idx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file.write_text(HEAD + "[quick.data]\nlimit = 20\n[quick.training]\nepochs = 1\n" + MODELS)
    found = study(file, data=idx_folder, only=["line"], quick=True, progress=False)
    assert found.report == Path("studies/mine-quick/report.html")
    assert found.quick
    assert found.models[0].epochs == 1
    page = found.report.read_text()
    assert "This is a quick run with a small share" in page
    assert "drawn class by class: train 20 of 54" in page


@pytest.mark.slow
def test_models_on_different_pictures_are_not_compared(
    file: Path, idx_folder: Path, picture_folder: Path, tmp_path: Path
) -> None:
    file.write_text(
        HEAD
        + '[[models]]\nname = "bars"\nrecipe.model.layers = ["flatten"]\n'
        + '[[models]]\nname = "colours"\nrecipe.model.layers = ["flatten"]\nrecipe.data.source = "colours"\n'
    )
    places = {"bars": idx_folder, "colours": picture_folder}
    found = study(file, data=places, out=tmp_path / "out", progress=False)
    page = found.report.read_text()
    assert "evaluated on different pictures" in page.replace("evaluated", "evaluated")
    assert "McNemar" not in page
    assert [model.data for model in found.models] == ["bars", "colours"]
    assert "Random test pictures, colours" in page


def test_nothing_is_written_where_something_does_not_fit(
    file: Path, idx_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(
        DataError, match=r"needs 'bars', which was not found: bars of light.*--data bars=PATH"
    ):
        study(file, out=out, progress=False)
    file.write_text(HEAD + MODELS.replace("dense 144 relu", "maxpool 2"))
    with pytest.raises(UsageError, match="Model 'two' of the study: Layer line 2, 'maxpool 2', does not fit"):
        study(file, data=idx_folder, out=out, progress=False)
    file.write_text(HEAD + MODELS.replace("dense 144 relu", "dense 8 relu"))
    with pytest.raises(
        UsageError, match="'two' of the study: the output layer of 'line' cannot be kept: it expects 144"
    ):
        study(file, data=idx_folder, out=out, progress=False)
    file.write_text(HEAD + MODELS)
    with pytest.raises(UsageError, match=r"Unknown model of the study 'lin'.*Did you mean 'line'"):
        study(file, data=idx_folder, out=out, only=["lin"], progress=False)
    with pytest.raises(UsageError, match="Unknown source of the study 'mnist'"):
        study(file, data={"mnist": idx_folder}, out=out, progress=False)
    with pytest.raises(UsageError, match="seeds is 0"):
        study(file, data=idx_folder, out=out, seeds=0, progress=False)
    assert not out.exists()


@pytest.mark.slow
def test_a_folder_of_something_else_is_left_alone(file: Path, idx_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="already exists and is not a study folder"):
        study(file, data=idx_folder, out=out, progress=False)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]
    (out / "mine.txt").rename(out / ".lock")
    with pytest.raises(UsageError, match="already exists and is not a study folder"):
        study(file, data=idx_folder, out=out, progress=False)
    assert (out / ".lock").read_text() == "x"
    (out / ".lock").unlink()
    study(file, data=idx_folder, out=out, only=["line"], progress=False)
    before = (out / "report.html").read_bytes()
    file.write_text(HEAD.replace("epochs = 2", "epochs = 3") + MODELS)
    with pytest.raises(UsageError, match="another study, or of another version"):
        study(file, data=idx_folder, out=out, progress=False)
    (out / "study.json").write_text("{")
    with pytest.raises(RunError, match=r"study\.json.*Choose another --out"):
        study(file, data=idx_folder, out=out, progress=False)
    assert (out / "report.html").read_bytes() == before


@pytest.mark.slow
def test_sheets_of_more_models_do_not_stay_behind(file: Path, idx_folder: Path, tmp_path: Path) -> None:
    lines = [f'[[models]]\nname = "m{number}"\nrecipe.model.layers = ["flatten"]\n' for number in range(5)]
    file.write_text(HEAD.replace("epochs = 2", "epochs = 1") + "".join(lines))
    out = tmp_path / "out"
    study(file, data=idx_folder, out=out, progress=False)
    figures = out / "comparison" / "figures"
    assert (figures / "predictions-2.png").exists()
    study(file, data=idx_folder, out=out, only=["m0", "m1"], progress=False)
    assert sorted(path.name for path in figures.glob("predictions*")) == [
        "predictions-dark.png",
        "predictions.png",
    ]


@pytest.mark.slow
def test_as_published_trains_once_more_with_the_authors_options_and_keeps_the_last_epoch(
    file: Path, idx_folder: Path, tmp_path: Path
) -> None:
    theirs = 'pictures = 70, note = "by hand" }\nas_published.training = { keep = "last", epochs = 3 }\n'
    file.write_text(HEAD + MODELS.replace('note = "by hand" }\n', theirs))
    out = tmp_path / "out"
    study(file, data=idx_folder, out=out, only=["line"], progress=False)
    before = (out / "seed-0" / "line" / "run.json").stat()
    told = []
    found = study(
        file, data=idx_folder, out=out, as_published=True, progress=False,
        tell=lambda plan, run: told.append((plan.name, plan.remark)) if run is None else None,
    )  # fmt: skip
    assert (out / "seed-0" / "line" / "run.json").stat().st_mtime_ns == before.st_mtime_ns
    own, published, two = found.models
    assert [model.name for model in found.models] == ["line", "line-as-published", "two"]
    assert (own.as_published, published.as_published) == (False, True)
    assert (own.epochs, published.epochs, published.best_epoch) == (2, 3, 3)
    run = picturewise.open_run(out / "seed-0" / "line-as-published")
    assert (run.recipe.training.keep, run.recipe.training.epochs) == ("last", 3)
    assert published.train_pictures == 54
    assert published.steps == 3 * -(-54 // run.recipe.training.batch_size)
    assert published.train_accuracy == run.history[-1].train_accuracy
    assert two.published == ()
    extended = picturewise.open_run(out / "seed-0" / "two")
    assert extended.recipe.start.source == str(out / "seed-0" / "line")
    # 54 + 6 are here, where the author had 70.
    assert own.remark == two.remark == ""
    assert "the author's 70 training pictures are not here; the 54 of" in published.remark
    assert dict(told) == {"line": "", "line-as-published": published.remark, "two": ""}
    assert "70 training pictures are not here" in found.report.read_text()


def test_the_authors_pictures_are_recognised_by_their_number(
    file: Path, idx_folder: Path, tmp_path: Path
) -> None:
    theirs = 'pictures = 60, note = "by hand" }\nas_published.training.keep = "last"\n'
    file.write_text(HEAD + MODELS.replace('note = "by hand" }\n', theirs))
    found = study(
        file,
        data=idx_folder,
        out=tmp_path / "out",
        as_published=True,
        only=["line-as-published"],
        progress=False,
    )
    assert [(model.name, model.remark) for model in found.models] == [("line-as-published", "")]
    plans = make_plan(
        read_study(file)[1], tmp_path, data={}, only=["line"], seeds=1, quick=False, as_published=True
    )
    assert [plan.name for plan in plans] == ["line", "line-as-published"]


def test_as_published_is_refused_where_nothing_was_published(
    file: Path, idx_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"No model of the study has options of a published run.*Omit it"):
        study(file, data=idx_folder, out=tmp_path / "out", as_published=True, progress=False)
    with pytest.raises(UsageError, match="Unknown model of the study 'line-as-published'"):
        study(file, data=idx_folder, out=tmp_path / "out", only=["line-as-published"], progress=False)
    assert not (tmp_path / "out").exists()
