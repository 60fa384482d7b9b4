from __future__ import annotations

import importlib
import json
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from picturewise.errors import MissingPackageError
from picturewise.extras import TRAIN, TRAINING, install_command, needed, require


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (
            {"dir_info": {"editable": True}, "url": "file:///home/me/a%20b"},
            "pip install -e '.[track]' (in /home/me/a b)",
        ),
        ({"dir_info": {}, "url": "file:///home/me/clone"}, "pip install '.[track]' (in /home/me/clone)"),
        ({"archive_info": {}, "url": "file:///tmp/picturewise.whl"}, "pip install 'picturewise[track]'"),
        (None, "pip install 'picturewise[track]'"),
    ],
    ids=["editable clone", "clone", "wheel file", "package index"],
)
def test_the_command_fits_the_way_of_installing(
    origin: dict[str, object] | None, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        @staticmethod
        def read_text(name: str) -> str | None:
            return json.dumps(origin) if name == "direct_url.json" and origin else None

    monkeypatch.setattr(metadata, "distribution", lambda _: Installed)
    assert install_command("track") == command


def test_a_source_folder_that_was_never_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "distribution", missing)
    clone = Path(__file__).parents[1]
    assert install_command("timm") == f"pip install -e '.[timm]' (in {clone})"


def test_a_package_that_is_installed_passes() -> None:
    require("Training", *TRAINING)
    with needed("Training"):
        importlib.import_module("scipy")


def test_a_missing_package_is_one_sentence_and_also_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    said = r"^This test needs scikit-learn, which is not installed\. Install it with: pip install .*train"
    with pytest.raises(MissingPackageError, match=said) as refused:
        require("This test", "scipy", "sklearn")
    assert refused.value.exit_code == 2
    with pytest.raises(ImportError, match=said), needed("This test"):
        importlib.import_module("sklearn")


@pytest.mark.parametrize("name", ["torch.no_such_part", "no_such_package", "picturewise.no_such_module"])
def test_any_other_module_that_is_not_found_is_left_as_it_is(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="No module named") as left, needed("This test"):
        importlib.import_module(name)
    assert not isinstance(left.value, MissingPackageError)
    assert left.value.name == name


def test_the_extra_in_pyproject_has_the_packages_that_are_listed_here() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]

    def names(lines: list[str]) -> set[str]:
        return {Requirement(line).name for line in lines}

    listed = {re.sub("[^a-z0-9]", "-", name.lower()) for name in TRAIN.values()} - {"pytorch"} | {"torch"}
    assert names(project["optional-dependencies"]["train"]) == listed
    assert not names(project["dependencies"]) & listed
