from __future__ import annotations

import gzip
import hashlib
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from read_place import read_place

from picturewise.catalogue import entries
from picturewise.catalogue.fetch import fetch, remove
from picturewise.catalogue.installed import RECEIPT, Installed
from picturewise.data.options import DataOptions
from picturewise.errors import DataError, DownloadError, SaveError

NAMES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]
# What another process does: fetch the set that it is handed as JSON.
CHILD = """
import sys
from picturewise.catalogue.entries import SetEntry
from picturewise.catalogue.fetch import fetch
from picturewise.catalogue.installed import Installed
print(",".join(fetch(Installed("tiny", SetEntry.model_validate_json(sys.argv[1]))).fetched))
"""


def start(place: Installed) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", CHILD, place.entry.model_dump_json()]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def lying_about(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_a_set_is_fetched_once_and_read_under_its_name(place: Installed, server) -> None:
    done = fetch(place)
    assert (list(done.fetched), done.here_already) == (sorted(NAMES, key=NAMES.index), ())
    assert lying_about(place.folder) == {*NAMES, RECEIPT}
    asked = len(server.asked)
    done = fetch(place)
    assert (done.fetched, list(done.here_already)) == ((), NAMES)
    assert len(server.asked) == asked
    dataset = read_place(DataOptions(source="tiny"))
    assert dataset.name == "tiny"
    assert dataset.classes == ("no", "yes", "perhaps")
    assert {name: len(part) for name, part in dataset.splits().items()} == {
        "train": 27,
        "valid": 3,
        "test": 10,
    }
    assert not any("by hand" in note for note in dataset.notes)


def test_a_file_that_cannot_be_had_says_where_to_put_it_by_hand(place: Installed, server) -> None:
    server.manners[f"good/{NAMES[2]}"] = "flip"
    with pytest.raises(DownloadError) as caught:
        fetch(place)
    sentence = str(caught.value)
    assert sentence.startswith(f"tiny: {NAMES[2]} could not be downloaded: http://127.0.0.1:")
    assert "404" in sentence
    assert "checksum" in sentence
    assert f"put it in {place.folder} and run: picturewise data fetch tiny" in sentence
    assert lying_about(place.folder) == {*NAMES[:2], RECEIPT}
    assert not place.is_here()
    shutil.copy(Path(server_file(server, NAMES[2], place)), place.folder / NAMES[2])
    assert fetch(place).here_already == tuple(NAMES[:3])
    assert place.is_here()


def server_file(server, name: str, place: Installed) -> Path:
    path = place.folder.with_name(name)
    path.write_bytes(server.files[f"good/{name}"])
    return path


def test_files_put_there_by_hand_are_used_and_never_removed(place: Installed, server) -> None:
    place.folder.mkdir(parents=True)
    for name in NAMES:
        (place.folder / name).write_bytes(server.files[f"good/{name}"])
    assert len(read_place(DataOptions(source="tiny")).split("test")) == 10
    assert fetch(place).here_already == tuple(NAMES)
    assert server.asked == []
    freed, left = remove(place)
    assert (freed, set(left)) == (0, set(NAMES))


def test_a_file_by_hand_that_is_not_the_published_one_is_used_with_a_note_and_not_replaced(
    place: Installed, server
) -> None:
    fetch(place)
    own = gzip.compress(gzip.decompress(server.files[f"good/{NAMES[0]}"]), compresslevel=1, mtime=1)
    (place.folder / NAMES[0]).write_bytes(own)
    notes = read_place(DataOptions(source="tiny")).notes
    assert [NAMES[0] in note and "not the published" in note for note in notes].count(True) == 1
    with pytest.raises(DownloadError, match="is not the published file"):
        fetch(place)
    assert (place.folder / NAMES[0]).read_bytes() == own
    _, left = remove(place)
    assert left == (NAMES[0],)


def test_remove_deletes_what_was_fetched_and_its_folder(place: Installed) -> None:
    fetch(place)
    size = place.bytes_here()
    assert size == place.entry.bytes()
    assert remove(place) == (size, ())
    assert not place.folder.exists()
    assert remove(place) == (0, ())


