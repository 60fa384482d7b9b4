"""Names as they can be drawn: literally, on one line, not wider than the space for them."""

from __future__ import annotations

import functools
import unicodedata
from typing import Literal

from matplotlib import font_manager
from matplotlib.textpath import text_to_path

from picturewise.printable import escaped, printable

_BASE = "DejaVu Sans"  # comes with matplotlib: Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian, Georgian, …

# The usual fonts for other scripts on Linux, macOS and Windows; those that are installed are used.
_FURTHER = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans SC", "Noto Sans JP",
    "Noto Sans KR", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "PingFang SC",
    "Hiragino Sans", "Apple SD Gothic Neo", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Noto Sans Devanagari",
    "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Thai", "Noto Sans Ethiopic", "Nirmala UI",
    "Leelawadee UI", "Noto Emoji", "Arial Unicode MS",
)  # fmt: skip

# Letters are measured without hinting but drawn with it, which makes them up to 7 % wider (DejaVu Sans at 9 points).
_HINTING = 1.08


@functools.cache
def families() -> tuple[str, ...]:
    """Return the installed font families to draw with; the first one that has a letter is used."""
    installed = set(font_manager.fontManager.get_font_names())
    return (_BASE, *(name for name in _FURTHER if name in installed))


@functools.lru_cache(maxsize=4096)
def text_width(text: str, *, size: float, weight: str = "normal") -> float:
    """Return the width in inches of a line of `text` drawn at `size` points; rather too wide than too narrow.

    `text` is a result of `drawable` or `shortened`.
    """
    font = font_manager.FontProperties(family=list(families()), size=size, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return width / 72 * _HINTING


def drawable(text: str) -> str:
    r"""Return `text` with every character that cannot be drawn as its backslash escape.

    With escapes, names stay distinguishable if no installed font has their script; otherwise all would be empty boxes.

    >>> drawable("50 $ off_\n")
    '50 $ off_\\n'
    """
    return "".join(_pieces(text))


@functools.lru_cache(maxsize=4096)
def shortened(
    text: str, *, inches: float, size: float, weight: Literal["normal", "bold"] = "normal", prefix: str = ""
) -> str:
    """Return `prefix + drawable(text)`; if that is wider than `inches`, the middle of the text is left out.

    An ellipsis replaces what is left out. Both ends are kept, because names often differ only there
    (`flower-07-rose`, `…/0007.jpg`).
    """
    width = functools.partial(text_width, size=size, weight=weight)
    # No place in a figure has room for more than a few hundred letters; names may be very long.
    pieces = _pieces(text if len(text) < 500 else text[:250] + text[-250:])
    if len(text) < 500 and width(prefix + "".join(pieces)) <= inches:
        return prefix + "".join(pieces)
    room = inches - width(prefix + "…")
    head, tail = 0, len(pieces)
    grows = True
    while grows:  # take one piece from the front and one from the back until neither fits
        grows = False
        if head < tail and (needed := width(pieces[head])) <= room:
            head, room, grows = head + 1, room - needed, True
        if head < tail and (needed := width(pieces[tail - 1])) <= room:
            tail, room, grows = tail - 1, room - needed, True
    return prefix + "".join((*pieces[:head], "…", *pieces[tail:]))


def _pieces(text: str) -> list[str]:
    """Return the drawn characters one by one; combining marks stay with their base, and escapes are not split."""
    pieces: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        shown = printable(character)
        if any(ord(part) not in _covered() for part in shown):
            shown = escaped(character)
        if pieces and unicodedata.combining(character):
            pieces[-1] += shown
        else:
            pieces.append(shown)
    return pieces


@functools.cache
def _covered() -> frozenset[int]:
    """Return the code points that some font of `families` has."""
    return frozenset(
        code
        for name in families()
        for code in font_manager.get_font(font_manager.findfont(name)).get_charmap()
    )
