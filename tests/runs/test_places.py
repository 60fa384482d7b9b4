from __future__ import annotations

import os
from pathlib import Path

import pytest

from picturewise.errors import RunError
from picturewise.runs.places import check_files, inside


def test_a_place_is_returned_whether_it_is_there_or_not(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    assert inside(tmp_path, "there") == tmp_path / "there"
    assert inside(tmp_path, "seed-0", "line") == tmp_path / "seed-0" / "line"


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("target", ["a folder", "a file", "nothing", "the run"])
def test_a_link_on_the_way_is_refused_wherever_it_leads(tmp_path: Path, target: str, at: int) -> None:
    run, names = tmp_path / "run", ("outer", "inner")
    run.mkdir()
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a file").touch()
    link = run.joinpath(*names[: at + 1])
    link.parent.mkdir(exist_ok=True)
    link.symlink_to({"the run": run}.get(target, tmp_path / target))
    with pytest.raises(
        RunError, match=rf"run/{'/'.join(names[: at + 1])} is a symbolic link, .* or remove it"
    ):
        inside(run, *names)


def test_a_run_may_be_reached_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    assert inside(tmp_path / "link", "figures") == tmp_path / "link" / "figures"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_what_is_read_is_a_regular_file_or_a_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    check_files(tmp_path, ("file", "link", "missing"))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link to a pipe").symlink_to(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "link to a pipe", "folder"):
        with pytest.raises(RunError, match=f"{name} is not a regular file"):
            check_files(tmp_path, ("file", name))


@pytest.mark.parametrize(("name", "most"), [("run.json", 128 << 20), ("recipe.toml", 16 << 20)])
def test_what_is_read_whole_is_no_larger_than_a_run_makes_it(tmp_path: Path, name: str, most: int) -> None:
    (tmp_path / name).touch()
    os.truncate(tmp_path / name, most)
    check_files(tmp_path, (name,))
    os.truncate(tmp_path / name, most + 1)
    with pytest.raises(
        RunError, match=rf"{name} is damaged .*: it has {most + 1:,} bytes, .* {most:,} are allowed"
    ):
        check_files(tmp_path, (name,))
