"""`picturewise data`, as a user types it, with a stand-in set that a server on this machine offers."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from picturewise.catalogue import entries
from picturewise.catalogue.entries import SetEntry
from picturewise.cli.app import run


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def bars(idx_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The set `bars`, of two files that lie right on a server, in the catalogue; yields where it will be."""
    handler = functools.partial(_Quiet, directory=str(idx_folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    files = [
        {
            "name": path.name,
            "bytes": path.stat().st_size,
            "checksum": f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
        }
        for path in sorted(idx_folder.iterdir())
    ]
    entry = SetEntry(
        title="Bars",
        shape=(12, 12, 1),
        classes=("lying", "standing"),
        counts={"train": 60, "test": 20},
        licence="CC0",
        citation="Nobody: Bars.",
        page="https://example.org/bars",
        mirrors=(f"http://127.0.0.1:{server.server_port}/",),
        files=files,
    )
    known = {**entries.entries(), "bars": entry}
    monkeypatch.setattr(entries, "entries", lambda: known)
    monkeypatch.setenv("PICTUREWISE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "home" / "catalogue" / "bars"
    server.shutdown()
    server.server_close()
    thread.join(5)


def said_as_json(capfd: pytest.CaptureFixture[str], *arguments: str):
    assert run(["data", *arguments, "--json"]) == 0
    said = capfd.readouterr()
    assert said.err == ""
    return json.loads(said.out)


def test_a_set_is_asked_for_fetched_looked_at_and_removed(
    bars: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "bars"]) == 3
    said = capfd.readouterr().err  # the fixture's folder has the same name
    assert (
        "bars has not been downloaded yet. To read the folder with this name, pass './bars'; to download"
        in said
    )
    assert "the set (11.6 kB from 127.0.0.1:" in said
    assert run(["data", "fetch", "bars"]) == 0
    assert f"to {bars}" in capfd.readouterr().out
    assert run(["inspect", "bars"]) == 0
    said = capfd.readouterr().out
    assert "bars: 2 classes, pictures of 12x12" in said
    assert "standing" in said
    assert run(["data", "list"]) == 0
    assert "Bars" in capfd.readouterr().out
    assert run(["data", "fetch", "bars"]) == 0
    assert "bars was already downloaded" in capfd.readouterr().out
    assert run(["data", "remove", "bars"]) == 0
    said = capfd.readouterr().out
    assert "bars: removed 11.6 kB.\n" in said
    assert "of pictures that were imported from it" in said
    assert not bars.exists()
    assert run(["data", "remove", "bars"]) == 0
    assert "there are no downloaded files to remove" in capfd.readouterr().out


def test_every_command_speaks_json(bars: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (before,) = (one for one in said_as_json(capfd, "list") if one["name"] == "bars")
    assert (before["here"], before["bytes_here"]) == (False, 0)
    (fetched,) = said_as_json(capfd, "fetch", "bars")
    assert len(fetched["fetched"]) == 4
    (after,) = (one for one in said_as_json(capfd, "list") if one["name"] == "bars")
    assert (after["here"], after["bytes_here"]) == (True, after["bytes_to_fetch"])
    shown = said_as_json(capfd, "show", "bars")
    assert shown["classes"] == ["lying", "standing"]
    assert shown["folder"] == str(bars)
    assert shown["addresses"]["t10k-labels-idx1-ubyte"][0].startswith("http://127.0.0.1:")
    removed = said_as_json(capfd, "remove", "bars")
    assert removed.pop("provenance")["command"] == ["data", "remove", "bars", "--json"]
    assert removed == {"name": "bars", "bytes_freed": after["bytes_here"], "imports_freed": 0, "left": []}


def test_show_names_licence_citation_addresses_and_place(
    bars: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "show", "bars"]) == 0
    said = capfd.readouterr().out
    for words in (
        "train 60, test 20; 12x12x1",
        "lying, standing",
        "CC0",
        "Nobody",
        "\nsha256    ",
        "not downloaded yet",
    ):
        assert words in said
    assert str(bars) in said
    assert run(["data", "show", "cifar100"]) == 0
    assert "worm" in capfd.readouterr().out


def test_weights_are_listed_and_shown_beside_the_sets(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "list"]) == 0
    lines = capfd.readouterr().out.splitlines()
    (line,) = (line for line in lines if line.startswith("resnet18"))
    assert [part.strip() for part in line.split("  ") if part.strip()] == [
        "resnet18", "weights of ResNet-18", "11,689,512", "46.8 MB", "no",
    ]  # fmt: skip
    (weights,) = (one for one in said_as_json(capfd, "list") if one["name"] == "vgg16_bn")
    assert (weights["kind"], weights["parameters"], weights["here"]) == ("weights", 138_365_992, False)
    assert run(["data", "show", "resnet18"]) == 0
    said = capfd.readouterr().out
    for words in (
        "11,689,512 parameters",
        "BSD-3-Clause",
        "non-commercial",
        "not downloaded yet",
        "resnet18-f37072fd.pth\nsha256-prefix  f37072fd\n",
        "https://download.pytorch.org/models/resnet18-f37072fd.pth",
    ):
        assert words in said
    assert said_as_json(capfd, "show", "resnet18")["kind"] == "weights"
    assert run(["data", "remove", "resnet18"]) == 0
    assert "there are no downloaded files to remove" in capfd.readouterr().out
    assert run(["data", "show", "resnet19"]) == 2
    assert "Did you mean 'resnet18'?" in capfd.readouterr().err


def test_a_fetch_that_fails_is_one_sentence_and_bad_data(
    bars: Path, idx_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (idx_folder / "train-labels-idx1-ubyte").unlink()
    assert run(["data", "fetch", "digits", "bars", "--json"]) == 3
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "train-labels-idx1-ubyte could not be downloaded: http://127.0.0.1:" in said.err
    assert "404" in said.err
    assert str(bars) in said.err


def test_a_name_that_the_catalogue_has_not_is_wrong_usage(
    bars: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for command in ("fetch", "show", "remove"):
        assert run(["data", command, "brs"]) == 2
        assert "Did you mean 'bars'?" in capfd.readouterr().err
    assert run(["data", "fetch", "bars", "brs"]) == 2
    assert not bars.exists()


def test_what_is_built_in_needs_no_fetching(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "fetch", "digits"]) == 0
    assert "built in" in capfd.readouterr().out
    assert run(["data", "remove", "digits"]) == 0
    assert run(["data", "show", "digits"]) == 0
    assert "nothing to download" in capfd.readouterr().out


@pytest.mark.slow
def test_imports_are_listed_and_removed_and_the_pictures_stay(
    picture_folder: Path, idx_folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(picture_folder.parent)
    assert run(["data", "imports"]) == 0
    assert capfd.readouterr().out.startswith("There are no imports. Imports are stored in ")
    for arguments in (["colours"], ["colours", "--size", "8x8"], [str(idx_folder)]):
        assert run(["inspect", *arguments]) == 0
    capfd.readouterr()
    assert run(["data", "imports"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[2:5]] == [
        [str(idx_folder), "12x12x1", "60"],
        [str(picture_folder), "8x8x3", "24"],
        [str(picture_folder), "16x16x3", "24"],
    ]
    (one, other) = said_as_json(capfd, "imports", "colours", "--remove")
    assert one["pictures"] == {"train": 24}
    assert one["bytes"] > 24 * 8 * 8 * 3
    assert not Path(one["folder"]).exists()
    assert not Path(other["folder"]).exists()
    assert len(said_as_json(capfd, "imports")) == 1
    assert len(list(picture_folder.rglob("*.png"))) == 24
    assert run(["inspect", "colours"]) == 0
    capfd.readouterr()
    assert len(said_as_json(capfd, "imports")) == 2


@pytest.mark.parametrize("remove", [[], ["--remove"]])
def test_imports_of_what_does_not_exist_are_an_error_and_of_what_is_gone_are_not(
    remove: list[str],
    picture_folder: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(picture_folder.parent)
    assert run(["inspect", "colours"]) == 0
    capfd.readouterr()
    assert run(["data", "imports", "digit", *remove]) == 2
    assert capfd.readouterr().err == (
        "picturewise: 'digit' has no imports, and is neither an existing path nor a catalogue name. List all imports "
        "with `picturewise data imports`. Did you mean 'digits'?\n"
    )
    assert run(["data", "imports", "digits", *remove]) == 0
    assert capfd.readouterr().out.startswith("digits has no imports. ")
    picture_folder.rename("gone")
    assert run(["data", "imports", "gone", *remove]) == 0
    assert capfd.readouterr().out.startswith("gone has no imports. ")
    assert len(said_as_json(capfd, "imports", str(picture_folder), *remove)) == 1


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_imports_are_found_by_a_link_to_their_source(
    picture_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link").symlink_to(picture_folder)
    assert run(["inspect", str(tmp_path / "link"), "--out", str(tmp_path / "out")]) == 0
    capfd.readouterr()
    assert len(said_as_json(capfd, "imports", str(picture_folder))) == 1
    assert len(said_as_json(capfd, "imports", str(tmp_path / "link"), "--remove")) == 1
    assert said_as_json(capfd, "imports") == []
