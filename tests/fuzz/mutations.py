"""Changes to a file's bytes that know a little about formats; everything is drawn from the given generator.

Files of numbers, texts and counts break where a length, a type or an end is not what it was: so half of the changes
fall near the first or the last bytes, and what is written there is often a number that programs stumble over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

MOST = 4 << 20  # bytes of a changed file
_EDGE = 96  # bytes at either end, where headers and directories are
_INTEGERS = tuple(
    sorted(
        {value for bits in (7, 8, 15, 16, 31, 32, 63, 64) for value in (2**bits - 1, 2**bits, 2**bits + 1)}
        | {0, 1, 2, 3, 10, 100, 1000, 10_000, 100_000, 10**6, 10**7, 10**8, 10**9, 0xFFFFFFF0}
    )
)
_WORDS = (
    *(
        "0",
        "-0",
        "1",
        "-1",
        "255",
        "256",
        "32767",
        "65536",
        "2147483647",
        "4294967296",
        "9223372036854775808",
    ),
    *(
        "9" * 26,
        "1e9",
        "1e309",
        "-1e999",
        "0.5",
        ".5",
        "1.",
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "0x10",
        "1_0",
        "+1",
    ),
    *(
        "true",
        "null",
        "[]",
        "{}",
        '""',
        "''",
        "\u0663",
        "\u00b2",
        "\u00e4",
        "\ufeff",
        "\u2028",
        "\x00",
        "\x1b[31m",
    ),
    *("../x", "/etc/passwd", "C:\\x", ",", ";", "\t", '"', "'", "\\", "#", "=", "[", "{", "(", "\r", "\n"),
)
_TOKEN = re.compile(rb"[0-9]+(?:\.[0-9]+)?|[A-Za-z_]+|[^A-Za-z0-9_]")

Change = Callable[[bytearray, Random, Sequence[bytes]], None]


def damaged(content: bytes, random: Random) -> bytes:
    """Return the content with one to eight changes, none of which puts another whole file in its place."""
    return _changed(content, random, (), DAMAGE, DAMAGE)


def mutated(content: bytes, random: Random, others: Sequence[bytes] = (), *, text: bool = False) -> bytes:
    """Return the content with one to eight changes.

    Args:
        content: of a file, or of a part of one.
        random: decides on everything.
        others: pieces to put in here and there: other files to splice with, words of the format.
        text: whether most changes are to be those of words and lines.
    """
    return _changed(content, random, others, BINARY_CHANGES, TEXT_CHANGES if text else BINARY_CHANGES)


def _changed(
    content: bytes, random: Random, others: Sequence[bytes], few: Sequence[Change], most: Sequence[Change]
) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 1, 2, 2, 3, 4, 8))):
        changes = most if most is not few and random.random() < 0.7 else few
        random.choice(changes)(changed, random, others)
    return bytes(changed[:MOST])


def _place(content: bytearray, random: Random) -> int:
    """Return where to change something: near the front, near the end, or anywhere."""
    size = len(content)
    drawn = random.random()
    if drawn < 0.4:
        return random.randrange(min(size, _EDGE) + 1)
    if drawn < 0.55:
        return size - random.randrange(min(size, _EDGE) + 1)
    return random.randrange(size + 1)


def _stretch(content: bytearray, random: Random) -> tuple[int, int]:
    start = _place(content, random)
    return start, min(len(content), start + random.choice((1, 2, 4, 8, 16, 64, 256, 1024)))


def flip_bits(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    for _ in range(random.choice((1, 1, 2, 8))):
        if (at := _place(content, random)) < len(content):
            content[at] ^= 1 << random.randrange(8)


def write_byte(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    if (at := _place(content, random)) < len(content):
        content[at] = random.choice((0, 1, 2, 127, 128, 254, 255, random.randrange(256)))


def write_run(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    start, end = _stretch(content, random)
    drawn = random.random()
    if drawn < 0.6:
        content[start:end] = (b"\0" if drawn < 0.3 else b"\xff") * (end - start)
    else:
        content[start:end] = random.randbytes(end - start)


def write_integer(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    size = random.choice((1, 2, 4, 4, 8))
    start = _place(content, random)
    if random.random() < 0.5:  # fields are at even places
        start -= start % size
    value = random.choice(_INTEGERS) % (1 << 8 * size)
    content[start : start + size] = value.to_bytes(size, random.choice(("little", "big")))


def count_on(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    """Make a number in the text a little larger or smaller."""
    size, order = random.choice((1, 2, 4)), random.choice(("little", "big"))
    start = _place(content, random)
    if start + size <= len(content):
        value = int.from_bytes(content[start : start + size], order) + random.choice((-16, -2, -1, 1, 2, 16))
        content[start : start + size] = (value % (1 << 8 * size)).to_bytes(size, order)


def cut(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    del content[_place(content, random) :]


def cut_front(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    del content[: random.randrange(1, 9)]


def delete(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    start, end = _stretch(content, random)
    del content[start:end]


def insert(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    start, size = _place(content, random), random.choice((1, 2, 4, 8, 64, 1024, 100_000))
    content[start:start] = random.choice((bytes(size), b"\xff" * size, random.randbytes(size)))


def duplicate(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    start, end = _stretch(content, random)
    at = end if random.random() < 0.5 else _place(content, random)
    content[at:at] = content[start:end] * random.choice((1, 1, 2, 10, 1000))


def swap(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    start, end = _stretch(content, random)
    at = _place(content, random)
    first, second = content[start:end], content[at : at + end - start]
    content[start:end] = second
    content[at : at + len(first)] = first


def splice(content: bytearray, random: Random, others: Sequence[bytes]) -> None:
    """Go on as another file does, or take over a piece of it."""
    other = random.choice(others) if others else bytes(content)
    if random.random() < 0.3 or len(other) < 64:
        start = _place(content, random)
        length = len(other) if random.random() < 0.5 else 0
        content[start : start + length] = other
        return
    start, end = _stretch(bytearray(other), random)
    if random.random() < 0.5:
        end = len(other)
    at = random.choice((start, _place(content, random)))
    content[at : at + end - start] = other[start:end]


def word(content: bytearray, random: Random, others: Sequence[bytes]) -> None:
    """Replace a word; numbers are preferred, because most of a text's information is in them."""
    tokens = list(_TOKEN.finditer(content[: 1 << 16]))
    numbers = [token for token in tokens if token[0][:1].isdigit()]
    if not tokens:
        return
    token = random.choice(numbers if numbers and random.random() < 0.5 else tokens)
    drawn = random.random()
    if drawn < 0.1:
        new = random.choice((b"9", b"a", b" ", b'"')) * random.choice((20, 400, 5000, 100_000))
    elif drawn < 0.3:
        new = bytes(random.choice(tokens)[0])
    elif drawn < 0.5 and others:
        new = random.choice(others)[:4096]
    else:
        new = random.choice(_WORDS).encode()
    content[token.start() : token.end() if random.random() < 0.8 else token.start()] = new


