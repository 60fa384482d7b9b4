from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from picturewise.cli.app import run
from picturewise.errors import UsageError
from picturewise.extras import install_command
from picturewise.tasks.train import resume, train
from picturewise.tracking.trackers import TRACKERS, make_trackers


def test_a_tracker_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(
        UsageError,
        match=r"Unknown tracker 'tensorbord'. Choose from tensorboard, mlflow\. Did you mean 'tensorboard'",
    ):
        make_trackers(["tensorbord"])


@pytest.mark.parametrize("name", TRACKERS)
def test_a_name_alone_is_a_list_of_one_and_twice_the_same_is_once(name: str) -> None:
    pytest.importorskip(TRACKERS[name].packages[0])
    assert [tracker.name for tracker in make_trackers(name)] == [name]
    assert [tracker.name for tracker in make_trackers([name, name])] == [name]


@pytest.mark.parametrize(
    ("name", "package"), [(name, package) for name in TRACKERS for package in TRACKERS[name].packages]
)
def test_a_package_that_is_not_installed_is_named_before_any_data_is_read(
    name: str,
    package: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for first in TRACKERS[name].packages:
        pytest.importorskip(first)
    monkeypatch.setitem(sys.modules, package, None)
    sentence = (
        f"--track {name} needs the package {package}, which is not installed. Install it with: "
        f"{install_command('track')}"
    )
    for begin in (train, resume):
        with pytest.raises(UsageError) as caught:
            begin(tmp_path / "is not there", track=name)
        assert str(caught.value) == sentence
    assert run(["train", str(tmp_path / "is not there"), "--track", name]) == 2
    assert capsys.readouterr().err == f"picturewise: {sentence}\n"


@pytest.mark.slow
def test_packages_for_tracking_are_not_imported_until_a_record_is_begun() -> None:
    code = (
        "import sys; import picturewise.cli.app, picturewise.tasks.train; "
        "from picturewise.tracking.trackers import TRACKERS; [kind() for kind in TRACKERS.values()]; "
        "print({'tensorboard', 'mlflow', 'sqlalchemy', 'alembic', 'torch.utils.tensorboard'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "set()"
