from __future__ import annotations

import io
import tarfile

import pytest

from picturewise.errors import DataError
from picturewise.untrusted.archives.gzip_stream import UnpackedStream
from picturewise.untrusted.archives.tar_headers import MAX_EXTRA, TarEntry, entries, is_header


def header(
    name: str = "a", kind: bytes = tarfile.REGTYPE, size: int = 0, form: int = tarfile.GNU_FORMAT
) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(form)


def extra(kind: bytes, content: bytes) -> bytes:
    return header(kind=kind, size=len(content)) + content + bytes(-len(content) % 512)


def pax(*records: tuple[str, str]) -> bytes:
    content = b""
    for key, value in records:
        rest = f" {key}={value}\n".encode()
        length = len(rest) + 2 if len(rest) < 98 else len(rest) + 3
        content += str(length).encode() + rest
    return extra(tarfile.XHDTYPE, content)


def found(content: bytes, *, end: bytes = bytes(1024)) -> list[TarEntry]:
    return list(entries(UnpackedStream(io.BytesIO(content + end), "x"), "x"))


def refusal(content: bytes, *, end: bytes = bytes(1024)) -> str:
    with pytest.raises(DataError) as caught:
        found(content, end=end)
    return str(caught.value)


def summed(block: bytearray) -> bytes:
    """Return a header with the checksum that it needs."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def test_golden_bytes_of_a_header_are_read() -> None:
    # POSIX.1-1988: name, mode, owner, group, size, time, checksum, kind, …, "ustar", …, the folders before the name.
    block = bytearray(512)
    block[0:5], block[124:136], block[156:157] = b"a.bin", b"00000000012\0", b"0"
    block[257:263], block[345:350] = b"ustar\0", b"set/b"
    assert found(summed(block), end=b"0123456789" + bytes(1526)) == [TarEntry("set/b/a.bin", 10, "file")]


KINDS = {"file": b"0\0", "folder": b"5", "other": b"123467SDV"}


@pytest.mark.parametrize(
    ("code", "kind"), [(bytes([code]), kind) for kind, codes in KINDS.items() for code in codes]
)
def test_the_kind_of_an_entry_is_returned(code: bytes, kind: str) -> None:
    block = bytearray(header())
    block[156:157] = code
    assert [entry.kind for entry in found(summed(block))] == [kind]


def test_an_old_folder_has_a_slash_behind_its_name() -> None:
    block = bytearray(header("set/"))
    block[156:157] = b"\0"
    assert found(summed(block)) == [TarEntry("set", 0, "folder")]


def test_a_folder_has_no_content_whatever_it_says() -> None:
    assert found(header("set", tarfile.DIRTYPE, 5000) + header("b")) == [
        TarEntry("set", 0, "folder"),
        TarEntry("b", 0, "file"),
    ]


def test_a_long_name_of_gnu_tar_is_that_of_the_next_entry_alone() -> None:
    long = "x" * 300
    content = extra(tarfile.GNUTYPE_LONGLINK, b"link\0") + extra(
        tarfile.GNUTYPE_LONGNAME, long.encode() + b"\0"
    )
    assert [entry.name for entry in found(content + header("a") + header("b"))] == [long, "b"]


def test_an_extended_header_tells_name_and_size_of_the_next_entry_alone() -> None:
    content = pax(("path", "ä" * 60), ("comment", "a=b\nc"), ("size", "512")) + header("a") + bytes(512)
    assert found(content + header("b")) == [TarEntry("ä" * 60, 512, "file"), TarEntry("b", 0, "file")]


def test_a_size_in_binary_is_read() -> None:
    stream = UnpackedStream(io.BytesIO(header(size=10 << 30)), "x")
    assert next(entries(stream, "x")).size == 10 << 30


def test_a_name_that_is_not_utf_8_comes_out_as_python_names_files() -> None:
    block = bytearray(header("a"))
    block[0:2] = b"\xff\xfe"
    assert [entry.name for entry in found(summed(block))] == ["\udcff\udcfe"]


def test_what_is_left_of_a_content_is_passed_over() -> None:
    stream = UnpackedStream(
        io.BytesIO(header("a", size=700) + b"x" * 700 + bytes(324) + header("b") + bytes(1024)), "x"
    )
    names = []
    for entry in entries(stream, "x"):
        names.append(entry.name)
        stream.read(min(entry.size, 100))
    assert names == ["a", "b"]


def test_behind_the_end_mark_nothing_is_looked_at() -> None:
    assert found(header("a"), end=bytes(512) + b"anything") == [TarEntry("a", 0, "file")]


@pytest.mark.parametrize("place", range(0, 512, 7))
def test_a_bit_that_changed_is_noticed(place: int) -> None:
    block = bytearray(header("a"))
    block[place] ^= 1
    assert not is_header(bytes(block))
    assert refusal(bytes(block)).startswith(
        "x is a truncated or damaged tar archive: the checksum of a header is wrong"
    )


def test_zeros_and_too_few_bytes_are_not_a_header() -> None:
    assert is_header(header())
    assert not is_header(bytes(512))
    assert not is_header(header()[:511])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: header() + header()[:100], "it ends before its end marker"),
        (header, "it ends before its end marker"),
        (lambda: header(size=700) + b"x" * 600, "it ends before its end marker"),
        (lambda: extra(tarfile.XHDTYPE, b"11 a=1234\n")[:519], "it ends inside a header"),
        (lambda: extra(tarfile.XHDTYPE, b"nonsense"), "an extended header is not a valid list of records"),
        (lambda: extra(tarfile.XHDTYPE, b"0 a=1\n"), "an extended header is not a valid list of records"),
        (lambda: extra(tarfile.XHDTYPE, b"2 a=1\n"), "an extended header is not a valid list of records"),
        (lambda: extra(tarfile.XHDTYPE, b"7 a=1\n"), "an extended header is not a valid list of records"),
        (lambda: extra(tarfile.XHDTYPE, b"-6 a=1\n"), "an extended header is not a valid list of records"),
        (lambda: extra(tarfile.XHDTYPE, b"6 abc\n"), "an extended header is not a valid list of records"),
        (lambda: extra(tarfile.XHDTYPE, b"6 a=12"), "an extended header is not a valid list of records"),
        (lambda: pax(("size", "-512")) + header(), "a size is not a number"),
        (lambda: pax(("size", "1e3")) + header(), "a size is not a number"),
        (lambda: pax() * 5 + header(), "one file has more than 4 extra headers"),
    ],
)
def test_damage_is_reported(content: object, said: str) -> None:
    told = refusal(content(), end=b"")  # type: ignore[operator]
    assert told == f"x is a truncated or damaged tar archive: {said}. Download it again."


def test_a_size_that_is_not_a_number_is_reported() -> None:
    for field in (b"99999999999\0", b"\xff" * 12, b"-0000000001\0"):
        block = bytearray(header())
        block[124:136] = field
        assert "a size is not a number" in refusal(summed(block))


def test_sparse_files_are_not_plain_files() -> None:
    assert [entry.kind for entry in found(pax(("GNU.sparse.major", "1")) + header())] == ["other"]


def test_headers_have_limits() -> None:
    assert found(extra(tarfile.GNUTYPE_LONGNAME, b"x" * MAX_EXTRA) + header())[0].name == "x" * MAX_EXTRA
    one_more = extra(tarfile.GNUTYPE_LONGNAME, b"x" * (MAX_EXTRA + 1)) + header()
    assert "has a header of 65,537 bytes, but at most 65,536 are allowed" in refusal(one_more)
    long = extra(tarfile.GNUTYPE_LONGNAME, b"x" * 60_000) + header()
    assert len(found(long * 17)) == 17
    assert "has more than 1,048,576 bytes of long names and other headers" in refusal(long * 18)


def test_an_extended_header_without_a_length_does_not_go_on_for_ever() -> None:
    with pytest.raises(DataError, match="not a valid list of records"):
        list(entries(UnpackedStream(io.BytesIO(extra(b"x", b"path=somewhere\n") + header()), "x"), "x"))
