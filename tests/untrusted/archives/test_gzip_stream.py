from __future__ import annotations

import gzip
import io
import random
import zlib

import pytest

from picturewise.errors import DataError
from picturewise.untrusted.archives import gzip_stream
from picturewise.untrusted.archives.gzip_stream import UnpackedStream

NOISE = random.Random(0).randbytes(700_000)


@pytest.mark.parametrize(
    "content",
    [NOISE, gzip.compress(NOISE), gzip.compress(NOISE[:9]) + gzip.compress(NOISE[9:])],
    ids=range(3),
)
def test_bytes_come_out_in_order_and_are_counted(content: bytes) -> None:
    stream = UnpackedStream(io.BytesIO(content), "x")
    assert stream.read(5) == NOISE[:5]
    assert stream.read(0) == b""
    stream.skip_to(600_000)
    assert stream.at == 600_000
    stream.skip_to(3)  # it cannot go back
    assert stream.read(1_000_000) == NOISE[600_000:]
    assert stream.take(1) == b""
    assert stream.at == len(NOISE)


def test_padding_behind_gzip_is_passed_over() -> None:
    stream = UnpackedStream(io.BytesIO(gzip.compress(b"abc") + bytes(2_000_000)), "x")
    assert stream.read(10) == b"abc"


def test_other_bytes_after_a_gzip_file_are_damage() -> None:
    stream = UnpackedStream(io.BytesIO(gzip.compress(b"abc") + b"more"), "x")
    with pytest.raises(zlib.error):
        stream.read(10)


def test_a_truncated_gzip_file_is_reported() -> None:
    packed = gzip.compress(NOISE)
    for end in (3, 100, len(packed) // 2, len(packed) - 1):
        with pytest.raises(DataError, match=r"x is a truncated gzip file\. Download it again"):
            UnpackedStream(io.BytesIO(packed[:end]), "x").skip_to_end()


def test_a_wrong_checksum_is_damage() -> None:
    packed = bytearray(gzip.compress(NOISE))
    packed[-8] ^= 1
    with pytest.raises(zlib.error, match="incorrect data check"):
        UnpackedStream(io.BytesIO(packed), "x").skip_to_end()


def test_gzip_files_behind_one_another_have_a_limit() -> None:
    most = gzip_stream.MAX_GZIP_FILES
    assert UnpackedStream(io.BytesIO(gzip.compress(b"a") * most), "x").read(most + 1) == b"a" * most
    with pytest.raises(DataError, match=r"consists of more than 2,000 gzip files\. Pack it again as one"):
        UnpackedStream(io.BytesIO(gzip.compress(b"a") * (most + 1)), "x").skip_to_end()


def test_a_bomb_is_stopped_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzip_stream, "RATIO_FROM", 1 << 19)
    stream = UnpackedStream(io.BytesIO(gzip.compress(bytes(50 << 20))), "x")
    with pytest.raises(DataError, match="x unpacks to more than 200 times its size"):
        stream.skip_to_end()
    assert stream.at < 14 << 20  # 200 times what was read of it, 64 KB


def test_there_is_a_limit_on_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzip_stream, "MAX_UNPACKED", len(NOISE) - 1)
    with pytest.raises(DataError, match=r"unpacks to more than the allowed 699,999 bytes\. Unpack it"):
        UnpackedStream(io.BytesIO(gzip.compress(NOISE)), "x").skip_to_end()
