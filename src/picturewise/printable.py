"""`visible`: people's names for things, with every character that would not show made to show."""

from __future__ import annotations

import unicodedata

# Scripts such as Persian and Devanagari need the two joiners to be written rightly.
_JOINERS = "\u200c\u200d"


def visible(text: str, *, keep: str = "") -> str:
    r"""Return `text` with what would not show, or would reorder its neighbours, as a backslash escape.

    That is: control characters and line breaks, lone surrogates (file names that are no UTF-8), and format
    characters such as the right-to-left override. Everything else, and each character of `keep`, stays.

    >>> visible("rose\n\u202egpj.exe")
    'rose\\n\\u202egpj.exe'
    >>> visible("two\nlines", keep="\n")
    'two\nlines'
    """
    if text.isprintable():  # nearly always, and much the quickest to see
        return text
    return "".join(character if character in keep else _shown(character) for character in text)


def escaped(character: str) -> str:
    r"""Return the backslash escape of one character.

    >>> escaped("花")
    '\\u82b1'
    """
    return character.encode("unicode_escape").decode("ascii")


def _shown(character: str) -> str:
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return escaped(character) if hidden and character not in _JOINERS else character
