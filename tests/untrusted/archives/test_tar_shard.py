"""A tar of any number of members: whatever its bytes are, small files come out, or one error."""

from __future__ import annotations

import gzip
import io
import tarfile

import numpy as np
import pytest

from picturewise.errors import DataError
from picturewise.untrusted.archives.tar_shard import Member, TarShard


def packed(members: list[tuple[str, bytes]], *, kind: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 2.5
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def read(content: bytes, most: int = 1000) -> list[Member]:
    return list(TarShard(io.BytesIO(content), "the tar", lambda name: 0 if name.endswith(".no") else most))


MEMBERS = [("a/1.png", b"1" * 600), ("b.no", b"x" * 3000), ("é" * 80 + ".png", b""), ("c.png", b"3")]


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_wanted_files_come_out_in_order(kind: int, zipped: bool) -> None:
    content = packed(MEMBERS, kind=kind)
    shard = TarShard(
        io.BytesIO(gzip.compress(content) if zipped else content),
        "t",
        lambda name: 0 if name.endswith(".no") else 1000,
    )
    assert [(one.name, one.content) for one in shard] == [pair for pair in MEMBERS if pair[0] != "b.no"]
    assert shard.ignored == 1


def test_a_member_that_is_too_large_is_skipped_with_its_size() -> None:
    assert read(packed(MEMBERS), most=500)[0] == Member("a/1.png", None, 600)


def test_any_damage_ends_in_one_error_or_is_not_noticed() -> None:
    whole, random = packed(MEMBERS * 3), np.random.default_rng(0)
    errors = list[str]()
    for _ in range(400):
        content = bytearray(whole)
        for place in random.integers(0, len(content), random.integers(1, 6)):
            content[place] = random.integers(256)
        damaged = bytes(content[: random.integers(1, len(content))] if random.random() < 0.3 else content)
        try:
            found = read(gzip.compress(damaged) if random.random() < 0.2 else damaged)
        except DataError as error:
            errors.append(str(error))
        else:
            assert len(found) <= 12
    assert len(errors) > 50
    assert {error[:8] for error in errors} == {"the tar "}


def test_damaged_gzip_is_an_error() -> None:
    whole = bytearray(gzip.compress(packed(MEMBERS)))
    whole[30:40] = b"\xff" * 10
    with pytest.raises(DataError, match=r"^the tar "):
        read(bytes(whole))


def test_a_size_beyond_the_file_takes_no_memory() -> None:
    content = bytearray(packed([("a.png", b"1")], kind=tarfile.GNU_FORMAT))
    content[124:136] = b"77777777777\0"  # 8 GB
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    with pytest.raises(DataError, match="truncated"):
        read(bytes(content), most=1 << 40)


def test_a_bomb_is_refused() -> None:
    content = packed([("a.no", bytes(200 << 20))])
    with pytest.raises(DataError, match="200 times its size"):
        read(gzip.compress(content, 9))
