from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from picturewise.errors import RunError, SaveError, UsageError
from picturewise.runs.new_run import new_run, numbered_run
from picturewise.runs.run import Run, open_run


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_run_appears_whole_and_stays_locked_to_the_end(tmp_path: Path, tiny: ModuleType) -> None:
    from picturewise.training import start as starting

    with new_run(tmp_path / "runs" / "one") as new:
        assert not (tmp_path / "runs" / "one").exists()
        trainer = starting.start(tiny.recipe(), tiny.dataset(), new)
        assert open_run(tmp_path / "runs" / "one").record.status == "running"
        with (
            pytest.raises(UsageError, match=r"This process is already training in .*one"),
            Run(trainer.run.path).locked(),
        ):
            pass
        trainer.fit()
    assert os.listdir(tmp_path / "runs") == ["one"]  # noqa: PTH208
    with Run(tmp_path / "runs" / "one").locked():
        pass


@pytest.mark.parametrize("there", [False, True])
def test_nothing_is_left_of_a_start_that_fails(tmp_path: Path, *, there: bool) -> None:
    place = tmp_path / "deep" / "run"
    if there:
        place.mkdir(parents=True)
    before = everything_in(tmp_path)

    def fail(error: type[BaseException]) -> None:
        with new_run(place) as new:
            (new.folder / "splits.csv").touch()
            (new.folder / ".unfinished-0123abcd-recipe.toml").touch()
            raise error

    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            fail(error)
        assert everything_in(tmp_path) == before


@pytest.mark.parametrize("there", [False, True])
def test_a_disk_that_fails_at_any_flush_of_a_start_leaves_a_run_or_none(
    tmp_path: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    calls = failing = 0

    def fsync(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    for failing in range(1, 100):
        calls, path = 0, tmp_path / str(failing)
        if there:
            path.mkdir()
        try:
            tiny.start(path)
        except SaveError as error:
            assert "No space left" in str(error)  # noqa: PT017 (the loop ends without)
        else:
            break
        calls = 1000
        if (path / "run.json").exists() or (path / ".unfinished-run" / "run.json").exists():
            assert open_run(path).record.status == "running"
        else:
            assert not path.exists() or everything_in(path) == []
            tiny.start(path)
    assert failing == 9 + there  # three files of two flushes each, and those of the folders


@pytest.mark.parametrize("moved", range(4))
def test_a_start_that_was_killed_while_its_files_moved_in_is_brought_to_its_end(
    tmp_path: Path, tiny: ModuleType, moved: int
) -> None:
    tiny.start(tmp_path / "run")
    expected = everything_in(tmp_path / "run")
    aside = tmp_path / "run" / ".unfinished-run"
    aside.mkdir()
    for name in ("splits.csv", "recipe.toml", "run.json")[moved:]:
        (tmp_path / "run" / name).rename(aside / name)
    if moved == 3:
        aside.rmdir()
    with (
        pytest.raises(UsageError, match="continue the run in it: picturewise resume"),
        new_run(tmp_path / "run"),
    ):
        pass
    assert open_run(tmp_path / "run").record.status == "running"
    assert everything_in(tmp_path / "run") == expected


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("written", [(), ("splits.csv",), ("splits.csv", "recipe.toml")])
def test_what_a_killed_process_left_of_its_start_goes_with_the_next_one(
    tmp_path: Path, tiny: ModuleType, written: tuple[str, ...], *, there: bool
) -> None:
    place = tmp_path / "run"
    aside = place / ".unfinished-run" if there else tmp_path / ".unfinished-run-run"
    aside.mkdir(parents=True)
    (aside if not there else place).joinpath(".lock").touch()
    for name in written:
        (aside / name).write_bytes(b"half")
    if there:
        (place / ".unfinished-0123abcd-.holder.json").touch()
        with pytest.raises(RunError, match=r"run is not a run folder, because it does not contain run\.json"):
            open_run(place)
    tiny.start(place)
    assert everything_in(tmp_path) == [
        "run",
        "run/.lock",
        "run/recipe.toml",
        "run/run.json",
        "run/splits.csv",
    ]
    assert open_run(place).record.status == "running"


def test_leftovers_of_other_starts_beside_go_too_but_not_those_of_the_living_nor_what_is_not_ours(
    tmp_path: Path,
) -> None:
    for name in ("dead", "alive", "theirs", "empty", "mixed"):
        (tmp_path / f".unfinished-run-{name}").mkdir()
    for name in ("dead", "mixed"):
        for file in (".lock", "splits.csv"):
            (tmp_path / f".unfinished-run-{name}" / file).touch()
    for name in ("theirs", "mixed"):
        (tmp_path / f".unfinished-run-{name}" / "thesis.tex").touch()
    (tmp_path / ".unfinished-run-link").symlink_to(tmp_path / ".unfinished-run-theirs")
    (tmp_path / ".unfinished-run-alive").rmdir()
    with new_run(tmp_path / "alive"), new_run(tmp_path / "other"):
        left = {path.name.removeprefix(".unfinished-run-") for path in tmp_path.iterdir()}
        assert left == {"alive", "theirs", "mixed", "link", "other"}
    assert (tmp_path / ".unfinished-run-theirs" / "thesis.tex").exists()
    assert (tmp_path / ".unfinished-run-mixed" / "thesis.tex").exists()


def a_file(path: Path) -> None:
    path.write_bytes(b"theirs")


def a_folder_with_a_file(path: Path) -> None:
    path.mkdir()
    (path / "thesis.tex").touch()


def a_hidden_file(path: Path) -> None:
    path.mkdir()
    (path / ".git").mkdir()


def a_lock_with_content(path: Path) -> None:
    path.mkdir()
    (path / ".lock").write_bytes(b"theirs")


def a_link_for_a_lock(path: Path) -> None:
    path.mkdir()
    (path / ".lock").symlink_to(path.parent / "elsewhere")


@pytest.mark.parametrize(
    "make", [a_file, a_folder_with_a_file, a_hidden_file, a_lock_with_content, a_link_for_a_lock]
)
def test_a_place_where_something_is_is_refused_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "out")
    before = everything_in(tmp_path)
    with (
        pytest.raises(
            UsageError, match=r"out (is a file|already exists and is not empty).*[cC]hoose another --out"
        ),
        new_run(tmp_path / "out"),
    ):
        pass
    assert everything_in(tmp_path) == before


def test_a_link_to_an_empty_folder_or_to_nothing_is_a_place_like_what_it_leads_to(
    tmp_path: Path, tiny: ModuleType
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "empty").mkdir()
    for name in ("empty", "new"):
        (tmp_path / name).symlink_to(tmp_path / "disk" / name)
        tiny.start(tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert open_run(tmp_path / "disk" / name).record.status == "running"
    assert sorted(os.listdir(tmp_path)) == ["disk", "empty", "new"]  # noqa: PTH208


def test_an_empty_folder_stays_the_same_one(
    tmp_path: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "out"
    place.mkdir(mode=0o750)
    before = place.stat()
    monkeypatch.chdir(place)
    tiny.start(Path())
    after = place.stat()
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode)
    assert everything_in(place) == [".lock", "recipe.toml", "run.json", "splits.csv"]


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 120, "[a]*?", "a b", "-n", ".hidden"])
def test_any_name_of_a_folder_will_do(tmp_path: Path, tiny: ModuleType, name: str) -> None:
    tiny.start(tmp_path / name)
    assert os.listdir(tmp_path) == [name]  # noqa: PTH208


