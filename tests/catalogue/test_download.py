from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from picturewise.catalogue.download import MOST_BYTES, Patience, download
from picturewise.catalogue.entries import PublishedFile
from picturewise.errors import DownloadError, SaveError

CONTENT = bytes(range(256)) * 400
HURRY = Patience(connect=1, silence=0.5, window=0.5, slowest=1000)


@pytest.fixture
def published(server) -> PublishedFile:
    server.files["a/file.bin"] = server.files["b/file.bin"] = CONTENT
    digest = hashlib.sha256(CONTENT).hexdigest()
    return PublishedFile(name="file.bin", bytes=len(CONTENT), checksum=f"sha256:{digest}")


def fetched(server, published: PublishedFile, folder: Path, *mirrors: str) -> tuple[Path, str]:
    addresses = [server.url(f"{mirror}/file.bin") for mirror in mirrors or ("a",)]
    return download(published, addresses, folder, patience=HURRY)


def test_a_file_is_fetched_whole_and_its_progress_is_reported(
    server, published: PublishedFile, tmp_path: Path
) -> None:
    told: list[tuple[int, int | None]] = []
    path, address = download(
        published, [server.url("a/file.bin")], tmp_path, advance=lambda *now: told.append(now)
    )
    assert path.read_bytes() == CONTENT
    assert address == server.url("a/file.bin")
    assert told == sorted(told)
    assert told[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize("manner", ["chunked", "/b/file.bin"])
def test_without_a_length_and_through_a_redirect_too(
    server, published: PublishedFile, tmp_path: Path, manner: str
) -> None:
    server.manners["a/file.bin"] = manner
    assert fetched(server, published, tmp_path)[0].read_bytes() == CONTENT


def test_a_gzip_file_is_not_unpacked_on_the_way(server, tmp_path: Path) -> None:
    import gzip

    server.files["a/file.bin"] = packed = gzip.compress(CONTENT)
    server.manners["a/file.bin"] = "encoded"
    md5 = hashlib.md5(packed).hexdigest()
    file = PublishedFile(name="file.bin", checksum=f"md5:{md5}")
    assert fetched(server, file, tmp_path)[0].read_bytes() == packed


@pytest.mark.parametrize(
    ("manner", "sentence"),
    [
        ("404", "responded with 404 Not Found"),
        ("503", "responded with 503"),
        ("cut", "closed the connection"),
        ("stall", "did not respond"),
        ("drip", "the download was stopped"),
        ("flip", "does not match the published checksum"),
        ("more", "reports a file size of 1,000,000 bytes, but the published file has 102,400"),
        ("more-chunked", "more than the allowed 102,400 bytes"),
        ("/a/file.bin", "endlessly"),
    ],
)
def test_a_server_that_misbehaves_is_given_up_and_the_next_one_asked(
    server, published: PublishedFile, tmp_path: Path, manner: str, sentence: str
) -> None:
    server.manners["a/file.bin"] = manner
    start = time.monotonic()
    with pytest.raises(DownloadError, match=sentence) as caught:
        fetched(server, published, tmp_path)
    assert server.url("a/file.bin") in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    path, address = fetched(server, published, tmp_path, "a", "b")
    assert time.monotonic() - start < 10  # far from the 20 seconds that a silent server would take
    assert address == server.url("b/file.bin")
    assert path.read_bytes() == CONTENT


def test_a_shorter_file_than_published_is_refused_though_its_server_is_content(
    server, published: PublishedFile, tmp_path: Path
) -> None:
    server.files["a/file.bin"] = CONTENT[:-1]
    with pytest.raises(DownloadError, match="reports a file size of 102,399 bytes"):
        fetched(server, published, tmp_path)
    server.manners["a/file.bin"] = "chunked"
    with pytest.raises(DownloadError, match="closed the connection after 102,399 of 102,400 bytes"):
        fetched(server, published, tmp_path)


def test_a_file_of_unknown_size_may_not_be_endless(
    server, published: PublishedFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_BYTES < 1 << 30
    monkeypatch.setattr("picturewise.catalogue.download.MOST_BYTES", 100_000)
    unknown = published.model_copy(update={"bytes": None})
    for manner in ("", "more-chunked"):
        server.manners["a/file.bin"] = manner
        with pytest.raises(DownloadError, match="more than the allowed 100,000 bytes"):
            fetched(server, unknown, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_address_that_failed_is_named_with_its_reason(
    server, published: PublishedFile, tmp_path: Path
) -> None:
    server.manners.update({"a/file.bin": "404", "b/file.bin": "flip"})
    with pytest.raises(DownloadError) as caught:
        fetched(server, published, tmp_path, "a", "b")
    assert str(caught.value) == (
        f"{server.url('a/file.bin')} responded with 404 Not Found; {server.url('b/file.bin')} sent a file that does "
        f"not match the published checksum {published.checksum}"
    )


def test_a_server_that_does_not_exist(published: PublishedFile, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"http://127\.0\.0\.1:9/file\.bin cannot be reached"):
        download(published, ["http://127.0.0.1:9/file.bin"], tmp_path, patience=HURRY)


def test_a_folder_that_cannot_be_written_is_not_a_fault_of_the_server(
    server, published: PublishedFile, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(SaveError, match="cannot be written"):
        fetched(server, published, tmp_path / "taken")


def test_of_a_checksum_whose_beginning_alone_is_published_that_is_compared(server, tmp_path: Path) -> None:
    server.files["a/file.bin"] = CONTENT
    digits = hashlib.sha256(CONTENT).hexdigest()[:8]
    file = PublishedFile(name="file.bin", mebibytes=0.098, checksum=f"sha256-prefix:{digits}")
    path, _ = fetched(server, file, tmp_path)
    assert path.read_bytes() == CONTENT
    path.unlink()
    server.manners["a/file.bin"] = "flip"
    with pytest.raises(DownloadError, match=f"does not match the published checksum sha256-prefix:{digits}"):
        fetched(server, file, tmp_path)
    server.files["b/file.bin"] = CONTENT
    assert fetched(server, file, tmp_path, "a", "b")[1] == server.url("b/file.bin")


@pytest.mark.parametrize("manner", ["more", "more-chunked", "cut"])
def test_of_a_size_in_mebibytes_no_more_is_taken(server, tmp_path: Path, manner: str) -> None:
    server.files["a/file.bin"] = CONTENT
    server.manners["a/file.bin"] = manner
    checksum = f"sha256-prefix:{hashlib.sha256(CONTENT).hexdigest()[:8]}"
    file = PublishedFile(name="file.bin", mebibytes=0.098, checksum=checksum)
    with pytest.raises(DownloadError, match=r"more than the allowed 103,809 bytes|closed the connection"):
        fetched(server, file, tmp_path)
    assert list(tmp_path.iterdir()) == []
