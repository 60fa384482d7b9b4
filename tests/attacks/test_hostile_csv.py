"""CSV files made to harm whoever opens them: each must come to one clear error, quickly and in little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from sightline.data.options import DataOptions
from sightline.data.source import read
from sightline.errors import DataError

NAMES = b"label," + b",".join(b"p%d" % number for number in range(16)) + b"\n"
LINE = b",".join([b"1"] * 17) + b"\n"
HOSTILE = {
    "one endless line": (b"1" * 30_000_000, "the first line has more than 4,194,304 bytes"),
    "a billion columns": (b"," * 30_000_000, "the first line has more than"),
    "an endless second line": (
        NAMES + b"1," * 15_000_000,
        "a line of more than 4,194,304 bytes|columns, expected 17",
    ),
    "an endless number": (NAMES + b"9" * 3_000_000 + b"\n", "1 columns, expected 17"),
    "a number of a million digits": (NAMES + LINE.replace(b"1,", b"9" * 1_000_000 + b",", 1), "found '9999"),
    "an endless cell in quotes": (NAMES + b'"' + b"1,\n" * 100_000, "line 2: 2 columns, expected 17"),
    "a formula": (NAMES + LINE.replace(b"1,", b"=cmd|'/c calc'!A0,", 1), "found '=cmd"),
    "zero bytes": (NAMES + LINE.replace(b"1", b"\0"), r"found '\\x00'"),
    "hexadecimal": (NAMES + LINE.replace(b"1,", b"0x10,", 1), "found '0x10'"),
    "underscores": (NAMES + LINE.replace(b"1,", b"1e4_0,", 1), "found '1e4_0'|the label is"),
    "a label as large as memory": (NAMES + LINE.replace(b"1,", b"9999999999,", 1), "the label is 9999999999"),
    "a negative label": (NAMES + LINE.replace(b"1,", b"-1,", 1), "the label is -1"),
    "nothing but lines": (NAMES + b"\n" * 1_000_000 + LINE, "line 2: 1 columns"),
    "a zip under another name": (b"PK\x03\x04\0\0" + bytes(100), "is of no form"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_comes_to_a_sentence_in_little_memory(kind: str, tmp_path: Path) -> None:
    content, sentence = HOSTILE[kind]
    path = tmp_path / "train.csv"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=sentence) as caught:
            read(DataOptions(source=str(path)))
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_a_name_on_a_device_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "train.csv").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="is of no form"):
        read(DataOptions(source=str(tmp_path / "train.csv")))
