from __future__ import annotations

import os
from pathlib import Path

import pytest

from picturewise.errors import DataError
from picturewise.untrusted.regular_file import check_regular, regular_size


def test_of_a_regular_file_the_size_comes_back_through_links_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert regular_size(tmp_path / "file") == regular_size(tmp_path / "link") == 5
    assert check_regular(tmp_path / "file", "numbers") == 5


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_anything_else_is_refused_without_being_opened(kind: str, tmp_path: Path) -> None:
    path = Path("/dev/zero") if kind == "device" else tmp_path / "x"
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    assert regular_size(path) is None
    with pytest.raises(DataError) as caught:
        check_regular(path, "an IDX file")
    assert str(caught.value) == f"{path} is not a regular file. Pass an IDX file."
    with pytest.raises(DataError) as caught:
        check_regular(path)
    assert str(caught.value) == f"{path} is not a regular file."


def test_what_is_missing_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        regular_size(tmp_path / "nothing")
