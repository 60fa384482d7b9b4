"""IDX files made to do harm: each must give one clear error, quickly and with little memory."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import idx
from hostile.cases import cases
from hostile.file import Hostile
from hostile.idx import header
from read_place import read_place

from picturewise.data.options import DataOptions
from picturewise.data.readers.idx_file import read_labels, read_pictures
from picturewise.errors import DataError


@pytest.mark.parametrize("file", cases(idx.FILES, "gzip bomb", "gzip bomb of labels"))
def test_a_hostile_file_comes_to_a_sentence_in_little_memory(
    file: Hostile, refusal: Callable[..., str]
) -> None:
    refusal(file, memory=10_000_000)


def test_a_gzip_bomb_is_unpacked_no_further_than_its_header_promises(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(header(2, 4, 4))
        for _ in range(200):
            file.write(bytes(1 << 20))
    assert path.stat().st_size < 300_000
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"extra bytes: found at least 33 bytes .* declares 32"):
            read_pictures(path)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_small_gzip_file_that_promises_gigabytes_gets_no_memory_for_them(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(header(1_000_000, 50, 50)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"is truncated: found at most .* declares 2,500,000,000"):
            read_pictures(path)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("zipped", [False, True])
def test_sizes_whose_product_overflows_are_refused(tmp_path: Path, zipped: bool) -> None:
    most = 2**32 - 1
    content = header(most, 4096, 4096, 3) + bytes(100)
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(DataError, match=f"declares {most * 4096 * 4096 * 3:,}"):
        read_pictures(path)


def test_a_label_of_two_thousand_million_does_not_make_as_many_classes(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(header(1, kind=0x0C) + struct.pack(">i", 2_000_000_000))
    with pytest.raises(DataError, match=r"label 0 .* is 2000000000. Expected an integer in 0\.\.9999"):
        read_labels(path)


def test_a_file_of_nothing_but_gzip_members_ends(tmp_path: Path) -> None:
    path = tmp_path / "images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(b"") * 2000)
    with pytest.raises(DataError, match=r"is empty. Download it again"):
        read_pictures(path)


def test_an_idx_name_on_a_device_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").symlink_to("/dev/zero")
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(header(1) + b"\0")
    with pytest.raises(DataError, match=r"The pictures for .*train-labels-idx1-ubyte were not found"):
        read_place(DataOptions(source=str(tmp_path)))
