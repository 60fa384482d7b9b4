"""Archives made to harm whoever opens them: each must come to one clear error, quickly, and write nothing."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.data import archive
from sightline.errors import DataError


def tar(*infos: tarfile.TarInfo, content: bytes = b"", form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as packed:
        for info in infos:
            packed.addfile(info, io.BytesIO(content) if info.size else None)
    return buffer.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def zipped(name: str, content: bytes = b"a", mode: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        packed.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def promising(size: int) -> bytes:
    """Return a tar whose only file promises more than there is."""
    return entry("a", size=size).tobuf() + bytes(512)


def encrypted() -> bytes:
    content = bytearray(zipped("a"))
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    return bytes(content)


def many_in_a_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for number in range(10_001):
            packed.writestr(str(number), b"")
    return buffer.getvalue()


BOMB = gzip.compress(bytes(100 << 20), 9)
ATTACKS: dict[str, Callable[[], bytes]] = {
    "tar ..": lambda: tar(entry("../evil")),
    "tar .. inside": lambda: tar(entry("a/../../evil")),
    "tar absolute": lambda: tar(entry("/etc/evil")),
    "tar backslashes": lambda: tar(entry("..\\evil")),
    "tar a drive": lambda: tar(entry("C:\\evil")),
    "tar symbolic link": lambda: tar(entry("a", tarfile.SYMTYPE, "/etc/passwd")),
    "tar hard link": lambda: tar(entry("a", tarfile.LNKTYPE, "/etc/passwd")),
    "tar character device": lambda: tar(entry("a", tarfile.CHRTYPE)),
    "tar block device": lambda: tar(entry("a", tarfile.BLKTYPE)),
    "tar FIFO": lambda: tar(entry("a", tarfile.FIFOTYPE)),
    "tar sparse": lambda: tar(entry("a", tarfile.GNUTYPE_SPARSE)),
    "tar long name": lambda: tar(entry("../" * 100 + "evil")),
    "tar pax name": lambda: tar(entry("../" * 100 + "ä"), form=tarfile.PAX_FORMAT),
    "tar of a terabyte": lambda: promising(1 << 40),
    "tar of a gigabyte": lambda: promising(1 << 30),
    "tar header of a gigabyte": lambda: entry("a", tarfile.XHDTYPE, size=1 << 30).tobuf() + bytes(512),
    "tar.gz header of a gigabyte": lambda: gzip.compress(
        entry("a", tarfile.GNUTYPE_LONGNAME, size=1 << 30).tobuf()
    ),
    "tar of many": lambda: tar(*(entry(str(number)) for number in range(10_001))),
    "tar of pax headers": lambda: entry("a", tarfile.XHDTYPE).tobuf() * 5000,
    "gzip bomb": lambda: gzip.compress(entry("a", size=100 << 20).tobuf()) + BOMB,
    "gzip bomb passed over": lambda: gzip.compress(entry("unwanted", size=100 << 20).tobuf()) + BOMB,
    "gzip of gzips": lambda: gzip.compress(entry("a", size=9).tobuf()) + gzip.compress(b"") * 20_000,
    "gzip cut off": lambda: gzip.compress(tar(entry("a", size=5000), content=bytes(range(250)) * 20))[:60],
    "gzip damaged": lambda: gzip.compress(tar(entry("a", size=5), content=b"abcde"))[:-8] + bytes(8),
    "nothing": lambda: b"",
    "neither": lambda: b"hello" * 1000,
    "zip ..": lambda: zipped("../evil"),
    "zip .. inside": lambda: zipped("a/../../evil"),
    "zip absolute": lambda: zipped("/etc/evil"),
    "zip backslashes": lambda: zipped("..\\evil"),
    "zip a drive": lambda: zipped("C:/evil"),
    "zip symbolic link": lambda: zipped("a", b"/etc/passwd", stat.S_IFLNK | 0o777),
    "zip FIFO": lambda: zipped("a", b"", stat.S_IFIFO),
    "zip device": lambda: zipped("a", b"", stat.S_IFCHR),
    "zip bomb": lambda: zipped("a", bytes(100 << 20)),
    "zip bomb that lies": lambda: zipped("a", bytes(100 << 20)).replace(
        struct.pack("<I", 100 << 20), struct.pack("<I", 1 << 20)
    ),
    "zip of many": many_in_a_zip,
    "zip with a password": encrypted,
    "zip cut off": lambda: zipped("a", bytes(5000))[:-10],
    "zip damaged": lambda: zipped("a", b"abcdefgh").replace(b"\x4b\x4c", b"\0\0"),
    "zip directory of gigabytes": lambda: b"PK\3\4" + zipped("a")[:-10] + struct.pack("<IIH", 1 << 31, 0, 0),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_archive_is_refused_in_a_sentence_and_writes_nothing(
    attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "archive"
    path.write_bytes(ATTACKS[attack]())
    if attack == "zip damaged":
        content = bytearray(path.read_bytes())
        content[32] ^= 255
        path.write_bytes(content)
    started = time.process_time()
    with pytest.raises(DataError) as caught:
        list(archive.members(path, lambda name: name == "a"))
    assert time.process_time() - started < 10  # a bomb would take far longer; machines differ
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            list(archive.members(path, lambda name: name == "a"))
        assert tracemalloc.get_traced_memory()[1] < 200_000_000
    finally:
        tracemalloc.stop()
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith(".")
    assert list(tmp_path.iterdir()) == [path]


def test_a_password_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(encrypted())
    with pytest.raises(DataError, match="is protected by a password, and Sightline has none"):
        list(archive.members(tmp_path / "a.zip", lambda _: True))
