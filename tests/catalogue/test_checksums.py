from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from picturewise.catalogue.checksums import matches

CONTENT = b"weights"


@pytest.mark.parametrize(
    "checksum",
    [
        f"md5:{hashlib.md5(CONTENT).hexdigest()}",
        f"sha256:{hashlib.sha256(CONTENT).hexdigest()}",
        f"sha256-prefix:{hashlib.sha256(CONTENT).hexdigest()[:8]}",
        f"sha256-prefix:{hashlib.sha256(CONTENT).hexdigest()[:20]}",
    ],
)
def test_the_right_content_matches_and_no_other(tmp_path: Path, checksum: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    assert matches(path, checksum)
    changed = checksum[:-1] + ("0" if checksum[-1] != "0" else "1")
    assert not matches(path, changed)
    path.write_bytes(CONTENT + b"x")
    assert not matches(path, checksum)


def test_a_whole_checksum_is_never_compared_by_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    assert not matches(path, f"sha256:{hashlib.sha256(CONTENT).hexdigest()[:8]}")
    assert not matches(path, f"sha256-prefix:{hashlib.sha256(CONTENT).hexdigest()[1:9]}")
