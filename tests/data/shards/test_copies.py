from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from many import CLASSES, label, picture, png, write_tar

from picturewise import read_dataset
from picturewise.cache_folder import copies_folder
from picturewise.data.recognise import place_of, recognise
from picturewise.data.shards import copies
from picturewise.data.shards.copies import local_copy
from picturewise.data.shards.storage import Found, Storage
from picturewise.errors import DataError


def pets(memory: Any, count: int = 20) -> None:
    for number in range(count):
        memory.pipe(f"/bucket/pets/{CLASSES[label(number)]}/{number:02}.png", png(number))


def test_a_folder_at_an_address_is_read_as_if_it_were_here(memory: Any) -> None:
    pets(memory)
    found = recognise("memory://bucket/pets")
    assert (found.name, found.place) == ("pets", "memory://bucket/pets")
    dataset = read_dataset("memory://bucket/pets")
    assert sum(len(split) for split in (dataset.train, dataset.valid, dataset.test)) == 20
    assert dataset.train.classes == CLASSES


def test_a_pattern_of_shards_is_one_source(memory: Any, tmp_path: Path) -> None:
    for shard, numbers in (("train-0", range(20)), ("train-1", range(20, 40)), ("test-0", range(40, 50))):
        members = [
            m for n in numbers for m in ((f"{n}.png", png(n)), (f"{n}.cls", CLASSES[label(n)].encode()))
        ]
        memory.pipe(f"/b/letters/{shard}.tar", write_tar(tmp_path / "x.tar", members).read_bytes())
    assert recognise("memory://b/letters/train-*.tar").splits == ("train",)
    dataset = read_dataset("memory://b/letters")
    assert np.array_equal(dataset.test.images[:, :, :, 0], [picture(number) for number in range(40, 50)])


def test_files_are_copied_once_and_again_when_they_change(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pets(memory)
    opened: list[str] = []
    real = Storage.opened

    def counted(self: Storage, path: str) -> Any:
        opened.append(path)
        return real(self, path)

    monkeypatch.setattr(Storage, "opened", counted)
    first = local_copy("memory://bucket/pets")
    assert len(opened) == 20
    assert local_copy("memory://bucket/pets") == first
    assert len(opened) == 20
    memory.pipe("/bucket/pets/ant/99.png", png(99))
    local_copy("memory://bucket/pets")
    assert len(opened) == 41
    assert (first / "ant" / "99.png").read_bytes() == png(99)


def test_files_are_copied_side_by_side_each_once(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pets(memory)
    monkeypatch.setattr(type(memory), "async_impl", True, raising=False)
    meeting, opened = threading.Barrier(copies.AT_ONCE, timeout=30), list[str]()
    real = Storage.opened

    def together(self: Storage, path: str) -> Any:
        opened.append(path)
        if len(opened) <= copies.AT_ONCE:
            meeting.wait()  # until as many are open
        return real(self, path)

    monkeypatch.setattr(Storage, "opened", together)
    place = local_copy("memory://bucket/pets")
    assert len(opened) == len(set(opened)) == 20
    for number in range(20):
        assert (place / CLASSES[label(number)] / f"{number:02}.png").read_bytes() == png(number)


@pytest.mark.parametrize("side_by_side", [False, True])
def test_a_file_that_cannot_be_copied_ends_all_and_leaves_nothing(
    memory: Any, monkeypatch: pytest.MonkeyPatch, side_by_side: bool
) -> None:
    pets(memory, 200)
    if side_by_side:
        monkeypatch.setattr(type(memory), "async_impl", True, raising=False)
    opened: list[str] = []
    real = Storage.opened

    def failing(self: Storage, path: str) -> Any:
        opened.append(path)
        if len(opened) == 12:
            raise DataError(f"{self.name(path)} cannot be read: broken.")
        return real(self, path)

    monkeypatch.setattr(Storage, "opened", failing)
    with pytest.raises(DataError, match=r"pets/.*png cannot be read: broken"):
        local_copy("memory://bucket/pets")
    assert len(opened) < 200
    assert [path.name for path in copies_folder().iterdir() if not path.name.endswith(".lock")] == []
    monkeypatch.setattr(Storage, "opened", real)
    assert len(list(local_copy("memory://bucket/pets").rglob("*.png"))) == 200


def test_a_file_that_changes_while_it_is_copied_is_an_error(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pets(memory)
    real = Storage.files
    shorter = [item._replace(size=item.size - 1) for item in Storage("memory://bucket/pets").files()]  # type: ignore[union-attr]
    monkeypatch.setattr(Storage, "files", lambda self: iter(shorter))
    with pytest.raises(DataError, match="changed while it was copied"):
        local_copy("memory://bucket/pets")
    monkeypatch.setattr(Storage, "files", real)
    assert local_copy("memory://bucket/pets").is_dir()


def test_only_storages_for_threads_are_read_by_several(memory: Any) -> None:
    assert not Storage("memory://bucket/pets").is_concurrent
    assert not Storage("bucket/pets").is_concurrent


def test_a_damaged_copy_is_made_again(memory: Any) -> None:
    pets(memory)
    place = local_copy("memory://bucket/pets")
    file = next(place.rglob("*.png"))
    content = file.read_bytes()
    file.write_bytes(b"x")
    local_copy("memory://bucket/pets")
    assert file.read_bytes() == content


def test_processes_that_ask_at_once_get_the_same_whole_copy(memory: Any) -> None:
    pets(memory)
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(local_copy("memory://bucket/pets"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert len(list(found[0].rglob("*.png"))) == 20


@pytest.mark.parametrize("path", ["/bucket/x/../../evil.png", "/bucket/x/a\\b.png", "/bucket/x/../evil.png"])
def test_names_that_lead_out_of_the_copy_are_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Storage, "files", lambda self: iter([Found(path, 3, "1")]))
    with pytest.raises(DataError, match="which no file may have"):
        local_copy("memory://bucket/x")


def test_nothing_at_an_address_is_an_error(memory: Any) -> None:
    with pytest.raises(DataError, match="does not exist"):
        recognise("memory://nowhere/pets")


def test_a_recipe_keeps_an_address_without_credentials() -> None:
    assert place_of("s3://key:secret@bucket/pets?X-Signature=1") == "s3://bucket/pets"


def test_an_address_that_became_a_path_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"predict-many"):
        recognise(Path("s3://bucket/pets"))
