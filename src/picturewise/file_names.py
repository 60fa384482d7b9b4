"""Names of files as text, the same in every locale, and back to the operating system's form.

Python decodes the bytes of a name according to the locale. In an ASCII locale, the two bytes of an é become two lone
surrogates, which no UTF-8 file can hold, so a class would change its name with the locale. Here the bytes are always
read as UTF-8, and a byte that is not UTF-8 becomes its backslash escape.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_BYTES = re.compile("[\udc80-\udcff]+")  # what Python decodes bytes to that the locale does not have


_USER = re.compile(r"(?<=://)[^/@\s]*@")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)(::|://)")
_QUERY = re.compile(r"\?[^\s'\"]*=[^\s'\"]*")


def text_of(name: str | os.PathLike[str]) -> str:
    r"""Return a name or path of the file system as text that can be stored in UTF-8; `path_of` finds the file again.

    >>> text_of("roses/Ros\udcc3\udca9"), text_of("caf\udce9")
    ('roses/Rosé', 'caf\\udce9')
    """
    name = os.fspath(name)
    if name.isascii():
        return name
    try:
        return os.fsencode(name).decode("utf-8")
    except UnicodeError:  # a byte that is not UTF-8, or a text that is not from a file system
        return valid(name)


def path_of(text: str | os.PathLike[str]) -> Path:
    """Return the path of a text made by `text_of`; for any other text, the path with that name."""
    text = os.fspath(text)
    if text.isascii() and "\\udc" not in text:
        return Path(text)
    found = [
        name for name in (text, _in_this_locale(text), _in_this_locale(_unescaped(text))) if _is_name(name)
    ]
    return Path(next((name for name in found if os.path.lexists(name)), found[0]))


def valid(text: str) -> str:
    r"""Return a text that UTF-8 can hold: bytes that Python could not decode are read as UTF-8, or escaped.

    >>> valid("Ros\udcc3\udca9"), valid("caf\udce9"), valid("\ud800")
    ('Rosé', 'caf\\udce9', '\\ud800')
    """
    return repaired(text).encode("utf-8", "backslashreplace").decode("utf-8")


def repaired(text: str) -> str:
    """Return a text in which bytes that Python could not decode are read as UTF-8, as far as possible."""
    return _BYTES.sub(
        lambda found: found[0].encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"), text
    )


def is_address(source: str) -> bool:
    """Return whether a source is an fsspec address and not a path.

    >>> is_address("s3://bucket/shards"), is_address("shards"), is_address("C:/shards")
    (True, False, False)
    """
    return _ADDRESS.match(source) is not None


def without_credentials(text: str) -> str:
    """Return a text with addresses in which user names, passwords and signatures are left out.

    >>> without_credentials("s3://key:secret@bucket/a.tar"), without_credentials("https://host/a.tar?X-Signature=1")
    ('s3://bucket/a.tar', 'https://host/a.tar')
    """
    if "://" not in text:
        return text
    return _QUERY.sub("", _USER.sub("", text))


def _in_this_locale(text: str) -> str:
    try:
        return os.fsdecode(text.encode("utf-8", "surrogateescape"))
    except UnicodeError:
        return text


def _unescaped(text: str) -> str:
    return re.sub(r"\\udc([89a-f][0-9a-f])", lambda found: chr(0xDC00 + int(found[1], 16)), text)


def _is_name(text: str) -> bool:
    """Return whether the operating system accepts a name."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True
