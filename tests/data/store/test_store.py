from __future__ import annotations

import json
import mmap
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from read_place import read_place

from picturewise.cache_folder import imports_folder
from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.dataset import Skipped
from picturewise.data.hints import NO_HINTS
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.store import store
from picturewise.data.store.store import read_stored
from picturewise.errors import DataError, Interrupted, SaveError
from picturewise.split_names import SplitName

MakeClasses = Callable[..., Path]
OPTIONS = DataOptions(source="the source")
IMAGES = np.random.default_rng(0).integers(0, 256, (20, 6, 5, 3), dtype=np.uint8)


@dataclass
class Fake:
    """A source that counts how often it is read; what it holds may be changed."""

    path: Path
    images: np.ndarray = field(default_factory=lambda: IMAGES)
    labels: np.ndarray | None = field(default_factory=lambda: np.arange(20) % 2)
    names: list[str] | None = None
    skipped: tuple[Skipped, ...] = ()
    digests: np.ndarray | None = None
    in_room: bool = True
    reads: list[list[str]] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    name = "fake"
    hints = NO_HINTS
    splits: tuple[SplitName, ...] = ("train", "test")

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        return (self.path, f"the {split} split")

    def read(
        self,
        splits: Collection[SplitName],
        options: DataOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        self.reads.append(sorted(splits))
        images = self.images
        if self.in_room:
            images = allocate(len(self.images), self.images.shape[1:3], self.images.shape[3])
            images[:] = self.images
        self.meanwhile()
        pictures = ImageSet(
            images, self.labels, ("a", "b") if self.labels is not None else (), "here", self.names
        )
        part = Part(pictures, self.digests, self.skipped)
        return Reading(dict.fromkeys(splits, part), ("a note",))


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    path = tmp_path / "file"
    path.write_bytes(b"first")
    return Fake(path)


def imports() -> list[str]:
    return sorted(path.name.partition("-")[0] for path in imports_folder().glob("*/*"))


@pytest.mark.parametrize("in_room", [False, True])
@pytest.mark.parametrize("labels", [None, np.arange(20) % 2])
@pytest.mark.parametrize("names", [None, [f"ä {n}\\n" for n in range(20)]])
@pytest.mark.parametrize("digests", [None, np.arange(320, dtype=np.uint8).reshape(20, 16)])
def test_everything_comes_back_as_it_was_read(
    fake: Fake, in_room: bool, labels: np.ndarray | None, names: list[str] | None, digests: np.ndarray | None
) -> None:
    fake.in_room, fake.labels, fake.names, fake.digests = in_room, labels, names, digests
    fake.skipped = (Skipped("bad.png", "truncated"),)
    direct = fake.read(["train"], OPTIONS)
    for _ in range(2):
        found = read_stored(fake, "the source", ["train"], OPTIONS)
        assert found.notes == direct.notes
        assert found.skipped == direct.skipped
        part, expected = found.parts["train"], direct.parts["train"]
        np.testing.assert_array_equal(part.pictures.images[:], IMAGES)
        np.testing.assert_array_equal(part.source_digests[:], expected.source_digests[:])
        assert part.pictures.fingerprint == expected.pictures.fingerprint
        assert part.pictures.statistics.totals() == expected.pictures.statistics.totals()
        assert (part.pictures.classes, part.pictures.origin) == (expected.pictures.classes, "here")
        assert (part.pictures.names and list(part.pictures.names)) == names
        assert (part.pictures.labels is None) == (labels is None)
    assert len(fake.reads) == 2


def test_a_source_is_read_once(fake: Fake) -> None:
    for _ in range(3):
        read_stored(fake, "the source", ["train"], OPTIONS)
    assert fake.reads == [["train"]]


def test_a_split_is_read_when_it_is_asked_for(fake: Fake) -> None:
    read_stored(fake, "the source", ["train"], OPTIONS)
    read_stored(fake, "the source", ["train", "test"], OPTIONS)
    assert fake.reads == [["train"], ["test"]]
    assert imports() == ["test", "train"]


def test_pictures_are_mapped_and_cannot_be_written(fake: Fake) -> None:
    images = read_stored(fake, "the source", ["train"], OPTIONS).parts["train"].pictures.images
    assert isinstance(images, np.ndarray)
    base = images.base
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(getattr(base, "obj", base), mmap.mmap)
    assert not images.flags.writeable


@pytest.mark.parametrize("option", [{"size": (3, 3)}, {"resize": "pad"}])
def test_pictures_read_in_another_way_are_imported_beside_the_others(
    fake: Fake, option: dict[str, object]
) -> None:
    other = OPTIONS.model_copy(update=option)
    for options in (OPTIONS, other, OPTIONS, other):
        read_stored(fake, "the source", ["train"], options)
    assert len(fake.reads) == 2


def test_where_bad_files_may_be_left_out_an_import_without_any_is_used(fake: Fake) -> None:
    lenient = OPTIONS.model_copy(update={"skip_bad": True})
    read_stored(fake, "the source", ["train"], lenient)
    read_stored(fake, "the source", ["train"], OPTIONS)
    assert len(fake.reads) == 2  # the first may lack files
    read_stored(fake, "the source", ["train", "test"], OPTIONS)
    read_stored(fake, "the source", ["train", "test"], lenient)
    assert fake.reads[2:] == [["test"]]


@pytest.mark.parametrize("option", [{"valid_fraction": 0.5}, {"split_seed": 3}, {"group_by": "x"}])
def test_how_splits_are_held_out_makes_no_difference(fake: Fake, option: dict[str, object]) -> None:
    read_stored(fake, "the source", ["train"], OPTIONS)
    read_stored(fake, "the source", ["train"], OPTIONS.model_copy(update=option))
    assert len(fake.reads) == 1


def test_a_changed_source_is_imported_again_and_the_old_import_goes(fake: Fake) -> None:
    read_stored(fake, "the source", ["train"], OPTIONS)
    fake.path.write_bytes(b"second")
    fake.images = 255 - IMAGES
    found = read_stored(fake, "the source", ["train"], OPTIONS).parts["train"].pictures
    np.testing.assert_array_equal(found.images[:], 255 - IMAGES)
    assert imports() == ["train"]


def test_a_change_that_keeps_size_and_time_is_noticed(fake: Fake) -> None:
    before = fake.path.stat()
    read_stored(fake, "the source", ["train"], OPTIONS)
    fake.path.write_bytes(b"FIRST")
    os.utime(fake.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    read_stored(fake, "the source", ["train"], OPTIONS)
    assert len(fake.reads) == 2


def test_what_was_mapped_stays_when_a_newer_import_takes_its_place(fake: Fake) -> None:
    old = read_stored(fake, "the source", ["train"], OPTIONS).parts["train"].pictures.images
    fake.path.write_bytes(b"second")
    fake.images = 255 - IMAGES
    read_stored(fake, "the source", ["train"], OPTIONS)
    np.testing.assert_array_equal(old[:], IMAGES)


def test_a_source_that_changes_while_it_is_read_is_refused(fake: Fake) -> None:
    fake.meanwhile = lambda: fake.path.write_bytes(b"more than before")
    with pytest.raises(DataError, match="the source changed while it was imported"):
        read_stored(fake, "the source", ["train"], OPTIONS)
    assert imports() == []


@pytest.mark.parametrize(
    "file", ["images.npy", "labels.npy", "digests.npy", "sums.npy", "names.txt", "dataset.json"]
)
@pytest.mark.parametrize("harm", ["truncate", "remove", "empty", "flip"])
def test_a_damaged_import_is_made_again(fake: Fake, file: str, harm: str) -> None:
    fake.names = [f"{n}" for n in range(20)]
    read_stored(fake, "the source", ["train"], OPTIONS)
    (path,) = imports_folder().glob(f"*/*/{file}")
    content = path.read_bytes()
    if harm == "remove":
        path.unlink()
    elif harm == "flip":
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    else:
        path.write_bytes(content[:-1] if harm == "truncate" else b"")
    found = read_stored(fake, "the source", ["train"], OPTIONS).parts["train"].pictures
    np.testing.assert_array_equal(found.images[:], IMAGES)
    assert found.names == fake.names
    assert len(fake.reads) == (
        1 if (file, harm) == ("dataset.json", "truncate") else 2
    )  # its last line break


def test_an_error_while_reading_leaves_nothing(fake: Fake) -> None:
    def fail() -> None:
        raise DataError("bad")

    fake.meanwhile = fail
    with pytest.raises(DataError, match="bad"):
        read_stored(fake, "the source", ["train"], OPTIONS)
    assert [path.name for path in imports_folder().iterdir() if not path.name.endswith(".lock")] == []


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_folder_is_imported_once_by_whatever_link_it_is_reached(
    make_classes: MakeClasses, tmp_path: Path
) -> None:
    folder = make_classes(tmp_path / "animals")
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "above").symlink_to(folder.parent)
    (tmp_path / "other").mkdir()
    shutil.copytree(folder, tmp_path / "other" / folder.name)
    places = [folder, tmp_path / "link", tmp_path / "above" / folder.name]
    found = [read_place(DataOptions(source=str(place))) for place in places]
    assert imports() == ["train"]
    assert len({data.train.fingerprint for data in found}) == 1
    assert [data.name for data in found] == [folder.name, "link", folder.name]
    read_place(DataOptions(source=str(tmp_path / "other" / folder.name)))
    assert imports() == ["train", "train"]


def test_ctrl_c_leaves_nothing_and_says_so(fake: Fake) -> None:
    fake.meanwhile = lambda: signal.raise_signal(signal.SIGINT)
    with pytest.raises(Interrupted) as caught:
        read_stored(fake, "the source", ["train"], OPTIONS)
    assert caught.value.exit_code == 130
    assert str(caught.value) == (
        "Stopped by Ctrl-C while importing the pictures of the source. Unfinished files were removed; the next run "
        "imports the pictures again."
    )
    assert [path.name for path in imports_folder().iterdir() if not path.name.endswith(".lock")] == []
    fake.meanwhile = lambda: None
    assert len(read_stored(fake, "the source", ["train"], OPTIONS).parts["train"].pictures) == 20


@pytest.mark.campaign
def test_many_threads_import_once(fake: Fake, whole_campaign: bool) -> None:
    count = 100 if whole_campaign else 8
    found: list[str] = []

    def work() -> None:
        found.append(read_stored(fake, "the source", ["train"], OPTIONS).parts["train"].pictures.fingerprint)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == count
    assert len(set(found)) == 1
    assert len(fake.reads) == 1


READ = (
    f"import sys; sys.path.append({str(Path(__file__).parents[1])!r}); from read_place import read_place; "
    "from picturewise.data.options import DataOptions; "
    "data = read_place(DataOptions(source=sys.argv[1])); print({s: p.fingerprint for s, p in data.splits().items()})"
)


@pytest.mark.slow
@pytest.mark.campaign
def test_processes_that_import_at_once_end_with_one_good_copy(
    tmp_path: Path, make_classes: MakeClasses, whole_campaign: bool
) -> None:
    count = 16 if whole_campaign else 3
    make_classes(tmp_path / "animals", count=5000 if whole_campaign else 100)
    before = sorted(path.stat().st_mtime_ns for path in (tmp_path / "animals").rglob("*"))
    command = [sys.executable, "-c", READ, str(tmp_path / "animals")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(count)]
    answers = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * count
    assert len(set(answers)) == 1
    assert len(answers[0]) > 100
    assert imports() == ["train"]
    assert sorted(path.stat().st_mtime_ns for path in (tmp_path / "animals").rglob("*")) == before


@pytest.mark.slow
@pytest.mark.campaign
def test_an_import_that_is_killed_at_any_change_on_the_disk_is_made_whole_by_the_next(
    tmp_path: Path, make_classes: MakeClasses, whole_campaign: bool
) -> None:
    step = 1 if whole_campaign else 8
    make_classes(tmp_path / "animals")
    script = Path(__file__).parents[1] / "importing.py"
    command = [sys.executable, str(script), str(tmp_path / "animals"), str(step)]
    done = subprocess.run(command, capture_output=True, check=True)
    found = json.loads(done.stdout)
    assert len(found) > 15 // step
    assert {row["killed"] for row in found[:-1]} == {-9}
    assert found[-1]["killed"] == 0
    for row in found:
        assert row["again"] == [0, 0, True]
        assert row["left"] == []
        assert row["imports"] == 1
        assert set(row["fingerprints"]) == {"train", "valid", "test"}


def test_leftovers_of_killed_processes_are_swept_but_not_those_of_living_ones(fake: Fake) -> None:
    import filelock

    dead, alive = (imports_folder() / f".unfinished-{name}" for name in ("dead", "alive"))
    for folder in (dead, alive):
        folder.mkdir(parents=True)
        (folder / "images-0.npy").write_bytes(b"half")
    with filelock.FileLock(imports_folder() / ".alive.lock"):
        read_stored(fake, "the source", ["train"], OPTIONS)
    assert not dead.exists()
    assert alive.exists()


def test_a_store_that_cannot_be_made_is_an_error_that_names_the_way_out(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no-folder").write_bytes(b"")
    monkeypatch.setenv("PICTUREWISE_HOME", str(tmp_path / "no-folder"))
    with pytest.raises(
        SaveError, match=r"Cannot import pictures to .*Choose another folder .*PICTUREWISE_HOME"
    ):
        read_stored(fake, "the source", ["train"], OPTIONS)


def test_a_full_disk_is_an_error_and_never_a_crash(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(SaveError, match=r"\(No space left on device\)\. Free some space"):
        read_stored(fake, "the source", ["train"], OPTIONS)
    assert imports() == []


FULL = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
    "from picturewise.__main__ import main; main()"
)


@pytest.mark.slow
def test_a_file_that_grows_beyond_what_is_allowed_is_an_error_for_the_user(
    tmp_path: Path, make_classes: MakeClasses
) -> None:
    make_classes(tmp_path / "animals", count=30, height=64, width=64)
    command = [
        sys.executable,
        "-c",
        FULL,
        "inspect",
        str(tmp_path / "animals"),
        "--out",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "(File too large). Free some space" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_set_that_was_imported_is_read_without_opening_it(
    tmp_path: Path, make_classes: MakeClasses
) -> None:
    make_classes(tmp_path / "animals")
    options = DataOptions(source=str(tmp_path / "animals"))
    read_place(options)
    opened: list[str] = []
    hearing = True
    sys.addaudithook(
        lambda event, found: opened.append(str(found[0])) if hearing and event == "open" else None
    )
    read_place(options)
    hearing = False
    assert opened
    assert not [path for path in opened if path.endswith(".png")]


def test_an_import_whose_pictures_were_overwritten_is_made_again(fake: Fake) -> None:
    read_stored(fake, "the source", ["train"], OPTIONS)
    (path,) = imports_folder().glob("*/*/images.npy")
    content = path.read_bytes()
    path.write_bytes(content[:128] + bytes(len(content) - 128))
    np.testing.assert_array_equal(
        read_stored(fake, "the source", ["train"], OPTIONS).parts["train"].pictures.images[:], IMAGES
    )
    assert len(fake.reads) == 2


def test_a_stray_file_in_the_store_does_no_harm(fake: Fake) -> None:
    read_stored(fake, "the source", ["train"], OPTIONS)
    (imports_folder() / "deadbeef").write_bytes(b"x")
    (place,) = imports_folder().glob("*/train-*")
    shutil.rmtree(place)
    place.write_bytes(b"x")
    read_stored(fake, "the source", ["train"], OPTIONS)
    assert [one.pictures for one in store.imports()] == [{"train": 20}]
