"""TOML files that users write: recipes and studies."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from picturewise.errors import UsageError

LARGEST = 1_000_000  # bytes; a recipe with a thousand layers has about ten thousand


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return the plain content of a TOML file in UTF-8, with or without a byte order mark.

    Args:
        path: the file.
        what: its kind in messages, such as "recipe".

    Raises:
        UsageError: it cannot be read, is too large, is in another encoding, or is not TOML.
    """
    return parse_toml(_content(path, what), f"The {what} {path}")


def read_text(path: Path, what: str) -> str:
    """Return the text of a TOML file in UTF-8; see `read_toml`."""
    return _decoded(_content(path, what), f"The {what} {path}")


def _content(path: Path, what: str) -> bytes:
    where = f"The {what} {path}"
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise UsageError(f"{where} cannot be read: {reason}.") from error
    if len(content) > LARGEST:
        raise UsageError(f"{where} is larger than {LARGEST:,} bytes, so it is not a {what}. Check the path.")
    return content


def parse_toml(content: bytes | str, where: str) -> dict[str, Any]:
    """Return the plain content of a TOML text.

    Args:
        content: of the file.
        where: what to call it in messages, such as "The recipe r.toml".

    Raises:
        UsageError: it is in another encoding, or is not TOML.
    """
    try:
        return tomllib.loads(content if isinstance(content, str) else _decoded(content, where))
    except RecursionError as error:
        raise UsageError(f"{where} is nested too deeply to be read.") from error
    except ValueError as error:
        raise UsageError(f"{where} is not valid TOML: {error}.") from error


def _decoded(content: bytes, where: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{where} is encoded in UTF-16. Save it again in UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{where} is not encoded in UTF-8 (line {line} contains the byte 0x{content[error.start]:02x}). Save it "
            "again in UTF-8."
        ) from error
