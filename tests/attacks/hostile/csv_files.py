"""Hostile CSV files: endless lines, columns and numbers, and cells that a spreadsheet would run."""

from __future__ import annotations

from collections.abc import Callable

from hostile.file import holding

NAMES = b"label," + b",".join(b"p%d" % number for number in range(16)) + b"\n"
LINE = b",".join([b"1"] * 17) + b"\n"
_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "one endless line": (lambda: b"1" * 30_000_000, "the first line has more than 4,194,304 bytes"),
    "a billion columns": (lambda: b"," * 30_000_000, "the first line has more than"),
    "an endless second line": (
        lambda: NAMES + b"1," * 15_000_000,
        "a line of more than 4,194,304 bytes|columns?, but the first line has 17",
    ),
    "an endless number": (lambda: NAMES + b"9" * 3_000_000 + b"\n", "1 column, but the first line has 17"),
    "a number of a million digits": (
        lambda: NAMES + LINE.replace(b"1,", b"9" * 1_000_000 + b",", 1),
        "'9999",
    ),
    "an endless cell in quotes": (
        lambda: NAMES + b'"' + b"1,\n" * 100_000,
        "line 2: found 2 columns, but the first line has 17",
    ),
    "a formula": (lambda: NAMES + LINE.replace(b",1,", b",=cmd|'/c calc'!A0,", 1), "'=cmd"),
    "zero bytes": (lambda: NAMES + LINE.replace(b"1", b"\0"), r"'\\x00' is not"),
    "hexadecimal": (lambda: NAMES + LINE.replace(b",1,", b",0x10,", 1), "'0x10' is not"),
    "underscores": (lambda: NAMES + LINE.replace(b"1,", b"1e4_0,", 1), "'1e4_0' is not|the label is"),
    "a label as large as memory": (
        lambda: NAMES + LINE.replace(b"1,", b"9999999999,", 1),
        "the label is 9999999999",
    ),
    "a negative label": (lambda: NAMES + LINE.replace(b"1,", b"-2,", 1), "the label is -2"),
    "nothing but lines": (lambda: NAMES + b"\n" * 1_000_000 + LINE, "line 2: found 1 column"),
    "a zip under another name": (lambda: b"PK\x03\x04\0\0" + bytes(100), "is not in a format"),
}


FILES = [holding(name, "train.csv", *file) for name, file in _FILES.items()]
