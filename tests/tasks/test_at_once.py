"""Several processes at once on one run folder: one writes, the others are told who does; readers do as they like."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

import picturewise
from picturewise.errors import DivergedError
from picturewise.evaluation.evaluation import Evaluation
from picturewise.runs import evaluations
from picturewise.runs.run import Run, open_run
from picturewise.tasks import evaluate as evaluating

pytestmark = pytest.mark.slow  # small, but many


LAYERS = ("--layers", "flatten", "--json")
BUSY = re.compile(
    r"picturewise: (Another process( \(PID \d+, since [^)]*\))? is|.* already exists and is not empty)"
)

Ended = list[tuple[int, str, str]]
AtOnce = Callable[[Sequence[Sequence[object]], Path], Ended]

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork processes")


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    program = Path(__file__).with_name("commands_at_once.py")
    with subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.communicate()


@pytest.fixture
def at_once(server: subprocess.Popen[str]) -> AtOnce:
    """Start commands at the same moment; return exit code, standard output and error output of each."""

    def start(commands: Sequence[Sequence[object]], folder: Path) -> Ended:
        assert server.stdin is not None
        assert server.stdout is not None
        request = {
            "home": os.environ["PICTUREWISE_HOME"],
            "folder": str(folder),
            "commands": [[*map(str, command)] for command in commands],
        }
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        return [tuple(ended) for ended in json.loads(server.stdout.readline())]

    return start


@pytest.fixture
def trained(idx_folder: Path, tmp_path: Path) -> Path:
    """A finished run."""
    return picturewise.train(
        idx_folder, layers="flatten", epochs=1, out=tmp_path / "trained", progress=False
    ).path


def interrupted(path: Path) -> Path:
    """Make a finished run one that has to go on."""
    record = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(record | {"status": "interrupted"}))
    return path


@forking
@pytest.mark.campaign
@pytest.mark.parametrize("there", [False, True])
def test_of_several_starts_in_one_place_one_trains_and_the_others_are_told(
    at_once: AtOnce, tmp_path: Path, idx_folder: Path, *, there: bool, whole_campaign: bool
) -> None:
    processes = 4 if whole_campaign else 2
    for number in range(5 if whole_campaign else 1):
        place = tmp_path / f"out-{number}"
        if there:
            place.mkdir()
        command = ["train", idx_folder, *LAYERS, "--epochs", 3, "--out", place]
        ended = at_once([command] * processes, tmp_path)
        assert sorted(code for code, _, _ in ended) == [0] + [2] * (processes - 1)
        assert all(BUSY.match(error) for code, _, error in ended if code == 2)
        run = open_run(place)
        assert (run.record.status, len(run.history)) == ("finished", 3)
        assert run.classifier().classes == ("0", "1")
        assert picturewise.evaluate(run, progress=False).pictures == 20
        assert [path.name for path in tmp_path.glob(".unfinished*")] == []


@forking
def test_starts_without_a_place_get_a_number_each(at_once: AtOnce, tmp_path: Path, idx_folder: Path) -> None:
    ended = at_once([["train", idx_folder, *LAYERS, "--epochs", 1]] * 2, tmp_path)
    assert [code for code, _, _ in ended] == [0, 0]
    paths = {json.loads(said)["path"] for _, said, _ in ended}
    assert paths == {f"runs/bars-layers-{number}" for number in (1, 2)}
    assert sorted(os.listdir(tmp_path / "runs")) == [f"bars-layers-{number}" for number in (1, 2)]  # noqa: PTH208
    for path in paths:
        assert open_run(tmp_path / path).record.status == "finished"


@forking
def test_of_several_that_go_on_or_extend_one_does(at_once: AtOnce, tmp_path: Path, trained: Path) -> None:
    resume = ["resume", interrupted(trained), "--json"]
    ended = at_once([resume, resume], tmp_path)
    assert {code for code, _, _ in ended} <= {0, 2}, ended  # one that comes late finds it finished
    assert 0 in [code for code, _, _ in ended]
    assert all(BUSY.match(error) for code, _, error in ended if code == 2)
    extend = [
        "extend",
        trained,
        "--layers",
        "dense 144 relu",
        "--epochs",
        1,
        "--out",
        tmp_path / "new",
        "--json",
    ]
    ended = at_once([extend, extend], tmp_path)
    assert sorted(code for code, _, _ in ended) == [0, 2]
    assert all(BUSY.match(error) for code, _, error in ended if code == 2)
    assert open_run(trained).record.status == open_run(tmp_path / "new").record.status == "finished"


@forking
def test_of_two_processes_one_works_on_a_study(at_once: AtOnce, tmp_path: Path, idx_folder: Path) -> None:
    (tmp_path / "one.toml").write_text(
        'title = "One"\n[needs]\nbars = "bars"\n[recipe.training]\nepochs = 1\n[recipe.data]\nsource = "bars"\n'
        '[[models]]\nname = "line"\nrecipe.model.layers = ["flatten"]\n'
    )
    command = ["study", "one.toml", "--data", idx_folder, "--out", "studied", "--json"]
    ended = at_once([command, command], tmp_path)
    assert {code for code, _, _ in ended} <= {0, 2}
    assert 0 in [code for code, _, _ in ended]
    assert all("is working on the study in studied" in error for code, _, error in ended if code == 2)
    assert open_run(tmp_path / "studied" / "seed-0" / "line").evaluation() is not None


@forking
def test_evaluations_and_comparisons_side_by_side_leave_a_pair_that_belongs_together(
    at_once: AtOnce, tmp_path: Path, trained: Path, idx_folder: Path
) -> None:
    other = tmp_path / "other"
    picturewise.train(idx_folder, layers="flatten", seed=1, epochs=1, out=other, progress=False)
    commands = [["evaluate", trained, "--engine", engine, "--json"] for engine in ("torch", "numpy")]
    ended = at_once([*commands, ["compare", trained, other, "--json"]], tmp_path)
    assert [(code, error) for code, _, error in ended] == [(0, "")] * 3
    pair = open_run(trained).evaluated()
    assert pair is not None
    assert pair[0].accuracy.value == np.mean(pair[1].argmax(axis=1) == np.arange(20) % 2)
    assert b"</html>" in (trained / "report.html").read_bytes()


def changed(run: Run, factor: float) -> None:
    """Give a run another classifier, as training beside does."""
    classifier = run.classifier()
    for parameter in classifier.network.parameters():
        parameter.data *= factor
    classifier.save(run.classifier_path)


def test_numbers_are_filed_under_the_classifier_that_computed_them(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, real = open_run(trained), evaluating.evaluate_part
    before = run.classifier_sha256()

    def meanwhile(*arguments: object) -> object:
        found = real(*arguments)  # type: ignore[arg-type]
        changed(run, -1)  # which predicts the other class
        return found

    monkeypatch.setattr(evaluating, "evaluate_part", meanwhile)
    found = picturewise.evaluate(run, progress=False)
    stored = evaluations.read(run.path, "test")
    assert stored is not None
    assert stored.classifier_sha256 == before != run.classifier_sha256()
    assert "The run's classifier was replaced during the evaluation" in found.notes[-1]
    assert run.evaluation() is None  # for the classifier that is there now, nothing is known
    assert not (run.figures / "confusion.png").exists()
    monkeypatch.undo()
    again = picturewise.evaluate(run, progress=False)
    assert again.notes == ()
    assert again.accuracy.value == pytest.approx(1 - found.accuracy.value)
    assert run.evaluation() == again


def test_an_evaluation_that_comes_late_does_not_replace_that_of_a_newer_classifier(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, real = open_run(trained), evaluating.evaluate_part
    newer: list[Evaluation] = []

    def meanwhile(*arguments: object) -> object:
        found = real(*arguments)  # type: ignore[arg-type]
        monkeypatch.undo()
        changed(run, -1)
        newer.append(picturewise.evaluate(run, progress=False))
        return found

    monkeypatch.setattr(evaluating, "evaluate_part", meanwhile)
    picturewise.evaluate(run, progress=False)
    pair = run.evaluated()
    assert pair is not None
    assert pair[0] == newer[0]
    assert pair[0].accuracy.value == np.mean(pair[1].argmax(axis=1) == np.arange(20) % 2)


def test_a_report_does_not_show_figures_of_an_evaluation_that_is_not_valid_any_more(trained: Path) -> None:
    from picturewise.reporting.run_report import write_run_report

    run = open_run(trained)
    picturewise.evaluate(run, progress=False)
    assert "Confusion matrix" in (trained / "report.html").read_text()
    changed(run, 2)
    write_run_report(run)
    assert "Confusion matrix" not in (trained / "report.html").read_text()


def test_a_finished_run_that_was_killed_before_its_report_gets_it(trained: Path, idx_folder: Path) -> None:
    for name in ("report.html", "figures/counts.png"):
        (trained / name).unlink()
    picturewise.resume(trained, progress=False)
    assert (trained / "report.html").exists()
    assert (trained / "figures" / "counts.png").exists()
    (trained / "report.html").unlink()
    idx_folder.rename(idx_folder.with_name("moved"))
    picturewise.resume(trained, progress=False)
    assert (trained / "report.html").exists()


def test_what_a_killed_evaluation_left_long_ago_is_swept(trained: Path) -> None:
    for name, age in (("old", 7200), ("new", 0)):
        path = trained / f".unfinished-0123abcd-{name}"
        path.touch()
        status = path.stat()
        os.utime(path, (status.st_atime - age, status.st_mtime - age))
    picturewise.evaluate(trained, progress=False)
    assert [path.name for path in trained.glob(".unfinished*")] == [".unfinished-0123abcd-new"]


def test_a_run_that_diverges_at_once_is_a_run_that_goes_on_to_the_same_end(
    tmp_path: Path, idx_folder: Path
) -> None:
    settings = ["training.optimizer=sgd", "training.learning_rate=1e30"]
    layers = ["flatten", "dense 8 relu", "dense 8 relu"]
    with pytest.raises(DivergedError) as first:
        picturewise.train(
            idx_folder, layers=layers, epochs=1, settings=settings, out=tmp_path / "run", progress=False
        )
    assert open_run(tmp_path / "run").record.status == "diverged"
    with pytest.raises(DivergedError) as second:
        picturewise.resume(tmp_path / "run", progress=False)
    assert str(first.value) == str(second.value)
    assert [path.name for path in tmp_path.glob(".unfinished*")] == []
