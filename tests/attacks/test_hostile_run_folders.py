"""Untrusted run folders: links, pipes and look-alikes in them; nothing outside is written or deleted."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import picturewise
from picturewise.cli.app import run as command
from picturewise.errors import RunError

FOLDERS = ("checkpoints", "figures", "folds")
FILES = (
    *(
        "recipe.toml",
        "run.json",
        "history.csv",
        "splits.csv",
        "skipped.csv",
        "classifier.safetensors",
        "report.html",
    ),
    *(
        "evaluation.json",
        "probabilities.npy",
        ".new-probabilities.npy",
        "evaluation-valid.json",
        "mlflow.json",
    ),
    *("figures/confusion.png", "figures/errors.png", "figures/predictions.png", "figures/counts.png"),
    *(
        "figures/learning-curves.png",
        "figures/architecture.png",
        "figures/samples.png",
        "figures/classes.png",
    ),
    *(".lock", ".holder.json", ".evaluations.lock"),
)
PRECIOUS = (
    "000001-00000001",
    "2019-07-14",
    ".unfinished-0123abcd-000001-00000001",
    ".unfinished-thesis",
    "plain",
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of an epoch, evaluated, that has to go on, beside its pictures."""
    import numpy as np

    folder = tmp_path_factory.mktemp("original")
    random = np.random.default_rng(0)
    arrays = {
        f"{kind}_{split}": random.integers(0, 256, (count, 8, 8), np.uint8)
        if kind == "x"
        else np.arange(count) % 2
        for split, count in (("train", 40), ("test", 10))
        for kind in ("x", "y")
    }
    np.savez(folder / "noise.npz", **arrays)
    options = {"layers": "flatten", "epochs": 2, "folds": 0, "progress": False}
    run = picturewise.train(folder / "noise.npz", out=folder / "run", **options)
    picturewise.evaluate(run, progress=False)
    record = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps(record | {"status": "interrupted"}))
    shutil.rmtree(max(run.checkpoints.iterdir()))  # so that an epoch is left to do
    return run.path


@pytest.fixture
def hostile(original: Path, tmp_path: Path) -> Path:
    """A copy, to be made hostile."""
    return shutil.copytree(original, tmp_path / "run")


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """Somebody's own folder, with folders named like what a run removes, some with its state file in it."""
    folder = tmp_path / "precious"
    for name in PRECIOUS:
        (folder / name).mkdir(parents=True)
        (folder / name / "thesis.tex").write_text(name)
    (folder / "000001-00000001" / "state.json").write_text("{}")
    for name in (".unfinished-0123abcd-run.json", "predictions-7.png", "errors.png", "notes.txt"):
        (folder / name).write_text(name)
    return folder