def line(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    """Take a line away, repeat it, put it elsewhere, or end lines in another way."""
    lines = bytes(content).split(b"\n")
    at = random.randrange(len(lines))
    drawn = random.randrange(6)
    if drawn == 0:
        del lines[at]
    elif drawn == 1:
        lines[at:at] = [lines[at]] * min(random.choice((1, 2, 100, 3000)), MOST // (len(lines[at]) + 1))
    elif drawn == 2:
        lines.insert(random.randrange(len(lines)), lines.pop(at))
    elif drawn == 3:
        lines[at] = b""
    content[:] = random.choice((b"\r\n", b"\r", b"\n\n", b"")).join(lines) if drawn > 3 else b"\n".join(lines)


def encode(content: bytearray, random: Random, _: Sequence[bytes]) -> None:
    """Say the same in another encoding, or with a mark of one in front."""
    plain = content[: 1 << 16].decode("utf-8", "replace")
    content[:] = random.choice(
        (b"\xef\xbb\xbf" + content, plain.encode("utf-16"), plain.encode("utf-32-le"), b"\xff\xfe" + content)
    )


BINARY_CHANGES: tuple[Change, ...] = (
    *(flip_bits, flip_bits, write_byte, write_byte, write_run, write_integer, write_integer, write_integer),
    *(count_on, count_on, cut, cut_front, delete, insert, duplicate, swap, splice, splice),
)
DAMAGE: tuple[Change, ...] = tuple(change for change in BINARY_CHANGES if change is not splice)
TEXT_CHANGES: tuple[Change, ...] = (word, word, word, word, word, line, line, encode)
