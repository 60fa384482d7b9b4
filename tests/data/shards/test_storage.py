from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from picturewise.data.dataset import Skipped
from picturewise.data.shards.storage import Found, LocalCopies, Storage, is_address
from picturewise.errors import DataError, UsageError
from picturewise.file_names import without_credentials

fsspec = pytest.importorskip("fsspec")


def paths(storage: Storage) -> list[str]:
    return [item.path for item in storage.files() if isinstance(item, Found)]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("s3://key:secret@bucket/a.tar", "s3://bucket/a.tar"),
        ("ftp://user@host/a", "ftp://host/a"),
        ("https://host/a.tar?X-Amz-Signature=abc&b=1", "https://host/a.tar"),
        ("simplecache::https://u:p@host/a?token=1", "simplecache::https://host/a"),
        ("s3://bucket/part-?.tar", "s3://bucket/part-?.tar"),
        ("/data/me@home/a?b=1", "/data/me@home/a?b=1"),
    ],
)
def test_credentials_are_left_out(address: str, shown: str) -> None:
    assert without_credentials(address) == shown
    assert without_credentials(f"cannot open {address} now") == f"cannot open {shown} now"


def test_addresses_are_told_from_paths() -> None:
    assert is_address("memory://a")
    assert is_address("simplecache::s3://a")
    assert not any(map(is_address, ("a/b", "/a://b", "C:\\a", "./s3:/a", "a b://c")))


def test_a_tree_is_listed_alike_locally_and_at_an_address(tmp_path: Path, memory: Any) -> None:
    for name in ("b/2.png", "b/10.png", "a.png", "c/d/e.tar", ".hidden", "b/.x/y.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
        memory.pipe(f"/root/{name}", name.encode())
    expected = ["a.png", "b/10.png", "b/2.png", "c/d/e.tar"]
    assert [path.removeprefix(f"{tmp_path}/") for path in paths(Storage(str(tmp_path)))] == expected
    assert [path.removeprefix("/root/") for path in paths(Storage("memory://root"))] == expected
    assert [path.removeprefix(f"{tmp_path}/") for path in paths(Storage(f"file://{tmp_path}"))] == expected


def test_a_pattern_names_several_files(tmp_path: Path, memory: Any) -> None:
    for name in ("train-1.tar", "train-0.tar", "test-0.tar"):
        (tmp_path / name).write_bytes(b"x")
        memory.pipe(f"/root/{name}", b"x")
    names = ["train-0.tar", "train-1.tar"]
    assert [Path(path).name for path in paths(Storage(str(tmp_path / "train-*.tar")))] == names
    assert [Path(path).name for path in paths(Storage("memory://root/train-*.tar"))] == names


def test_links_to_folders_are_told_and_broken_links_have_no_size(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "broken.png").symlink_to(tmp_path / "nowhere")
    found = list(Storage(str(tmp_path)).files())
    assert [item.size for item in found if isinstance(item, Found)] == [-1]
    assert [Path(item.path).name for item in found if isinstance(item, Skipped)] == ["loop"]


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_changed_file_has_another_version(kind: str, tmp_path: Path, memory: Any) -> None:
    if kind == "file":
        (tmp_path / "a").write_bytes(b"one")
        storage, path = Storage(str(tmp_path)), str(tmp_path / "a")
    else:
        memory.pipe("/root/a", b"one")
        storage, path = Storage("memory://root"), "/root/a"
    before = storage.stat(path)
    assert storage.stat(path) == before
    listed = next(iter(storage.files()))
    assert listed == before
    if kind == "file":
        (tmp_path / "a").write_bytes(b"two")
        os.utime(tmp_path / "a", ns=(5, 5))
    else:
        memory.pipe("/root/a", b"two")
    assert storage.stat(path) != before


def test_a_file_at_an_address_has_a_copy_until_the_next_one(memory: Any, picturewise_home: Path) -> None:
    for name in "ab":
        memory.pipe(f"/root/{name}", name.encode() * 5)
    copies = LocalCopies(Storage("memory://root"))
    first = copies.path("/root/a")
    assert (first.read_bytes(), copies.path("/root/a")) == (b"aaaaa", first)
    second = copies.path("/root/b")
    assert (second.read_bytes(), first.exists()) == (b"bbbbb", False)
    copies.close()
    assert list(picturewise_home.rglob("shard-*")) == []


def test_errors_of_storages_are_sentences_without_credentials(tmp_path: Path, memory: Any) -> None:
    del memory
    with pytest.raises(DataError, match=r"memory://none.* does not exist"):
        list(Storage("memory://none").files())
    with pytest.raises(DataError, match="does not exist"):
        list(Storage(str(tmp_path / "none")).files())
    with pytest.raises(DataError, match="no file matches"):
        list(Storage(str(tmp_path / "*.tar")).files())
    with pytest.raises((DataError, UsageError)) as raised:
        Storage("nothing://user:secret@host/a")
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None
    with pytest.raises((DataError, UsageError)) as raised:
        list(Storage("http://user:secret@127.0.0.1:9/a.tar?token=secret").files())
    assert "secret" not in str(raised.value)


def test_without_fsspec_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)
    with pytest.raises(UsageError, match=r"needs fsspec.*remote"):
        Storage("s3://bucket")
