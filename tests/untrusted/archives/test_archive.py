from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picturewise.errors import DataError
from picturewise.untrusted.archives import archive

FILES = {"set/b.bin": b"bbb", "set/a.bin": bytes(70_000), "empty": b"", "set/ä 花.txt": b"text"}
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\\:\0"), min_size=1, max_size=120).filter(
    lambda name: name not in {".", ".."}
)
CONTENTS = st.dictionaries(NAMES, st.binary(max_size=1500), max_size=6)


def tar(files: Mapping[str, bytes], mode: str = "w", form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1.5  # a fraction makes an extended header in pax
            packed.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def with_folders(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as packed:
        for name in ("./", "set", "set/inner/"):
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE
            packed.addfile(info)
        info = tarfile.TarInfo("./set/a")
        info.size = 1
        packed.addfile(info, io.BytesIO(b"a"))
    return buffer.getvalue()


def zipped(files: Mapping[str, bytes], packed_by: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packed_by) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


ARCHIVES = {
    "tar, ustar": lambda: tar(FILES, form=tarfile.USTAR_FORMAT),
    "tar, GNU": lambda: tar(FILES, form=tarfile.GNU_FORMAT),
    "tar, pax": lambda: tar(FILES),
    "tar.gz": lambda: tar(FILES, "w:gz"),
    "tar.gz in several gzip files": lambda: b"".join(
        gzip.compress(tar(FILES)[start : start + 30_000]) for start in range(0, len(tar(FILES)), 30_000)
    ),
    "tar.gz with padding": lambda: tar(FILES, "w:gz") + bytes(1000),
    "zip, packed": lambda: zipped(FILES),
    "zip, stored": lambda: zipped(FILES, zipfile.ZIP_STORED),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def read(path: Path, content: bytes, wanted: object = None) -> list[tuple[str, bytes]]:
    path.write_bytes(content)
    return [
        (name, bytes(content))
        for name, content in archive.members(path, lambda name: wanted is None or name == wanted)
    ]


def refusal(path: Path, content: bytes) -> str:
    with pytest.raises(DataError) as caught:
        read(path, content, "nothing of it")
    return str(caught.value)


@pytest.mark.parametrize("kind", ARCHIVES)
def test_all_files_come_out_in_their_order(kind: str, path: Path) -> None:
    assert read(path, ARCHIVES[kind]()) == list(FILES.items())


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize("name", FILES)
def test_only_what_is_wanted_comes_out(kind: str, name: str, path: Path) -> None:
    assert read(path, ARCHIVES[kind](), name) == [(name, FILES[name])]


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_archive_is_known_by_its_content(kind: str, path: Path) -> None:
    path.write_bytes(ARCHIVES[kind]())
    assert archive.is_zip(path) == kind.startswith("zip")
    assert archive.is_tar(path) == kind.startswith("tar")
    if kind.startswith("zip"):
        assert archive.zip_names(path) == tuple(FILES)
    else:
        assert archive.first_name(path) == "set/b.bin"


@pytest.mark.parametrize("content", [b"", b"text" * 1000, gzip.compress(b"text" * 1000, mtime=0), b"PK"])
def test_other_files_are_not_archives(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    assert not archive.is_zip(path)
    assert not archive.is_tar(path)
    with pytest.raises(DataError):
        list(archive.members(path, lambda _: True))


def test_a_device_and_a_folder_are_not_archives(tmp_path: Path) -> None:
    assert not archive.is_zip(Path(os.devnull))
    assert not archive.is_tar(tmp_path)
    with pytest.raises(DataError, match=r"is empty or not a regular file\. Pass an archive"):
        list(archive.members(Path(os.devnull), lambda _: True))


def test_folders_are_passed_over(path: Path) -> None:
    assert read(path, with_folders("w")) == [("./set/a", b"a")]
    assert archive.first_name(path) == "./set/a"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.mkdir("set")
        packed.writestr("set/a", b"a")
    assert read(path, buffer.getvalue()) == [("set/a", b"a")]
    assert archive.zip_names(path) == ("set/a",)


def test_an_empty_archive_holds_nothing(path: Path) -> None:
    assert read(path, zipped({})) == []
    assert read(path, tar({}, "w:gz")) == []
    assert read(path, tar({})) == []


@given(CONTENTS)
def test_a_tar_is_read_as_pythons_own_module_reads_it(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    path = tmp_path_factory.mktemp("tar") / "archive"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        content = tar(files, form=form)
        with tarfile.open(fileobj=io.BytesIO(content)) as packed:
            expected = [(info.name, packed.extractfile(info).read()) for info in packed]  # type: ignore[union-attr]
        assert read(path, content) == expected
        assert read(path, gzip.compress(content, 1)) == expected


@given(CONTENTS)
def test_a_zip_is_read_as_pythons_own_module_reads_it(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    content = zipped(files)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        expected = [(info.filename, packed.read(info)) for info in packed.infolist()]
    assert read(tmp_path_factory.mktemp("zip") / "archive", content) == expected


@pytest.mark.parametrize("kind", ["tar, pax", "tar.gz", "zip, packed"])
def test_every_truncation_is_an_error_whatever_is_wanted(kind: str, path: Path) -> None:
    whole = ARCHIVES[kind]()
    # A tar is padded with zeros to 10,240 bytes; the first block of them is its end mark.
    needed = len(whole.rstrip(b"\0")) if kind == "tar, pax" else len(whole)
    for end in range(1, needed, max(1, needed // 60)):
        message = refusal(path, whole[:end])
        assert "truncated" in message or "damaged" in message
        assert message.startswith(str(path))


def test_what_does_not_unpack_to_its_checksum_is_an_error(path: Path) -> None:
    content = bytearray(tar(FILES, "w:gz"))
    content[-8] ^= 1
    assert "incorrect data check" in refusal(path, bytes(content))
    content = bytearray(zipped({"a": b"abc"}, zipfile.ZIP_STORED))
    content[content.index(b"abc")] ^= 1
    with pytest.raises(DataError, match="Bad CRC-32"):
        read(path, bytes(content))


@pytest.mark.parametrize("name", ["../a", "a/..", "a/../b", "/a", "\\a", "a\\..\\b", "C:a", "c:/a"])
def test_a_name_that_leads_out_is_refused(name: str, path: Path) -> None:
    for content in (tar({name: b""}), zipped({name: b""})):
        message = refusal(path, content)
        assert f"contains a file with the name {name!r}, which points outside the archive" in message
        assert message.endswith("It is probably malicious; do not use it.")


@pytest.mark.parametrize("name", ["a..", "..a", "a...b/c", ".hidden", "ab:c"])
def test_a_name_that_only_looks_so_is_not(name: str, path: Path) -> None:
    assert read(path, tar({name: b"x"})) == read(path, zipped({name: b"x"})) == [(name, b"x")]


def test_the_limits_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a": bytes(300), "b": bytes(400)}
    both = (tar(files), zipped(files))
    for limit, value, said in (
        ("MAX_MEMBERS", 1, r"more than the allowed 1 files|but at most 1 are allowed"),
        ("MAX_MEMBER", 399, "contains a file of 400 bytes, 700 in total, but at most 399 per file and"),
        (
            "MAX_TOTAL",
            699,
            "a file of 400 bytes, 700 in total, but at most 2,147,483,648 per file and 699 in total are allowed",
        ),
    ):
        for content in both:
            path.write_bytes(content)
            with monkeypatch.context() as changed:
                changed.setattr(archive, limit, value)
                with pytest.raises(DataError, match=said):
                    list(archive.members(path, lambda _: False))
                changed.setattr(archive, limit, value + 1)
                assert list(archive.members(path, lambda _: False)) == []


def test_a_zips_directory_has_a_limit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = zipped({"a": b"", "b": b""}, zipfile.ZIP_STORED)
    path.write_bytes(content)
    monkeypatch.setattr(archive, "MAX_DIRECTORY", 93)  # 46 bytes and a letter for each
    with pytest.raises(DataError, match="has a directory of 94 bytes, but at most 93 are allowed"):
        archive.zip_names(path)
    monkeypatch.setattr(archive, "MAX_DIRECTORY", 94)
    assert archive.zip_names(path) == ("a", "b")


def test_a_small_archive_may_be_dense_and_a_large_one_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"a": bytes(1 << 20)}
    assert read(path, zipped(files)) == list(files.items())
    monkeypatch.setattr(archive, "RATIO_FROM", 1 << 19)
    assert "unpacks to more than 200 times its size, unlike any normal set of pictures" in refusal(
        path, zipped(files)
    )


def test_what_the_system_refuses_is_not_called_damage(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(archive.members(tmp_path / "none", lambda _: True))


def test_a_zip_with_two_files_of_one_name_is_refused(path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("set/a.npy", b"one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("set/a.npy", b"two")
        packed.writestr("set/b.npy", b"three")
    path.write_bytes(buffer.getvalue())
    for read in (lambda: archive.zip_names(path), lambda: list(archive.members(path, lambda _: True))):
        with pytest.raises(DataError, match=r"contains 2 files with the name 'set/a\.npy'\. Pack it again"):
            read()


def test_a_zip_whose_directory_renames_a_file_is_refused_even_if_it_is_not_opened(path: Path) -> None:
    content = zipped({"a.npy": b"one", "b.npy": b"two"})
    at = content.rindex(b"b.npy")
    path.write_bytes(content[:at] + b"c.npy" + content[at + 5 :])
    with pytest.raises(DataError, match=r"its directory lists 'c\.npy', but there is no file with that name"):
        archive.zip_names(path)


def test_a_zip_whose_directory_passes_over_a_file_is_refused(path: Path) -> None:
    content = bytearray(zipped({"a.npy": b"one", "b.npy": b"two"}))
    first = content.index(b"PK\x01\x02")
    content[first + 33] = 1  # the length of the first file's comment, 256 bytes more
    path.write_bytes(content)
    with pytest.raises(DataError, match="its directory lists 1 files, but 2 are declared"):
        archive.zip_names(path)
