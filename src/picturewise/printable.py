"""`printable`: names and texts from outside, with every invisible character made visible."""

from __future__ import annotations

import os
import unicodedata

from picturewise.file_names import repaired, text_of

# Scripts such as Persian and Devanagari need the two joiners to be written correctly.
_JOINERS = "\u200c\u200d"


def printable(what: object, *, keep: str = "") -> str:
    r"""Return the text of a name, a path or an error, with invisible characters as backslash escapes.

    The text is in Unicode's composed form (NFC), the same in every locale. Escaped are control characters and line
    breaks, lone surrogates (bytes of file names that are not UTF-8), and format characters such as the right-to-left
    override; each character of `keep` stays. So nothing that moves a cursor or reorders its neighbours reaches a
    message or a saved file.

    >>> printable("rose\n\u202egpj.exe"), printable("caf\udce9")
    ('rose\\n\\u202egpj.exe', 'caf\\udce9')
    >>> printable("two\nlines", keep="\n")
    'two\nlines'
    """
    text = text_of(what) if isinstance(what, os.PathLike) else str(what)
    text = unicodedata.normalize("NFC", text)
    if text.isprintable():  # nearly always true, and by far the fastest check
        return text
    text = unicodedata.normalize("NFC", repaired(text))
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


def shortened(what: object, longest: int) -> str:
    """Return a text like `printable`, at most `longest` characters long: the middle of longer ones is left out.

    >>> shortened("a" * 30 + "b" * 30, 20)
    'aaaaaaaaaaaa […] bbb'
    """
    text = str(what)
    if len(text) <= longest and len(shown := printable(text)) <= longest:
        return shown
    gap = " […] "
    end = (longest - len(gap)) // 4
    # Only the part that stays is made printable: untrusted texts can have many millions of characters.
    first, last = printable(text[:longest])[: longest - len(gap) - end], printable(text[-longest:])[-end:]
    return f"{first}{gap}{last}"
