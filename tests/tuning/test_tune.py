from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_bars import drawn, saved

import picturewise
from picturewise import circumstances
from picturewise.errors import DataError, Interrupted, PicturewiseError, RunError, SaveError, UsageError
from picturewise.runs.run import open_run
from picturewise.tuning import searching as searching_module
from picturewise.tuning import trial as trial_module
from picturewise.tuning import tune as tune_module
from picturewise.tuning import workers as workers_module
from picturewise.tuning.told import Told
from picturewise.tuning.trial import Outcome
from picturewise.tuning.tune import _reserve

FEW = {"model": "mlp 8", "epochs": 3, "workers": 1, "progress": False}


def facts(folder: Path) -> list[dict[str, Any]]:
    """Return what a search found out, without times and paths."""
    trials = json.loads((folder / "results.json").read_text())["trials"]
    return [
        {key: trial[key] for key in ("number", "values", "state", "accuracy", "loss", "epochs")}
        for trial in trials
    ]


class StopAt:
    """Sends this process the signal of Ctrl-C in a batch of a trial."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
        self.left = batch
        real = trial_module._Watch.on_batch

        def on_batch(watch: Any, trainer: Any) -> None:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGINT)
            real(watch, trainer)

        monkeypatch.setattr(trial_module._Watch, "on_batch", on_batch)


def test_a_search_finds_a_recipe_and_reports_it(pictures: Path, space: Path, tmp_path: Path) -> None:
    told: list[Told] = []
    found = picturewise.tune(
        pictures, trials=6, space=space, out=tmp_path / "s", tell=told.append, seeds=2, **FEW
    )
    assert [one.number for one in told] == [*range(6)] == [trial.number for trial in found.trials]
    assert found.trials[0].values == {"scale.learning_rate": 1.0, "scale.width": 1, "training.batch_size": 16}
    assert (found.choosing_pictures, found.reporting_pictures) == (40, 40)
    best = found.trials[found.best_trial]
    assert best.accuracy == max(trial.accuracy or 0 for trial in found.trials if trial.state == "finished")
    assert best.accuracy is not None
    assert found.trials[0].accuracy is not None
    assert (found.best_trial == 0) == (best.accuracy == found.trials[0].accuracy)
    assert found.best.data.valid_half is None
    assert (tmp_path / "s" / "best.toml").read_text() == found.best.to_toml()
    page = found.report.read_text()
    assert "optimistic" in page
    assert "The test split was not read." in page
    assert found.sentence in repr(found)


def test_a_trial_is_an_ordinary_run(pictures: Path, space: Path, tmp_path: Path) -> None:
    found = picturewise.tune(pictures, trials=1, space=space, out=tmp_path / "s", **FEW)
    run = picturewise.open_run(found.trials[0].path)
    assert run.record.status == "finished"
    assert run.record.data.splits["valid"].pictures == 40
    assert run.recipe.data.valid_half == "choosing"
    assert picturewise.evaluate(run, progress=False).pictures == 40
    again = picturewise.train(recipe=run.path / "recipe.toml", out=tmp_path / "again", progress=False)
    assert again.record.final_weights_sha256 == run.record.final_weights_sha256


def test_the_best_recipe_can_be_trained(pictures: Path, space: Path, tmp_path: Path) -> None:
    found = picturewise.tune(pictures, trials=1, space=space, out=tmp_path / "s", **FEW)
    run = picturewise.train(recipe=found.path / "best.toml", out=tmp_path / "best", progress=False)
    assert run.record.data.splits["valid"].pictures == 80
    assert picturewise.train(recipe=found.best, out=tmp_path / "too", progress=False).recipe == run.recipe


def test_the_test_split_changes_nothing(space: Path, tmp_path: Path) -> None:
    for name, shift in (("right", 0), ("wrong", 1)):
        data = saved(tmp_path / f"{name}.npz", test_shift=shift)
        picturewise.tune(data, trials=4, space=space, out=tmp_path / name, seeds=2, **FEW)
    assert facts(tmp_path / "right") == facts(tmp_path / "wrong")
    compared = [json.loads((tmp_path / name / "results.json").read_text()) for name in ("right", "wrong")]
    assert compared[0]["comparison"] == compared[1]["comparison"]
    assert compared[0]["sentence"] == compared[1]["sentence"]


def test_a_test_split_that_cannot_be_read_is_not_missed(space: Path, tmp_path: Path) -> None:
    class Poisoned:
        def __len__(self) -> int:
            return 40

        def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
            raise AssertionError(f"picture {index} of the test split was read")

    data = {"train": drawn(160, 0), "valid": drawn(80, 1), "test": Poisoned()}
    found = picturewise.tune(data, trials=2, space=space, out=tmp_path / "s", seeds=2, **FEW)
    assert len(found.trials) == 2
    again = picturewise.tune(data, resume=tmp_path / "s", trials=3, workers=1, progress=False)
    assert len(again.trials) == 3


@pytest.mark.parametrize("batch", [1, 25, 77])
def test_an_interrupted_search_goes_on_as_if_nothing_had_happened(
    pictures: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    picturewise.tune(pictures, trials=6, space=space, out=tmp_path / "whole", seed=3, **FEW)
    with monkeypatch.context() as patched:
        StopAt(patched, batch)
        with pytest.raises(Interrupted, match=r"Continue with: picturewise tune --resume .*torn$"):
            picturewise.tune(pictures, trials=6, space=space, out=tmp_path / "torn", seed=3, **FEW)
    assert not (tmp_path / "torn" / "results.json").exists()
    picturewise.tune(resume=tmp_path / "torn", workers=1, progress=False)
    assert facts(tmp_path / "torn") == facts(tmp_path / "whole")
    weights = [
        [
            open_run(path).record.final_weights_sha256
            for path in sorted((tmp_path / name / "trials").iterdir())
        ]
        for name in ("whole", "torn")
    ]
    assert weights[0] == weights[1]
    assert (tmp_path / "torn" / "best.toml").read_text() == (tmp_path / "whole" / "best.toml").read_text()


def test_a_budget_that_is_too_short_says_so_and_loses_nothing(
    pictures: Path, space: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as raised:
        picturewise.tune(pictures, minutes=1e-6, space=space, out=tmp_path / "s", **FEW)
    assert "were over after 0 of 3 epochs of the default recipe, before any trial was complete" in str(
        raised.value
    )
    assert f"picturewise tune --resume {tmp_path / 's'} --minutes" in str(raised.value)
    found = picturewise.tune(resume=tmp_path / "s", trials=3, workers=1, progress=False)
    assert len(found.trials) == 3


def test_the_clock_begins_with_the_command(pictures: Path, space: Path, tmp_path: Path) -> None:
    circumstances.begin(["tune"], at=time.perf_counter() - 400)  # half as much is kept for the report
    try:
        with pytest.raises(UsageError, match="The 10 minutes were over after 0 of 3 epochs"):
            picturewise.tune(pictures, minutes=10, space=space, out=tmp_path / "s", **FEW)
    finally:
        circumstances.end()


def test_the_command_is_not_ended_once_a_trial_is_complete(
    pictures: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[Any] = []

    class Limit:
        folder: Path | None = None

        def __init__(self, minutes: float | None) -> None:
            happened.append(minutes)

        def close(self) -> None:
            happened.append(self.folder)

    monkeypatch.setattr(tune_module, "StartLimit", Limit)
    picturewise.tune(
        pictures, minutes=60, trials=1, space=space, out=tmp_path / "s", tell=lambda one: happened.append(one.state),
        **FEW,
    )  # fmt: skip
    assert happened == [60, tmp_path / "s", "finished", tmp_path / "s"]  # the last: whatever happens


def test_more_is_kept_for_the_report_on_a_machine_that_starts_slowly() -> None:
    assert _reserve(None, 100) == 0
    assert _reserve(10, 5) == 4
    assert _reserve(0.5, 5) == pytest.approx(3)
    assert _reserve(0.5, 12) == pytest.approx(6)
    assert _reserve(0.5, 100) == pytest.approx(15)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_the_report_needs_is_loaded_before_the_time_is_over(
    pictures: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    when = list[str]()
    monkeypatch.setattr(searching_module, "load_drawing", lambda: when.append("loaded"))
    budget = {**FEW, "workers": workers}
    picturewise.tune(
        pictures,
        minutes=60,
        trials=2,
        space=space,
        out=tmp_path / "s",
        tell=lambda _: when.append("ended"),
        **budget,
    )
    assert when == ["loaded", "ended", "ended"]


def test_the_clock_pauses_a_trial_between_batches(
    pictures: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picturewise.tune(pictures, trials=4, space=space, out=tmp_path / "whole", **FEW)
    ticks = iter(range(100_000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(ticks)))  # each look at the clock takes a second
    with pytest.raises(UsageError, match=r"were over after [12] of 3 epochs"):
        picturewise.tune(pictures, minutes=0.5, space=space, out=tmp_path / "s", **FEW)
    monkeypatch.undo()
    run = open_run(tmp_path / "s" / "trials" / "0000")
    assert run.record.status == "interrupted"
    assert "because the time of the search was over" in run.record.reason
    picturewise.tune(resume=tmp_path / "s", trials=4, workers=1, progress=False)
    assert facts(tmp_path / "s") == facts(tmp_path / "whole")


def test_a_trial_can_be_finished_before_the_default(
    pictures: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = workers_module.train_trial

    def train_trial(work: Any, *rest: Any) -> Outcome:
        return Outcome("paused") if work.key == "0000" else real(work, *rest)

    monkeypatch.setattr(workers_module, "train_trial", train_trial)
    monkeypatch.setattr(searching_module.Search, "report", lambda *_, **__: True)  # no trial is stopped
    found = picturewise.tune(pictures, trials=3, space=space, out=tmp_path / "s", **FEW)
    assert {trial.number for trial in found.trials} == {1, 2, 3}
    assert found.best_trial != 0
    assert "Search on" in found.report.read_text()
    monkeypatch.undo()
    again = picturewise.tune(resume=tmp_path / "s", trials=4, workers=1, progress=False)
    assert [trial.number for trial in again.trials] == [0, 1, 2, 3]


def test_the_same_recipe_is_not_trained_twice(pictures: Path, tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text("[training]\nbatch_size = [16, 32]\n")
    found = picturewise.tune(pictures, minutes=60, space=path, out=tmp_path / "s", **FEW)
    trained = [trial for trial in found.trials if trial.state != "repeated"]
    assert [trial.values["training.batch_size"] for trial in trained] == [16, 32]
    assert "nearly every recipe of the space has been tried" in found.notes[-1]
    assert len(list((tmp_path / "s" / "trials").iterdir())) == 2


def test_a_default_that_diverges_is_an_error(pictures: Path, space: Path, tmp_path: Path) -> None:
    with pytest.raises(
        PicturewiseError, match="The default recipe, with which a search begins, failed: The loss"
    ):
        picturewise.tune(
            pictures, trials=3, space=space, out=tmp_path / "s", optimizer="sgd", class_weights="none",
            **{**FEW, "settings": {"training.learning_rate": 1e30}},
        )  # fmt: skip


def test_a_trial_that_diverges_is_recorded(pictures: Path, tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text("[scale]\nlearning_rate = [1, 1e6]\n")
    found = picturewise.tune(
        pictures, trials=2, space=path, out=tmp_path / "s", seed=1, optimizer="sgd", **FEW
    )
    states = {
        trial.values["scale.learning_rate"]: trial.state
        for trial in found.trials
        if trial.state != "repeated"
    }
    assert states[1] == "finished"
    assert states[1e6] in {"diverged", "pruned"}


def test_a_full_disk_ends_the_search(
    pictures: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SaveError("The disk is full.")

    monkeypatch.setattr("picturewise.runs.run.Run.save_history", full)
    with pytest.raises(SaveError, match="The disk is full"):
        picturewise.tune(pictures, trials=3, space=space, out=tmp_path / "s", **FEW)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"minutes": 0}, "minutes is 0. Expected more than 0"),
        ({"trials": 0}, "trials is 0. Expected 1 to 100,000."),
        ({"workers": 0}, "workers is 0. Expected 1 to 256."),
        ({"seeds": 1}, "seeds is 1. Expected 2 to 100"),
        ({"folds": 5}, "training.folds is 5, but a search needs a validation split."),
        ({"valid_half": "choosing"}, "data.valid_half is set, but a search uses both halves."),
        ({"epochs": 0}, "training.epochs is 0, but trials must be trained."),
        ({"learning_rat": 0.1}, "Unknown option 'learning_rat' for tune. Did you mean 'learning_rate'?"),
    ],
)
def test_options_are_checked_first(
    pictures: Path, tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError) as raised:
        picturewise.tune(pictures, out=tmp_path / "s", **options)
    assert sentence in str(raised.value)
    assert not (tmp_path / "s").exists()


def test_too_few_validation_pictures_are_refused(tmp_path: Path, space: Path) -> None:
    data = {"train": drawn(40, 0), "valid": drawn(12, 1), "test": drawn(8, 2)}
    with pytest.raises(DataError, match="12 validation pictures cannot be divided"):
        picturewise.tune(data, trials=1, space=space, out=tmp_path / "s", **FEW)
    assert not (tmp_path / "s").exists()


def test_a_folder_with_something_else_is_refused(pictures: Path, space: Path, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "letter.txt").write_text("")
    with pytest.raises(UsageError, match=r"is not empty\. Choose another --out"):
        picturewise.tune(pictures, trials=1, space=space, out=tmp_path / "s", **FEW)
    with pytest.raises(UsageError, match="does not contain a search"):
        picturewise.tune(resume=tmp_path / "s")


def test_what_a_search_was_begun_with_cannot_be_changed(pictures: Path, space: Path, tmp_path: Path) -> None:
    picturewise.tune(pictures, trials=1, space=space, out=tmp_path / "s", **FEW)
    with pytest.raises(
        UsageError, match="epochs, learning_rate cannot be changed when a search is continued"
    ):
        picturewise.tune(resume=tmp_path / "s", epochs=3, learning_rate=0.1)
    with pytest.raises(UsageError, match=r"Continue with --resume .* or choose another --out"):
        picturewise.tune(pictures, trials=1, space=space, out=tmp_path / "s", **FEW)


def test_other_pictures_are_refused(pictures: Path, space: Path, tmp_path: Path) -> None:
    picturewise.tune(pictures, trials=1, space=space, out=tmp_path / "s", **FEW)
    other = {"train": drawn(160, 5), "valid": drawn(80, 1), "test": drawn(40, 2)}
    with pytest.raises(DataError, match="The pictures have changed since the search"):
        picturewise.tune(other, resume=tmp_path / "s", trials=2, progress=False)


def test_damaged_records_are_refused(pictures: Path, space: Path, tmp_path: Path) -> None:
    picturewise.tune(pictures, trials=1, space=space, out=tmp_path / "s", **FEW)
    path = tmp_path / "s" / "search.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "format": 99}))
    with pytest.raises(RunError, match="has format 99"):
        picturewise.tune(resume=tmp_path / "s", trials=2)
    path.write_text(json.dumps({**content, "seed": "many"}))
    with pytest.raises(RunError, match=r"search.json is damaged: seed"):
        picturewise.tune(resume=tmp_path / "s", trials=2)


def test_pictures_in_memory_need_one_worker(space: Path, tmp_path: Path) -> None:
    data = {"train": drawn(160, 0), "valid": drawn(80, 1)}
    with pytest.raises(UsageError, match="can be used only by one worker"):
        picturewise.tune(data, trials=1, space=space, out=tmp_path / "s", workers=2)


def test_a_missing_optuna_is_named(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picturewise.tuning.tune.find_spec", lambda name: None)
    with pytest.raises(
        UsageError, match=r"Searching needs Optuna, which is not installed. Install it with: pip"
    ):
        picturewise.tune(pictures)


def test_a_search_for_a_reader_of_numbers(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    texts = ["".join(map(str, random.integers(0, 3, random.integers(1, 3)))) for _ in range(120)]
    images = random.integers(0, 60, (120, 16, 24), dtype=np.uint8)
    for image, text in zip(images, texts, strict=True):
        for place, digit in enumerate(text):
            image[4 * int(digit) + 1 : 4 * int(digit) + 5, 10 * place + 2 : 10 * place + 9] = 250
    data = {"train": (images[:80], texts[:80]), "valid": (images[80:], texts[80:])}
    space = tmp_path / "space.toml"
    space.write_text("[scale]\nwidth = [0.25, 1]\naugmentation = [0, 1]\n")
    found = picturewise.tune(
        data,
        target="sequence",
        epochs=1,
        trials=2,
        space=space,
        out=tmp_path / "s",
        seeds=0,
        workers=1,
        progress=False,
    )
    assert [trial.state for trial in found.trials if trial.state != "repeated"] == ["finished", "finished"]
    assert found.best.model.head is not None