def test_numbers_are_given_once(tmp_path: Path) -> None:
    (tmp_path / "bars-cnn-1").mkdir()
    (tmp_path / "bars-cnn-3").symlink_to("nowhere")
    with numbered_run(tmp_path, "bars-cnn") as one, numbered_run(tmp_path, "bars-cnn") as two:
        assert (one.path.name, two.path.name) == ("bars-cnn-2", "bars-cnn-4")
    assert sorted(os.listdir(tmp_path)) == ["bars-cnn-1", "bars-cnn-3"]  # noqa: PTH208


START = """
import sys
from pathlib import Path
from picturewise.runs.new_run import new_run
with new_run(Path(sys.argv[1])) as new:
    (new.folder / "splits.csv").touch()
    print("claimed", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_claimed_place_is_refused_until_its_owner_dies(tmp_path: Path, *, there: bool) -> None:
    place = tmp_path / "run"
    if there:
        place.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", START, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "claimed\n"
        doing = "training in" if there else "starting a run in"
        with (
            pytest.raises(
                UsageError, match=rf"Another process \(PID {other.pid}, since .*\) is {doing} .*run\. Wait"
            ),
            new_run(place),
        ):
            pass
        other.send_signal(signal.SIGKILL)
    with new_run(place) as new:
        assert everything_in(new.folder) == ([] if there else [".holder.json", ".lock"])
    assert everything_in(tmp_path) == (["run"] if there else [])


def test_a_folder_that_appears_in_the_meantime_is_not_replaced(tmp_path: Path, tiny: ModuleType) -> None:
    from picturewise.training import start as starting

    def start() -> None:
        with new_run(tmp_path / "run") as new:
            a_folder_with_a_file(tmp_path / "run")
            starting.start(tiny.recipe(), tiny.dataset(), new)

    with pytest.raises(UsageError, match=r"run already exists and is not empty \(thesis\.tex\)"):
        start()
    assert everything_in(tmp_path) == ["run", "run/thesis.tex"]


def test_what_an_older_version_left_of_a_start_is_told_with_a_way_out(
    tmp_path: Path, tiny: ModuleType
) -> None:
    tiny.start(tmp_path / "run")
    (tmp_path / "run" / "run.json").unlink()
    with pytest.raises(RunError, match=r"The run was interrupted before training: remove the folder"):
        open_run(tmp_path / "run")
    shutil.rmtree(tmp_path / "run")
    tiny.start(tmp_path / "run")