def state(folder: Path) -> dict[str, tuple[str, int]]:
    return {str(path): (content(path), path.lstat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


def content(path: Path) -> str:
    if path.is_symlink():
        return str(path.readlink())
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def commands(run: Path) -> list[list[str]]:
    out = str(run.parent / "out")
    return [
        ["resume", str(run)],
        ["evaluate", str(run)],
        ["evaluate", str(run), "--split", "valid"],
        ["predict", str(run), str(run.parent / "one.png")],
        ["extend", str(run), "--layers", "dense 4 relu", "--epochs", "0", "--out", f"{out}-extended"],
        ["compare", str(run), str(run), "--out", f"{out}-compared"],
        ["train", "digits", "--layers", "flatten", "--epochs", "1", "--out", str(run)],
    ]


def obey_all(run: Path, capfd: pytest.CaptureFixture[str], *, only: int = 99) -> list[tuple[int, str]]:
    found = []
    for arguments in commands(run)[:only]:
        code = command(arguments)
        told = capfd.readouterr().err
        assert "Traceback" not in told
        found.append((code, told))
    return found


@pytest.mark.parametrize("target", ["folder", "file", "nothing", "itself", "above"])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_linked_folder_of_a_run_is_refused_and_what_it_leads_to_is_left_alone(
    hostile: Path, precious: Path, name: str, target: str, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(hostile / name, ignore_errors=True)
    places = {
        "folder": precious,
        "file": precious / "notes.txt",
        "itself": hostile / name,
        "above": hostile.parent,
    }
    (hostile / name).symlink_to(places.get(target, precious / "nothing"))
    before = state(precious)
    (resumed, told), (evaluated, _), *_ = obey_all(hostile, capfd)
    assert state(precious) == before
    assert resumed == 3
    assert f"{name} is a symbolic link, but a run's folder must contain its own files." in told
    assert evaluated == (3 if name == "figures" else 0)  # which has no business in the checkpoints


def test_a_linked_folder_for_tensorboard_is_refused(hostile: Path, precious: Path) -> None:
    (hostile / "tensorboard").symlink_to(precious)
    before = state(precious)
    with pytest.raises(RunError, match="tensorboard is a symbolic link"):
        _ = picturewise.open_run(hostile).tensorboard
    assert state(precious) == before


def test_a_linked_store_of_mlflow_is_refused(hostile: Path, precious: Path) -> None:
    from picturewise.runs.places import inside

    (hostile.parent / "mlflow.db").symlink_to(precious / "notes.txt")
    with pytest.raises(RunError, match=r"mlflow\.db is a symbolic link"):
        inside(hostile.parent, "mlflow.db")


def made_theirs(run: Path, precious: Path, name: str, link: Callable[[Path, Path], None]) -> None:
    """Let a file of the run be somebody else's, with the content that it should have: reading it works."""
    theirs = precious / name.replace("/", "-")
    if (run / name).exists():
        shutil.copyfile(run / name, theirs)
        (run / name).unlink()
    else:
        theirs.touch()
    link(run / name, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_link_in_place_of_a_file_is_never_written_through(
    hostile: Path, precious: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    made_theirs(hostile, precious, name, Path.symlink_to)
    before = state(precious)
    obey_all(hostile, capfd, only=3)
    assert state(precious) == before


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_run_whose_files_are_all_somebody_elses_goes_on_without_touching_theirs(
    hostile: Path, precious: Path, link: Callable[[Path, Path], None], capfd: pytest.CaptureFixture[str]
) -> None:
    for name in FILES:
        if not name.endswith("lock"):  # those are refused
            made_theirs(hostile, precious, name, link)
    before = state(precious)
    found = obey_all(hostile, capfd)
    assert state(precious) == before
    assert [code for code, _ in found[:3]] == [0, 0, 0]
    assert not (hostile / "report.html").is_symlink()


@pytest.mark.parametrize("name", [".lock", ".evaluations.lock"])
@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_lock_that_is_somebody_elses_file_is_refused(
    hostile: Path,
    precious: Path,
    name: str,
    link: Callable[[Path, Path], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    made_theirs(hostile, precious, name, link)
    before = state(precious)
    resumed, evaluated = obey_all(hostile, capfd, only=2)
    assert state(precious) == before
    code, told = resumed if name == ".lock" else evaluated
    assert code == 3
    assert f"{name} is" in told


def link_named_like_one(checkpoints: Path, precious: Path) -> None:
    for name in ("000000-00000000", "000009-00000000", ".unfinished-0123abcd-000009-00000000"):
        (checkpoints / name).symlink_to(precious / "000001-00000001")


def links_in_one(checkpoints: Path, precious: Path) -> None:
    (checkpoints / "000000-00000001").mkdir()
    for name in ("state.json", "weights.safetensors", "optimizer.safetensors"):
        (checkpoints / "000000-00000001" / name).symlink_to(precious / "notes.txt")


def a_linked_folder_in_one(checkpoints: Path, precious: Path) -> None:
    for name in ("000000-00000001", ".unfinished-0123abcd-000000-00000002"):
        (checkpoints / name).mkdir()
        (checkpoints / name / "state.json").write_text("{}")
        (checkpoints / name / "weights.safetensors").symlink_to(precious)


def look_alikes(checkpoints: Path, precious: Path) -> None:
    for name in PRECIOUS[1:]:
        shutil.copytree(precious / name, checkpoints / name)


def links_between_the_figures(checkpoints: Path, precious: Path) -> None:
    figures = checkpoints.parent / "figures"
    for name in ("predictions-2.png", "predictions-mine.png", ".unfinished-0123abcd-x.png"):
        (figures / name).symlink_to(precious / "notes.txt")


@pytest.mark.parametrize(
    "plant",
    [link_named_like_one, links_in_one, a_linked_folder_in_one, look_alikes, links_between_the_figures],
)
def test_deeper_links_lead_nowhere_either(
    hostile: Path, precious: Path, plant: Callable[[Path, Path], None], capfd: pytest.CaptureFixture[str]
) -> None:
    plant(hostile / "checkpoints", precious)
    before = state(precious)
    inside = {path for path in hostile.rglob("thesis.tex") if not path.is_symlink()}
    found = obey_all(hostile, capfd)
    assert state(precious) == before
    assert found[0][0] == 0  # it goes on
    assert all(path.exists() for path in inside)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize(
    "name", ["run.json", "recipe.toml", "history.csv", "splits.csv", "evaluation.json", ".lock"]
)
def test_a_pipe_in_place_of_a_file_does_not_wait(
    hostile: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (hostile / name).unlink()
    os.mkfifo(hostile / name)
    (code, told), *_ = obey_all(hostile, capfd)
    assert code == 3
    assert name in told


def test_a_study_does_not_train_behind_a_link(original: Path, tmp_path: Path, precious: Path) -> None:
    from picturewise.studies.runner import study

    (tmp_path / "one.toml").write_text(
        'title = "One"\n[needs]\nnoise = "noise"\n[recipe.training]\nepochs = 1\n[recipe.data]\nsource = "noise"\n'
        '[[models]]\nname = "line"\nrecipe.model.layers = ["flatten"]\n'
    )
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "seed-0").symlink_to(precious)
    before = state(precious)
    with pytest.raises(RunError, match="seed-0 is a symbolic link"):
        study(tmp_path / "one.toml", data=original.parent / "noise.npz", out=tmp_path / "out", progress=False)
    assert state(precious) == before
