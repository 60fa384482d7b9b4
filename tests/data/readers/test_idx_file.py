from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from picturewise.data.readers.idx_file import IdxHeader, read_header, read_labels, read_pictures, sniff
from picturewise.errors import DataError
from picturewise.untrusted.archives import gzip_stream

# Two pictures, 2 high and 3 wide, as the format's description has them: all numbers written out.
PICTURES = bytes.fromhex("00000803 00000002 00000002 00000003 000102030405 fafbfcfdfeff")
COLOURED = bytes.fromhex("00000804 00000001 00000001 00000002 00000003 ff0000 00ff00")
LABELS = bytes.fromhex("00000801 00000003 07 00 fe")


def stored(folder: Path, content: bytes, *, zipped: bool = False) -> Path:
    path = folder / "file"
    path.write_bytes(gzip.compress(content) if zipped else content)
    return path


@pytest.mark.parametrize("zipped", [False, True])
def test_pictures_come_back_as_written(tmp_path: Path, zipped: bool) -> None:
    images = read_pictures(stored(tmp_path, PICTURES, zipped=zipped))
    assert images.dtype == np.uint8
    assert images.shape == (2, 2, 3, 1)
    assert images[0, :, :, 0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert images[1, :, :, 0].tolist() == [[250, 251, 252], [253, 254, 255]]


@pytest.mark.parametrize("zipped", [False, True])
def test_four_dimensions_are_pictures_with_channels(tmp_path: Path, zipped: bool) -> None:
    images = read_pictures(stored(tmp_path, COLOURED, zipped=zipped))
    assert images.tolist() == [[[[255, 0, 0], [0, 255, 0]]]]


@pytest.mark.parametrize("zipped", [False, True])
def test_pictures_go_into_the_array_that_is_given(tmp_path: Path, zipped: bool) -> None:
    given = []

    def allocate(count: int, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
        given.append(np.zeros((count, *size, channels), np.uint8))
        return given[0]

    images = read_pictures(stored(tmp_path, PICTURES, zipped=zipped), allocate)
    assert images is given[0]
    assert images.any()


@pytest.mark.parametrize("zipped", [False, True])
def test_labels_come_back_as_written(tmp_path: Path, zipped: bool) -> None:
    labels = read_labels(stored(tmp_path, LABELS, zipped=zipped)).numbers
    assert labels.dtype == np.int64
    assert labels.tolist() == [7, 0, 254]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("00000901 00000002 05 7f", [5, 127]),
        ("00000b01 00000002 0005 0102", [5, 258]),
        ("00000c01 00000002 00000005 00000102", [5, 258]),
    ],
)
def test_labels_can_have_any_whole_type_the_largest_byte_first(
    tmp_path: Path, content: str, expected: list[int]
) -> None:
    assert read_labels(stored(tmp_path, bytes.fromhex(content))).numbers.tolist() == expected


@pytest.mark.parametrize(
    "content", ["00000901 00000001 fe", "00000c01 00000001 7fffffff", "00000b01 00000001 2710"]
)
def test_labels_that_are_not_class_numbers_are_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match=r"label 0 .* Expected an integer in 0\.\.9999"):
        read_labels(stored(tmp_path, bytes.fromhex(content)))


@pytest.mark.parametrize("content", ["00000d01 00000001 3f800000", "00000802 00000001 00000001 01"])
def test_numbers_of_another_form_are_not_labels(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match=r"instead of labels .integers in one dimension"):
        read_labels(stored(tmp_path, bytes.fromhex(content)))


def test_the_header_says_type_and_shape(tmp_path: Path) -> None:
    assert read_header(stored(tmp_path, PICTURES)) == IdxHeader(8, (2, 2, 3))
    assert sniff(stored(tmp_path, PICTURES, zipped=True)) == IdxHeader(8, (2, 2, 3))


def test_what_is_not_an_idx_file_has_no_header(tmp_path: Path) -> None:
    assert sniff(stored(tmp_path, b"hello")) is None
    assert sniff(tmp_path / "gone") is None
    assert sniff(tmp_path) is None


def test_a_truncated_idx_file_names_the_bytes_found_and_promised(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"file is truncated: found 11 bytes .* declares 12 .*2x2x3"):
        read_pictures(stored(tmp_path, PICTURES[:-1]))


def test_a_truncated_file_that_was_zipped_whole_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"file is truncated: found 11 bytes .* declares 12"):
        read_pictures(stored(tmp_path, PICTURES[:-1], zipped=True))


@pytest.mark.parametrize("zipped", [False, True])
def test_bytes_to_spare_are_an_error(tmp_path: Path, zipped: bool) -> None:
    with pytest.raises(DataError, match=r"has extra bytes: found (at least )?4 .* declares 3"):
        read_labels(stored(tmp_path, LABELS + b"\0", zipped=zipped))


def test_a_truncated_gzip_file_is_an_error(tmp_path: Path) -> None:
    path = stored(tmp_path, PICTURES, zipped=True)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="is a truncated gzip file"):
        read_pictures(path)


def test_a_flipped_bit_in_a_gzip_file_is_found_by_its_checksum(tmp_path: Path) -> None:
    path = stored(tmp_path, PICTURES, zipped=True)
    content = bytearray(path.read_bytes())
    content[-8] ^= 1  # the stored checksum
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged gzip file .*incorrect data check"):
        read_pictures(path)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is empty. Download it again"):
        read_pictures(stored(tmp_path, b""))


def test_a_file_that_ends_within_its_header_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is truncated within its header"):
        read_pictures(stored(tmp_path, PICTURES[:10]))


def test_a_wrong_magic_number_is_shown(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not an IDX file: it starts with the bytes 89 50 4e 47"):
        read_pictures(stored(tmp_path, b"\x89PNG\r\n"))


def test_labels_under_the_name_of_pictures_are_found_out(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"file contains one-dimensional values .* instead of pictures.* right file name"
    ):
        read_pictures(stored(tmp_path, LABELS))


def test_pictures_under_the_name_of_labels_are_found_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"file contains pictures .* instead of labels.* right file name"):
        read_labels(stored(tmp_path, PICTURES))


def test_no_pictures_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not contain any pictures"):
        read_pictures(stored(tmp_path, bytes.fromhex("00000803 00000000 00000002 00000003")))


def test_missing_labels_are_not_an_error_here(tmp_path: Path) -> None:
    assert read_labels(stored(tmp_path, bytes.fromhex("00000801 00000000"))).numbers.tolist() == []


@pytest.mark.parametrize("shape", ["00000001 00000000 00000003", "00000001 00001001 00000001"])
def test_a_side_out_of_bounds_is_an_error(tmp_path: Path, shape: str) -> None:
    with pytest.raises(DataError, match=r"the height and width must be in 1\.\.4096"):
        read_pictures(stored(tmp_path, bytes.fromhex("00000803") + bytes.fromhex(shape)))


def test_two_channels_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 or 3 channels"):
        read_pictures(stored(tmp_path, bytes.fromhex("00000804 00000001 00000001 00000001 00000002 0000")))


def test_a_folder_and_a_pipe_are_not_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(DataError, match="is not a regular file"):
            read_header(path)


def test_a_plain_file_may_be_larger_than_a_gzipped_one_may_unpack_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gzip_stream, "MAX_UNPACKED", 20)
    assert len(read_pictures(stored(tmp_path, PICTURES))) == 2
    with pytest.raises(DataError, match="more than the allowed 20 bytes"):
        read_pictures(stored(tmp_path, PICTURES, zipped=True))
