from __future__ import annotations

import os
from pathlib import Path

import pytest

from picturewise.errors import UsageError
from picturewise.toml_files import LARGEST, read_toml

TEXT = 'source = "Rosé"\nsize = [8, 8]\n'


@pytest.mark.parametrize(
    "content",
    [TEXT.encode(), b"\xef\xbb\xbf" + TEXT.encode(), TEXT.replace("\n", "\r\n").encode()],
    ids=["plain", "byte order mark", "Windows line ends"],
)
def test_utf8_is_read_however_an_editor_saves_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "r.toml").write_bytes(content)
    assert read_toml(tmp_path / "r.toml", "recipe") == {"source": "Rosé", "size": [8, 8]}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (TEXT.encode("utf-16"), "is encoded in UTF-16. Save it again in UTF-8."),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "is encoded in UTF-16. Save it again in UTF-8"),
        (
            b"a = 1\n# Ros\xe9\n",
            "is not encoded in UTF-8 (line 2 contains the byte 0xe9). Save it again in UTF-8.",
        ),
        (b"a: 1", "is not valid TOML: Expected '=' after a key"),
        (b"a = " + b"[" * 50_000 + b"]" * 50_000, "is nested too deeply to be read."),
        (b"a = " + b"{a = " * 50_000, "is nested too deeply to be read."),
        (b"[" + b"a." * 50_000 + b"a]\nb = 1", "is"),
        (b"#" * (LARGEST + 1), "is larger than 1,000,000 bytes, so it is not a recipe."),
        (b"a = 1\x00", "is not valid TOML"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "r.toml"
    path.write_bytes(content)
    if content.startswith(b"[a."):  # very long, but fine
        read_toml(path, "recipe")
        return
    with pytest.raises(UsageError) as caught:
        read_toml(path, "recipe")
    assert str(caught.value).startswith(f"The recipe {path} {sentence}")


def test_a_file_that_is_not_there_or_closed_to_us(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"x\.toml cannot be read: No such file or directory\.$"):
        read_toml(tmp_path / "x.toml", "study")
    with pytest.raises(UsageError, match=r"cannot be read: Is a directory\.$"):
        read_toml(tmp_path, "study")
    if os.getuid() != 0:
        (tmp_path / "y.toml").touch(mode=0)
        with pytest.raises(UsageError, match="Permission denied"):
            read_toml(tmp_path / "y.toml", "study")
