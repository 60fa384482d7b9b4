from __future__ import annotations

import pytest

from picturewise.data.pictures.file_kinds import AVIF, EMPTY, HEIF, TIFF, kind_of


def boxes(major: bytes, *others: bytes) -> bytes:
    """Return the first box of a file that is built as MP4 is."""
    content = b"ftyp" + major + bytes(4) + b"".join(others)
    return (4 + len(content)).to_bytes(4, "big") + content + b"\0\0\0\x08meta"


@pytest.mark.parametrize(
    ("content", "words", "way_out"),
    [
        (b"hello, world\n", "text", ""),
        (b"%PDF-1.7 \x00", "a PDF", "export its pages as PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript file", "export it as PNG"),
        (bytes(128) + b"DICM", "a DICOM file", "export it as PNG"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture", "export it as PNG"),
        (b"\xff\x4f\xff\x51\0", "a JPEG 2000 picture", "export it as PNG"),
        (b"\xff\x0a\0", "a JPEG XL picture", "export it as PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing", "export it as PNG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg/>", "an SVG drawing", "export it as PNG"),
        (
            b"\n<!DOCTYPE html><title>404</title>",
            "a web page (HTML)",
            "download the picture itself",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:",
            "a Git LFS pointer, not the file itself",
            "get the file with: git lfs pull",
        ),
        (b"\x93NUMPY\1\0", "a NumPy array (.npy)", "save the arrays in one file with numpy.savez"),
        (b"PK\x03\x04", "a zip archive", "unpack it and pass the folder"),
        (b"RIFF\0\0\0\0AVI LIST", "a video", "extract its frames as pictures"),
        (boxes(b"isom", b"mp42"), "a video", "extract its frames as pictures"),
        (boxes(b"qt  "), "a video", "extract its frames as pictures"),
        (boxes(b"crx "), "a camera raw file", "export it as JPEG or PNG"),
        (b"II*\0\x10\0\0\0CR\x02\0", "a camera raw file", "export it as JPEG or PNG"),
        (bytes(600), "a file that contains only zero bytes", "copy or download it again"),
        (bytes(range(9)), "a file that starts with the bytes 00 01 02 03 04 05 06 07", ""),
    ],
)
def test_a_file_is_recognised_by_its_first_bytes(content: bytes, words: str, way_out: str) -> None:
    kind = kind_of(content)
    assert (kind.words, kind.way_out, kind.readable) == (words, way_out, False)


def test_an_empty_file_is_called_empty() -> None:
    assert kind_of(b"") is EMPTY
    assert (EMPTY.words, EMPTY.way_out) == ("an empty file", "copy or download it again")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n", "a PNG"),
        (b"\xff\xd8\xff", "a JPEG"),
        (b"GIF89a", "a GIF"),
        (b"RIFF\0\0\0\0WEBP", "a WebP"),
    ],
)
def test_pictures_that_are_read_are_checked_too(content: bytes, words: str) -> None:
    kind = kind_of(content)
    assert kind.words == words
    assert kind.readable


@pytest.mark.parametrize("content", [b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0"])
def test_every_form_of_tiff_is_one(content: bytes) -> None:
    assert kind_of(content) is TIFF


def test_heif_and_avif_are_distinguished_by_their_brands() -> None:
    assert kind_of(boxes(b"heic", b"mif1", b"heic")) is HEIF
    assert kind_of(boxes(b"mif1", b"mif1", b"heic")) is HEIF
    assert kind_of(boxes(b"mif1")) is HEIF
    assert kind_of(boxes(b"avif", b"avif", b"mif1")) is AVIF
    assert kind_of(boxes(b"mif1", b"avif", b"miaf")) is AVIF
    assert kind_of(boxes(b"avis", b"msf1")) is AVIF
