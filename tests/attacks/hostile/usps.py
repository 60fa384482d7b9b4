"""Hostile USPS files: a bzip2 bomb, and lines without end."""

from __future__ import annotations

import bz2

from hostile.file import holding

FILES = [
    holding(
        "bzip2 bomb", "usps.bz2", lambda: bz2.compress(bytes(100 << 20)), "At most 67,108,864 unpacked bytes"
    ),
    holding(
        "bzip2 bomb of lines",
        "usps.bz2",
        lambda: bz2.compress(b"\n" * (60 << 20)),
        "At most 10,000 are allowed",
    ),
    holding("one endless line", "usps", lambda: b"1 " + b"1:0.5 " * 5_000_000, "at most 16,384 are allowed"),
    holding(
        "places out of range", "usps", lambda: b"1 99999999999:1\n", "with positions increasing from 1 to 256"
    ),
    holding("numbers that are none", "usps", lambda: b"1 1:nan\n", "contains something other than numbers"),
    holding("infinity", "usps", lambda: b"1 1:1e999\n", "has values outside -1..1"),
    holding(
        "a million places",
        "usps",
        lambda: b"1 " + b" ".join(b"%d:0" % place for place in range(1, 1_000_000)),
        "at most 16,384 are allowed",
    ),
    holding(
        "pairs without values",
        "usps",
        lambda: b"1 " + b"1: " * 5_000 + b"\n",
        "a line that is not a label followed by pairs",
    ),
    holding("a comment", "usps", lambda: b"1 1:0\n# 2 1:0\n", "line 2 is empty or contains something"),
    holding(
        "bzip2 cut off", "usps.bz2", lambda: bz2.compress(b"1 1:0.5\n" * 100)[:-10], "is truncated or damaged"
    ),
]