def test_remove_leaves_a_stranger_in_the_folder(place: Installed) -> None:
    fetch(place)
    (place.folder / "mine.txt").write_text("mine")
    assert remove(place)[1] == ("mine.txt",)


def test_two_processes_at_once_fetch_once(place: Installed, server) -> None:
    server.manners[f"good/{NAMES[0]}"] = "slow"
    said = sorted(process.communicate(timeout=20)[0].strip() for process in [start(place), start(place)])
    assert said == ["", ",".join(NAMES)]
    assert sorted(name for name in server.asked if name.startswith("good/")) == sorted(
        f"good/{name}" for name in NAMES
    )
    assert place.is_here()


def test_a_process_that_is_killed_leaves_nothing_half_and_the_next_one_finishes(
    place: Installed, server
) -> None:
    server.manners[f"good/{NAMES[2]}"] = "stall"
    process = start(place)
    deadline = time.monotonic() + 20
    while f"good/{NAMES[2]}" not in server.asked and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)  # until half of the file has arrived
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    for name in NAMES[:2]:
        assert (place.folder / name).read_bytes() == server.files[f"good/{name}"]
    assert not (place.folder / NAMES[2]).exists()
    assert not place.is_here()
    del server.manners[f"good/{NAMES[2]}"]
    assert fetch(place).here_already == tuple(NAMES[:2])
    assert lying_about(place.folder) == {*NAMES, RECEIPT}


