"""A result that nobody could read is no success: the standard output is closed, or its disk is full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import picturewise

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this is about a POSIX shell")


@pytest.fixture
def trained(tmp_path: Path, idx_folder: Path) -> Path:
    Image.new("L", (12, 12)).save(tmp_path / "one.png")
    picturewise.train(idx_folder, layers="flatten", epochs=1, out=tmp_path / "run", progress=False)
    return tmp_path


def shell(words: str, redirected: str, folder: Path) -> subprocess.CompletedProcess[str]:
    line = f"exec {sys.executable} -m picturewise {words} {redirected}"
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", ["predict run one.png", "predict run one.png --json", "data list", "--help"]
)
def test_a_closed_output_is_told_and_is_no_success(trained: Path, words: str) -> None:
    ended = shell(words, ">&-", trained)
    assert ended.returncode == 1
    assert ended.stderr == (
        "picturewise: the standard output is closed, so the result could not be printed. Send it to a file, or to "
        "/dev/null to do without it.\n"
    )


@pytest.mark.slow
def test_nothing_is_done_that_could_not_be_told(trained: Path) -> None:
    before = sorted(os.listdir(trained))  # noqa: PTH208
    assert shell("train bars --layers flatten --out new", ">&-", trained).returncode == 1
    assert sorted(os.listdir(trained)) == before  # noqa: PTH208


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk for everyone")
@pytest.mark.parametrize(
    "words", ["predict run one.png", "predict run one.png --json", "data list", "--version"]
)
def test_a_full_output_is_told_and_is_no_success(trained: Path, words: str) -> None:
    ended = shell(words, "> /dev/full", trained)
    assert ended.returncode == 1
    assert "cannot be written: No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


@pytest.mark.slow
def test_both_closed_is_no_success_either(trained: Path) -> None:
    assert shell("predict run one.png", ">&- 2>&-", trained).returncode == 1