def test_a_place_that_cannot_be_written(
    place: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("PICTUREWISE_HOME", str(tmp_path / "file"))
    with pytest.raises(SaveError, match=r"Cannot write to .* Check its permissions and the free disk space"):
        fetch(place)


def test_members_are_taken_out_of_an_archive_and_pictures_are_upright(
    place: Installed, zipped: Installed
) -> None:
    fetch(place)
    assert fetch(zipped).fetched == ("gzip.zip",)
    assert lying_about(zipped.folder) == {*NAMES, RECEIPT}
    lying, standing = (read_place(DataOptions(source=name)).split("test") for name in ("lying", "tiny"))
    assert standing.images.shape[1:] == (4, 3, 1)
    np.testing.assert_array_equal(lying.images, standing.images.swapaxes(1, 2))
    sized = read_place(DataOptions(source="lying", size=(5, 2), resize="stretch")).split("test")
    assert sized.shape == (5, 2, 1)
    assert fetch(zipped).here_already == ("gzip.zip",)
    assert remove(zipped)[1] == ()


def test_an_archive_without_its_members_is_reported(zipped: Installed, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("gzip/README", b"moved away")
    content = other.read_bytes()
    zipped.folder.mkdir(parents=True)
    (zipped.folder / "gzip.zip").write_bytes(content)
    checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
    file = zipped.entry.files[0].model_copy(update={"bytes": len(content), "checksum": checksum})
    place = Installed(zipped.name, zipped.entry.model_copy(update={"files": (file,)}))
    with pytest.raises(
        DownloadError, match=r"gzip\.zip of lying cannot be unpacked: .* does not contain 'gzip/train-images"
    ):
        fetch(place)
    assert lying_about(place.folder) == {"gzip.zip"}


def test_an_archive_put_there_by_hand_is_unpacked_and_kept(zipped: Installed, server) -> None:
    zipped.folder.mkdir(parents=True)
    (zipped.folder / "gzip.zip").write_bytes(server.files["good/gzip.zip"])
    assert fetch(zipped).here_already == ("gzip.zip",)
    assert server.asked == []
    assert read_place(DataOptions(source="lying")).name == "lying"
    assert remove(zipped)[1] == ("gzip.zip",)


def test_a_file_that_two_sets_share_is_fetched_once(
    place: Installed, server, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = Installed("more", place.entry)
    monkeypatch.setattr(entries, "entries", lambda: {"tiny": place.entry, "more": place.entry})
    fetch(place)
    asked = len(server.asked)
    assert fetch(more).here_already == tuple(NAMES)
    assert len(server.asked) == asked
    assert remove(place)[1] == ()
    assert more.is_here()
    assert remove(more) == (place.entry.bytes(), ())


def test_ctrl_c_leaves_nothing_half(place: Installed, server) -> None:
    server.manners[f"good/{NAMES[0]}"] = "stall"
    process = start(place)
    deadline = time.monotonic() + 20
    while f"good/{NAMES[0]}" not in server.asked and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)  # until half of the file has arrived
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert lying_about(place.folder) == set()


CONVERTED = """
import sys
from pathlib import Path
from picturewise.catalogue.entries import WeightsEntry
from picturewise.catalogue.fetch import fetch
from picturewise.catalogue.installed import Installed
entry = WeightsEntry.model_validate_json(sys.argv[1])
convert = lambda source, target: target.write_bytes(source.read_bytes()[::-1])
print(",".join(fetch(Installed("net", entry), convert=convert).fetched))
"""


@pytest.fixture
def net(server) -> Installed:
    """Weights that are converted when they come: stood on their head."""
    content = server.files["good/net-1.pth"] = bytes(range(256)) * 100
    file = {
        "name": "net-1.pth",
        "mebibytes": round(len(content) / 2**20, 3),
        "checksum": f"sha256-prefix:{hashlib.sha256(content).hexdigest()[:8]}",
        "converted": "net-1.safetensors",
    }
    entry = entries.weights()["resnet18"].model_dump()
    mirrors = (server.url("bad/"), server.url("good/"))
    return Installed(
        "net", entries.WeightsEntry.model_validate(entry | {"mirrors": mirrors, "files": [file]})
    )


def upside_down(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes()[::-1])


def test_what_is_converted_is_kept_in_its_converted_form_alone(net: Installed, server) -> None:
    assert not net.is_here()
    assert fetch(net, convert=upside_down).fetched == ("net-1.pth",)
    assert lying_about(net.folder) == {"net-1.safetensors", RECEIPT}
    assert (net.folder / "net-1.safetensors").read_bytes() == server.files["good/net-1.pth"][::-1]
    assert net.is_here()
    asked = len(server.asked)
    assert fetch(net, convert=upside_down).here_already == ("net-1.pth",)
    assert len(server.asked) == asked
    assert remove(net) == (25_600, ())
    assert not net.folder.exists()


def test_a_file_with_another_checksum_is_never_converted(net: Installed, server) -> None:
    server.manners["good/net-1.pth"] = "flip"
    seen: list[Path] = []
    with pytest.raises(DownloadError, match="does not match the published checksum sha256-prefix:"):
        fetch(net, convert=lambda source, target: seen.append(source))
    assert seen == []
    assert not net.is_here()


def test_a_file_that_cannot_be_converted_leaves_nothing(net: Installed) -> None:
    def refuse(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise DataError(f"{source.name} is another network's.")

    with pytest.raises(DataError, match=r"net-1\.pth is another network's\."):
        fetch(net, convert=refuse)
    assert lying_about(net.folder) == set()


def test_a_published_file_put_there_by_hand_is_converted_and_left(net: Installed, server) -> None:
    net.folder.mkdir(parents=True)
    (net.folder / "net-1.pth").write_bytes(server.files["good/net-1.pth"])
    assert fetch(net, convert=upside_down).here_already == ("net-1.pth",)
    assert server.asked == []
    assert net.is_here()
    assert remove(net) == (25_600, ("net-1.pth",))


def test_two_processes_at_once_convert_once(net: Installed, server) -> None:
    server.manners["good/net-1.pth"] = "slow"
    arguments = [sys.executable, "-c", CONVERTED, net.entry.model_dump_json()]
    processes = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(2)
    ]
    assert sorted(process.communicate(timeout=20)[0].strip() for process in processes) == ["", "net-1.pth"]
    assert server.asked.count("good/net-1.pth") == 1
